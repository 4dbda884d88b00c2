"""What the vendor's documents leave open about loads, each point with the values that must all be safe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from airflow_provider_engagevoice.leads.loading.file_uploader import write_lead_file


@dataclass(frozen=True, slots=True)
class LeadDialect:
    """One server. Each default is the friendly value."""

    answer: str = "adds up"
    carried_out: str = "at once"
    found: str = "at once"
    remove_all_existing: str = "looks at all leads"
    list_names: str = "kept"
    file_columns: str = "from 0"
    list_counts: str = "stated"
    first_page: str = "0"
    cap: str = "none"
    phone_criteria: str = "any form of the number"
    phones_held: str = "as sent"

    def differing(self) -> dict[str, str]:
        """Return the values that are not the friendly ones."""
        friendly = LeadDialect()
        values = {name: getattr(self, name) for name in VALUES}
        return {name: value for name, value in values.items() if value != getattr(friendly, name)}


#: Whether the package writes each column of a file twice, so that both bases of its columns are right.
EACH_COLUMN_TWICE = len(write_lead_file([{"externId": "L", "leadPhone": "4155550100"}]).first_rows[0]) >= 4

#: Each point with its values, the friendly one first.
VALUES: dict[str, tuple[str, ...]] = {
    "answer": (
        "adds up",
        "adds up, without a status",
        "fewer accepted than sent, and no rejected rows",
        "fewer counted than loaded",
        "0 supplied without a status",
        "a failure, though leads are loaded",
    ),
    "carried_out": (
        "at once",
        "after 40 s",
        "after the connection broke",
        "later than reconcile_after",
    ),
    "found": ("at once", "after 2 s", "after a minute"),
    "remove_all_existing": ("looks at all leads", "only at those loaded with it"),
    "list_names": ("kept", "cut at 50"),
    "file_columns": ("from 0", *(("from 1",) if EACH_COLUMN_TWICE else ())),
    "list_counts": ("stated", "none"),
    "first_page": ("0", "1"),
    "cap": ("none", "100", "16"),
    "phone_criteria": ("any form of the number", "exact text"),
    "phones_held": ("as sent", "E.164", "with the country code"),
}
LIKELY = {
    "answer": "0 supplied without a status",
    "found": "after 2 s",
    "remove_all_existing": "only at those loaded with it",
    "cap": "100",
    "phone_criteria": "exact text",
}
#: Cells in which a task may fail, if its error names the chunks in doubt.
REFUSABLE = frozenset({("carried_out", "later than reconcile_after")})
BUNDLES = ("friendly", "likely", "hostile", "mixed")


def draw(bundle: str, random: Random) -> LeadDialect:
    """Draw a dialect of a bundle; ``mixed`` has few odd values, so that a failure has few causes."""
    if bundle == "friendly":
        return LeadDialect()
    if bundle == "likely":
        return LeadDialect(**LIKELY)
    if bundle == "hostile":
        return LeadDialect(**{name: random.choice(values) for name, values in VALUES.items()})
    base = LeadDialect(**LIKELY) if random.random() < 0.3 else LeadDialect()
    odd = random.sample(list(VALUES), random.choice((1, 1, 2, 3)))
    return replace(base, **{name: random.choice(VALUES[name]) for name in odd})
