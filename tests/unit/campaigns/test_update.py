"""campaigns/update.py: change and delete campaigns."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_engagevoice.campaigns import (
    CampaignResult,
    change_campaign,
    remove_campaign,
    update,
)
from airflow_provider_engagevoice.campaigns.checkpoint import CampaignCheckpoint, NoCheckpoint, save_success
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    ConcurrentChangesError,
    EngageVoiceError,
    InvalidInputError,
    NotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.unit.campaigns.campaign_cases import Saved
from tests.unit.campaigns.fake_server import GROUP, OTHER_GROUP, Attempt, FakeServer, run

START, END = datetime(2090, 11, 1, 7, tzinfo=UTC), datetime(2090, 12, 1, 8, tzinfo=UTC)

WINDOW = {
    "day": "MONDAY",
    "start": "08:00",
    "end": "20:00",
    "callPreferences": [{"phoneId": 1, "priority": 1}],
}


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.add(
        "Renewals",
        startDate="2090-11-01T07:00:00.000+0000",
        endDate="2090-12-01T08:00:00.000+0000",
        isActive=1,
    )
    server.add("Winbacks", group=OTHER_GROUP)
    return server


def change(
    server: FakeServer,
    reference: Any = 1001,
    dial_group: Any = GROUP,
    *,
    name: str | None = None,
    state: CampaignState | None = None,
    saved: CampaignCheckpoint | None = None,
    **fields: object,
) -> CampaignResult:
    changed = change_campaign(reference, dial_group, fields=fields, name=name, state=state, checkpoint=saved)
    return run(server, changed)


@pytest.mark.parametrize(
    ("stored", "changed", "problem"),
    [
        ("08002000", {"monSched": "08002100"}, "personaCallSchedules must cover the hours"),
        (
            "00000000",
            {"monSched": "07002000", "maxRingTime": 45},
            "personaCallSchedules must cover the hours",
        ),
        ("08002000", {"personaCallSchedules": [{**WINDOW, "end": "19:00"}]}, "windows must cover the hours"),
        (
            "08002000",
            {"monSched": "08002100", "personaCallSchedules": [WINDOW]},
            "must cover the hours",
        ),
    ],
)
def test_hours_and_calling_windows_must_agree_also_if_one_is_stored(
    server: FakeServer, stored: str, changed: dict[str, Any], problem: str
) -> None:
    fields = {"callingConfiguration": "STRATEGIC", "monSched": stored, "personaCallSchedules": [WINDOW]}
    server.campaigns[1001] |= fields
    with pytest.raises(InvalidInputError, match=problem):
        change(server, **changed)
    assert not server.sent("PUT")
    windows = [{**WINDOW, "start": "07:00", "end": "21:00"}]
    assert change(server, **changed | {"personaCallSchedules": windows}).outcome == "updated"


def test_windows_that_do_not_cover_the_hours_of_other_days_stop_no_change(server: FakeServer) -> None:
    fields = {"callingConfiguration": "STRATEGIC", "tueSched": "08002000", "personaCallSchedules": [WINDOW]}
    server.campaigns[1001] |= fields
    assert change(server, monSched="09001900", tueSched="08002000").outcome == "updated"
    assert change(server, monSched="00000000").outcome == "updated"


@pytest.mark.parametrize(
    ("reference", "dial_group"),
    [
        (1001, GROUP),
        ("1001", "Outbound Renewals"),
        ("Renewals", GROUP),
        ("Renewals", None),
        (1001, None),
        ({"campaign_id": 1001, "dial_group_id": GROUP}, None),
        ({"campaign_id": 1001}, None),
    ],
)
def test_one_field_changes_and_the_rest_is_written_back(
    server: FakeServer, reference: Any, dial_group: Any
) -> None:
    before = copy.deepcopy(server.campaigns)
    result = change(server, reference, dial_group, maxRingTime=45)
    assert (result.outcome, result.campaign_id, result.dial_group_id) == ("updated", 1001, GROUP)
    before[1001]["maxRingTime"] = 45
    assert server.campaigns == before


def test_the_log_shows_states_as_numbers(server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    change(server, state=CampaignState.INACTIVE)
    assert "campaign 1001 isActive: 1 → 0" in caplog.text


def test_the_log_and_errors_show_dates_in_the_zone_of_the_task(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    later, zone = START + timedelta(days=1), ZoneInfo("Europe/Paris")
    run(server, change_campaign(1001, GROUP, fields={"startDate": later}, name=None, state=None, zone=zone))
    new = later.astimezone(zone).isoformat(" ")
    assert f"campaign 1001 startDate: {START.astimezone(zone).isoformat(' ')} → {new}" in caplog.text
    early = START - timedelta(days=1)
    with pytest.raises(InvalidInputError, match=f"after the start, {re.escape(new)}"):
        run(server, change_campaign(1001, GROUP, fields={"endDate": early}, name=None, state=None, zone=zone))


def test_nothing_is_written_when_nothing_differs(server: FakeServer) -> None:
    result = change(server, maxRingTime=30, startDate=START, name="Renewals", state=CampaignState.ACTIVE)
    assert result.outcome == "unchanged"
    assert not server.sent("PUT")


def test_at_least_one_field_must_change(server: FakeServer) -> None:
    with pytest.raises(InvalidInputError, match="at least one field to change"):
        change(server)
    assert not server.requests


@pytest.mark.parametrize("state", list(CampaignState))
def test_states(server: FakeServer, state: CampaignState) -> None:
    assert change(server, state=state).is_active == state
    assert server.campaigns[1001]["isActive"] == state


def test_one_date_is_checked_against_the_stored_other(server: FakeServer) -> None:
    with pytest.raises(InvalidInputError, match="after the start"):
        change(server, endDate=START)
    with pytest.raises(InvalidInputError, match="after the start"):
        change(server, startDate=END)
    assert change(server, endDate=datetime(2091, 1, 1, tzinfo=UTC)).end == "2091-01-01T00:00:00+00:00"
    assert change(server, startDate=datetime(2020, 1, 1, tzinfo=UTC)).start == "2020-01-01T00:00:00+00:00"
    assert server.campaigns[1001]["isActive"] == 1


def test_an_end_that_has_passed_is_rejected(server: FakeServer) -> None:
    server.campaigns[1001]["startDate"] = "2020-01-01T00:00:00.000+0000"
    with pytest.raises(InvalidInputError, match="already over"):
        change(server, endDate=datetime(2021, 1, 1, tzinfo=UTC))


def test_a_campaign_that_is_over_may_have_its_start_corrected(server: FakeServer) -> None:
    server.campaigns[1001] |= {
        "startDate": "2020-01-01T00:00:00.000+0000",
        "endDate": "2021-01-01T00:00:00.000+0000",
    }
    assert change(server, startDate=datetime(2020, 2, 1, tzinfo=UTC)).outcome == "updated"
    assert server.campaigns[1001]["startDate"] == "2020-02-01T00:00:00.000+0000"


@pytest.mark.parametrize("stored", [None, "", "soon", [], {"millis": 1}])
@pytest.mark.parametrize(("unreadable", "given"), [("startDate", "endDate"), ("endDate", "startDate")])
def test_an_unreadable_stored_date_is_a_typed_error(
    server: FakeServer, stored: object, unreadable: str, given: str
) -> None:
    server.campaigns[1001][unreadable] = stored
    attempt = Attempt(
        server,
        change_campaign(
            1001,
            GROUP,
            fields={given: {"startDate": START, "endDate": END}[given] + timedelta(days=1)},
            name=None,
            state=None,
        ),
    )
    assert isinstance(attempt.run().error, EngageVoiceError)
    assert not server.sent("PUT")


def test_a_rename_may_be_retried(server: FakeServer) -> None:
    saved = Saved()
    assert change(server, "Renewals", name="Renewals II", maxRingTime=45, saved=saved).outcome == "updated"
    again = change(server, "Renewals", name="Renewals II", maxRingTime=45, saved=saved.next_attempt())
    assert (again.outcome, again.campaign_id, again.campaign_name) == ("updated", 1001, "Renewals II")


def test_a_rename_may_be_retried_without_a_state_store(server: FakeServer) -> None:
    change(server, "Renewals", name="Renewals II", maxRingTime=45)
    blind = NoCheckpoint(has_earlier_attempts=True)
    again = change(server, "Renewals", name="Renewals II", maxRingTime=45, saved=blind)
    assert (again.campaign_id, again.campaign_name) == (1001, "Renewals II")
    with pytest.raises(NotFoundError):
        change(server, "Renewals", name="Renewals II", maxRingTime=46, saved=blind)


def test_another_campaign_that_has_the_new_name_is_not_taken_over(server: FakeServer) -> None:
    other = server.add("Renewals II")
    before = copy.deepcopy(server.campaigns)
    with pytest.raises(NotFoundError):
        change(server, "Missing", name="Renewals II", maxRingTime=45)
    with pytest.raises(CampaignExistsError, match=str(other)):
        change(server, "Renewals", name="Renewals II")
    assert server.campaigns == before


def test_an_unknown_campaign(server: FakeServer) -> None:
    for reference in (7, "Renewal", {"campaign_id": 7, "dial_group_id": GROUP}):
        with pytest.raises(NotFoundError, match=r"7|nearest: 'Renewals'"):
            change(server, reference, None, maxRingTime=45)


def test_a_mapping_of_another_dial_group_is_rejected(server: FakeServer) -> None:
    with pytest.raises(InvalidInputError, match=str(GROUP)):
        change(server, {"campaign_id": 1001, "dial_group_id": GROUP}, OTHER_GROUP, maxRingTime=45)


def test_a_name_of_two_campaigns(server: FakeServer) -> None:
    server.add("Renewals")
    for procedure in (
        change_campaign("Renewals", None, fields={"maxRingTime": 45}, name=None, state=None),
        remove_campaign("Renewals", None),
    ):
        with pytest.raises(AmbiguousNameError, match="1001, 1003") as caught:
            run(server, procedure)
        assert caught.value.ids == (1001, 1003)
    assert len(server.campaigns) == 3


def test_the_calling_configuration_is_fixed(server: FakeServer) -> None:
    server.campaigns[1001]["callingConfiguration"] = "SIMPLE"
    with pytest.raises(InvalidInputError, match="callingConfiguration"):
        change(server, callingConfiguration="STRATEGIC")
    assert change(server, callingConfiguration="SIMPLE").outcome == "unchanged"
    assert not server.sent("PUT")


def test_a_server_that_does_not_store_the_change() -> None:
    server = FakeServer(stores=lambda method, body: {**body, "maxRingTime": 30})
    server.add("Renewals")
    with pytest.raises(StoredDifferentlyError, match="maxRingTime is 30, not 45"):
        change(server, maxRingTime=45)


def test_a_retry_goes_on_with_what_an_attempt_has_renamed(server: FakeServer) -> None:
    """It was taken for dead, has succeeded all the same, and another task has changed the campaign since."""
    saved = Saved()
    change(server, "Renewals", name="Renewals 2090", maxRingTime=45, saved=saved)
    save_success(saved)
    server.campaigns[1001]["maxRingTime"] = 20
    result = change(server, "Renewals", name="Renewals 2090", maxRingTime=45, saved=saved.next_attempt())
    assert (result.outcome, result.campaign_name) == ("updated", "Renewals 2090")
    assert server.campaigns[1001]["maxRingTime"] == 45


def test_characters_that_differ_in_a_stored_field_are_named() -> None:
    server = FakeServer(
        stores=lambda method, body: {**body, "campaignDesc": body["campaignDesc"].replace("\u2013", "-")}
    )
    server.add("Renewals", campaignDesc="")
    with pytest.raises(StoredDifferentlyError, match=r"U\+002D HYPHEN-MINUS in place of U\+2013 EN DASH"):
        change(server, campaignDesc="Spring \u2013 East")


@pytest.mark.parametrize(
    ("reference", "dial_group"),
    [
        (1001, GROUP),
        ("1001", None),
        ("Renewals", None),
        ("Renewals", "Outbound Renewals"),
        ({"campaign_id": 1001, "dial_group_id": GROUP}, None),
    ],
)
def test_a_campaign_is_deleted_and_that_may_be_retried(
    server: FakeServer, reference: Any, dial_group: Any
) -> None:
    result = run(server, remove_campaign(reference, dial_group))
    assert (result.outcome, result.campaign_id, result.campaign_name) == ("deleted", 1001, "Renewals")
    assert list(server.campaigns) == [1002]
    assert run(server, remove_campaign(reference, dial_group)).outcome == "absent"
    assert list(server.campaigns) == [1002]


def test_a_campaign_deleted_by_another_process_in_the_meantime(server: FakeServer) -> None:
    attempt = Attempt(server, remove_campaign("Renewals", GROUP))
    while attempt.pending is not None and attempt.pending.method == "GET":
        attempt.step()
    del server.campaigns[1001]
    assert attempt.run().result.campaign_id == 1001


def test_an_unknown_dial_group_is_not_an_absent_campaign(server: FakeServer) -> None:
    for dial_group in (999, "Outbound"):
        with pytest.raises(NotFoundError, match="dial group"):
            run(server, remove_campaign("Renewals", dial_group))


@pytest.mark.parametrize(
    "reference", ["", "None", None, {}, {"campaign_id": None}, 0, True, "{'campaign_id': 1}"]
)
def test_an_invalid_reference_is_rejected(server: FakeServer, reference: Any) -> None:
    with pytest.raises(InvalidInputError):
        run(server, remove_campaign(reference, None))
    with pytest.raises(InvalidInputError):
        change(server, reference, None, maxRingTime=45)
    assert len(server.campaigns) == 2


def test_a_new_name_that_looks_like_the_old_one_has_the_characters_that_differ() -> None:
    renamed = Campaign.from_server({"campaignId": 7, "campaignName": "Renew\u0430ls"})
    with pytest.raises(ConcurrentChangesError, match="CYRILLIC SMALL LETTER A in place of U\\+0061"):
        update._check_still_named(renamed, ["Winbacks", "Renewals"])
