"""What a load does next with each chunk, and when."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.exceptions import (
    BadRequestError,
    LoadRefusedError,
    OutcomeUnknownError,
)
from airflow_provider_engagevoice.leads.loading.decisions import LoadDecisions, Stage, Step
from airflow_provider_engagevoice.leads.loading.load_state import LoadState
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome
from airflow_provider_engagevoice.leads.loading.spool import Chunk

CHUNKS = [Chunk(index, f"d{index}", 10) for index in range(4)]
LOADED = Outcome(Counts(10, 10))
UNFINISHED = Outcome(Counts(9, 9), is_final=False)
LOST = OutcomeUnknownError("no response", method="POST", path="/x")


def decisions(max_concurrent: int = 2) -> LoadDecisions:
    return LoadDecisions(CHUNKS, max_concurrent=max_concurrent, reconcile_after=60)


def started(machine: LoadDecisions, now: float) -> list[tuple[Stage, int]]:
    return [(step.stage, step.chunk.index) for step in machine.start(now)]


def only(machine: LoadDecisions, now: float) -> Step:
    (step,) = machine.start(now)
    return step


def test_chunks_are_sent_in_order_and_no_more_than_allowed_at_once() -> None:
    machine = decisions()
    first, second = machine.start(0)
    assert started(machine, 0) == []
    assert machine.due() is None
    assert machine.complete(first, LOADED, 1)
    assert started(machine, 1) == [(Stage.SEND, 2)]
    assert [one.index for one in machine.in_doubt] == [1, 2]
    machine.complete(second, LOADED, 1)
    assert (machine.leads_done, machine.state.done, machine.is_finished) == (20, 2, False)


def test_a_chunk_in_doubt_is_looked_up_then_completed_then_confirmed() -> None:
    machine = decisions(1)
    machine.fail(only(machine, 0), LOST, 30)
    # Others are sent meanwhile.
    for index in (1, 2, 3):
        step = only(machine, 40)
        assert (step.stage, step.chunk.index) == (Stage.SEND, index)
        machine.complete(step, LOADED, 41)
    assert machine.start(89) == []
    assert machine.due() == 90
    look = only(machine, 90)
    assert look.stage is Stage.LOOK_UP
    assert not machine.complete(look, None, 91)
    assert machine.start(150) == []
    complete = only(machine, 151)
    assert complete.stage is Stage.COMPLETE
    assert not machine.complete(complete, UNFINISHED, 160)
    confirm = only(machine, 220)
    assert (confirm.stage, confirm.answer) == (Stage.CONFIRM, UNFINISHED)
    assert machine.complete(confirm, Outcome(Counts(9, 9, rejected=1), {3: "x"}), 221)
    assert machine.is_finished
    assert machine.state.counts == Counts(39, 39, 1, reconciled=1)


def test_a_chunk_in_doubt_that_the_server_has_is_done() -> None:
    machine = decisions(1)
    machine.fail(only(machine, 0), LOST, 30)
    for _ in range(3):
        machine.complete(only(machine, 30), LOADED, 31)
    assert machine.complete(only(machine, 90), LOADED, 91)
    assert machine.is_finished


def test_an_answer_that_does_not_add_up_is_confirmed_later() -> None:
    machine = decisions(1)
    assert not machine.complete(only(machine, 0), UNFINISHED, 5)
    assert machine.in_doubt == CHUNKS[:1]
    for _ in range(3):
        machine.complete(only(machine, 5), LOADED, 6)
    assert machine.start(64) == []
    assert only(machine, 65).stage is Stage.CONFIRM


@pytest.mark.parametrize(
    ("error", "times"),
    [(LOST, 6), (LoadRefusedError("no"), 3), (BadRequestError("x", method="", path=""), 1)],
)
def test_a_load_is_given_up(error: Exception, times: int) -> None:
    machine, now = decisions(1), 0.0
    for _ in range(times - 1):
        machine.fail(only(machine, now), error, now)
        for step in machine.start(now):
            machine.complete(step, LOADED, now)
        while machine.due() is None or machine.due() > now:  # type: ignore[operator]
            steps = machine.start(now)
            for step in steps:
                machine.complete(step, LOADED, now)
            if not steps:
                now = machine.due() or now
    with pytest.raises(type(error)):
        machine.fail(only(machine, now), error, now)
    assert CHUNKS[0] in machine.in_doubt


def test_a_new_attempt_looks_up_what_was_sent_and_sends_the_rest() -> None:
    before = decisions(2)
    first, _ = before.start(0)
    before.complete(first, LOADED, 1)
    machine = decisions(4)
    assert machine.resume(LoadState.from_json(before.state.to_json()), 1000) == ""
    assert started(machine, 1000) == [(Stage.SEND, 2), (Stage.SEND, 3)]
    # When its connection has ended is not known: at the latest now.
    assert machine.due() == 1060
    assert only(machine, 1060) == Step(Stage.LOOK_UP, CHUNKS[1])
    assert machine.leads_done == 10


@pytest.mark.parametrize("state", [None, LoadState(done=9), LoadState(later={}, done=1, chain="other")])
def test_without_a_usable_checkpoint_every_chunk_is_looked_up(state: LoadState | None) -> None:
    machine = decisions(9)
    assert "checkpoint" in machine.resume(state, 0)
    assert machine.start(59) == []
    steps = machine.start(60)
    assert [(step.stage, step.is_thorough) for step in steps] == [(Stage.LOOK_UP, False)] * 4
    assert machine.state.unconfirmed
    again = decisions(9)
    assert again.resume(machine.state, 100) == ""
    assert [step.is_thorough for step in again.start(160)] == [True] * 4


def test_a_finished_load_has_nothing_to_do() -> None:
    before = decisions(4)
    for step in before.start(0):
        before.complete(step, LOADED, 0)
    machine = decisions()
    machine.resume(before.state, 0)
    assert machine.is_finished
    assert machine.start(0) == []
    assert machine.in_doubt == []


@pytest.mark.parametrize(
    ("done", "names"),
    [((), "1-4"), ((0,), "2-4"), ((0, 1, 2, 3), ""), ((1,), "1, 3-4"), ((1, 2), "1, 4"), ((3, 0), "2-3")],
)
def test_chunks_in_doubt_are_named(done: tuple[int, ...], names: str) -> None:
    machine = decisions(9)
    assert machine.doubts() == ""
    for step in machine.start(0):
        if step.chunk.index in done:
            machine.complete(step, LOADED, 1)
    expected = f"chunks in doubt: {names} of 4, whose leads may be loaded" if names else ""
    assert machine.doubts().partition(";")[0] == expected


def test_without_a_usable_checkpoint_every_chunk_that_is_not_done_is_in_doubt() -> None:
    machine = decisions(9)
    machine.resume(None, 0)
    assert machine.in_doubt == CHUNKS
