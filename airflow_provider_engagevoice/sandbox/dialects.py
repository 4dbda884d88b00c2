"""Dialects: what the vendor's documents leave open, each point with the values that a server may have.

``docs/vendor-behavior.md`` says what the points of campaigns mean, ``docs/sandbox.md`` the others. The
simulations of the tests have the points of campaigns and of leads, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Final


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
    z_dates: str = "accepted"
    refresh_token: str = "hours"
    phone_list: str = "both"
    audit_log: str = "open"
    lead_answer: str = "adds up"
    lead_found: str = "at once"
    remove_all_existing: str = "all leads"
    file_columns: str = "from 0"
    list_names: str = "kept"
    phone_search: str = "exact text"

    def __post_init__(self) -> None:
        for name, values in VALUES.items():
            if (value := getattr(self, name)) not in values:
                raise ValueError(f"{name}={value!r}: must be one of {', '.join(values)}")

    def with_values(self, values: Mapping[str, str]) -> Dialect:
        """Return the dialect with other values of some points.

        :raises ValueError: for an unknown point or value; the message names the right ones
        """
        for name in values:
            if name not in VALUES:
                close = get_close_matches(str(name), VALUES, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise ValueError(f"{name!r} is not a point of a dialect{hint} Points: {', '.join(VALUES)}")
        return replace(self, **values)

    def differing(self) -> dict[str, str]:
        """Return the values that are not the friendly ones."""
        return {name: value for name, value in cells(self) if value != VALUES[name][0]}


CAMPAIGN_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
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
"""The points of campaigns and their values, the friendly one first."""

LEAD_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "lead_answer": (
        "adds up",
        "fewer accepted than sent",
        "0 supplied without a status",
        "late, connection broken",
    ),
    "lead_found": ("at once", "after 2 s", "after a minute"),
    "remove_all_existing": ("all leads", "those loaded with it"),
    "file_columns": ("from 0", "from 1"),
    "list_names": ("kept", "cut at 50"),
    "phone_search": ("exact text", "any form"),
}
"""The points of leads and their values, the friendly one first."""

VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    **CAMPAIGN_VALUES,
    "z_dates": ("accepted", "refused"),
    "refresh_token": ("hours", "a day", "for ever", "with the access token"),
    "phone_list": ("both", "JSON", "multipart"),
    "audit_log": ("open", "403"),
    **LEAD_VALUES,
}
"""All points and their values, the friendly one first."""

LIKELY: Final[Mapping[str, tuple[str, ...]]] = {
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
"""What was seen, or is most probable; points that are not named have their friendly value."""

REFUSABLE: Final[frozenset[tuple[str, str]]] = frozenset(
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
"""Values under which a task may end with a typed error, if nothing dials and nothing is lost."""

DEFAULT: Final = Dialect(
    first_page="1",
    create_state="0",
    z_dates="refused",
    refresh_token="for ever",
    remove_all_existing="those loaded with it",
    phone_search="any form",
)
"""The sandbox without ``--dialect``: friendly, but as strict as the documents and their samples."""


def _last_that_succeeds(point: str) -> str:
    return [value for value in VALUES[point] if (point, value) not in REFUSABLE][-1]


BUNDLES: Final[Mapping[str, Dialect]] = {
    "friendly": Dialect(),
    "likely": Dialect(
        **{name: values[-1] for name, values in LIKELY.items()},
        refresh_token="with the access token",
        lead_answer="0 supplied without a status",
        lead_found="after 2 s",
        remove_all_existing="those loaded with it",
        file_columns="from 1",
    ),
    "hostile": Dialect(**{name: _last_that_succeeds(name) for name in VALUES}),
}
"""Dialects by name. ``hostile`` has the last value of each point under which a task must succeed."""


def read_dialect(arguments: Iterable[str]) -> Dialect:
    """Return the dialect of ``--dialect`` arguments: a bundle, or ``name=value`` for one point of it.

    Later arguments override earlier ones. Points that no argument names are those of ``DEFAULT``.

    :raises ValueError: for an unknown bundle, point or value; the message names the right ones
    """
    dialect = DEFAULT
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals:
            dialect = dialect.with_values({name.strip(): value.strip()})
        elif argument in BUNDLES:
            dialect = BUNDLES[argument]
        else:
            raise ValueError(f"{argument!r}: write name=value, or one of {', '.join(BUNDLES)}")
    return dialect


def cells(dialect: Dialect) -> list[tuple[str, str]]:
    """Return the points of a dialect with their values."""
    return [(field.name, getattr(dialect, field.name)) for field in fields(dialect)]
