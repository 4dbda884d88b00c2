"""campaigns/ensure.py: a campaign is created, or an existing one reconciled with the requested fields."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult, differences, ensure_campaign, working_name
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.client.lookup import FoundCampaign
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    ConcurrentChangesError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
)
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.support.clocks import FakeClock
from tests.unit.campaigns.campaign_cases import (
    FIELDS,
    NAME,
    OWNER,
    WANTED,
    assert_exactly_one,
    create,
    spec,
)
from tests.unit.campaigns.fake_server import GROUP, OTHER_GROUP, FakeServer, Json, run


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def ensure(server: FakeServer, wanted: CampaignSpec) -> CampaignResult:
    return run(server, ensure_campaign(wanted, owner=OWNER))


def test_the_result_names_the_campaign(server: FakeServer) -> None:
    assert ensure(server, spec()).as_xcom() == {
        "campaign_id": 1001,
        "dial_group_id": GROUP,
        "campaign_name": NAME,
        "start": "2090-11-01T07:00:00+00:00",
        "end": "2090-12-01T08:00:00+00:00",
        "is_active": 1,
        "outcome": "created",
    }
    assert_exactly_one(server, {})


@pytest.mark.parametrize("dial_group", [GROUP, str(GROUP), "Outbound Renewals", {"dial_group_id": GROUP}])
def test_the_dial_group_is_an_id_a_name_or_a_mapping(server: FakeServer, dial_group: object) -> None:
    assert ensure(server, spec(dial_group=dial_group)).dial_group_id == GROUP
    assert_exactly_one(server, {})


@pytest.mark.parametrize("dial_group", [999, "Outbound Renewal"])
def test_an_unknown_dial_group(server: FakeServer, dial_group: object) -> None:
    with pytest.raises(NotFoundError, match=r"999|nearest: 'Outbound Renewals'"):
        ensure(server, spec(dial_group=dial_group))
    assert not server.campaigns


def test_nothing_is_written_for_dates_that_are_over_or_reversed(server: FakeServer) -> None:
    for changes in ({"endDate": datetime(2090, 10, 1, tzinfo=UTC)}, {"endDate": WANTED["startDate"]}):
        with pytest.raises(InvalidInputError, match="must be after the start"):
            ensure(server, spec(fields=WANTED | changes))
    assert not server.requests
    past = {"startDate": datetime(2020, 1, 1, tzinfo=UTC), "endDate": datetime(2020, 2, 1, tzinfo=UTC)}
    with pytest.raises(InvalidInputError, match="already over"):
        ensure(server, spec(fields=WANTED | past))
    assert {request.method for request in server.requests} == {"GET"}


def test_it_is_created_inactive_with_a_working_name_and_completed_by_one_write(server: FakeServer) -> None:
    states: list[tuple[str, int]] = []
    server.after_write = lambda: states.extend(
        (campaign["campaignName"], campaign["isActive"]) for campaign in server.campaigns.values()
    )
    ensure(server, spec())
    assert states[0] == (working_name(NAME, OWNER), 0)
    assert states[-1] == (NAME, 1)
    assert set(states) == {states[0], states[-1]}


@pytest.mark.parametrize("state", [None, *CampaignState])
def test_the_state_asked_for_or_inactive(server: FakeServer, state: CampaignState | None) -> None:
    assert ensure(server, spec(state=state)).is_active == (state or 0)
    assert [campaign["isActive"] for campaign in server.named(NAME)] == [state or 0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_response_to_the_create_leads_to_one_campaign(server: FakeServer, when: str) -> None:
    server.lose_create(1, when)
    assert ensure(server, spec()).outcome == "created"
    assert_exactly_one(server, {})
    assert len(server.sent("POST")) == (2 if when == "before" else 1)


def test_creates_that_never_arrive_are_not_sent_forever(server: FakeServer) -> None:
    for number in range(1, 50):
        server.lose_create(number, "before")
    with pytest.raises(OutcomeUnknownError) as caught:
        ensure(server, spec())
    assert caught.value.retryable
    assert not server.campaigns
    assert len(server.sent("POST")) <= 3


def test_two_creates_whose_responses_are_lost(server: FakeServer) -> None:
    server.lose_create(1, "before")
    server.lose_create(2, "after")
    ensure(server, spec())
    assert_exactly_one(server, {})


def existing(server: FakeServer, **fields: object) -> int:
    return server.add(NAME, **{**FIELDS, "isActive": 1, **fields})


def test_an_up_to_date_campaign_is_not_written(server: FakeServer) -> None:
    existing(server)
    before = copy.deepcopy(server.campaigns)
    assert ensure(server, spec()).outcome == "unchanged"
    assert server.campaigns == before
    assert not server.sent("PUT")
    assert not server.sent("POST")


def test_dates_are_compared_as_instants(server: FakeServer) -> None:
    existing(server, startDate="2090-11-01T00:00:00-07:00", endDate=3815798400000)
    assert ensure(server, spec()).outcome == "unchanged"
    assert not server.sent("PUT")


def test_fields_that_differ_change_and_the_rest_is_written_back(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    campaign_id = existing(server, maxRingTime=30, endDate="2090-11-30T00:00:00.000+0000")
    before = dict(server.campaigns[campaign_id])
    result = ensure(server, spec())
    assert (result.outcome, result.campaign_id) == ("updated", campaign_id)
    assert server.campaigns[campaign_id] == before | FIELDS
    assert len(server.sent("PUT")) == 1
    assert f"campaign {campaign_id} maxRingTime: 30 → 25" in caplog.text
    assert "endDate: 2090-11-30 00:00:00+00:00 → 2090-12-01 08:00:00+00:00" in caplog.text
    assert "callerId" not in caplog.text


def test_the_log_shows_dates_in_the_zone_of_the_task(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wanted = replace(spec(), zone=ZoneInfo("America/Los_Angeles"))
    ensure(server, wanted)
    assert "is complete: 2090-11-01 00:00:00-07:00 to 2090-12-01 00:00:00-08:00, isActive " in caplog.text
    (campaign,) = server.campaigns.values()
    campaign["endDate"] = "2090-06-30T00:00:00.000+0000"
    campaign["startDate"] = "9999-12-31T23:59:59.000+0000"
    ensure(server, replace(wanted, zone=ZoneInfo("Asia/Tokyo")))
    assert "endDate: 2090-06-30 09:00:00+09:00 → 2090-12-01 17:00:00+09:00" in caplog.text
    assert "startDate: 9999-12-31 23:59:59+00:00 → 2090-11-01 16:00:00+09:00" in caplog.text


def test_skip_keeps_it_and_fail_fails(server: FakeServer) -> None:
    campaign_id = existing(server, maxRingTime=30)
    before = copy.deepcopy(server.campaigns)
    result = ensure(server, spec(if_exists=IfExists.SKIP))
    assert (result.outcome, result.campaign_id) == ("unchanged", campaign_id)
    with pytest.raises(CampaignExistsError, match=str(campaign_id)):
        ensure(server, spec(if_exists=IfExists.FAIL))
    assert server.campaigns == before


@pytest.mark.parametrize("if_exists", list(IfExists))
def test_two_campaigns_of_that_name_are_an_error_with_both_ids(
    server: FakeServer, if_exists: IfExists
) -> None:
    ids = [existing(server), existing(server)]
    before = copy.deepcopy(server.campaigns)
    with pytest.raises(AmbiguousNameError, match=f"{ids[0]}, {ids[1]}") as caught:
        ensure(server, spec(if_exists=if_exists))
    assert caught.value.ids == tuple(ids)
    assert server.campaigns == before


def test_names_are_unique_per_dial_group_only(server: FakeServer) -> None:
    elsewhere = server.add(NAME, group=OTHER_GROUP)
    others = {elsewhere: dict(server.campaigns[elsewhere])}
    assert ensure(server, spec()).outcome == "created"
    assert_exactly_one(server, others)


def test_an_unfinished_campaign_that_another_task_left_is_deleted_after_a_while(
    server: FakeServer, virtual_clock: FakeClock
) -> None:
    began = virtual_clock.now
    server.add(working_name(NAME, "another.task"))
    ensure(server, spec())
    assert_exactly_one(server, {})
    assert virtual_clock.now - began >= 90


def test_an_unfinished_campaign_of_another_name_is_left(server: FakeServer) -> None:
    for name in (f"{NAME} II", NAME.upper(), NAME[:-1]):
        server.add(working_name(name, OWNER))
    others = copy.deepcopy(server.campaigns)
    ensure(server, spec())
    assert_exactly_one(server, others)


def test_an_unfinished_campaign_with_leads_is_left_and_reported(server: FakeServer) -> None:
    unfinished = server.add(working_name(NAME, "another.task"))
    server.lists[unfinished] = [{"listId": 1}]
    with pytest.raises(ConcurrentChangesError, match=rf"campaign {unfinished}.* is in use") as caught:
        ensure(server, spec())
    assert caught.value.retryable
    assert list(server.campaigns) == [unfinished]


@pytest.mark.parametrize("stored", list(CampaignState))
@pytest.mark.parametrize("given", [None, *CampaignState])
def test_the_state_that_users_set_is_kept(
    server: FakeServer, stored: CampaignState, given: CampaignState | None, caplog: pytest.LogCaptureFixture
) -> None:
    campaign_id = existing(server, isActive=int(stored), maxRingTime=30)
    result = ensure(server, spec(state=given))
    assert (result.is_active, result.outcome) == (stored, "updated")
    assert server.campaigns[campaign_id]["isActive"] == stored
    warnings = [record.getMessage() for record in caplog.records if "enforce_active" in record.getMessage()]
    assert len(warnings) == (0 if given in (None, stored) else 1)


@pytest.mark.parametrize("stored", list(CampaignState))
@pytest.mark.parametrize("given", [None, *CampaignState])
def test_unless_it_is_enforced(
    server: FakeServer, stored: CampaignState, given: CampaignState | None
) -> None:
    campaign_id = existing(server, isActive=int(stored))
    result = ensure(server, spec(state=given, enforce_active=True))
    expected = stored if given is None else given
    assert result.is_active == expected
    assert server.campaigns[campaign_id]["isActive"] == expected
    assert result.outcome == ("unchanged" if expected == stored else "updated")


def test_a_second_run_of_the_task_changes_nothing(server: FakeServer) -> None:
    run(server, create())
    before = copy.deepcopy(server.campaigns)
    assert run(server, create()).outcome == "unchanged"
    assert server.campaigns == before


def test_unfinished_and_finished_ones_together(server: FakeServer) -> None:
    finished = existing(server)
    server.add(working_name(NAME, OWNER))
    assert ensure(server, spec()).campaign_id == finished
    assert list(server.campaigns) == [finished]


def test_working_names_differ_by_task_and_keep_the_name() -> None:
    assert working_name(NAME, "a.b") != working_name(NAME, "a.c")
    assert working_name(NAME, "a.b") == working_name(NAME, "a.b")
    assert working_name(NAME, "a.b").startswith(NAME)


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "wanted", "differs"),
    [
        ({"campaignDesc": ""}, {"campaignDesc": ""}, False),
        ({"campaignDesc": None}, {"campaignDesc": ""}, False),
        ({}, {"campaignDesc": ""}, False),
        ({}, {"campaignDesc": "x"}, True),
        ({"targetAbandonRate": 3.0}, {"targetAbandonRate": 3}, False),
        ({"maxRingTime": "30"}, {"maxRingTime": 30}, False),
        ({"isActive": True}, {"isActive": 1}, False),
        ({"isActive": "0"}, {"isActive": 0}, False),
        ({"isActive": False}, {"isActive": 1}, True),
        ({"startDate": "2026-01-01T00:00:00Z"}, {"startDate": NEW_YEAR}, False),
        ({"startDate": "2026-01-01T00:00:00.999Z"}, {"startDate": NEW_YEAR}, False),
        ({"startDate": "2026-01-01T00:00:01Z"}, {"startDate": NEW_YEAR}, True),
        ({"startDate": "2026-01-01T05:30:00+0530"}, {"startDate": NEW_YEAR}, False),
        ({"startDate": "soon"}, {"startDate": NEW_YEAR}, True),
        ({"startDate": None}, {"startDate": NEW_YEAR}, True),
        ({"script": {"id": 1}}, {"script": {"id": 1}}, False),
    ],
)
def test_differences(stored: Json, wanted: Json, differs: bool) -> None:
    campaign = Campaign.from_server({"campaignId": 1, "campaignName": "x", **stored})
    assert bool(differences(wanted, campaign)) is differs


@pytest.mark.parametrize("stored", [None, "1", "active", True, 1.5, [], {}, 7])
def test_a_result_accepts_any_state_of_the_server(stored: object) -> None:
    campaign = Campaign.from_server({"campaignId": 1, "campaignName": "x", "isActive": stored})
    result = CampaignResult.of(FoundCampaign(GROUP, campaign), "unchanged")
    assert result.is_active in (None, 1, 7)
