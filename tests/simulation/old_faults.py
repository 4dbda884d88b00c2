"""Faults that were corrected, each one function that puts it back.

A function replaces parts of the procedures by what they were, or by what is wrong in the same way.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from airflow_provider_engagevoice import dates
from airflow_provider_engagevoice.campaigns import (
    checkpoint,
    creation,
    ensure,
    names,
    reconcile,
    spec,
    update,
    write,
)
from airflow_provider_engagevoice.client import endpoints as pages
from airflow_provider_engagevoice.client import lookup, retry
from airflow_provider_engagevoice.client.endpoints import campaigns as endpoints
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    NotFoundError,
    PageAnswerError,
    PermissionDeniedError,
    ResourceNotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.models.campaign import Campaign

_PACKAGE = "airflow_provider_engagevoice."
DOCS = Path(__file__).parents[2] / "docs"


class Patches:
    """Replaces attributes until the ``with`` block ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Replace an attribute of a module or class."""
        self._stack.enter_context(patch.object(owner, name, value))

    def everywhere(self, original: Any, value: Any) -> None:
        """Replace a function in each module that has imported it."""
        name = original.__name__
        for module in [one for key, one in sorted(sys.modules.items()) if key.startswith(_PACKAGE)]:
            if getattr(module, name, None) is original:
                self.put(module, name, value)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was corrected.

    :param promise: the promise that it broke, if any other that it breaks says less
    """

    title: str
    put_back: Callable[[Patches], None]
    promise: str = ""


FAULTS: list[Fault] = []


def fault(title: str, promise: str = "") -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Add the function that puts a fault back to the list of faults."""

    def add(put_back: Callable[[Patches], None]) -> Callable[[Patches], None]:
        FAULTS.append(Fault(title, put_back, promise))
        return put_back

    return add


def documented_history(title: str) -> int:
    """Return the seed of the history that finds a fault, as docs/simulation.md has it."""
    row = re.search(
        rf"^\| {re.escape(title)} \| ([\d,]+) \|", (DOCS / "simulation.md").read_text(), re.MULTILINE
    )
    assert row is not None, f"{title}: it is not in the table of faults"
    return 1_000_000_000 + int(row[1].replace(",", "")) - 1


def print_table(faults: Sequence[Fault], find: Callable[[int], tuple[int, tuple[str, str] | None]]) -> int:
    """Print after how many histories each fault is found; return 1 if one is not.

    :param find: returns that number for a fault, and what it broke, None if it is not found
    """
    print("| fault put back | found after histories | by |\n|---|---|---|")
    missed = 0
    for number, fault in enumerate(faults):
        histories, kind = find(number)
        found = f"{histories:,}" if kind else f"NOT in {histories:,}"
        print(f"| {fault.title} | {found} | {kind[1] if kind else ''} |", flush=True)
        missed += kind is None
    return int(bool(missed))


@contextmanager
def present(fault: Fault) -> Iterator[None]:
    """Put a fault back inside the ``with`` block."""
    with ExitStack() as stack:
        fault.put_back(Patches(stack))
        yield


@fault("The answer to a clone is taken for the copy, so its source is deleted", "c")
def answer_is_the_copy(patches: Patches) -> None:
    copy_by_read = ensure._Cloning.create

    def create(self: Any, expect: Any) -> Any:
        found = yield from self._find_source()
        arguments = self._group_id, found.campaign_id, self._working, self._country
        source = yield from endpoints.get_campaign(self._group_id, found.campaign_id)
        if source.isActive:
            self._has_endpoint = False
            return (yield from copy_by_read(self, expect))
        try:
            copy = yield from endpoints.clone_campaign(*arguments)
        except (EndpointMissingError, PermissionDeniedError, ResourceNotFoundError):
            self._has_endpoint = False
            return (yield from copy_by_read(self, expect))
        if copy.campaignName != self._working:
            yield from endpoints.delete_campaign(self._group_id, copy.campaignId)
            raise StoredDifferentlyError("campaign_name: stored differently; deleted")

    patches.put(ensure._Cloning, "create", create)


@fault("A clone has no bound of freshness: its source is read, and it is sent after a wait")
def stale_clone(patches: Patches) -> None:
    def patiently(write: Any) -> Any:
        return replace(endpoints.unanswered(write), after_read=False)

    patches.put(ensure, "at_once", patiently)

    def read(group_id: int, campaign_id: int, *, followers: int = 0) -> Any:
        return endpoints.get_campaign(group_id, campaign_id)

    patches.put(ensure, "get_campaign", read)


@fault("A write that had to wait is sent blind, and so is its repetition", "d")
def blind_writes(patches: Patches) -> None:
    at_once = endpoints.at_once

    def patiently(write: Any) -> Any:
        return at_once(write) if write.method == "DELETE" else endpoints.unanswered(write)

    patches.put(write, "at_once", patiently)


@fault("An update with a new name takes over a campaign of that name")
def takes_over(patches: Patches) -> None:
    find = update._find_to_change

    def take_over(reference: Any, dial_group: Any, wanted: Any, record: Any) -> Any:
        try:
            return (yield from find(reference, dial_group, wanted, record))
        except NotFoundError:
            if "campaignName" not in wanted:
                raise
            return (yield from lookup.find_campaign({"campaign_name": wanted["campaignName"]}, dial_group))

    patches.put(update, "_find_to_change", take_over)
    patches.put(update, "_check_still_named", lambda campaign, names: None)


def nothing(*arguments: Any) -> Any:
    """A procedure that does nothing."""
    yield from ()


@fault("A rename takes a name that another campaign has")
def takes_a_name(patches: Patches) -> None:
    patches.put(update, "check_is_free", nothing)
    patches.put(update, "confirm_new_name", nothing)


def _may_be_full(length: int) -> bool:
    return length > 0 and (length >= 250 or length % 10 == 0 or length % 25 == 0)


@fault("A page of no round number of rows is taken for the last")
def short_pages(patches: Patches) -> None:
    def read_pages(request_page: Any, key: Any, enough: Any, *rest: Any) -> Any:
        last = yield from request_page(None)
        rows = {key(row): row for row in last if row is not None}
        number = 1
        while _may_be_full(len(last)) and not (enough and enough(rows)):
            page = yield from request_page(number)
            more = {key(row): row for row in page if row is not None}
            if more.keys() - rows.keys():
                last = page
            elif number > 1:
                break
            rows |= more
            number += 1
        return rows, 1

    patches.put(pages, "_read_pages", read_pages)


@fault("A task sees its own unfinished campaigns only, so two DAGs make one name twice")
def others_unseen(patches: Patches) -> None:
    proceed = creation.Creation._proceed

    def proceed_alone(self: Any, listed: Any) -> Any:
        others = [
            one
            for one, stored in listed.items()
            if stored != self._working and names.is_unfinished(stored, self._spec.name)
        ]
        return proceed(self, {one: stored for one, stored in listed.items() if one not in others})

    patches.put(creation.Creation, "_proceed", proceed_alone)


@fault("Tasks a.b + c and a + b.c, and mapped siblings, share a working name")
def shared_owner(patches: Patches) -> None:
    name_of = names.working_name

    def shared(name: str, owner: str) -> str:
        parts = json.loads(owner)
        task = parts if parts[-2:-1] != ["clone"] else json.loads(parts[0])
        return name_of(name, ".".join(task[:2]))

    patches.put(ensure, "working_name", shared)


@fault("A person's pause between a write and its read-back is undone")
def pause_undone(patches: Patches) -> None:
    def store(
        group_id: int, campaign_id: int, choose: Any, record: Any = None, own: Any = write.as_read, **_: Any
    ) -> Any:
        written: list[Any] = []
        while True:
            campaign, changes = yield from write.write_once(group_id, campaign_id, choose, own=own)
            if not changes:
                return campaign, bool(written)
            if len(written) > 1 and all(set(changes) <= set(one) for one in written[-2:]):
                raise StoredDifferentlyError("the server accepted the change but stored something else")
            written.append(changes)
            yield from write.settle(group_id, campaign_id, changes)

    patches.everywhere(write.store, store)


@fault("A create whose answer is lost is repeated at once, and a lagging list is believed", "a")
def creates_again(patches: Patches) -> None:
    patches.put(reconcile, "SETTLE_SECONDS", 0.0)
    patches.put(reconcile, "_MIN_LOOKS", 0)


@fault("Leftovers are removed without a look at what they have become", "c")
def removed_blindly(patches: Patches) -> None:
    def remove(group_id: int, campaign_id: int, is_still: Any) -> Any:
        yield from endpoints.delete_campaign(group_id, campaign_id)
        return True

    patches.put(creation, "remove_unfinished", remove)


@fault("A delete does not look whether the campaign is gone")
def deleted_unseen(patches: Patches) -> None:
    patches.put(write, "_wait_until_gone", nothing)


@fault("A gateway's 404 page means that a campaign is absent")
def page_is_absence(patches: Patches) -> None:
    def listed(group_id: int, campaign_id: int) -> Any:
        yield from ()
        return False

    patches.everywhere(lookup.is_listed, listed)


@fault("One row with a null name fails every list")
def null_rows(patches: Patches) -> None:
    def readable(model: Any, row: Any) -> Any:
        if model is Campaign and row["campaignName"] is None:
            raise ValueError("no name")
        return model.from_server(row)

    patches.put(endpoints, "_readable", readable)


@fault("One page of maintenance with status 200 or 404 fails a task for good")
def page_is_final(patches: Patches) -> None:
    patches.put(PageAnswerError, "retryable", False)
    may_retry = retry.may_retry
    patches.put(
        retry,
        "may_retry",
        lambda error, idempotency: not isinstance(error, PageAnswerError) and may_retry(error, idempotency),
    )


@fault("A date-only end is sent with milliseconds, and a difference under a second is one")
def milliseconds(patches: Patches) -> None:
    patches.put(dates, "SECOND", timedelta(milliseconds=1))
    patches.put(write, "_SAME_SECOND", timedelta(0))


@fault("A 429 is waited out for its Retry-After alone, and counts as a try")
def short_pauses(patches: Patches) -> None:
    def complete(self: Any, error: Any, permit: Any) -> None:
        error.retry_after = self._backoff(error) if error.retry_after is None else error.retry_after

    def rate_limit_pause(self: Any, seconds: float) -> float | None:
        self._tries += 1
        return None if self._tries > 6 else seconds + 0.1

    patches.put(retry.Call, "complete", complete)
    patches.put(retry.Call, "_rate_limit_pause", rate_limit_pause)


@fault("The retry of a clone needs its source, although the copy is complete")
def needs_source(patches: Patches) -> None:
    def find_group(self: Any) -> Any:
        yield from self._find_source()
        return self._group_id

    patches.put(ensure._Cloning, "find_group", find_group)


@fault("if_exists='fail' fails the retry of a task that was killed after its last write, without a store")
def fails_its_retry(patches: Patches) -> None:
    reload = checkpoint.TaskRecord.reload

    def blind_not(self: Any) -> None:
        reload(self)
        self.is_blind = False

    patches.put(checkpoint.TaskRecord, "reload", blind_not)


@fault("An attempt that another one overtakes ends with an error that has no type")
def untyped(patches: Patches) -> None:
    patches.put(creation, "OvertakenError", type("OtherError", (Exception,), {}))


@fault("A campaign that cannot be read for a moment after its create is given up")
def first_read(patches: Patches) -> None:
    def look_up(group_id: int, campaign_id: int, *, followers: int = 0, is_follower: bool = False) -> Any:
        get = endpoints.get_campaign(group_id, campaign_id, followers=followers)
        try:
            return (yield from replace(get, is_follower=is_follower))
        except ResourceNotFoundError:
            return None

    patches.everywhere(lookup.look_up, look_up)


@fault("Numbers that the server writes as text differ from what is wanted")
def text_differs(patches: Patches) -> None:
    def differences(wanted: Any, campaign: Any) -> Any:
        stored = campaign.raw | {name: getattr(campaign, name) for name in ("startDate", "endDate")}
        changed = {name: (stored.get(name), value) for name, value in wanted.items()}
        return {name: pair for name, pair in changed.items() if not write._same(*pair)}

    patches.everywhere(write.differences, differences)


@fault("A cleared task that finds its finished campaign says created again")
def created_again(patches: Patches) -> None:
    patches.put(checkpoint.TaskRecord, "is_told", lambda self, campaign_id: False)


@fault("A finished create that is cleared after its season fails, because its window is over")
def over_is_refused(patches: Patches) -> None:
    check = spec.check_dates

    def check_both(fields: Any) -> None:
        check(fields)
        spec.check_not_over(fields)

    patches.put(ensure, "check_dates", check_both)
