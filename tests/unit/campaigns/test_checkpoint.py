"""campaigns/checkpoint.py: what the attempts of a task remember, beside what is on the server."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import ensure_campaign, ensure_clone
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.exceptions import CampaignExistsError
from tests.unit.campaigns.campaign_cases import NAME, OWNER, SOURCE_NAME, assert_exactly_one, spec, watch
from tests.unit.campaigns.fake_server import GROUP, Attempt, FakeServer


class Notes:
    """A checkpoint, and how many requests had been sent when each note was made."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.kept: Mapping[str, Any] = {}
        self.made_at: list[int] = []

    def recall(self) -> Mapping[str, Any]:
        return self.kept

    def note(self, intent: Mapping[str, Any]) -> None:
        self.kept = copy.deepcopy(dict(intent))
        self.made_at.append(len(self._server.sent("POST")))


class LaggingServer(FakeServer):
    """Lists a campaign only after ``lag`` requests have passed since it was made."""

    lag = 0

    def _inside(self, group: int) -> list[dict[str, Any]]:
        rows = super()._inside(group)
        if self.lag > 0:
            self.lag -= 1
            return rows[:-1]
        return rows


def attempt(server: FakeServer, notes: Notes, source: int | None, wanted: CampaignSpec) -> Attempt[Any]:
    """Begin to clone ``source``, or to create where there is none."""
    if source is None:
        return Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=notes))
    return Attempt(server, ensure_clone(source, wanted, country="USA", owner=OWNER, checkpoint=notes))


@pytest.mark.parametrize("if_exists", list(IfExists))
@pytest.mark.parametrize("cloning", [False, True])
def test_cut_off_after_any_request_the_next_attempt_knows_the_campaign_for_its_own(
    if_exists: IfExists, cloning: bool
) -> None:
    most, whole = 0, False
    while not whole:
        server = FakeServer()
        there = server.add(SOURCE_NAME, isActive=1, endDate="2095-05-26T07:00:00.000+0000")
        source = there if cloning else None
        watch(server)
        others = copy.deepcopy(server.campaigns)
        notes = Notes(server)
        wanted = spec(if_exists=if_exists)
        whole = attempt(server, notes, source, wanted).run(most).done
        again = attempt(server, notes, source, wanted).run()
        assert again.result.outcome == "created", most
        assert_exactly_one(server, others)
        most += 1
    assert most > 5


def test_the_intent_is_noted_before_the_create_is_sent_and_the_id_after() -> None:
    server = FakeServer()
    notes = Notes(server)
    Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=notes)).run()
    assert notes.made_at == [0, 1]
    (made,) = server.named(NAME)
    assert notes.kept["campaign_id"] == made["campaignId"]
    assert notes.kept["dial_group_id"] == GROUP
    assert OWNER not in str(notes.kept)


def test_without_a_memory_a_retry_with_fail_still_fails() -> None:
    server = FakeServer()
    Attempt(server, ensure_campaign(spec(), owner=OWNER)).run()
    again = Attempt(server, ensure_campaign(spec(if_exists=IfExists.FAIL), owner=OWNER)).run()
    assert isinstance(again.error, CampaignExistsError)


def test_what_another_task_made_is_not_its_own() -> None:
    server = FakeServer()
    notes = Notes(server)
    Attempt(server, ensure_campaign(spec(name="Another"), owner=OWNER, checkpoint=notes)).run()
    Attempt(server, ensure_campaign(spec(), owner="other.task")).run()
    again = Attempt(
        server, ensure_campaign(spec(if_exists=IfExists.FAIL), owner=OWNER, checkpoint=notes)
    ).run()
    assert isinstance(again.error, CampaignExistsError)


def test_a_list_that_lags_hides_no_campaign_that_is_remembered() -> None:
    server = LaggingServer()
    others = copy.deepcopy(server.campaigns)
    notes = Notes(server)
    first = Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=notes))
    while not server.sent("POST"):
        first.step()
    server.lag = 2
    again = Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=notes)).run()
    assert again.result.outcome == "created"
    assert_exactly_one(server, others)
    assert len(server.sent("POST")) == 1


@pytest.mark.parametrize("noted", [{}, {"campaign_id": "x"}, {"working_name": None}, {"campaign_id": 9}])
def test_a_damaged_memory_is_no_memory(noted: dict[str, Any]) -> None:
    server = FakeServer()
    notes = Notes(server)
    notes.kept = noted
    assert (
        Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=notes)).run().result.outcome
        == "created"
    )
    assert len(server.named(NAME)) == 1


def test_a_remembered_campaign_that_is_gone_is_made_anew() -> None:
    server = FakeServer()
    notes = Notes(server)
    Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=notes)).run()
    server.campaigns.clear()
    assert (
        Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=notes)).run().result.outcome
        == "created"
    )
    assert len(server.named(NAME)) == 1
