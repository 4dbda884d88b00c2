"""client/endpoints/campaigns.py: every endpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints import campaigns as endpoints
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    at_once,
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
    unanswered,
    update_campaign,
    update_dial_group,
)
from airflow_provider_engagevoice.client.endpoints.leads import load_leads, search_leads_page
from airflow_provider_engagevoice.client.methods import AsyncMethods, SyncMethods
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import (
    PROVISIONING,
    Idempotency,
    Procedure,
    Request,
    Reserve,
    ServerTime,
)
from tests.simulation.answers import Answer
from tests.simulation.client import Permits, SimulatedClient
from tests.support.clocks import FakeClock

ACCOUNT = "admin/accounts/{accountId}"
GROUPS = f"{ACCOUNT}/dialGroups"
CAMPAIGN = f"{GROUPS}/1/campaigns/2"
BODY = {"campaignName": "x"}
SAFE, IDEMPOTENT, UNSAFE = Idempotency.SAFE, Idempotency.IDEMPOTENT, Idempotency.UNSAFE

ENDPOINTS: dict[str, tuple[Request[Any] | Procedure[Any], str, str, Idempotency]] = {
    "list_accounts": (list_accounts(), "GET", "admin/accounts", SAFE),
    "list_countries": (list_countries(), "GET", f"{ACCOUNT}/countries/available", SAFE),
    "list_dial_groups": (list_dial_groups(), "GET", GROUPS, SAFE),
    "list_dial_groups_with_campaigns": (
        list_dial_groups_with_campaigns(),
        "GET",
        f"{GROUPS}/withChildren",
        SAFE,
    ),
    "get_dial_group": (get_dial_group(1), "GET", f"{GROUPS}/1", SAFE),
    "create_dial_group": (create_dial_group(BODY), "POST", GROUPS, UNSAFE),
    "update_dial_group": (update_dial_group(1, BODY), "PUT", f"{GROUPS}/1", IDEMPOTENT),
    "delete_dial_group": (delete_dial_group(1), "DELETE", f"{GROUPS}/1", IDEMPOTENT),
    "list_campaigns": (list_campaigns(1), "GET", f"{GROUPS}/1/campaigns", SAFE),
    "get_campaign": (get_campaign(1, 2), "GET", CAMPAIGN, SAFE),
    "create_campaign": (create_campaign(1, BODY), "POST", f"{GROUPS}/1/campaigns", UNSAFE),
    "update_campaign": (update_campaign(1, 2, BODY), "PUT", CAMPAIGN, IDEMPOTENT),
    "delete_campaign": (delete_campaign(1, 2), "DELETE", CAMPAIGN, IDEMPOTENT),
    "clone_campaign": (clone_campaign(1, 2, "A new name"), "POST", f"{CAMPAIGN}/clone", UNSAFE),
    "clear_campaign_cache": (clear_campaign_cache(1, 2), "POST", f"{CAMPAIGN}/clearCache", IDEMPOTENT),
    "list_outbound_statistics": (
        list_outbound_statistics(),
        "GET",
        f"{ACCOUNT}/realTimeData/outbound",
        SAFE,
    ),
    "list_campaign_lists": (list_campaign_lists(1, 2), "GET", f"{CAMPAIGN}/lists", SAFE),
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoints(name: str) -> None:
    made, method, path, idempotency = ENDPOINTS[name]
    request = made if isinstance(made, Request) else next(made)
    assert (request.method, request.path, request.idempotency) == (method, path, idempotency)
    assert (request.body is not None) is (method == "PUT" or name.startswith("create"))
    assert request.body in (None, BODY)
    limit = RATE_LIMITS["real_time_data"] if name == "list_outbound_statistics" else PROVISIONING
    assert request.rate_limit is limit


def test_every_endpoint_is_in_the_table_and_a_method_of_both_clients() -> None:
    public = {
        name
        for name, value in vars(endpoints).items()
        if callable(value)
        and getattr(value, "__module__", "") == endpoints.__name__
        and not name.startswith("_")
    }
    # Those two convert requests.
    assert public - {"unanswered", "at_once"} == set(ENDPOINTS)
    for name in ENDPOINTS:
        assert callable(getattr(SyncMethods, name))
        assert callable(getattr(AsyncMethods, name))


def test_the_clone_has_its_name_and_country_in_the_query() -> None:
    assert clone_campaign(1, 2, "A new name").query == {
        "newCampaignName": "A new name",
        "newCountryCode": "USA",
    }
    assert clone_campaign(1, 2, "x", "CAN").query["newCountryCode"] == "CAN"


def test_an_unanswered_write_differs_only_in_its_answer() -> None:
    for write in (update_campaign(1, 2, BODY), delete_campaign(1, 2), create_campaign(1, BODY)):
        request = unanswered(write)
        assert request.read({"campaignId": "no number"}) is None
        assert replace(request, read=write.read, ignores_body=False) == write
        follower = at_once(write)
        assert (follower.after_read, follower.permits) == (True, 0)
        assert replace(follower, after_read=False, is_follower=False) == request


def test_a_read_before_a_write_differs_only_in_its_permits() -> None:
    read, before = get_campaign(1, 2), get_campaign(1, 2, followers=1)
    assert (read.permits, before.permits) == (1, 2)
    assert replace(before, followers=0) == read


@pytest.mark.parametrize("hours", [-30, 0, 30])
def test_the_servers_time_does_not_depend_on_this_machines_clock(hours: int) -> None:
    server_time = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def procedure() -> Procedure[datetime]:
        yield from list_accounts()
        return (yield from ServerTime())

    with clock.use(FakeClock(server_time.timestamp() + hours * 3600)):
        steps = SimulatedClient(Permits(), "100%").steps(procedure())
        next(steps)
        steps.send(0.0)
        answer = Answer(200, b"[]", server_time.timestamp())
        answer.request = SimpleNamespace(url=SimpleNamespace(path=""))
        with pytest.raises(StopIteration) as ended:
            steps.send(answer)
    assert ended.value.value == server_time


def test_a_permit_that_is_reserved_is_not_acquired_again() -> None:
    """So the request is sent right after what the procedure reads in between."""
    load = load_leads(2, b"{}")

    def procedure() -> Procedure[None]:
        yield Reserve(load)
        yield from search_leads_page({})
        yield from replace(load, is_follower=True)

    steps = SimulatedClient(Permits(), "100%").steps(procedure())
    happened = [next(steps), steps.send(0.0), steps.send(0.0)]
    limits = [step.rate_limit.name for step in happened]
    assert limits == ["lead_loader_direct", "lead_search", "lead_search"]
    assert [type(step) for step in happened] == [PermitRequest, PermitRequest, Request]
    answer = Answer(200, b"[]", 0.0)
    answer.request = SimpleNamespace(url=SimpleNamespace(path=""))
    assert steps.send(answer) == replace(load, is_follower=True)
