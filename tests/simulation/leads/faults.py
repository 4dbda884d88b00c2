"""Faults of loads that were corrected, each one function that puts it back.

``python -m tests.simulation.leads.faults`` prints after how many histories each is found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any

from airflow_provider_engagevoice.client.endpoints import visit_pages
from airflow_provider_engagevoice.client.endpoints.leads import search_leads_page
from airflow_provider_engagevoice.leads import loading, named
from airflow_provider_engagevoice.leads.build import LeadBuilder
from airflow_provider_engagevoice.leads.dedup import Deduplicator, Duplicate
from airflow_provider_engagevoice.leads.loading import LoadOptions, decisions, file_uploader, uploader
from airflow_provider_engagevoice.leads.loading.decisions import LoadDecisions, Stage, Step
from airflow_provider_engagevoice.leads.loading.load_state import AttemptCheckpoint, LoadState
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.loading.uploader import Found, RoutedUploader, Uploader
from airflow_provider_engagevoice.leads.named import NamedLeads
from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.leads.report import RejectKind
from airflow_provider_engagevoice.utils import state_store
from tests.simulation.leads.history import run_seed
from tests.simulation.leads.promises import LATE, Kind
from tests.simulation.old_faults import Fault, Patches, present, print_table

FAULTS: list[Fault] = []
#: Histories after which a fault is not found.
_MOST = 3000


def _fault(title: str, promise: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    def add(put_back: Callable[[Patches], None]) -> Callable[[Patches], None]:
        FAULTS.append(Fault(title, put_back, promise))
        return put_back

    return add


def histories_until_found(number: int, *, seed: int, bundle: str, most: int) -> tuple[int, Kind | None]:
    """Return after how many histories a fault is found, and what it broke; None if it is not found."""
    for count in range(1, most + 1):
        if kind := finds(number, seed * 1_000_000_000 + count - 1, bundle):
            return count, kind
    return most, None


def finds(number: int, seed: int, bundle: str) -> Kind | None:
    """Return what a fault breaks in one history that breaks nothing without it; None for nothing."""
    fault = FAULTS[number]
    with present(fault):
        _, kinds = run_seed(seed, bundle)
    found = [kind for kind in kinds if kind[0] != LATE and fault.promise in kind[0]]
    return found[0] if found and not run_seed(seed, bundle)[1] else None


@_fault("Counts that do not add up are a success", "c")
def believe_the_counts(patches: Patches) -> None:
    read = uploader.read_outcome

    def believed(*arguments: Any) -> Outcome:
        return replace(read(*arguments), is_final=True)

    patches.put(uploader, "read_outcome", believed)


@_fault("An answer that counts no leads is a success", "c")
def believe_nothing(patches: Patches) -> None:
    read = uploader.read_outcome

    def believed(result: Any, *arguments: Any) -> Outcome:
        if not result.failed and result.leadsSupplied == 0:
            return Outcome(Counts())
        return read(result, *arguments)

    patches.put(uploader, "read_outcome", believed)


@_fault("A chunk in doubt is looked for after 5 s, and what is missing is sent at once", "a")
def look_early(patches: Patches) -> None:
    def wait(self: LoadDecisions, step: Step, now: float) -> None:
        seconds = 0.0 if step.stage is Stage.COMPLETE else 5.0
        self._next[step.chunk.index] = step
        decisions.heapq.heappush(self._later, (now + seconds, step.chunk.index))

    patches.put(LoadDecisions, "_wait", wait)


@_fault("What is missing after reconcile_after is sent again at once, though a search lags", "a")
def no_second_wait(patches: Patches) -> None:
    wait = LoadDecisions._wait

    def impatient(self: LoadDecisions, step: Step, now: float) -> None:
        wait(self, step, now - 60.0 if step.stage is Stage.COMPLETE else now)

    patches.put(LoadDecisions, "_wait", impatient)


@_fault("A chunk in doubt is sent again without a look right before", "a")
def no_second_look(patches: Patches) -> None:
    def blind(self: Uploader, step: Step, bodies: Any) -> Any:
        leads = uploader._encoded(bodies, range(len(bodies)))
        outcome = yield from self._load(step.chunk, leads, len(bodies))
        return replace(outcome, is_final=outcome.is_final and not step.is_thorough)

    patches.put(Uploader, "_complete", blind)


@_fault("What was sent again is not looked for afterwards, and its answer does not count", "")
def no_confirmation(patches: Patches) -> None:
    complete = LoadDecisions.complete

    def hasty(self: LoadDecisions, step: Step, outcome: Outcome | None, now: float) -> bool:
        if step.stage is Stage.COMPLETE and outcome is not None:
            outcome = replace(outcome, is_final=True)
        return complete(self, step, outcome, now)

    patches.put(LoadDecisions, "complete", hasty)


@_fault("An older attempt goes on beside its successor", "a")
def no_owner(patches: Patches) -> None:
    patches.put(AttemptCheckpoint, "_check", lambda self: None)


@_fault("A chunk is saved once it is done, not before it is sent", "a")
def save_late(patches: Patches) -> None:
    patches.put(decisions.LoadState, "mark_sent", lambda self, chunk: None)


@_fault("A load that has lost its checkpoint sends everything again", "a")
def forget(patches: Patches) -> None:
    resume = LoadDecisions.resume

    def resume_known(self: LoadDecisions, state: Any, now: float) -> str:
        return "" if state is None else resume(self, state, now)

    patches.put(LoadDecisions, "resume", resume_known)


@_fault("With check_existing, leads that another list has are sent", "b")
def ignore_existing(patches: Patches) -> None:
    def missing(self: Uploader, bodies: Any, found: Found) -> list[int]:
        return [at for at, body in enumerate(bodies) if body["externId"] not in found.loaded]

    patches.put(Uploader, "_missing", missing)


@_fault("The tag that makes a list ours stands at the end of its name", "a")
def tag_at_the_end(patches: Patches) -> None:
    def list_name(self: LoadOptions, index: int, digest: str = "") -> str:
        return f"{self.description} {self.list_tag(index, digest)}"

    patches.put(LoadOptions, "list_name", list_name)


@_fault("A list is ours only if its name has the tag in the case in which it was sent", "a")
def tag_in_one_case(patches: Patches) -> None:
    for module in (loading, file_uploader):
        patches.put(module, "is_tagged", lambda name, tag: tag in str(name))


@_fault("A second number that another lead has takes the whole lead with it", "c")
def drop_the_lead(patches: Patches) -> None:
    duplicate = Deduplicator._duplicate

    def whole(self: Deduplicator, phones: Any, id_key: int) -> Duplicate | None:
        found = duplicate(self, phones, id_key)
        if found is None or found.kind is not None:
            return found
        return Duplicate(RejectKind.DUPLICATE_PHONE, found.first)

    patches.put(Deduplicator, "_duplicate", whole)


@_fault("Half a surrogate pair passes the check, and breaks the load half-way", "g")
def pass_half_characters(patches: Patches) -> None:
    patches.put(LeadBuilder, "_reject_unencodable", lambda self, leads, problems: None)


@_fault("A finished load that is cleared makes a second event", "e")
def always_announce(patches: Patches) -> None:
    patches.put(state_store, "announce_load", lambda *arguments, was_finished: True)


@_fault("People are searched by their phone in the form that the loader sends alone", "d")
def one_form(patches: Patches) -> None:
    patches.put(Phones, "forms", lambda self, number: (number,))


@_fault("Who is not found at once counts as not found", "d")
def no_patience(patches: Patches) -> None:
    def search(self: NamedLeads) -> Any:
        yield from self.search()
        yield from visit_pages(partial(search_leads_page, self.scope), itemgetter("leadId"), self.fresh)

    patches.put(NamedLeads, "search_thoroughly", search)


@_fault("Second numbers of leads are not looked for", "d")
def first_numbers_alone(patches: Patches) -> None:
    def visit(*arguments: Any) -> Any:
        yield from ()

    patches.put(named, "visit_pages", visit)


# Of lists that a column routes to many campaigns: these were never released.


@_fault("Each chunk is sent to the first campaign of the list", "b")
def to_the_first_campaign(patches: Patches) -> None:
    def carry_out(self: RoutedUploader, step: Step, leads: bytes) -> Any:
        return next(iter(self._uploaders.values())).carry_out(step, leads)

    patches.put(RoutedUploader, "carry_out", carry_out)


@_fault("A chunk has the leads of two campaigns", "b")
def mix_campaigns(patches: Patches) -> None:
    patches.put(Spool, "begin", lambda self, campaign_id: setattr(self, "_campaign_id", campaign_id))


@_fault("A phone is called once in all campaigns of a list together", "c")
def one_scope(patches: Patches) -> None:
    add = Deduplicator.add

    def unscoped(self: Deduplicator, positions: Any, phones: Any, ids: Any, scope: int = 0) -> Any:
        return add(self, positions, phones, ids)

    patches.put(Deduplicator, "add", unscoped)


@_fault("Counts are not kept by campaign", "c")
def count_together(patches: Patches) -> None:
    mark = LoadState.mark_done
    patches.put(
        LoadState, "mark_done", lambda self, chunk, counts: mark(self, replace(chunk, campaign_id=0), counts)
    )


def main() -> int:
    return print_table(FAULTS, partial(histories_until_found, seed=1, bundle="hostile", most=_MOST))


if __name__ == "__main__":
    sys.exit(main())
