"""The table dialect x promise."""

from __future__ import annotations

from tests.simulation.dialects import VALUES
from tests.simulation.history import Summary, median

#: Histories in which a promise could have failed, for a cell to count.
ENOUGH = 100
_TITLES = {
    "a": "(a) one campaign",
    "b": "(b) its dates",
    "c": "(c) others untouched",
    "d": "(d) a pause stands",
    "e": "(e) waits end right",
    "f": "(f) success is so",
    "g": "(g) it succeeds",
    "h": "(h) nothing unasked",
}


def table(summary: Summary) -> str:
    """Return the table as Markdown: held, refused and broken, and - for a cell with too few histories."""
    lines = ["| dialect | value | " + " | ".join(title for title in _TITLES.values()) + " |"]
    lines.append("|---|---|" + "---|" * len(_TITLES))
    for point, values in VALUES.items():
        for value in values:
            found = [_cell(summary, point, value, promise) for promise in _TITLES]
            lines.append(f"| {point.replace('_', ' ')} | {value} | " + " | ".join(found) + " |")
    return "\n".join(lines)


def _cell(summary: Summary, point: str, value: str, promise: str) -> str:
    held, refused, broken = (
        summary.counts[(point, value), promise, how] for how in ("held", "refused", "broken")
    )
    if not broken and held + refused < ENOUGH:
        return "-"
    parts = [f"held {held}"]
    if refused:
        parts.append(f"refused {refused}")
    if broken:
        parts.append(f"BROKEN {broken}")
    return ", ".join(parts)


def figures(summary: Summary) -> str:
    """Return the figures of a run."""
    requests = sum(number * times for number, times in summary.requests.items())
    rate = requests / summary.seconds if summary.seconds else 0.0
    lines = [
        f"{summary.histories:,} histories, {requests:,} requests, {rate:,.0f} a second of processor time",
        f"medians per history: {median(summary.requests)} requests, {median(summary.attempts)} attempts, "
        f"{median(summary.others)} other actors",
    ]
    for what, times in sorted(summary.windows.items()):
        lines.append(f"changes by people between our read and our write, (unavoidable) {what}: {times}")
    for what, minutes in sorted(summary.exposure.items()):
        lines.append(f"exposure, {what}: up to {minutes:.0f} minutes")
    return "\n".join(lines)
