"""Call every endpoint of the API with clients that do not retry and time out quickly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from airflow_provider_engagevoice.client import lookup
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    clear_campaign_cache,
    clone_campaign,
    create_campaign,
    create_dial_group,
    delete_campaign,
    delete_dial_group,
    get_campaign,
    get_dial_group,
    list_accounts,
    list_campaign_lists,
    list_campaigns,
    list_countries,
    list_dial_groups,
    list_dial_groups_with_campaigns,
    list_outbound_statistics,
    update_campaign,
    update_dial_group,
)
from airflow_provider_engagevoice.client.request import Procedure, Request
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import Timeouts
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from tests.support.flows import settings_of

ONCE = RetryLimits(tries=1)
#: Seconds.
QUICK = Timeouts(connect=2, read=2, call=3)

#: Every endpoint; each call returns a new request or procedure.
CALLS: dict[str, Callable[[], Procedure[Any] | Request[Any]]] = {
    "list_accounts": list_accounts,
    "list_countries": list_countries,
    "list_dial_groups": list_dial_groups,
    "list_dial_groups_with_campaigns": list_dial_groups_with_campaigns,
    "get_dial_group": lambda: get_dial_group(1),
    "create_dial_group": lambda: create_dial_group({}),
    "update_dial_group": lambda: update_dial_group(1, {}),
    "delete_dial_group": lambda: delete_dial_group(1),
    "list_campaigns": lambda: list_campaigns(1),
    "get_campaign": lambda: get_campaign(1, 2),
    "create_campaign": lambda: create_campaign(1, {}),
    "update_campaign": lambda: update_campaign(1, 2, {}),
    "delete_campaign": lambda: delete_campaign(1, 2),
    "clone_campaign": lambda: clone_campaign(1, 2, "x"),
    "clear_campaign_cache": lambda: clear_campaign_cache(1, 2),
    "list_outbound_statistics": list_outbound_statistics,
    "list_campaign_lists": lambda: list_campaign_lists(1, 2),
    "find_dial_group": lambda: lookup.find_dial_group("Renewals"),
    "find_campaign": lambda: lookup.find_campaign("Holiday Renewals"),
    "find_campaign by id": lambda: lookup.find_campaign(2),
}
call_names = st.sampled_from(sorted(CALLS))


def client(flow: str = "api_token", url: str = "https://host.example") -> EngageVoiceClient:
    settings = settings_of(flow, url, account_id="1", timeouts=QUICK)
    return EngageVoiceClient(settings, limits=ONCE)


def run(client: EngageVoiceClient, what: Procedure[Any] | Request[Any]) -> Any:
    """Return the result, or the typed error."""
    try:
        return client.run(what)
    except EngageVoiceError as error:
        result = error
    wait = getattr(result, "retry_after", None)
    assert str(result)
    assert wait is None or wait >= 0
    return result
