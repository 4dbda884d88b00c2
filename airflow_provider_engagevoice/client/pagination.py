"""Reading lists page by page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from airflow_provider_engagevoice.client.request import Procedure, Request

R = TypeVar("R")


def every_page(
    ask: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
    page_rows: int,
    enough: Callable[[Mapping[Hashable, R]], bool] | None = None,
) -> Procedure[list[R]]:
    """Read pages until one is short or empty or brings nothing new; one row per key.

    Neither the number of the first page nor a cap on ``maxRows`` is documented, and a page overlooked is a
    campaign or a lead made twice. So the first request names no page, a page 1 that repeats it tells that
    pages count from 1, and a page counts as short only when its length cannot be a server's cap (caps are
    round).

    :param ask: makes the request for a page, None for the one that the server gives unasked
    :param page_rows: rows asked for
    :param enough: told all rows by key so far, says whether no further page is needed
    """
    last = yield from ask(None)
    rows: dict[Hashable, R] = {key(row): row for row in last}
    page = 1
    while may_be_full(last, page_rows) and not (enough and enough(rows)):
        found = yield from ask(page)
        more = {key(row): row for row in found}
        if more.keys() - rows.keys():
            last = found
        elif page > 1:
            break
        rows |= more
        page += 1
    return list(rows.values())


def page_query(page: int | None, page_rows: int) -> dict[str, int]:
    """Return the query that asks for a page; None for the one that the server gives unasked."""
    return {"maxRows": page_rows} if page is None else {"page": page, "maxRows": page_rows}


def may_be_full(rows: Sequence[Any], page_rows: int) -> bool:
    """Tell whether another page may follow: a page is short only when its length cannot be a server's cap."""
    length = len(rows)
    return length > 0 and (length >= page_rows or length % 10 == 0 or length % 25 == 0)


def each_page(
    run: Callable[[Request[list[R]]], list[R]],
    ask: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
    page_rows: int,
) -> Iterator[list[R]]:
    """Yield pages until one is short or empty or brings nothing new.

    Pages end as they do for :func:`every_page`. Only the keys of the first and the last page are kept: a row
    that moves by more than a page while others come and go may be missing, or returned twice.

    :param run: sends a request and returns its result
    :param ask: makes the request for a page, None for the one that the server gives unasked
    :param page_rows: rows asked for
    """
    last = run(ask(None))
    first = known = {key(row) for row in last}
    if last:
        yield last
    page = 1
    while may_be_full(last, page_rows):
        found = run(ask(page))
        fresh = [row for row in found if key(row) not in known and key(row) not in first]
        if fresh:
            yield fresh
            last, known = found, {key(row) for row in found}
        elif page > 1:
            return
        page += 1
