"""Events between two polls."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.polling.event_tracker import events_between
from airflow_provider_engagevoice.polling.snapshots import CampaignSnapshot

START, END = datetime(2026, 11, 1, 8, tzinfo=UTC), datetime(2026, 11, 30, 8, tzinfo=UTC)
BEFORE, INSIDE, AFTER = START - timedelta(days=1), START + timedelta(days=1), END + timedelta(days=1)


def snapshot(sample: dict[str, Any], now: datetime, **fields: object) -> CampaignSnapshot:
    dates = {"startDate": format_vendor_date(START), "endDate": format_vendor_date(END)}
    raw = {**sample, **dates, "isActive": 1, **fields}
    return CampaignSnapshot.of(Campaign.from_server(raw), 7, "Renewals", now)


def names(before: CampaignSnapshot | None, after: CampaignSnapshot | None) -> list[str]:
    return [event.value for event, _ in events_between(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ((BEFORE, {}), (BEFORE, {}), []),
        ((INSIDE, {}), (INSIDE, {}), []),
        ((BEFORE, {}), (START - timedelta(microseconds=1), {}), []),
        ((BEFORE, {}), (START, {}), ["opened"]),
        ((INSIDE, {}), (END, {}), ["closed"]),
        ((BEFORE, {}), (AFTER, {}), ["opened", "closed"]),
        ((BEFORE, {"isActive": 0}), (INSIDE, {"isActive": 0}), []),
        ((BEFORE, {"isActive": 0}), (AFTER, {"isActive": 0}), ["closed"]),
        ((INSIDE, {"isActive": 0}), (INSIDE, {}), ["activated", "opened"]),
        ((BEFORE, {"isActive": 0}), (BEFORE, {}), ["activated"]),
        ((BEFORE, {"isActive": 2}), (BEFORE, {}), ["activated"]),
        ((INSIDE, {}), (INSIDE, {"isActive": 0}), ["paused"]),
        ((INSIDE, {}), (INSIDE, {"isActive": 2}), ["paused"]),
        ((INSIDE, {}), (AFTER, {"isActive": 0}), ["paused", "closed"]),
        ((BEFORE, {}), (BEFORE, {"campaignName": "Other"}), ["edited"]),
        ((BEFORE, {}), (BEFORE, {"startDate": format_vendor_date(START - timedelta(hours=1))}), ["edited"]),
        ((BEFORE, {}), (BEFORE, {"startDate": format_vendor_date(BEFORE)}), ["edited", "opened"]),
        ((BEFORE, {}), (BEFORE, {"maxRingTime": 59}), ["edited"]),
        ((BEFORE, {}), (BEFORE, {"lastPassDts": "2026-10-31T00:00:00.000+0000"}), []),
        (None, (BEFORE, {}), ["created"]),
        (None, (INSIDE, {}), ["created", "opened"]),
        ((INSIDE, {}), None, ["deleted"]),
        (None, None, []),
    ],
)
def test_events(sample, before, after, events) -> None:
    one, other = (None if at is None else snapshot(sample, at[0], **at[1]) for at in (before, after))
    assert names(one, other) == events


def test_changes_are_reported(sample) -> None:
    one = snapshot(sample, INSIDE, isActive=0)
    other = snapshot(sample, INSIDE, campaignName="Other", maxRingTime=59)
    changes = {event.value: changed for event, changed in events_between(one, other)}
    name = [sample["campaignName"], "Other"]
    assert changes["edited"] == {"campaignName": name, "settings": [one.digest, other.digest]}
    assert changes["activated"] == {"isActive": [0, 1]}
    assert changes["opened"]["isActive"] == [0, 1]


@pytest.mark.parametrize("now", [BEFORE, INSIDE, AFTER])
def test_it_survives_a_checkpoint(sample, now) -> None:
    one = snapshot(sample, now)
    kept = json.loads(json.dumps(one.to_json()))
    assert CampaignSnapshot.from_json(one.campaign_id, kept) == one


def test_time_alone_opens_and_closes(sample) -> None:
    one = snapshot(sample, BEFORE)
    assert one.at(BEFORE) is one
    assert one.at(INSIDE) == replace(one, is_open=True)
    assert one.at(AFTER) == replace(one, is_over=True)
    assert [one.changes_at(now) for now in (BEFORE, INSIDE, AFTER)] == [START, END, None]


@pytest.mark.parametrize(
    "form",
    [
        {"startDate": "2026-11-01T08:00:00Z", "endDate": "2026-11-30T13:30:00+0530"},
        {"startDate": 1_793_520_000_000},
        {"startDate": "2026-11-01T08:00:00.999+0000"},
        {"isActive": "1"},
        {"isActive": True},
    ],
)
def test_another_form_of_the_same_values_is_no_event(sample, form) -> None:
    assert names(snapshot(sample, INSIDE), snapshot(sample, INSIDE, **form)) == []
    assert names(snapshot(sample, INSIDE, **form), snapshot(sample, INSIDE)) == []


@pytest.mark.parametrize("now", [BEFORE, INSIDE, AFTER])
@pytest.mark.parametrize(
    "row",
    [
        {"campaignName": None},
        {"startDate": None},
        {"endDate": "later"},
        {"isActive": None},
        {"startDate": None, "endDate": None, "campaignName": "", "maxRingTime": None, "satSched": None},
    ],
)
def test_a_row_is_completed_by_the_one_before(sample, now, row) -> None:
    before, odd = snapshot(sample, BEFORE), snapshot(sample, now, **row)
    assert odd.completed(before, now) == before.at(now)
    assert before.completed(odd, now) is before
    assert odd.completed(odd, now) is odd


def test_an_edit_in_an_odd_row_is_kept(sample) -> None:
    before, odd = snapshot(sample, BEFORE), snapshot(sample, BEFORE, startDate=None, isActive=0)
    completed = odd.completed(before, BEFORE)
    assert (completed.start, completed.is_active) == (START, False)
    assert names(before, completed) == ["paused"]


def test_unreadable_dates_open_nothing(sample) -> None:
    one = snapshot(sample, INSIDE, startDate="soon", endDate=None)
    assert (one.is_open, one.is_over, one.changes_at(INSIDE)) == (False, False, None)
