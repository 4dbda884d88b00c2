"""Dialects: what the vendor's documents leave open, each point with the values that must all be safe.

``docs/vendor-behavior.md`` says the same in plain words.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from random import Random

#: Rows of a page, as the server cuts it.
CAPS = {"none": 10_000, "100": 100, "16": 16, "99": 99}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One server. Each default is the friendly value."""

    first_page: str = "0"
    cap: str = "none"
    order: str = "by id"
    list_shows: str = "at once"
    get_shows: str = "at once"
    create_answer: str = "stored"
    create_state: str = "as sent"
    clone_answer: str = "copy"
    clone_copies: str = "dates and state"
    put_answer: str = "stored"
    names: str = "as sent"
    date_precision: str = "milliseconds"
    date_format: str = "documented"
    numbers: str = "documented"
    list_rows: str = "whole"
    unknown: str = "404 JSON"
    delete: str = "gone"
    sparse_put: str = "dropped"
    day_hours_zone: str = "account"
    end_date: str = "exclusive"
    maintenance: str = "none"
    maintenance_length: str = "minutes"
    too_many: str = "seconds"

    def with_values(self, values: dict[str, str]) -> Dialect:
        """Return the dialect with other values of some points."""
        return replace(self, **values)

    def differing(self) -> dict[str, str]:
        """Return the values that are not the friendly ones."""
        friendly = Dialect()
        return {
            name: getattr(self, name) for name in VALUES if getattr(self, name) != getattr(friendly, name)
        }


#: Each point with its values, the friendly one first.
VALUES: dict[str, tuple[str, ...]] = {
    "first_page": ("0", "1"),
    "cap": ("none", "100", "16", "99", "any", "filtered after the cut"),
    "order": ("by id", "by name", "another each time"),
    "list_shows": ("at once", "after 1 s", "after 5 s", "after 30 s", "never"),
    "get_shows": ("at once", "after some requests", "404 for a moment"),
    "create_answer": (
        "stored",
        "echo",
        "echo without id",
        "id",
        "201 empty",
        "202 empty",
        "late",
        "late, connection broken",
        "existing row of that name",
        "409 for that name",
        "409 whatever the case",
    ),
    "create_state": ("as sent", "0"),
    "clone_answer": ("copy", "source", "id", "empty", "403", "404", "405", "200 HTML"),
    "clone_copies": ("dates and state", "settings", "nested rows"),
    "put_answer": ("stored", "echo", "empty"),
    "names": ("as sent", "trimmed", "cut", "case folded", "NFC"),
    "date_precision": ("milliseconds", "seconds", "minutes", "days"),
    "date_format": ("documented", "Z", "+0530", "no milliseconds"),
    "numbers": ("documented", "text", "boolean isActive"),
    "list_rows": ("whole", "without dates", "nulls in other rows"),
    "unknown": ("404 JSON", "404 HTML", "403", "200 HTML"),
    "delete": ("gone", "gone later", "not gone", "405"),
    "sparse_put": ("dropped", "refused", "merged"),
    "day_hours_zone": ("account", "lead", "UTC"),
    "end_date": ("exclusive", "inclusive", "whole day"),
    "maintenance": ("none", "502", "503", "200 HTML"),
    "maintenance_length": ("minutes", "longer than the task"),
    "too_many": ("seconds", "date", "1, for the whole window", "no header"),
}

#: What was seen, or is most probable; points that are not named have their friendly value.
LIKELY: dict[str, tuple[str, ...]] = {
    "cap": ("100",),
    "list_shows": ("after 1 s",),
    "create_state": ("0",),
    "clone_answer": ("source", "404"),
    "names": ("trimmed",),
    "date_precision": ("seconds",),
    "day_hours_zone": ("lead",),
    "maintenance": ("502", "503"),
    "too_many": ("1, for the whole window",),
}

#: Cells in which a task may end with a typed error, if nothing dials and nothing is lost.
REFUSABLE: frozenset[tuple[str, str]] = frozenset(
    {
        ("order", "another each time"),
        ("list_shows", "never"),
        ("create_answer", "late"),
        ("create_answer", "late, connection broken"),
        ("names", "cut"),
        ("names", "case folded"),
        ("date_precision", "minutes"),
        ("date_precision", "days"),
        ("delete", "not gone"),
        ("delete", "405"),
        ("maintenance_length", "longer than the task"),
    }
)

BUNDLES = ("friendly", "likely", "hostile", "mixed")
_FEW_ODD = (1, 1, 2, 3)


def draw(bundle: str, random: Random) -> Dialect:
    """Draw a dialect of a bundle; ``mixed`` is mostly one of the others with few odd values, so that a
    failure has few possible causes."""
    if bundle == "friendly":
        return Dialect()
    if bundle == "likely":
        return _likely(random)
    if bundle == "hostile":
        return Dialect(**{name: random.choice(values) for name, values in VALUES.items()})
    if bundle != "mixed":
        raise ValueError(f"no bundle {bundle!r}; choose one of {', '.join(BUNDLES)}")
    if random.random() < 0.15:
        return draw("hostile", random)
    base = _likely(random) if random.random() < 0.4 else Dialect()
    odd = random.sample(list(VALUES), random.choice(_FEW_ODD))
    return base.with_values({name: random.choice(VALUES[name]) for name in odd})


def _likely(random: Random) -> Dialect:
    return Dialect(**{name: random.choice(values) for name, values in LIKELY.items()})


def cells(dialect: Dialect) -> list[tuple[str, str]]:
    """Return the points of a dialect with their values."""
    return [(field.name, getattr(dialect, field.name)) for field in fields(dialect)]
