"""Leads and other lists of any length, from servers with different first pages and caps."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import itemgetter
from typing import Any

import pytest

from airflow_provider_engagevoice.client.endpoints import each_page
from airflow_provider_engagevoice.client.endpoints.leads import (
    SEARCH_ROWS,
    Row,
    search_leads,
    search_leads_page,
)
from airflow_provider_engagevoice.client.methods import SyncMethods
from airflow_provider_engagevoice.client.request import Request, run_steps


def lead_pages(server: SyncMethods) -> Iterator[list[Row]]:
    ask = partial(search_leads_page, {"campaignIds": [1]})
    return each_page(server.run, ask, itemgetter("leadId"))


class Server(SyncMethods):
    """Counts pages from ``first`` and returns at most ``cap`` rows.

    :param beyond: what is past the last page: nothing, the last page again, or the first
    """

    def __init__(self, count: int, *, first: int = 1, cap: int = 10_000, beyond: str = "empty") -> None:
        self.count, self.first, self.cap, self.beyond = count, first, cap, beyond
        self.requests = 0
        #: Leads before the first one, loaded by others during the test.
        self.inserted = 0

    def run(self, request: Any) -> Any:
        assert isinstance(request, Request)
        self.requests += 1
        assert self.requests < 100_000, "the list does not end"
        size = min(int(request.query["maxRows"]), self.cap)
        number = max(int(request.query.get("page", self.first)) - self.first, 0)
        ids = range(-self.inserted, self.count)
        pages = max(1, -(-len(ids) // size))
        if number >= pages:
            if self.beyond == "empty":
                return []
            number = pages - 1 if self.beyond == "last" else 0
        return [{"leadId": one} for one in ids[number * size : (number + 1) * size]]


def found(server: Server) -> list[int]:
    return [row["leadId"] for page in lead_pages(server) for row in page]


@pytest.mark.parametrize("beyond", ["empty", "last", "first"])
@pytest.mark.parametrize("cap", [16, 99, 100, 10_000])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 499, 500, 501, 1000, 1234])
def test_each_lead_is_returned_once(count: int, first: int, cap: int, beyond: str) -> None:
    assert found(Server(count, first=first, cap=cap, beyond=beyond)) == list(range(count))


def test_the_end_takes_few_requests() -> None:
    server = Server(SEARCH_ROWS * 4 - 1)
    found(server)
    # Four pages, the first one again, which shows that pages count from 1, and an empty one.
    assert server.requests == 6


def test_leads_that_move_to_the_next_page_are_returned_once() -> None:
    server = Server(2000)
    ids = []
    for page in lead_pages(server):
        ids += [row["leadId"] for row in page]
        server.inserted += 20
    assert len(ids) == len(set(ids))
    assert set(range(2000)) <= set(ids)


def test_memory_does_not_grow_with_the_number_of_leads() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        assert sum(len(page) for page in lead_pages(Server(count))) == count
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(200_000) < 1.5 * peak(5_000)


def search(server: Server, enough: Callable[[Iterable[Row]], bool] | None = None) -> list[int]:
    return [row["leadId"] for row in run_steps(search_leads({}, enough), server.run)]


@pytest.mark.parametrize("beyond", ["empty", "last", "first"])
@pytest.mark.parametrize("cap", [16, 99, 100, 10_000])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 499, 500, 501, 1234])
def test_each_lead_is_found_once(count: int, first: int, cap: int, beyond: str) -> None:
    assert search(Server(count, first=first, cap=cap, beyond=beyond)) == list(range(count))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (499, 1), (SEARCH_ROWS, 1)])
def test_a_search_that_finds_all_leads_takes_one_request(count: int, requests: int, first: int) -> None:
    server = Server(count, first=first)
    assert len(search(server, lambda rows: len(list(rows)) == count)) == count
    assert server.requests == requests


def test_leads_that_move_between_pages_are_no_error() -> None:
    class Moving(Server):
        def run(self, request: Any) -> Any:
            self.inserted += 20
            return super().run(request)

    found = search(Moving(2000))
    assert len(found) == len(set(found))
    assert set(range(2000)) <= set(found)
