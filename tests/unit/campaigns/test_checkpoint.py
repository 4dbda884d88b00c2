"""campaigns/ensure.py: attempts of a task with a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import ensure_campaign, ensure_clone
from airflow_provider_engagevoice.campaigns.checkpoint import NoCheckpoint, save_success
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.client.request import Pause
from airflow_provider_engagevoice.exceptions import CampaignExistsError, InvalidInputError
from tests.support.clocks import FakeClock
from tests.unit.campaigns.campaign_cases import (
    NAME,
    OWNER,
    SOURCE_NAME,
    WANTED,
    Saved,
    assert_exactly_one,
    spec,
    watch,
)
from tests.unit.campaigns.fake_server import GROUP, Attempt, FakeServer


class SavedState(Saved):
    """A checkpoint that records how many creates had been sent at each save."""

    def __init__(self, server: FakeServer) -> None:
        super().__init__()
        self._server = server
        self.creates_at_save: list[int] = []

    def save(self, state: Mapping[str, Any]) -> None:
        super().save(state)
        self.creates_at_save.append(len(self._server.sent("POST")))


class LaggingServer(FakeServer):
    """A server that omits a new campaign from the next ``lag`` lists."""

    lag = 0

    def _inside(self, group: int) -> list[dict[str, Any]]:
        rows = super()._inside(group)
        if self.lag > 0:
            self.lag -= 1
            return rows[:-1]
        return rows


def attempt(
    server: FakeServer, checkpoint: SavedState, source: int | None, wanted: CampaignSpec
) -> Attempt[Any]:
    """Start to clone ``source``, or to create if there is none."""
    if source is None:
        return Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=checkpoint))
    return Attempt(server, ensure_clone(source, wanted, country="USA", owner=OWNER, checkpoint=checkpoint))


@pytest.mark.parametrize("if_exists", list(IfExists))
@pytest.mark.parametrize("cloning", [False, True])
def test_interrupted_after_any_request_the_next_attempt_recognizes_its_campaign(
    if_exists: IfExists, cloning: bool
) -> None:
    most, whole = 0, False
    while not whole:
        server = FakeServer()
        existing = server.add(SOURCE_NAME, isActive=1, endDate="2095-05-26T07:00:00.000+0000")
        source = existing if cloning else None
        watch(server)
        others = copy.deepcopy(server.campaigns)
        checkpoint = SavedState(server)
        wanted = spec(if_exists=if_exists)
        whole = attempt(server, checkpoint, source, wanted).run(most).done
        again = attempt(server, checkpoint, source, wanted).run()
        assert again.result.outcome == "created", most
        assert_exactly_one(server, others)
        most += 1
    assert most > 5


def test_the_state_is_saved_before_the_create_and_the_id_after() -> None:
    server = FakeServer()
    checkpoint = SavedState(server)
    Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=checkpoint)).run()
    assert checkpoint.creates_at_save == [0, 0, 1, 1]
    (made,) = server.named(NAME)
    assert checkpoint.state["campaign_ids"] == [made["campaignId"]]
    assert checkpoint.state["dial_group_id"] == GROUP
    assert OWNER not in str(checkpoint.state)


def test_without_a_checkpoint_a_first_attempt_with_fail_fails_and_a_retry_finds_its_campaign() -> None:
    server = FakeServer()
    wanted = spec(if_exists=IfExists.FAIL)
    Attempt(server, ensure_campaign(spec(), owner=OWNER)).run()
    first = Attempt(server, ensure_campaign(wanted, owner=OWNER)).run()
    assert isinstance(first.error, CampaignExistsError)
    blind = NoCheckpoint(has_earlier_attempts=True)
    again = Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=blind)).run()
    assert again.result.outcome == "created"
    server.campaigns[again.result.campaign_id]["maxRingTime"] = 11
    other = Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=blind)).run()
    assert isinstance(other.error, CampaignExistsError)


@pytest.mark.parametrize("cloning", [False, True])
def test_a_cleared_task_that_succeeded_has_changed_nothing(cloning: bool) -> None:
    server = FakeServer()
    existing = server.add(SOURCE_NAME, isActive=0)
    source = existing if cloning else None
    checkpoint = SavedState(server)
    assert attempt(server, checkpoint, source, spec()).run().result.outcome == "created"
    # Killed before its success was recorded: the event has not been added yet.
    checkpoint.next_attempt()
    assert attempt(server, checkpoint, source, spec()).run().result.outcome == "created"
    save_success(checkpoint)
    # An attempt that Airflow gave up has saved this: the next one still has to add the event.
    assert attempt(server, checkpoint, source, spec()).run().result.outcome == "created"
    checkpoint.cleared()
    assert attempt(server, checkpoint, source, spec()).run().result.outcome == "unchanged"
    longer = spec(fields=WANTED | {"maxRingTime": 44})
    assert attempt(server, checkpoint, source, longer).run().result.outcome == "updated"
    assert attempt(server, checkpoint, source, longer).run().result.outcome == "updated"
    save_success(checkpoint)
    checkpoint.cleared()
    assert attempt(server, checkpoint, source, longer).run().result.outcome == "unchanged"
    server.campaigns = {existing: server.campaigns[existing]}
    assert attempt(server, checkpoint, source, spec()).run().result.outcome == "created"


def test_after_a_clear_another_campaign_of_its_own_that_has_got_the_name_is_new() -> None:
    server = FakeServer()
    checkpoint = SavedState(server)
    creating = attempt(server, checkpoint, None, spec())
    while not server.named(NAME):
        creating.step()
    (first,) = server.campaigns
    server.campaigns[first]["campaignName"] = "Old"
    second = creating.run().result.campaign_id
    assert second != first
    save_success(checkpoint)
    server.campaigns[second]["campaignName"] = "Old"
    server.campaigns[first]["campaignName"] = NAME
    checkpoint.cleared()
    again = attempt(server, checkpoint, None, spec()).run().result
    assert (again.campaign_id, again.outcome) == (first, "created")


def test_a_clone_finds_its_copy_under_its_name_though_the_source_is_deleted() -> None:
    server = FakeServer()
    source = server.add(SOURCE_NAME, isActive=0)
    checkpoint = SavedState(server)
    cloning = attempt(server, checkpoint, source, spec())
    while not server.sent("PUT"):
        cloning.step()
    (copy,) = set(server.campaigns) - {source}
    server.campaigns[copy]["campaignName"] = "Renamed"
    del server.campaigns[source]
    checkpoint.next_attempt()
    retry = attempt(server, checkpoint, source, spec())
    while not isinstance(retry.pending, Pause):
        retry.step()
    server.campaigns[copy]["campaignName"] = NAME
    assert retry.run().result.campaign_id == copy


def test_a_cleared_task_whose_season_is_over_has_changed_nothing(virtual_clock: FakeClock) -> None:
    server = FakeServer()
    assert Attempt(server, ensure_campaign(spec(), owner=OWNER)).run().result.outcome == "created"
    virtual_clock.now = datetime(2091, 6, 1, tzinfo=UTC).timestamp()
    assert Attempt(server, ensure_campaign(spec(), owner=OWNER)).run().result.outcome == "unchanged"
    later = spec(fields=WANTED | {"endDate": datetime(2091, 1, 1, tzinfo=UTC)})
    assert isinstance(Attempt(server, ensure_campaign(later, owner=OWNER)).run().error, InvalidInputError)
    assert isinstance(
        Attempt(server, ensure_campaign(spec(name="New"), owner=OWNER)).run().error, InvalidInputError
    )


def test_a_campaign_of_another_task_is_not_its_own() -> None:
    server = FakeServer()
    checkpoint = SavedState(server)
    Attempt(server, ensure_campaign(spec(name="Another"), owner=OWNER, checkpoint=checkpoint)).run()
    Attempt(server, ensure_campaign(spec(), owner="other.task")).run()
    again = Attempt(
        server, ensure_campaign(spec(if_exists=IfExists.FAIL), owner=OWNER, checkpoint=checkpoint)
    ).run()
    assert isinstance(again.error, CampaignExistsError)


def test_a_campaign_in_the_checkpoint_is_found_though_a_list_lags() -> None:
    server = LaggingServer()
    others = copy.deepcopy(server.campaigns)
    checkpoint = SavedState(server)
    first = Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=checkpoint))
    while not server.sent("POST"):
        first.step()
    server.lag = 2
    again = Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=checkpoint)).run()
    assert again.result.outcome == "created"
    assert_exactly_one(server, others)
    assert len(server.sent("POST")) == 1


@pytest.mark.parametrize("state", [{}, {"campaign_id": "x"}, {"working_name": None}, {"campaign_id": 9}])
def test_a_damaged_checkpoint_is_ignored(state: dict[str, Any]) -> None:
    server = FakeServer()
    checkpoint = SavedState(server)
    checkpoint.state = state
    assert (
        Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=checkpoint)).run().result.outcome
        == "created"
    )
    assert len(server.named(NAME)) == 1


def test_a_deleted_campaign_in_the_checkpoint_is_created_again() -> None:
    server = FakeServer()
    checkpoint = SavedState(server)
    Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=checkpoint)).run()
    server.campaigns.clear()
    assert (
        Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=checkpoint)).run().result.outcome
        == "created"
    )
    assert len(server.named(NAME)) == 1
