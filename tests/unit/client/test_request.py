"""client/endpoints/: every endpoint, and pagination."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.client.endpoints import campaigns as endpoints
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    PAGE_ROWS,
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
    update_campaign,
    update_dial_group,
)
from airflow_provider_engagevoice.client.methods import AsyncMethods, SyncMethods
from airflow_provider_engagevoice.client.request import PROVISIONING, Idempotency, Procedure, Request
from airflow_provider_engagevoice.client.responses import read_response
from airflow_provider_engagevoice.exceptions import EngageVoiceError

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
    "list_campaign_lists": (list_campaign_lists(1, 2), "GET", f"{CAMPAIGN}/lists", SAFE),
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoints(name: str) -> None:
    made, method, path, idempotency = ENDPOINTS[name]
    request = made if isinstance(made, Request) else next(made)
    assert (request.method, request.path, request.idempotency) == (method, path, idempotency)
    assert (request.body is not None) is (method == "PUT" or name.startswith("create"))
    assert request.body in (None, BODY)
    assert request.rate_limit is PROVISIONING


def test_every_endpoint_is_in_the_table_and_a_method_of_both_clients() -> None:
    public = {
        name
        for name, value in vars(endpoints).items()
        if callable(value)
        and getattr(value, "__module__", "") == endpoints.__name__
        and not name.startswith("_")
    }
    assert public == set(ENDPOINTS)
    for name in public:
        assert callable(getattr(SyncMethods, name))
        assert callable(getattr(AsyncMethods, name))


def test_the_clone_has_its_name_and_country_in_the_query() -> None:
    assert clone_campaign(1, 2, "A new name").query == {
        "newCampaignName": "A new name",
        "newCountryCode": "USA",
    }
    assert clone_campaign(1, 2, "x", "CAN").query["newCountryCode"] == "CAN"


Row = dict[str, Any]
Server = Callable[[Request[Any]], list[Row]]


def rows(count: int) -> list[Row]:
    return [{"campaignId": number, "campaignName": f"campaign {number}"} for number in range(1, count + 1)]


def counted(all_rows: list[Row], first: int, cap: int, beyond: str = "empty") -> Server:
    """A server that counts pages from ``first`` and returns at most ``cap`` rows, whatever the request.

    :param beyond: what is past the last page: nothing, the last page again, or the first
    """

    def respond(request: Request[Any]) -> list[Row]:
        size = min(int(request.query["maxRows"]), cap)
        number = max(int(request.query.get("page", first)) - first, 0)
        pages = [all_rows[start : start + size] for start in range(0, len(all_rows), size)] or [[]]
        if number < len(pages):
            return pages[number]
        return {"empty": [], "last": pages[-1], "first": pages[0]}[beyond]

    return respond


def all_at_once(all_rows: list[Row]) -> Server:
    return lambda request: all_rows


def first_only(all_rows: list[Row], cap: int) -> Server:
    """A server that ignores the page and caps its rows, so that the rest is unreachable."""
    return lambda request: all_rows[:cap]


def as_an_engine_reads(request: Request[Any], data: object) -> Any:
    return read_response(request, httpx.Response(200, json=data), request.path, str)


def read_list(server: Server, most: int = 40) -> tuple[list[int], int]:
    """Return the ids and the number of requests."""
    procedure = list_campaigns(1)
    request = next(procedure)
    for count in range(1, most):
        try:
            request = procedure.send(as_an_engine_reads(request, server(request)))
        except StopIteration as stop:
            return [campaign.campaignId for campaign in stop.value], count
    raise AssertionError("the list does not end")


COUNTS = (0, 1, 9, 10, 11, 24, 25, 30, 99, 100, 101, 200, 249, 250, 251, 499, 500, 501, 750)


@pytest.mark.parametrize("beyond", ["empty", "last", "first"])
@pytest.mark.parametrize("cap", [20, 25, 50, 100, 200, 250, 1000])
@pytest.mark.parametrize("first", [0, 1])
def test_every_row_is_read_once(first: int, cap: int, beyond: str) -> None:
    for count in COUNTS:
        ids, requests = read_list(counted(rows(count), first, cap, beyond), most=60)
        assert ids == list(range(1, count + 1))
        assert requests <= count // min(cap, 250) + 4


def test_a_server_that_returns_everything() -> None:
    for count in (*COUNTS, 3000):
        ids, requests = read_list(all_at_once(rows(count)))
        assert ids == list(range(1, count + 1))
        assert requests <= 3


def test_a_server_that_ignores_the_page_and_caps() -> None:
    ids, requests = read_list(first_only(rows(900), 100))
    assert ids == list(range(1, 101))
    assert requests <= 3


def test_a_short_list_takes_one_request_that_names_no_page() -> None:
    procedure = list_campaigns(1)
    assert dict(next(procedure).query) == {"maxRows": PAGE_ROWS}
    assert read_list(counted(rows(7), 1, 100)) == (list(range(1, 8)), 1)


def _changing(server: Server) -> Server:
    """Rows that differ at each read, like those of an active campaign."""
    clock: Iterator[int] = iter(range(10**6))
    return lambda request: [{**row, "lastPassDts": next(clock)} for row in server(request)]


@pytest.mark.parametrize("count", [10, 100, 250, 300])
def test_a_list_ends_although_its_rows_change(count: int) -> None:
    assert read_list(_changing(all_at_once(rows(count))))[0] == list(range(1, count + 1))
    for first in (0, 1):
        for beyond in ("empty", "last", "first"):
            ids, _ = read_list(_changing(counted(rows(count), first, 100, beyond)))
            assert sorted(ids) == list(range(1, count + 1))


def test_a_list_ends_although_its_order_changes() -> None:
    turned = [rows(100)]

    def respond(request: Request[Any]) -> list[Row]:
        turned[0] = turned[0][1:] + turned[0][:1]
        return turned[0]

    assert sorted(read_list(respond)[0]) == list(range(1, 101))


@pytest.mark.parametrize(
    "row", [{}, {"campaignId": 1}, {"campaignName": "x"}, {"campaignId": None, "campaignName": None}]
)
def test_an_invalid_campaign_is_a_typed_error(row: Row) -> None:
    with pytest.raises(EngageVoiceError):
        read_list(all_at_once([*rows(2), row]))


@pytest.mark.parametrize("child", [{}, {"campaignId": 1}, 5])
def test_an_invalid_child_is_a_typed_error(child: object) -> None:
    def find() -> Procedure[None]:
        for group in (yield from list_dial_groups_with_campaigns()):
            group.children()

    procedure = find()
    request = next(procedure)
    group = {"dialGroupId": 1, "dialGroupName": "g", "campaigns": [child]}
    with pytest.raises(EngageVoiceError):
        procedure.send(as_an_engine_reads(request, [group]))


@pytest.mark.parametrize("data", [None, {}, "x", [1], [[]], [None]])
def test_an_invalid_list_is_rejected(data: object) -> None:
    with pytest.raises(TypeError):
        next(list_campaigns(1)).read(data)
