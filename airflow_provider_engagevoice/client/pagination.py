"""Pagination."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from airflow_provider_engagevoice.client.request import Procedure, Request

R = TypeVar("R")


def every_page(
    request_page: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
    page_rows: int,
    enough: Callable[[Mapping[Hashable, R]], bool] | None = None,
) -> Procedure[list[R]]:
    """Read pages until one is short, empty or without new rows; return one row per key.

    Neither the number of the first page nor a cap on ``maxRows`` is documented, and a missed page means a
    duplicate campaign or lead. So the first request names no page, a page 1 that repeats its rows means that
    pages count from 1, and a page is short only if its length cannot be a server's cap (caps are round).

    :param request_page: returns the request for a page; None for the default page
    :param page_rows: requested rows per page
    :param enough: returns whether the rows so far, by key, suffice
    """
    last = yield from request_page(None)
    rows: dict[Hashable, R] = {key(row): row for row in last}
    page = 1
    while may_be_full(last, page_rows) and not (enough and enough(rows)):
        rows_of_page = yield from request_page(page)
        more = {key(row): row for row in rows_of_page}
        if more.keys() - rows.keys():
            last = rows_of_page
        elif page > 1:
            break
        rows |= more
        page += 1
    return list(rows.values())


def page_query(page: int | None, page_rows: int) -> dict[str, int]:
    """Return the query for a page; None for the default page."""
    return {"maxRows": page_rows} if page is None else {"page": page, "maxRows": page_rows}


def may_be_full(rows: Sequence[Any], page_rows: int) -> bool:
    """Return whether another page may follow: a page is short only if its length cannot be a server's cap."""
    length = len(rows)
    return length > 0 and (length >= page_rows or length % 10 == 0 or length % 25 == 0)


def each_page(
    run: Callable[[Request[list[R]]], list[R]],
    request_page: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
    page_rows: int,
) -> Iterator[list[R]]:
    """Yield pages until one is short, empty or without new rows, as :func:`every_page` does.

    Only the keys of the first and the last page are kept: a row that moves by more than a page during the
    reads may be missing or returned twice.

    :param run: sends a request and returns its result
    :param request_page: returns the request for a page; None for the default page
    :param page_rows: requested rows per page
    """
    last = run(request_page(None))
    first = known = {key(row) for row in last}
    if last:
        yield last
    page = 1
    while may_be_full(last, page_rows):
        rows = run(request_page(page))
        fresh = [row for row in rows if key(row) not in known and key(row) not in first]
        if fresh:
            yield fresh
            last, known = rows, {key(row) for row in rows}
        elif page > 1:
            return
        page += 1
