"""What a load promises, checked at the end of a history."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    LoadedTwiceError,
    LoadRefusedError,
    SupersededError,
)
from tests.simulation.leads.opt_out import OptOut
from tests.simulation.leads.world import LoadWorld

Kind = tuple[str, str]
PROMISES = {
    "a": "each lead once, or its chunk is named",
    "b": "none but the source's leads are sent",
    "c": "a success accounts for every row",
    "d": "an opt-out stops every named person, and no other",
    "e": "one event for a load, and nothing is sent again",
    "g": "it succeeds within three attempts",
}
#: Instead of a promise: what comes later than the documented condition allows.
LATE = "late"
#: Dialects whose answers do not say that a lead was rejected, so that the load fails.
_SAYS_NOTHING = ("0 supplied without a status", "a failure, though leads are loaded")


def broken(world: LoadWorld) -> list[Kind]:
    """Return what a history has broken, by promise."""
    found: list[Kind] = []
    if world.is_endless:
        found.append(("g", "does not end"))
        return found
    last = world.attempts[-1]
    expected = callable_leads(last.rows, world.plan.handling)
    if world.vendor.received - expected.items():
        found.append(("b", "a lead was sent that is not in the source, or to another campaign"))
    times = Counter(one.extern_id for one in world.vendor.leads if one.request is not None)
    chunks = {
        lead["externId"]: chunk.index + 1
        for chunk in last.spool.chunks
        for lead in last.spool.leads(chunk.index)
    }
    if chunks.keys() != expected.keys():
        found.append(("c", "a person of the source is not in the load"))
    if last.counts is not None:
        found += _of_event(world)
        found += _of_success(world, chunks, times)
    else:
        found += _of_failure(world, chunks, times)
    for one in world.attempts[:-1]:
        if one.error is not None and not isinstance(one.error, EngageVoiceError):
            found.append(("g", f"untyped {type(one.error).__name__}"))
    if world.opt_out is not None:
        found += _of_opt_out(world.opt_out)
    return sorted(set(found))


def callable_leads(rows: Iterable[Mapping[str, str]], handling: str) -> dict[str, tuple[str, int]]:
    """Return the phones with which each row of the source is to be loaded, and into which campaign.

    Each number is called once in each campaign, unless duplicates are retained.
    """
    seen_by_campaign: dict[str, set[str]] = defaultdict(set)
    leads = {}
    for row in rows:
        numbers, seen = list(dict.fromkeys(row["leadPhone"].split("|"))), seen_by_campaign[row["campaign"]]
        if "firstName" in row:
            continue
        if handling != "RETAIN_ALL":
            numbers = [one for one in numbers if one not in seen]
        seen.update(numbers)
        if numbers:
            leads[row["externId"]] = "|".join(numbers), int(row["campaign"])
    return leads


def _of_event(world: LoadWorld) -> list[Kind]:
    if world.plan.lost_checkpoint or (world.plan.changed_source and len(world.attempts) > 1):
        # What earlier attempts have said is lost.
        return []
    return [] if world.events == 1 else [("e", f"{world.events} events of one load")]


def _of_opt_out(opt_out: OptOut) -> list[Kind]:
    if opt_out.error is not None:
        return [("g", f"an opt-out fails: {type(opt_out.error).__name__}")]
    if opt_out.result is None:
        return [("g", "an opt-out does not end")]
    found: list[Kind] = []
    named = set(opt_out.phones)
    leads = [(one, set(one.phone.split("|")) & named) for one in opt_out.world.vendor.leads]
    if any(one.is_dialable and mine and one.at <= opt_out.began for one, mine in leads):
        found.append(("d", "a named person can still be called, and the task succeeds"))
    if any(one.changed_at and not mine for one, mine in leads):
        found.append(("d", "another person is no longer called"))
    before = set().union(*(mine for one, mine in leads if one.at <= opt_out.began))
    after = set().union(*(mine for _, mine in leads))
    if not len(named - after) <= opt_out.result["not_found"] <= len(named - before):
        found.append(("d", "not_found is wrong"))
    return found


def _numbers(text: str) -> set[int]:
    """Read numbers and ranges, such as ``1, 3-5``."""
    ranges = [tuple(map(int, one.split("-"))) for one in text.split(", ") if one]
    return {number for one in ranges for number in range(one[0], one[-1] + 1)}


def _twice(world: LoadWorld) -> str:
    # The documented guarantee has a condition: no look can find what comes later.
    return LATE if world.plan.dialect.carried_out == "later than reconcile_after" else "a"


def _of_success(world: LoadWorld, chunks: dict[str, int], times: Counter[str]) -> list[Kind]:
    plan, last = world.plan, world.attempts[-1]
    counts = last.counts
    assert counts is not None
    found: list[Kind] = []
    if any(times[one] > 1 for one in chunks):
        found.append((_twice(world), "a lead is loaded twice, and the task succeeds"))
    if plan.check_existing and any(times[f"L{one}"] for one in plan.others):
        found.append(("b", "check_existing: a lead that the campaign has is loaded"))
    if counts.leads != len(chunks):
        found.append(("c", f"{counts.leads} of {len(chunks)} rows are accounted for"))
    if plan.campaigns > 1:
        rows: Counter[int] = Counter()
        for chunk in last.spool.chunks:
            rows[chunk.campaign_id] += chunk.leads
        if {key: one.leads for key, one in last.decisions.state.by_campaign.items()} != rows:
            found.append(("c", "a row is not accounted for in its campaign"))
    listed = {one for attempt in world.attempts for one in attempt.rejected}
    missing = [one for one in chunks if not times[one]]
    lost = [one for one in missing if one not in listed]
    if len(lost) > counts.duplicates + counts.do_not_call:
        found.append(("c", "a lead is not loaded, and nothing says so"))
    if counts.inserted > len(chunks) - len(missing):
        found.append(("c", "more leads are counted than loaded"))
    return found


def _of_failure(world: LoadWorld, chunks: dict[str, int], times: Counter[str]) -> list[Kind]:
    plan, last = world.plan, world.attempts[-1]
    error = last.error
    found: list[Kind] = []
    if error is None:
        return found
    named = _numbers(str(error).partition("chunks in doubt: ")[2].partition(" of ")[0])
    if isinstance(error, LoadedTwiceError):
        named |= {int(number) for number in re.findall(r"chunk (\d+)", str(error))}
    unnamed = [one for one, chunk in chunks.items() if times[one] > 1 and chunk not in named]
    if unnamed:
        found.append((_twice(world), "a lead is loaded twice, and the error does not name its chunk"))
    if isinstance(error, LoadedTwiceError):
        may_fail = plan.dialect.carried_out == "later than reconcile_after"
    else:
        # Of a chunk of which the server loads no lead, it says that the load failed.
        may_fail = isinstance(error, LoadRefusedError) and bool(plan.refused or plan.others)
        may_fail = may_fail and plan.dialect.lead_answer in _SAYS_NOTHING
    if not may_fail and not isinstance(error, SupersededError):
        found.append(("g", f"fails: {type(error).__name__}"))
    return found
