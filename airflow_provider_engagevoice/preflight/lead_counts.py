"""Where the leads of a list are: counts by state and time zone, and nothing about a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.coerce import BadValueError, is_missing, text_of
from airflow_provider_engagevoice.leads.mapping import MappingPlan, describe_columns
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.leads.sources.base import Batch, Source
from airflow_provider_engagevoice.models.lead import PHONE, PHONE_E164, ZIP
from airflow_provider_engagevoice.models.phone import BadNumberError
from airflow_provider_engagevoice.preflight import places

_USA, _STATE = "USA", "state"
_NOWHERE: frozenset[str] = frozenset()


class Place(NamedTuple):
    """Where a lead may be: a rule must hold in each state and zone.

    :param states: empty if unknown
    :param zones: IANA time zones; empty if unknown
    :param is_weak: whether only an area code says so, which people keep when they move
    """

    states: frozenset[str]
    zones: frozenset[str]
    is_weak: bool


class LeadCounts:
    """How many leads are at each place.

    :param by_place: numbers of leads
    """

    def __init__(self, by_place: Mapping[Place, int]) -> None:
        self.by_place = Counter(by_place)

    @property
    def total(self) -> int:
        """All leads."""
        return self.by_place.total()

    @property
    def weak(self) -> int:
        """Leads whose states follow from an area code alone."""
        return self._count(lambda place: place.is_weak and bool(place.states))

    @property
    def nowhere(self) -> int:
        """Leads of which no state is known."""
        return self._count(lambda place: not place.states)

    def in_states(self, states: Iterable[str]) -> int:
        """Return how many leads may be in one of some states."""
        wanted = frozenset(states)
        return self._count(lambda place: not wanted.isdisjoint(place.states))

    @cached_property
    def states(self) -> frozenset[str]:
        """All states that leads may be in."""
        return _NOWHERE.union(*(place.states for place in self.by_place))

    @cached_property
    def zones(self) -> frozenset[str]:
        """All time zones that leads may be in."""
        return _NOWHERE.union(*(place.zones for place in self.by_place))

    def _count(self, holds: Callable[[Place], bool]) -> int:
        return sum(count for place, count in self.by_place.items() if holds(place))


def count_leads(sources: Iterable[Source], plan: MappingPlan, country: str) -> LeadCounts:
    """Read lists, and count where their leads are.

    A lead's own state comes first, then its ZIP, then the area code of each of its numbers. Only the USA has
    states here.

    :param plan: which columns are ``state``, ``zip`` and the phone
    :param country: of the phones, three letters
    :raises BadSourceError: if a source is damaged, or has none of these columns
    """
    counts: Counter[Place] = Counter()
    locate = _Locator(country)
    for source in sources:
        fields = None
        if source.columns is not None:
            plan.check_named(source.columns, source.name)
            fields = plan.bind(source.columns, source.name).fields()
        for batch in source.batches(fields):
            counts.update(locate.places(batch, plan, source.name))
    return LeadCounts(counts)


class _Locator:
    def __init__(self, country: str) -> None:
        self._is_usa = country == _USA
        self._phones = Phones(country, special=True)

    def places(self, batch: Batch, plan: MappingPlan, source: str) -> Iterator[Place]:
        """Yield the place of each row that is a lead."""
        binding = plan.bind(batch.columns, source)
        columns = [binding.columns_for(*names) for names in ((_STATE,), (ZIP,), (PHONE, PHONE_E164))]
        if not any(columns):
            raise BadSourceError(
                f"no column is mapped to state, zip or {PHONE}; name one in "
                f"mapping={{'<column>': 'state'}}{describe_columns(batch.columns, _STATE)}",
                source=source,
            )
        empty = [None] * len(batch.numbers)
        cells: list[Sequence[object]] = [batch.cells(one[0]) if one else empty for one in columns]
        for state, zip_code, phone in zip(*cells, strict=True):
            if not (is_missing(state) and is_missing(zip_code) and is_missing(phone)):
                yield self._place(state, zip_code, phone)

    def _place(self, state: object, zip_code: object, phone: object) -> Place:
        if not self._is_usa:
            return Place(_NOWHERE, _NOWHERE, False)
        states = places.states_of(_text(state)) or places.states_of_zip(_text(zip_code))
        if states:
            return Place(states, places.zones_of(states), False)
        found = [_place_of_number(number[:6]) for number in self._numbers(phone)]
        if len(found) == 1:
            return found[0]
        states = _NOWHERE.union(*(one.states for one in found))
        return Place(states, _NOWHERE.union(*(one.zones for one in found)), True)

    def _numbers(self, phone: object) -> list[str]:
        try:
            return [one for one in self._phones.read(phone).split(SEPARATOR) if one]
        except BadNumberError:
            # The loader rejects it.
            return []


@lru_cache(maxsize=20_000)
def _place_of_number(digits: str) -> Place:
    return Place(places.states_of_number(digits), places.zones_of_number(digits), True)


def _text(cell: object) -> str:
    try:
        return text_of(cell)
    except BadValueError:
        return ""
