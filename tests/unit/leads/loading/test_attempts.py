"""The checkpoint belongs to the newest attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import SupersededError
from airflow_provider_engagevoice.leads.loading.load_state import AttemptCheckpoint, LoadState
from tests.support.clocks import FakeClock


class Memory:
    def __init__(self) -> None:
        self.state: Mapping[str, Any] | None = None
        self.loads = 0

    def load(self) -> Mapping[str, Any] | None:
        self.loads += 1
        return self.state

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = state


@pytest.fixture
def fake_clock() -> Iterator[FakeClock]:
    with clock.use(fake := FakeClock()):
        yield fake


def begun(memory: Memory) -> AttemptCheckpoint:
    attempt = AttemptCheckpoint(memory)
    attempt.load()
    attempt.begin(LoadState())
    return attempt


def test_an_older_attempt_can_neither_save_nor_send(fake_clock: FakeClock) -> None:
    memory = Memory()
    older = begun(memory)
    older.save(LoadState(done=1))
    newer = begun(memory)
    fake_clock.now += 3
    message = "^attempt 2 of this load has started; attempt 1 stops, and sends nothing more$"
    with pytest.raises(SupersededError, match=message):
        older.save(LoadState(done=2))
    with pytest.raises(SupersededError, match=message):
        older.check()
    newer.check()
    newer.save(LoadState(done=3))
    assert memory.state is not None
    assert (memory.state["attempt"], memory.state["done"]) == (2, 3)


def test_of_two_attempts_with_one_number_one_stops(fake_clock: FakeClock) -> None:
    memory = Memory()
    one, other = AttemptCheckpoint(memory), AttemptCheckpoint(memory)
    for attempt in (one, other):
        attempt.load()
    for attempt in (one, other):
        attempt.begin(LoadState())
    other.save(LoadState())
    with pytest.raises(SupersededError):
        one.save(LoadState())


def test_what_was_just_read_is_not_read_again(fake_clock: FakeClock) -> None:
    memory = Memory()
    attempt = begun(memory)
    before = memory.loads
    attempt.check()
    assert memory.loads == before
    fake_clock.now += 2.1
    attempt.check()
    assert memory.loads == before + 1


@pytest.mark.parametrize("saved", [None, {}, {"version": 1}, {"attempt": "x"}])
def test_a_checkpoint_of_0_3_or_a_lost_one_is_taken_over(
    saved: dict[str, Any] | None, fake_clock: FakeClock
) -> None:
    memory = Memory()
    memory.state = saved
    attempt = begun(memory)
    attempt.save(LoadState(done=1))
    memory.state = None
    attempt.save(LoadState(done=2))
