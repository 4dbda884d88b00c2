"""Lists of any length, a page at a time, in the memory of a few pages."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from airflow_provider_engagevoice.client.methods import SyncMethods
from airflow_provider_engagevoice.client.paging import may_be_full
from airflow_provider_engagevoice.client.request import Request

R = TypeVar("R")


def each_page(
    client: SyncMethods,
    ask: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
    page_rows: int,
) -> Iterator[list[R]]:
    """Yield pages until one is short or empty or brings nothing new.

    They are counted as :func:`~airflow_provider_engagevoice.client.paging.every_page` counts them. Of keys
    only those of the first page and of the last one are kept: a row that moves by more than a page while
    others come and go may be missing, or there twice.

    :param ask: makes the request for a page, None for the one that the server gives unasked
    :param page_rows: rows asked for
    """
    last = client.run(ask(None))
    first = known = {key(row) for row in last}
    if last:
        yield last
    page = 1
    while may_be_full(last, page_rows):
        found = client.run(ask(page))
        fresh = [row for row in found if key(row) not in known and key(row) not in first]
        if fresh:
            yield fresh
            last, known = found, {key(row) for row in found}
        elif page > 1:
            return
        page += 1
