"""The vendor's API: one function per endpoint, which returns a request. Here are lists in pages."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

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


class _FreshPages(Generic[R]):
    """The pages of a list until one is empty or without new rows: a server may cap pages at any number.

    Only the keys of the first and the last page are kept: a row that moves by more than a page during the
    reads may be missing or come twice.

    :ivar number: of the next page; None for the default page
    """

    def __init__(self, key: Callable[[R], Hashable]) -> None:
        self._key = key
        self._first: set[Hashable] = set()
        self._last: set[Hashable] = set()
        self.number: int | None = None
        self.has_ended = False

    def fresh(self, rows: Sequence[R]) -> list[R]:
        """Note the rows of the next page, and return those that are new."""
        keys = set(map(self._key, rows))
        if self.number is None:
            self._first = self._last = keys
            self.number, self.has_ended = 1, not rows
            return list(rows)
        known = self._first | self._last
        fresh = [row for row in rows if self._key(row) not in known]
        if fresh:
            self._last = keys
        elif self.number > 1 or not rows:
            self.has_ended = True
        self.number += 1
        return fresh


def each_page(
    run: Callable[[Request[list[R]]], list[R]],
    request_page: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
) -> Iterator[list[R]]:
    """Yield the new rows of each page, see :class:`_FreshPages`.

    :param run: sends a request and returns its result
    :param request_page: returns the request for a page; None for the default page
    """
    pages = _FreshPages(key)
    while not pages.has_ended:
        if fresh := pages.fresh(run(request_page(pages.number))):
            yield fresh


def visit_pages(
    request_page: Callable[[int | None], Request[list[R]]],
    key: Callable[[R], Hashable],
    visit: Callable[[list[R]], object],
) -> Procedure[None]:
    """Call a function with the new rows of each page, see :func:`each_page`; no page is kept."""
    pages = _FreshPages(key)
    while not pages.has_ended:
        if fresh := pages.fresh((yield from request_page(pages.number))):
            visit(fresh)
