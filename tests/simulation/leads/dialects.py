"""What the vendor's documents leave open about loads, each point with the values that must all be safe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from airflow_provider_engagevoice.leads.loading.file_uploader import write_lead_file
from airflow_provider_engagevoice.sandbox.dialects import BUNDLES as SANDBOXES
from airflow_provider_engagevoice.sandbox.dialects import CAMPAIGN_VALUES, LEAD_VALUES


@dataclass(frozen=True, slots=True)
class LeadDialect:
    """One server. Each default is the friendly value."""

    lead_answer: str = "adds up"
    carried_out: str = "at once"
    lead_found: str = "at once"
    remove_all_existing: str = "all leads"
    list_names: str = "kept"
    file_columns: str = "from 0"
    list_counts: str = "stated"
    first_page: str = "0"
    cap: str = "none"
    phone_search: str = "any form"
    phones_held: str = "as sent"

    def differing(self) -> dict[str, str]:
        """Return the values that are not the friendly ones."""
        friendly = LeadDialect()
        values = {name: getattr(self, name) for name in VALUES}
        return {name: value for name, value in values.items() if value != getattr(friendly, name)}


#: Whether the package writes each column of a file twice, so that both bases of its columns are right.
EACH_COLUMN_TWICE = len(write_lead_file([{"externId": "L", "leadPhone": "4155550100"}]).first_rows[0]) >= 4

_ADDS_UP, _FEWER, _NONE, _ = LEAD_VALUES["lead_answer"]
#: Each point with its values: those of the sandbox, and what only a simulation can do.
VALUES: dict[str, tuple[str, ...]] = {
    "lead_answer": (
        _ADDS_UP,
        f"{_ADDS_UP}, without a status",
        _FEWER,
        "fewer counted than loaded",
        _NONE,
        "a failure, though leads are loaded",
    ),
    "carried_out": (
        "at once",
        "after 40 s",
        "after the connection broke",
        "later than reconcile_after",
    ),
    "lead_found": LEAD_VALUES["lead_found"],
    "remove_all_existing": LEAD_VALUES["remove_all_existing"],
    "list_names": (*LEAD_VALUES["list_names"], "in upper case"),
    "file_columns": LEAD_VALUES["file_columns"][: 2 if EACH_COLUMN_TWICE else 1],
    "list_counts": ("stated", "none"),
    "first_page": CAMPAIGN_VALUES["first_page"],
    "cap": CAMPAIGN_VALUES["cap"][:3],
    "phone_search": LEAD_VALUES["phone_search"][::-1],
    "phones_held": ("as sent", "E.164", "with the country code"),
}
_LIKELY_POINTS = ("lead_answer", "lead_found", "remove_all_existing", "cap", "phone_search")
LIKELY = {point: getattr(SANDBOXES["likely"], point) for point in _LIKELY_POINTS}
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
