"""campaigns/update.py: a campaign that was read too long ago is read again before it is written."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns import change_campaign, ensure_campaign
from airflow_provider_engagevoice.campaigns.names import working_name
from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.exceptions import OutdatedError
from tests.unit.campaigns.campaign_cases import FIELDS, NAME, OWNER, assert_exactly_one, spec
from tests.unit.campaigns.fake_server import Attempt, FakeServer, T, method


class SlowServer(FakeServer):
    """A server that requests reach only after ``waits`` waits that outdate what was read before."""

    waits = 0

    def answer(self, request: Request[T]) -> T:
        if request.after_read and self.waits > 0:
            self.waits -= 1
            raise OutdatedError("x", method=request.method, path=request.path)
        return super().answer(request)


def test_every_write_is_limited_in_age() -> None:
    server = FakeServer()
    Attempt(server, ensure_campaign(spec(), owner=OWNER)).run()
    writes = [request for request in server.requests if request.method == "PUT"]
    assert writes
    assert all(request.after_read for request in writes)


def test_after_a_long_wait_a_campaign_is_read_again_and_then_written() -> None:
    server = SlowServer()
    server.waits = 2
    attempt = Attempt(server, ensure_campaign(spec(), owner=OWNER)).run()
    assert attempt.result.outcome == "created"
    assert_exactly_one(server, {})


def test_an_attempt_that_was_suspended_does_not_undo_another() -> None:
    server = SlowServer()
    first = Attempt(server, ensure_campaign(spec(), owner=OWNER))
    while method(first) != "PUT":
        first.step()
    Attempt(server, ensure_campaign(spec(), owner=OWNER)).run()
    server.waits = 1
    first.step()
    writes = server.sent("PUT")
    # If interrupted after any further step, it does not change the complete campaign.
    while not first.done:
        (campaign,) = server.named(NAME)
        assert campaign["isActive"] == 1
        first.step()
    assert server.sent("PUT") == writes
    assert first.result.campaign_id == server.named(NAME)[0]["campaignId"]


def test_changes_by_users_during_the_wait_are_kept() -> None:
    server = SlowServer()
    campaign_id = server.add(NAME, **FIELDS)
    server.waits = 1
    change = change_campaign(campaign_id, None, fields={"maxRingTime": 12}, name=None, state=None)
    attempt = Attempt(server, change)
    while method(attempt) != "PUT":
        attempt.step()
    server.campaigns[campaign_id]["callerId"] = "4155550777"
    attempt.run()
    stored = server.campaigns[campaign_id]
    assert (stored["maxRingTime"], stored["callerId"]) == (12, "4155550777")


def test_endless_waits_are_a_retryable_error() -> None:
    server = SlowServer()
    server.waits = 1000
    attempt = Attempt(server, ensure_campaign(spec(), owner=OWNER)).run()
    assert isinstance(attempt.error, OutdatedError)
    assert attempt.error.retryable
    with pytest.raises(OutdatedError):
        _ = attempt.result


def test_a_campaign_is_not_named_by_an_old_list() -> None:
    """Another task completes a campaign of the name while this one waits for its permits."""
    server = FakeServer()
    slow = Attempt(server, ensure_campaign(spec(), owner=OWNER))
    while not server.campaigns:
        slow.step()
    (unfinished,) = server.campaigns
    while method(slow) != "GET" or not isinstance(slow.pending, Request) or "maxRows" in slow.pending.query:
        slow.step()
    server.campaigns[unfinished]["campaignName"] = "Renamed by a person"
    other = Attempt(server, ensure_campaign(spec(), owner="another")).run()
    server.campaigns[unfinished]["campaignName"] = working_name(NAME, OWNER)
    clock.sleep(60.0)
    slow.run()
    assert slow.result.campaign_id == other.result.campaign_id
    assert [campaign["campaignName"] for campaign in server.campaigns.values()] == [NAME]


def test_a_read_that_shows_another_name_after_a_write_may_be_from_before() -> None:
    server = FakeServer()
    campaign_id = server.add(NAME, **FIELDS)
    stale = dict(server.campaigns[campaign_id], campaignName="Before", maxRingTime=12)
    change = change_campaign(campaign_id, None, fields={"maxRingTime": 12}, name=None, state=None)
    attempt = Attempt(server, change)
    while not server.sent("PUT"):
        attempt.step()
    stored = server.campaigns[campaign_id]
    server.campaigns[campaign_id] = stale
    attempt.step()
    server.campaigns[campaign_id] = stored
    attempt.run()
    assert (attempt.result.campaign_name, attempt.result.outcome) == (NAME, "updated")
