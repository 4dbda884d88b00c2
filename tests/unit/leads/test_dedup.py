"""The deduplicator, compared with one made of dicts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.leads import dedup
from airflow_provider_engagevoice.leads.dedup import Deduplicator, Duplicate
from airflow_provider_engagevoice.leads.report import RejectKind
from tests.support.cases import cases

ROWS = st.tuples(
    st.lists(st.integers(4155550000, 4155550030), min_size=1, max_size=3, unique=True), st.integers(0, 30)
)


class DictDeduplicator:
    """A deduplicator of two dicts."""

    def __init__(self, retain: bool = False) -> None:
        self.retain = retain
        self.phones: dict[str, int] = {}
        self.ids: dict[str, int] = {}

    def add(self, position: int, phone: str, extern_id: str) -> Duplicate | None:
        phones = phone.split("|")
        found = [self.phones.get(one) for one in phones]
        known = [one for one in found if one is not None]
        if len(known) == len(found) and not (self.retain and extern_id not in self.ids):
            return Duplicate(RejectKind.DUPLICATE_PHONE, known[0])
        if extern_id in self.ids:
            return Duplicate(RejectKind.DUPLICATE_EXTERN_ID, self.ids[extern_id])
        for one in phones:
            self.phones.setdefault(one, position)
        self.ids[extern_id] = position
        if not known or self.retain:
            return None
        return Duplicate(None, known[0], tuple(at for at, one in enumerate(found) if one is not None))


def add(index: Deduplicator, position: int, phone: str, extern_id: str) -> Duplicate | None:
    """Add one row."""
    return index.add([position], [phone], [extern_id]).get(position)


@settings(max_examples=cases(200), deadline=None)
@given(
    st.lists(ROWS, max_size=60),
    st.sampled_from([1, 7, 60]),
    st.sampled_from([1, 2, 7, 1000]),
    st.sampled_from([1, 3, 400]),
    st.booleans(),
)
def test_it_returns_what_dicts_return(
    rows: list[tuple[list[int], int]], at_once: int, written_at_once: int, inserted_at_once: int, retain: bool
) -> None:
    plain, index = DictDeduplicator(retain), Deduplicator(retain_phones=retain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dedup, "_WRITE_BATCH", written_at_once)
        patch.setattr(dedup, "_INSERT_BATCH", inserted_at_once)
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            positions = range(first, first + len(some))
            phones = ["|".join(map(str, numbers)) for numbers, _ in some]
            ids = [f"id {number}" for _, number in some]
            expected = dict(zip(positions, map(plain.add, positions, phones, ids), strict=True))
            assert index.add(positions, phones, ids) == {
                position: result for position, result in expected.items() if result is not None
            }
    index.close()


def test_it_returns_what_dicts_return_when_most_of_it_is_on_disk() -> None:
    plain, index, chance = DictDeduplicator(), Deduplicator(), random.Random(5)
    results = []
    for position in range(70_000):
        row = (
            position,
            f"+44{chance.randrange(20_0000_0000, 20_0030_0000)}",
            f"id {chance.randrange(300_000)}",
        )
        results.append(add(index, *row))
        assert results[-1] == plain.add(*row)
    kinds = [result and result[0] for result in results]
    assert all(kinds.count(kind) > 1000 for kind in (None, *list(RejectKind)[1:]))
    index.close()


def test_positions_may_be_large() -> None:
    index = Deduplicator()
    position = (1000 << 40) + (1 << 39)
    assert add(index, position, "4155550123", "1") is None
    assert add(index, 1, "4155550123", "2") == Duplicate(RejectKind.DUPLICATE_PHONE, position)
    index.close()


def test_only_a_number_that_another_lead_has_is_dropped() -> None:
    index = Deduplicator()
    assert add(index, 1, "4155550101", "1") is None
    assert add(index, 2, "4155550102|4155550101|4155550103", "2") == Duplicate(None, 1, (1,))
    assert add(index, 3, "4155550101|4155550104", "3") == Duplicate(None, 1, (0,))
    assert add(index, 4, "4155550104|4155550103", "4") == Duplicate(RejectKind.DUPLICATE_PHONE, 3)
    index.close()


def test_retained_phones_are_no_duplicates_but_rows_that_are_equal_are() -> None:
    index = Deduplicator(retain_phones=True)
    assert add(index, 1, "4155550101", "1") is None
    assert add(index, 2, "4155550101", "2") is None
    assert add(index, 3, "4155550101", "1") == Duplicate(RejectKind.DUPLICATE_PHONE, 1)
    assert add(index, 4, "4155550102", "1") == Duplicate(RejectKind.DUPLICATE_EXTERN_ID, 1)
    index.close()
