"""Lists of campaigns and dial groups, whatever the pages of the server are like."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import (
    PAGE_ROWS,
    list_campaigns,
    list_dial_groups,
    list_dial_groups_with_campaigns,
)
from airflow_provider_engagevoice.client.request import Procedure, Request
from airflow_provider_engagevoice.client.responses import read_response
from airflow_provider_engagevoice.exceptions import PageAnswerError, UnexpectedAnswerError, UnstableListError
from airflow_provider_engagevoice.models.campaign import Campaign

Row = dict[str, Any]
Server = Callable[[Request[Any]], list[Row]]
Enough = Callable[[Mapping[Hashable, Campaign]], bool]

COUNTS = (0, 1, 10, 15, 16, 17, 32, 99, 100, 101, 198, 200, 250, 251, 500)
NO_CAP = 10**6


def rows(count: int) -> list[Row]:
    return [{"campaignId": number, "campaignName": f"campaign {number}"} for number in range(1, count + 1)]


def pages(
    all_rows: list[Row],
    *,
    first: int = 0,
    cap: int = NO_CAP,
    beyond: str = "empty",
    hidden: Callable[[Row], bool] = lambda row: False,
) -> Server:
    """A server that counts pages from ``first`` and returns at most ``cap`` rows, whatever the request.

    :param beyond: what is past the last page: nothing, the last page again, or the first
    :param hidden: which rows are removed after the pages are cut
    """

    def respond(request: Request[Any]) -> list[Row]:
        size = min(int(request.query["maxRows"]), cap)
        number = max(int(request.query.get("page", first)) - first, 0)
        cut = [all_rows[start : start + size] for start in range(0, len(all_rows), size)] or [[]]
        if number >= len(cut):
            number = {"empty": NO_CAP, "last": len(cut) - 1, "first": 0}[beyond]
        return [row for row in cut[number] if not hidden(row)] if number < len(cut) else []

    return respond


def all_at_once(all_rows: list[Row]) -> Server:
    return lambda request: all_rows


def answer(request: Request[Any], data: object) -> Any:
    return read_response(request, httpx.Response(200, json=data), request.path, str)


class Reading:
    """Reads a list to its end.

    :ivar ids: ids of the campaigns
    :ivar requests: number of requests
    """

    def __init__(self, server: Server, enough: Enough | None = None, most: int = 100) -> None:
        self.requests = 0
        procedure = list_campaigns(1, enough)
        try:
            request = next(procedure)
            while True:
                assert isinstance(request, Request)
                self.requests += 1
                assert self.requests <= most, "the list does not end"
                request = procedure.send(answer(request, server(request)))
        except StopIteration as stop:
            self.ids = [campaign.campaignId for campaign in stop.value]


@pytest.mark.parametrize("beyond", ["empty", "last", "first"])
@pytest.mark.parametrize("cap", [16, 20, 25, 50, 99, 100, 200, 250, NO_CAP])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.few(4)
def test_every_row_is_read_once(first: int, cap: int, beyond: str) -> None:
    for count in COUNTS:
        read = Reading(pages(rows(count), first=first, cap=cap, beyond=beyond))
        assert read.ids == list(range(1, count + 1))
        # Page 1 may be the first one again, and one page is past the last. Several pages are read twice.
        number = -(-count // min(cap, PAGE_ROWS))
        assert read.requests <= (number + 2) * (1 if number <= 1 else 2)


@pytest.mark.parametrize("beyond", ["empty", "last", "first"])
@pytest.mark.parametrize("cap", [16, 99, 100, NO_CAP])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("divisor", [2, 7])
@pytest.mark.few(16)
def test_every_row_is_read_where_rows_are_hidden_after_pages_are_cut(
    first: int, cap: int, beyond: str, divisor: int
) -> None:
    def hidden(row: Row) -> bool:
        return bool(row["campaignId"] % divisor == 0)

    for count in COUNTS:
        read = Reading(pages(rows(count), first=first, cap=cap, beyond=beyond, hidden=hidden))
        assert read.ids == [number for number in range(1, count + 1) if number % divisor]


def test_a_server_that_returns_everything() -> None:
    for count in (*COUNTS, 3000):
        read = Reading(all_at_once(rows(count)))
        assert read.ids == list(range(1, count + 1))
        assert read.requests <= 3


def test_a_server_that_ignores_the_page_and_caps() -> None:
    """The rest is unreachable."""
    read = Reading(lambda request: rows(900)[:100])
    assert read.ids == list(range(1, 101))
    assert read.requests <= 3


@pytest.mark.parametrize(("first", "requests"), [(0, 2), (1, 3)])
def test_the_first_request_names_no_page_and_the_last_page_is_empty(first: int, requests: int) -> None:
    first_request = next(list_campaigns(1))
    assert isinstance(first_request, Request)
    assert dict(first_request.query) == {"maxRows": PAGE_ROWS}
    read = Reading(pages(rows(7), first=first, cap=100))
    assert (read.ids, read.requests) == (list(range(1, 8)), requests)


def test_an_empty_list_takes_one_request() -> None:
    assert Reading(all_at_once([])).requests == 1


@pytest.mark.parametrize(("wanted", "requests"), [(1, 1), (16, 1), (17, 2), (40, 3), (41, 4)])
def test_no_more_pages_are_read_than_needed(wanted: int, requests: int) -> None:
    read = Reading(pages(rows(40), cap=16), lambda found: wanted in found)
    assert read.requests == requests
    assert (wanted in read.ids) is (wanted <= 40)


def _changing(server: Server) -> Server:
    """Rows that differ at each read, like those of an active campaign."""
    clock: Iterator[int] = iter(range(10**6))
    return lambda request: [{**row, "lastPassDts": next(clock)} for row in server(request)]


@pytest.mark.parametrize("count", [10, 100, 250, 300])
def test_a_list_ends_although_its_rows_change(count: int) -> None:
    assert Reading(_changing(all_at_once(rows(count)))).ids == list(range(1, count + 1))
    for first in (0, 1):
        for beyond in ("empty", "last", "first"):
            read = Reading(_changing(pages(rows(count), first=first, cap=100, beyond=beyond)))
            assert sorted(read.ids) == list(range(1, count + 1))


class Shuffled:
    """A server whose list has another order at each request, at first or always.

    :param times: requests with another order
    """

    def __init__(self, count: int, cap: int, times: int = NO_CAP, first: int = 0) -> None:
        self._random = random.Random(7)
        self._rows = rows(count)
        self._options: dict[str, Any] = {"cap": cap, "first": first}
        self._left = times

    def __call__(self, request: Request[Any]) -> list[Row]:
        if self._left > 0:
            self._left -= 1
            self._random.shuffle(self._rows)
        return pages(self._rows, **self._options)(request)


@pytest.mark.parametrize("first", [0, 1])
def test_a_list_of_one_page_may_have_any_order(first: int) -> None:
    assert sorted(Reading(Shuffled(90, 100, first=first)).ids) == list(range(1, 91))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("cap", [16, 99])
def test_a_list_whose_order_changed_is_read_again(cap: int, first: int) -> None:
    read = Reading(Shuffled(200, cap, times=3, first=first))
    assert sorted(read.ids) == list(range(1, 201))


@pytest.mark.parametrize("first", [0, 1])
def test_a_list_whose_order_always_changes_is_a_typed_error(first: int) -> None:
    with pytest.raises(UnstableListError, match="dialGroups/1/campaigns: rows move between pages") as caught:
        Reading(Shuffled(200, 16, first=first))
    assert caught.value.retryable


def test_rows_that_suffice_are_returned_whatever_the_order() -> None:
    read = Reading(Shuffled(200, 16), lambda found: len(found) > 16)
    assert len(read.ids) > 16


@pytest.mark.parametrize("first", [0, 1])
def test_a_list_that_grows_while_it_is_read_is_read_again(first: int) -> None:
    """Newest first: the last row of each page moves to the next one."""
    stored = rows(40)
    added = iter(range(41, 44))

    def respond(request: Request[Any]) -> list[Row]:
        page = pages(stored, first=first, cap=16)(request)
        for number in added:
            stored.insert(0, {"campaignId": number, "campaignName": "new"})
            break
        return page

    assert sorted(Reading(respond).ids) == list(range(1, 44))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("deleted", [0, 5, 20])
def test_no_row_is_missed_because_another_is_deleted_while_the_list_is_read(
    first: int, after: int, deleted: int
) -> None:
    """The first row of each later page moves to the page before, which was read already."""
    stored, requests = rows(40), iter(range(1, 100))

    def respond(request: Request[Any]) -> list[Row]:
        page = pages(stored, first=first, cap=16)(request)
        if next(requests) == after:
            del stored[deleted]
        return page

    read = Reading(respond)
    assert {row["campaignId"] for row in stored} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))


def test_overlapping_pages_are_a_typed_error() -> None:
    """Each repeats the last row of the one before."""

    def respond(request: Request[Any]) -> list[Row]:
        start = 9 * int(request.query.get("page", 0))
        return rows(30)[start : start + 10]

    with pytest.raises(UnstableListError):
        Reading(respond)


ODD_ROWS = [{}, {"campaignName": "x"}, {"campaignId": None, "campaignName": None}, None, 5, "x", []]


@pytest.mark.parametrize("row", ODD_ROWS)
@pytest.mark.parametrize("first", [0, 1])
def test_rows_that_cannot_be_read_are_skipped(row: Any, first: int) -> None:
    stored = rows(30)
    stored[20:20] = [row, row]
    assert Reading(pages(stored, cap=7, first=first)).ids == list(range(1, 31))
    assert Reading(all_at_once([row])).ids == []


def test_campaigns_without_a_name_or_dates_are_read() -> None:
    nameless: list[Row] = [{"campaignId": 1, "campaignName": None, "startDate": None, "endDate": None}]
    assert Reading(all_at_once([*nameless, {"campaignId": 2}])).ids == [1, 2]


def result_of(procedure: Procedure[Any], server: Server) -> Any:
    """Run a procedure to its end."""
    try:
        request = next(procedure)
        while True:
            assert isinstance(request, Request)
            request = procedure.send(answer(request, server(request)))
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize("child", ODD_ROWS)
def test_children_that_cannot_be_read_are_skipped(child: Any) -> None:
    group = {"dialGroupId": 1, "dialGroupName": None, "campaigns": [child, {"campaignId": 2}]}
    (found,) = result_of(
        list_dial_groups_with_campaigns(), all_at_once([group, {"dialGroupId": None}, child])
    )
    assert (found.dialGroupId, found.dialGroupName) == (1, "")
    assert [campaign.campaignId for campaign in found.children()] == [2]


@pytest.mark.parametrize("children", [None, {}, "x", 5, []])
def test_children_may_be_absent(children: object) -> None:
    (found,) = result_of(list_dial_groups(), all_at_once([{"dialGroupId": 1, "campaigns": children}]))
    assert found.children() == []


@pytest.mark.parametrize("data", [None, {}, {"campaigns": []}, "x", 5, True])
def test_an_invalid_list_is_rejected(data: object) -> None:
    request = next(list_campaigns(1))
    assert isinstance(request, Request)
    with pytest.raises(UnexpectedAnswerError):
        answer(request, data)


def test_a_page_is_no_list() -> None:
    request = next(list_campaigns(1))
    assert isinstance(request, Request)
    with pytest.raises(PageAnswerError):
        read_response(request, httpx.Response(200, html="<p>Maintenance"), request.path, str)
