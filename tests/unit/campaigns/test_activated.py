"""A campaign that a task activates, and that someone pauses before its next attempt."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult, change_campaign, ensure_campaign
from airflow_provider_engagevoice.campaigns.checkpoint import TaskRecord
from airflow_provider_engagevoice.exceptions import UnreachableError
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.unit.campaigns.campaign_cases import FIELDS, NAME, OWNER, Saved, spec
from tests.unit.campaigns.fake_server import GROUP, Attempt, FakeServer, method, run


def activate(server: FakeServer, saved: Saved) -> Attempt[CampaignResult]:
    change = change_campaign("A", GROUP, fields={}, name=None, state=CampaignState.ACTIVE, checkpoint=saved)
    return Attempt(server, change)


@pytest.mark.parametrize("is_executed", [True, False])
def test_a_pause_after_the_activation_stands_in_the_next_attempt(is_executed: bool, caplog) -> None:
    """An attempt that is killed before it is answered cannot tell whether the campaign was activated."""
    server = FakeServer()
    campaign = server.add("A", isActive=0)
    saved = Saved()
    attempt = activate(server, saved)
    while method(attempt) != "PUT":
        attempt.step()
    if is_executed:
        attempt.step()
    server.campaigns[campaign]["isActive"] = 0
    result = activate(server, saved.next_attempt()).run().result
    assert (result.is_active, server.campaigns[campaign]["isActive"]) == (0, 0)
    assert "a person has paused it" in caplog.text
    # Whoever clears the task asks for it again.
    assert activate(server, saved.cleared()).run().result.is_active == 1


def test_a_retry_activates_a_campaign_if_the_request_was_not_executed() -> None:
    server = FakeServer()
    server.add("A", isActive=0)
    saved = Saved()
    answer = server.answer

    def refuse(request: Any) -> Any:
        if request.method == "PUT":
            raise UnreachableError("no connection", method="PUT", path=request.path)
        return answer(request)

    server.answer = refuse  # type: ignore[method-assign]
    assert isinstance(activate(server, saved).run().error, UnreachableError)
    server.answer = answer  # type: ignore[method-assign]
    assert activate(server, saved.next_attempt()).run().result.is_active == 1


def test_a_campaign_that_an_update_finds_paused_is_activated() -> None:
    server = FakeServer()
    server.add(NAME, **FIELDS, isActive=0)
    saved = Saved()
    wanted = spec(enforce_active=True)
    attempt = Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved))
    while not server.sent("PUT"):
        attempt.step()
    (campaign,) = server.campaigns.values()
    assert campaign["isActive"] == 1
    server.campaigns[campaign["campaignId"]]["isActive"] = 0
    run(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved.next_attempt()))
    (campaign,) = server.campaigns.values()
    assert campaign["isActive"] == 0


def test_an_activation_that_may_have_been_executed_is_not_forgotten() -> None:
    saved = Saved()
    record = TaskRecord(saved, {})
    assert record.activates(7)
    assert not record.activates(7)
    assert TaskRecord(saved.next_attempt(), {}).was_activated(7)
