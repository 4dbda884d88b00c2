"""Keep dates free of calls by the hours of the days of the week, which are all that the vendor has.

A campaign has hours for each day of the week, and the vendor does not say whose clock they are read by: the
account's, the called person's, or that of UTC. So a date is kept free on every clock from UTC-12 to UTC+14,
in both of its meanings: no call is made while it is that date in the zone of the campaign, and none while it
is that date on the clock by which the hours are read.

The day of the week of the date is closed, and hours of its neighbors that may be part of the date elsewhere,
from when the same day of the week before is over until the date is. Nothing needs to be done at a certain
time: any run within that time closes the day, and any run after it opens it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self

from airflow_provider_engagevoice.dates import first_instant, read_zone
from airflow_provider_engagevoice.models.schedule import (
    CLOSED,
    SCHEDULE_FIELDS,
    minute_of,
    raw_hours,
    read_day,
)

#: How far clocks are ahead of UTC, at least and at most.
WESTERNMOST, EASTERNMOST = timedelta(hours=-12), timedelta(hours=14)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
#: Days before and after a date that may be part of it on other clocks.
_NEIGHBORS = range(-2, 3)
_MINUTE = timedelta(minutes=1)
#: Days for which other dates have no effect.
_NEAR = 10


@dataclass(slots=True)
class DayLimit:
    """What a day of the week has instead of its hours.

    :param hours: ``HHMMHHMM``; ``00000000`` for a closed day
    :param dates: ISO dates that it keeps free
    """

    hours: str
    dates: list[str]


@dataclass(slots=True)
class Exclusion:
    """The dates on which a campaign makes no calls.

    :param timezone: IANA time zone of the dates
    :param dates: ISO dates
    :param hours: the vendor's seven fields as they are without excluded dates
    :param limits: by field, what was written last instead of its hours
    """

    timezone: str
    dates: list[str]
    hours: dict[str, str]
    limits: dict[str, DayLimit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # From JSON.
        limits: Mapping[str, Any] = self.limits
        self.limits = {
            name: one if isinstance(one, DayLimit) else DayLimit(**one) for name, one in limits.items()
        }

    def with_dates_of(self, other: Exclusion | None) -> Self:
        """Return the same with the dates of another one, too."""
        return self if other is None else replace(self, dates=sorted({*self.dates, *other.dates}))

    def for_hours(self, hours: Mapping[str, str | None]) -> Self:
        """Return the same for the hours that a campaign has, without limits.

        :param hours: by field, others may be among them; for a day without hours, those known stay
        """
        return replace(self, hours={name: hours[name] or own for name, own in self.hours.items()}, limits={})

    def usual(self, name: str, hours: str) -> str:
        """Return the hours of a field; the usual ones in place of what was written last instead of them."""
        limit = self.limits.get(name)
        return self.hours[name] if limit is not None and limit.hours == hours else hours

    def limits_at(self, now: datetime) -> dict[str, DayLimit]:
        """Return which fields have to have other hours than usual at an instant.

        :param now: aware
        """
        parts: dict[str, list[_Part]] = {}
        for part in self._parts_near(now):
            if part.since <= now < part.until:
                parts.setdefault(SCHEDULE_FIELDS[part.weekday], []).append(part)
        limits = {
            name: DayLimit(_without(self.hours[name], found), sorted({one.date for one in found}))
            for name, found in parts.items()
        }
        return {name: one for name, one in limits.items() if one.hours != self.hours[name]}

    def shortened(self, name: str, now: datetime) -> set[str]:
        """Return the hours that a field may have been given for single dates around an instant."""
        parts = [one for one in self._parts_near(now) if SCHEDULE_FIELDS[one.weekday] == name]
        return {_without(self.hours[name], [one]) for one in parts} - {self.hours[name]}

    def _parts_near(self, now: datetime) -> Iterator[_Part]:
        """Yield the parts of the days of the week that may be closed around an instant."""
        zone, today = read_zone(self.timezone), now.astimezone(UTC).date()
        for day in map(date.fromisoformat, self.dates):
            if abs((day - today).days) < _NEAR:
                yield from _parts(day, zone)

    def opens(
        self, fields: Mapping[str, Any], now: datetime, *, within: timedelta = _WEEK
    ) -> dict[str, DayLimit]:
        """Return which of some fields would be open when they have to be closed.

        :param within: how soon a date begins somewhere
        """
        limits = {
            name: one
            for name, one in self.limits_at(now).items()
            if any(_first_instant(date) - within <= now for date in one.dates)
        }
        return {
            name: limits[name] for name in limits if name in fields and is_open(fields[name], limits[name])
        }


def _first_instant(day: str) -> datetime:
    """Return when a date begins on the first clock of all."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC) - EASTERNMOST


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a day of the week that is closed for some time.

    :param weekday: 0 for Monday
    :param begins: since the day's midnight; so is ``ends``
    :param since: first instant at which it is to be closed
    :param until: instant from which on it need not be
    :param date: ISO date that it keeps free
    """

    weekday: int
    begins: timedelta
    ends: timedelta
    since: datetime
    until: datetime
    date: str


def _parts(day: date, zone: Any) -> Iterator[_Part]:
    """Yield the parts of the days of the week that may be part of a date.

    While it is that date in ``zone``, clocks elsewhere show a time between the date's begin at the
    westernmost clock and its end at the easternmost one.
    """
    start, end = first_instant(day, zone), first_instant(day + _DAY, zone)
    first = (start + WESTERNMOST).replace(tzinfo=None)
    last = (end + EASTERNMOST).replace(tzinfo=None)
    for days in _NEIGHBORS:
        other = day + days * _DAY
        midnight = datetime.combine(other, time())
        begins, ends = max(first, midnight) - midnight, min(last, midnight + _DAY) - midnight
        if begins < ends:
            until = end
            if other == day:
                # It is also that date on other clocks, for longer.
                until = (midnight + _DAY - WESTERNMOST).replace(tzinfo=UTC)
            # When the same day of the week before is over; earlier for none than for the date's own.
            since = first_instant(max(day, other) - _WEEK + _DAY, zone)
            yield _Part(other.weekday(), begins, ends, since, until, day.isoformat())


def _without(hours: str, parts: Iterable[_Part]) -> str:
    """Return hours without parts of the day, each of which begins at its midnight or ends there."""
    try:
        day = read_day(hours)
    except ValueError:
        return CLOSED
    if day is None:
        return hours
    opens, closes = minute_of(day.opens), minute_of(day.closes)
    for part in parts:
        if part.begins:
            closes = min(closes, part.begins // _MINUTE)
        elif part.ends < _DAY:
            opens = max(opens, -(-part.ends // _MINUTE))
        else:
            return CLOSED
    if opens >= closes:
        return CLOSED
    return raw_hours(opens, closes)


def is_open(stored: object, limit: DayLimit) -> bool:
    """Return whether a day with stored hours is open when a limit says that it is closed."""
    try:
        day, allowed = read_day(str(stored)), read_day(limit.hours)
    except ValueError:
        return True
    if day is None:
        return False
    return allowed is None or day.opens < allowed.opens or day.closes > allowed.closes


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the hours of a campaign.

    :param writes: field to hours
    :param kept: fields that someone else has set, which stay: field to what was wanted
    :param limits: what then is written instead of the usual hours
    """

    writes: dict[str, str]
    kept: dict[str, str]
    limits: dict[str, DayLimit]


def decide(exclusion: Exclusion, stored: Mapping[str, Any], now: datetime) -> Decision:
    """Return what to do with the hours of a campaign at an instant.

    Only fields are written that have their usual hours or what was written last; others were set by a person.

    :param stored: hours that the campaign has
    """
    limits = exclusion.limits_at(now)
    decision = Decision({}, {}, {})
    for name in SCHEDULE_FIELDS:
        limit, last = limits.get(name), exclusion.limits.get(name)
        if limit is None and last is None:
            continue
        usual = exclusion.hours[name]
        wanted = usual if limit is None else limit.hours
        if stored.get(name) == wanted:
            # What a person has closed is not opened again.
            if limit is not None and last is not None and last.hours == wanted:
                decision.limits[name] = limit
        elif _is_ours(stored.get(name), usual, last, limit) or (
            # Written by a run that was killed, and so does not know of it.
            limit is not None
            and is_open(stored.get(name), limit)
            and stored.get(name) in exclusion.shortened(name, now)
        ):
            decision.writes[name] = wanted
            if limit is not None:
                decision.limits[name] = limit
        else:
            decision.kept[name] = wanted
            if limit is not None and last is not None:
                decision.limits[name] = last
    return decision


def _is_ours(stored: object, usual: str, last: DayLimit | None, limit: DayLimit | None) -> bool:
    if last is None:
        return stored == usual
    if stored == last.hours:
        return True
    # Usual hours in place of a limit were set by a person, unless that limit was for other dates.
    return stored == usual and limit is not None and not set(limit.dates) & set(last.dates)
