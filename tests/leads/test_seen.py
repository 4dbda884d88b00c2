"""The index of what was there before, beside one that is a dict."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.leads import seen
from airflow_provider_engagevoice.leads.items import RejectKind
from airflow_provider_engagevoice.leads.seen import Seen

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


@settings(max_examples=200, deadline=None)
@given(st.lists(ROWS, max_size=60), st.sampled_from([1, 2, 7, 1000]))
def test_it_answers_as_a_dict_does(rows: list[tuple[list[int], int]], written_at_once: int) -> None:
    plain, index = Plain(), Seen()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "_WRITTEN_AT_ONCE", written_at_once)
        for place, (phones, number) in enumerate(rows, 1):
            row = (place, "|".join(map(str, phones)), f"id {number}")
            assert index.admit(*row) == plain.admit(*row)
    index.close()


def test_it_answers_as_a_dict_does_when_most_of_it_is_on_disk() -> None:
    plain, index, chance = Plain(), Seen(), random.Random(5)
    answers = []
    for place in range(70_000):
        row = (place, f"+44{chance.randrange(20_0000_0000, 20_0030_0000)}", f"id {chance.randrange(300_000)}")
        answers.append(index.admit(*row))
        assert answers[-1] == plain.admit(*row)
    kinds = [answer and answer[0] for answer in answers]
    assert all(kinds.count(kind) > 1000 for kind in (None, *list(RejectKind)[1:]))
    index.close()


def test_places_may_be_large() -> None:
    index = Seen()
    place = (1000 << 40) + (1 << 39)
    assert index.admit(place, "4155550123", "1") is None
    assert index.admit(1, "4155550123", "2") == (RejectKind.DUPLICATE_PHONE, place)
    index.close()
