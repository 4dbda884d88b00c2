"""Shared by the property tests of this folder: sizes, numbers of cases, and the values to try."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, wraps
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.cases import cases

#: Cases tried, by the name of the test.
COUNTS: Counter[str] = Counter()
#: Timeout of one case in seconds: bodies are small, so anything slower scales badly with its input.
LONGEST_CASE = 5.0


def is_full() -> bool:
    """Return whether the full size was requested."""
    return os.environ.get("ENGAGEVOICE_FULL", "") not in ("", "0")


def run_cases(short: int, full: int, **strategies: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Test a property with this number of cases, each limited in time, and count them."""

    def decorate(test: Callable[..., None]) -> Any:
        @settings(
            max_examples=full if is_full() else cases(short),
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(**strategies)
        @wraps(test)
        def tried(*args: Any, **case: Any) -> None:
            COUNTS[test.__name__] += 1
            began = time.monotonic()
            test(*args, **case)
            assert time.monotonic() - began < LONGEST_CASE

        return tried

    return decorate


# JSON as a server may send it: Python's parser also accepts NaN, infinities and lone surrogates.

numbers = st.integers(-(2**63), 2**63) | st.sampled_from([0, -1, 10**30, -0.0, 1e308]) | st.floats()
texts = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "None",
        "0",
        "\ud83d",
        "\x00",
        "2026-07-01T07:00:00.000+0000",
        "9999-12-31T23:59:59-2359",
        "08002100",
    ]
)
scalars = st.none() | st.booleans() | numbers | texts
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def encoded(value: Any) -> bytes:
    """Return JSON as bytes that any parser decodes to the same value."""
    return json.dumps(value).encode()


def objects(fields: list[str], **identity: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these fields, of any value, and mostly with a valid identity."""
    some = st.dictionaries(st.sampled_from(fields) | texts, jsons, max_size=6)
    good = st.fixed_dictionaries(identity)
    return st.builds(lambda fields, identity: {**fields, **identity}, some, good) | some


# Times, most of them near a daylight saving transition.

ZONES = (
    "America/Los_Angeles",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Gaza",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "UTC",
)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2037, 12, 1, tzinfo=UTC)
zone_names = st.sampled_from(ZONES)


@cache
def changes_of_clocks(name: str) -> tuple[datetime, ...]:
    """Return the instants, to the second, at which a zone's offset from UTC changes."""
    zone, found = ZoneInfo(name), []
    early = EARLIEST
    while early < LATEST:
        late = early + timedelta(hours=12)
        if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset():
            low, high = early, late
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                same = middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high)
        early = late
    return tuple(found)


def instants_near(name: str) -> st.SearchStrategy[datetime]:
    """Instants, UTC, whole milliseconds; most within hours of a transition."""
    anywhere = st.datetimes(
        EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
    )
    changes = changes_of_clocks(name)
    if changes:
        about = st.timedeltas(timedelta(hours=-30), timedelta(hours=30)) | st.builds(
            lambda minutes: timedelta(minutes=minutes), st.integers(-180, 180)
        )
        anywhere |= st.builds(lambda change, by: change + by, st.sampled_from(changes), about)
    return anywhere.map(lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000))


#: A zone and some instants near its transitions.
in_zones = zone_names.flatmap(
    lambda name: st.tuples(st.just(name), st.lists(instants_near(name), min_size=2, max_size=5))
)
