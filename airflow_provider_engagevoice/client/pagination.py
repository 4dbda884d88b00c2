"""Pagination."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

from airflow_provider_engagevoice.client.request import Procedure, Request
from airflow_provider_engagevoice.exceptions import UnstableListError

R = TypeVar("R")


#: Readings of a list whose pages contradict each other.
_READINGS = 4


def every_page(
    request_page: Callable[[int | None], Request[list[R]] | Request[list[R | None]]],
    key: Callable[[R], Hashable],
    enough: Callable[[Mapping[Hashable, R]], bool] | None = None,
    *,
    may_move: bool = False,
) -> Procedure[list[R]]:
    """Read pages until one is empty or repeats an earlier one, and return one row per key.

    Neither the number of the first page, nor a cap on ``maxRows``, nor the order of the rows is documented,
    and a row that is missed means a duplicate campaign. So the first request names no page, a page 1 that
    repeats its rows means that pages count from 1, and a short page is not taken for the last. If a row is on
    two pages, another may be on none: the list is read again. A deletion between two pages moves a row to the
    page that was just read, and leaves no trace: a list of several pages is read twice.

    :param request_page: returns the request for a list of rows, given a page, or None for the default page;
        rows that cannot be read are None
    :param enough: returns whether the rows so far, by key, suffice
    :param may_move: accept a row on two pages: the list changes all the time, and a missed row does no harm
    :raises UnstableListError: if rows move between pages at each reading
    """
    earlier: dict[Hashable, R] = {}
    for _ in range(_READINGS):
        rows, pages = yield from _read_pages(request_page, key, enough, may_move)
        if not pages:
            continue
        if pages == 1 or earlier or enough or may_move:
            return list((earlier | rows).values())
        earlier = rows
    raise UnstableListError(
        f"{request_page(None).path}: rows move between pages while the list is read, so some may be missing"
    )


def _read_pages(
    request_page: Callable[[int | None], Request[list[R]] | Request[list[R | None]]],
    key: Callable[[R], Hashable],
    enough: Callable[[Mapping[Hashable, R]], bool] | None,
    may_move: bool,
) -> Procedure[tuple[dict[Hashable, R], int]]:
    """Return the rows by key, and the number of pages: 0 if one is on two and they do not suffice."""
    page = yield from request_page(None)
    first = last = rows = {key(row): row for row in page if row is not None}
    number = pages = 1
    while page and not (enough and enough(rows)):
        page = yield from request_page(number)
        of_page = {key(row): row for row in page if row is not None}
        repeats = of_page.keys() in (first.keys(), last.keys())
        if number > 1 and (repeats or (may_move and of_page.keys() <= rows.keys())):
            break
        is_unstable = not repeats and not may_move and not of_page.keys().isdisjoint(rows.keys())
        rows = rows | of_page
        if is_unstable and not (enough and enough(rows)):
            return rows, 0
        pages += bool(of_page) and not repeats
        last = of_page
        number += 1
    return rows, pages


def page_query(page: int | None, page_rows: int) -> dict[str, int]:
    """Return the query for a page; None for the default page."""
    return {"maxRows": page_rows} if page is None else {"page": page, "maxRows": page_rows}


def each_page(
    run: Callable[[Request[list[R]]], list[R]],
    request_page: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
) -> Iterator[list[R]]:
    """Yield pages until one is empty or without new rows: a server may cap pages at any number.

    Only the keys of the first and the last page are kept: a row that moves by more than a page during the
    reads may be missing or returned twice.

    :param run: sends a request and returns its result
    :param request_page: returns the request for a page; None for the default page
    """
    last = run(request_page(None))
    first = known = {key(row) for row in last}
    if last:
        yield last
    page = 1
    while last:
        rows = run(request_page(page))
        fresh = [row for row in rows if key(row) not in known and key(row) not in first]
        if fresh:
            yield fresh
            last, known = rows, {key(row) for row in rows}
        elif page > 1 or not rows:
            return
        page += 1
