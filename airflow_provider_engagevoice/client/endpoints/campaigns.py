"""Endpoints of accounts, dial groups and campaigns, and of what campaigns do now.

Paths, parameters and status codes are those of the vendor's OpenAPI file and campaign document;
the rate limit of statistics is that of its document on real-time campaign operations.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from airflow_provider_engagevoice.client.endpoints import every_page, page_query
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import OBJECT_BYTES, Idempotency, Procedure, Request
from airflow_provider_engagevoice.models.campaign import Account, Campaign, Country, DialGroup
from airflow_provider_engagevoice.models.real_time import OutboundStatistics
from airflow_provider_engagevoice.models.resource import Resource

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

#: Requested rows per page. The vendor documents neither a default nor a cap.
PAGE_ROWS = 250

_ACCOUNT = "admin/accounts/{accountId}"
_GROUPS = f"{_ACCOUNT}/dialGroups"


def list_accounts() -> Request[list[Account]]:
    """List the sub-accounts the signed-in user can see."""
    return Request("GET", "admin/accounts", _many(Account), Idempotency.SAFE)


def list_countries() -> Request[list[Country]]:
    """List the countries that campaigns of the account can dial."""
    return Request("GET", f"{_ACCOUNT}/countries/available", _many(Country), Idempotency.SAFE)


def list_dial_groups() -> Procedure[list[DialGroup]]:
    """List all dial groups of the account, page by page."""
    return (yield from _every_page(_GROUPS, DialGroup, "dialGroupId"))


def list_dial_groups_with_campaigns() -> Procedure[list[DialGroup]]:
    """List all dial groups with their campaigns (:meth:`DialGroup.children`), page by page."""
    return (yield from _every_page(f"{_GROUPS}/withChildren", DialGroup, "dialGroupId"))


def get_dial_group(dial_group_id: int) -> Request[DialGroup]:
    """Read one dial group."""
    return _object("GET", f"{_GROUPS}/{dial_group_id}", DialGroup.from_server, Idempotency.SAFE)


def create_dial_group(body: Mapping[str, Any]) -> Request[DialGroup]:
    """Create a dial group. Names are not unique: after a lost response, check the server."""
    return _object("POST", _GROUPS, DialGroup.from_server, Idempotency.UNSAFE, body=body)


def update_dial_group(dial_group_id: int, body: Mapping[str, Any]) -> Request[DialGroup]:
    """Replace a dial group with ``body``, the whole object."""
    return _object(
        "PUT", f"{_GROUPS}/{dial_group_id}", DialGroup.from_server, Idempotency.IDEMPOTENT, body=body
    )


def delete_dial_group(dial_group_id: int) -> Request[None]:
    """Delete a dial group."""
    return _object("DELETE", f"{_GROUPS}/{dial_group_id}", _nothing, Idempotency.IDEMPOTENT)


def list_campaigns(
    dial_group_id: int, enough: Callable[[Mapping[Hashable, Campaign]], bool] | None = None
) -> Procedure[list[Campaign]]:
    """List all campaigns of a dial group, page by page. Rows that cannot be read are skipped.

    :param enough: returns whether the campaigns so far, by id, suffice. Default: read all pages
    :raises UnstableListError: if campaigns move between pages at each reading
    """
    path = f"{_GROUPS}/{dial_group_id}/campaigns"
    return (yield from _every_page(path, Campaign, "campaignId", enough))


def get_campaign(dial_group_id: int, campaign_id: int, *, followers: int = 0) -> Request[Campaign]:
    """Read one campaign.

    :param followers: number of requests that follow at once, and must not wait for a permit
    """
    path = _campaign(dial_group_id, campaign_id)
    return _object(
        "GET", path, Campaign.from_server, Idempotency.SAFE, may_be_absent=True, followers=followers
    )


def create_campaign(dial_group_id: int, body: Mapping[str, Any]) -> Request[Campaign]:
    """Create a campaign. There is no idempotency key and names are not unique."""
    return _object(
        "POST", f"{_GROUPS}/{dial_group_id}/campaigns", Campaign.from_server, Idempotency.UNSAFE, body=body
    )


def update_campaign(dial_group_id: int, campaign_id: int, body: Mapping[str, Any]) -> Request[Campaign]:
    """Replace a campaign with ``body``, the whole object: omitted fields are dropped."""
    path = _campaign(dial_group_id, campaign_id)
    return _object("PUT", path, Campaign.from_server, Idempotency.IDEMPOTENT, body=body)


def delete_campaign(dial_group_id: int, campaign_id: int) -> Request[None]:
    """Delete a campaign."""
    return _object("DELETE", _campaign(dial_group_id, campaign_id), _nothing, Idempotency.IDEMPOTENT)


def clone_campaign(
    dial_group_id: int, campaign_id: int, new_name: str, country_code: str = "USA"
) -> Request[Campaign]:
    """Copy a campaign in its dial group, with its dates and its state."""
    return _object(
        "POST",
        f"{_campaign(dial_group_id, campaign_id)}/clone",
        Campaign.from_server,
        Idempotency.UNSAFE,
        query={"newCampaignName": new_name, "newCountryCode": country_code},
    )


def unanswered(write: Request[Any]) -> Request[None]:
    """Return a write whose answer is not read: what the API answers is documented for few of them."""
    return replace(write, read=_nothing, ignores_body=True)


def at_once(write: Request[Any]) -> Request[None]:
    """Return a write that is sent right after the read that it was made from, or not at all."""
    return replace(unanswered(write), is_follower=True, after_read=True)


def clear_campaign_cache(dial_group_id: int, campaign_id: int) -> Request[bool]:
    """Make the dialer reload the campaign."""
    path = f"{_campaign(dial_group_id, campaign_id)}/clearCache"
    return _object("POST", path, bool, Idempotency.IDEMPOTENT)


def list_campaign_lists(dial_group_id: int, campaign_id: int) -> Request[list[dict[str, Any]]]:
    """List the lead lists loaded into a campaign."""
    path = f"{_campaign(dial_group_id, campaign_id)}/lists"
    return Request("GET", path, _rows, Idempotency.SAFE)


def list_outbound_statistics() -> Request[list[OutboundStatistics]]:
    """List the account's campaigns with their current leads and the calls of the day, in one response.

    The vendor asks for 10 to 30 seconds between two requests.
    """
    return Request(
        "GET",
        f"{_ACCOUNT}/realTimeData/outbound",
        _many(OutboundStatistics),
        Idempotency.SAFE,
        rate_limit=RATE_LIMITS["real_time_data"],
    )


def _object(
    method: str, path: str, read: Callable[[Any], T], idempotency: Idempotency, **options: Any
) -> Request[T]:
    """Return a request whose response has one object at most."""
    return Request(method, path, read, idempotency, max_bytes=OBJECT_BYTES, **options)


def _campaign(dial_group_id: int, campaign_id: int) -> str:
    return f"{_GROUPS}/{dial_group_id}/campaigns/{campaign_id}"


def _every_page(
    path: str,
    model: type[R],
    key: str,
    enough: Callable[[Mapping[Hashable, R]], bool] | None = None,
) -> Procedure[list[R]]:
    def read(data: Any) -> list[R | None]:
        if not isinstance(data, list):
            raise TypeError("expected a JSON array")
        return [_readable(model, row) for row in data]

    def request_page(page: int | None) -> Request[list[R | None]]:
        return Request("GET", path, read, Idempotency.SAFE, query=page_query(page, PAGE_ROWS))

    return (yield from every_page(request_page, attrgetter(key), enough))


def _readable(model: type[R], row: Any) -> R | None:
    try:
        return model.from_server(row)
    except (ValueError, TypeError):
        return None


def _rows(data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise TypeError("expected a JSON array of objects")
    return data


def _many(model: type[R]) -> Callable[[Any], list[R]]:
    return lambda data: [model.from_server(row) for row in _rows(data)]


def _nothing(data: Any) -> None:
    return None
