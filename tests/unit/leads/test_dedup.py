"""The index of what was there before, beside one that is a dict."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.leads import dedup
from airflow_provider_engagevoice.leads.dedup import Deduplicator
from airflow_provider_engagevoice.leads.report import RejectKind

ROWS = st.tuples(st.lists(st.integers(4155550000, 4155550030), min_size=1, max_size=3), st.integers(0, 30))


class Plain:
    """The same, of two dicts."""

    def __init__(self) -> None:
        self.phones: dict[str, int] = {}
        self.ids: dict[str, int] = {}

    def admit(self, place: int, phone: str, extern_id: str) -> tuple[RejectKind, int] | None:
        phones = phone.split("|")
        for one in phones:
            if one in self.phones:
                return RejectKind.DUPLICATE_PHONE, self.phones[one]
        if extern_id in self.ids:
            return RejectKind.DUPLICATE_EXTERN_ID, self.ids[extern_id]
        self.phones.update(dict.fromkeys(phones, place))
        self.ids[extern_id] = place
        return None


def admit(index: Deduplicator, place: int, phone: str, extern_id: str) -> tuple[RejectKind, int] | None:
    """Tell the index of one row."""
    return index.admit([place], [phone], [extern_id]).get(place)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(ROWS, max_size=60),
    st.sampled_from([1, 7, 60]),
    st.sampled_from([1, 2, 7, 1000]),
    st.sampled_from([1, 3, 400]),
)
def test_it_answers_as_a_dict_does(
    rows: list[tuple[list[int], int]], at_once: int, written_at_once: int, inserted_at_once: int
) -> None:
    plain, index = Plain(), Deduplicator()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dedup, "_WRITTEN_AT_ONCE", written_at_once)
        patch.setattr(dedup, "_INSERTED_AT_ONCE", inserted_at_once)
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            places = range(first, first + len(some))
            phones = ["|".join(map(str, numbers)) for numbers, _ in some]
            ids = [f"id {number}" for _, number in some]
            expected = dict(zip(places, map(plain.admit, places, phones, ids), strict=True))
            assert index.admit(places, phones, ids) == {
                place: answer for place, answer in expected.items() if answer is not None
            }
    index.close()


def test_it_answers_as_a_dict_does_when_most_of_it_is_on_disk() -> None:
    plain, index, chance = Plain(), Deduplicator(), random.Random(5)
    answers = []
    for place in range(70_000):
        row = (place, f"+44{chance.randrange(20_0000_0000, 20_0030_0000)}", f"id {chance.randrange(300_000)}")
        answers.append(admit(index, *row))
        assert answers[-1] == plain.admit(*row)
    kinds = [answer and answer[0] for answer in answers]
    assert all(kinds.count(kind) > 1000 for kind in (None, *list(RejectKind)[1:]))
    index.close()


def test_places_may_be_large() -> None:
    index = Deduplicator()
    place = (1000 << 40) + (1 << 39)
    assert admit(index, place, "4155550123", "1") is None
    assert admit(index, 1, "4155550123", "2") == (RejectKind.DUPLICATE_PHONE, place)
    index.close()
