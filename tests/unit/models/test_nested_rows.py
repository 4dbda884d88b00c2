"""models/nested_rows.py: which rows inside of a campaign belong to another one."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.nested_rows import (
    RowIds,
    fields_of_others,
    own_part,
    own_rows_of,
    row_ids,
)

OWN, OTHER = 1201, 1001


def campaign(**fields: Any) -> Campaign:
    return Campaign.from_server({"campaignId": OWN, "campaignName": "New", **fields})


@pytest.mark.parametrize(
    ("name", "value", "own"),
    [
        ("campaignDispositions", [{"dispositionId": 7, "campaignId": OTHER}], []),
        ("campaignDispositions", [{"dispositionId": 7, "campaignId": str(OTHER)}], []),
        (
            "campaignFilterStates",
            [{"filterId": 1, "campaignId": OTHER}, {"filterId": 2, "campaignId": str(OWN)}, {"state": "CA"}],
            [{"filterId": 2, "campaignId": str(OWN)}, {"state": "CA"}],
        ),
        (
            "campaignRequeueShortcuts",
            {"content": [{"campaignId": OTHER}], "total": 1},
            {"content": [], "total": 1},
        ),
        (
            "campaignFilterTimezones",
            {"7": {"campaignId": OTHER}, "8": {"campaignId": OWN}},
            {"8": {"campaignId": OWN}},
        ),
        ("campaignWhitelistTagMembers", {"campaignId": OTHER, "content": []}, None),
        ("addedLater", [{"id": 3, "campaignId": OTHER}, {"id": 4}], [{"id": 4}]),
        (
            "addedLater",
            [{"campaignId": OWN, "members": [{"campaignId": OTHER}]}],
            [{"campaignId": OWN, "members": []}],
        ),
    ],
)
def test_rows_that_name_another_campaign_are_left_out(name: str, value: Any, own: Any) -> None:
    whole = campaign(**{name: value}, campaignDesc="kept")
    assert fields_of_others(whole) == [name]
    assert own_part(whole).raw == {**whole.raw, name: own}
    assert own_part(whole).with_changes({"maxRingTime": 25})[name] == own


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        [{"campaignId": OWN}],
        [{"campaignId": 0, "id": 7}, {"campaignId": None}],
        [{"id": 7}],
        ["x"],
    ],
)
def test_all_else_is_sent_back_as_it_was_read(value: Any) -> None:
    whole = campaign(
        campaignDispositions=value, script={"id": 5, "campaignId": OTHER}, addedLater={"campaignId": OTHER}
    )
    assert fields_of_others(whole) == []
    assert own_part(whole) is whole


SOURCE = Campaign.from_server(
    {
        "campaignId": OTHER,
        "campaignFilterStates": [{"filterId": 9, "state": "CA"}, {"filterId": 8}],
        "campaignRequeueShortcuts": {"content": [{"shortcutId": "8", "agentId": 4}]},
        "campaignDispositions": [{"dispositionId": 7, "campaignId": OTHER}],
        "personaCallSchedules": [{"scheduleId": 3, "day": "MONDAY"}],
        "addedLater": ["no row"],
    }
)


def test_rows_without_a_campaign_are_known_by_their_ids() -> None:
    known = row_ids(SOURCE)
    assert known.keys() == {"campaignFilterStates", "campaignRequeueShortcuts", "personaCallSchedules"}
    copy = campaign(
        campaignFilterStates=[{"filterId": 9, "state": "NY"}, {"filterId": 10}, {"state": "CA"}],
        campaignRequeueShortcuts={
            "content": [{"agentId": 4, "shortcutId": 8}, {"shortcutId": 9, "agentId": 4}]
        },
        personaCallSchedules=[{"scheduleId": 3, "day": "MONDAY"}, {"scheduleId": 4, "day": "FRIDAY"}],
    )
    assert fields_of_others(copy) == []
    assert fields_of_others(copy, known) == ["campaignFilterStates", "campaignRequeueShortcuts"]
    own = own_part(copy, known).raw
    assert own["campaignFilterStates"] == [{"filterId": 10}, {"state": "CA"}]
    assert own["campaignRequeueShortcuts"] == {"content": [{"shortcutId": 9, "agentId": 4}]}
    assert own["personaCallSchedules"] == [{"day": "MONDAY"}, {"scheduleId": 4, "day": "FRIDAY"}]


def test_if_the_ids_of_the_source_are_not_known_a_row_is_own_only_if_it_says_so() -> None:
    rows = [{"filterId": 9}, {"filterId": 8, "campaignId": OWN, "zone": {"id": 5}}, {"state": "CA"}]
    copy, unknown = campaign(campaignFilterStates=rows), None
    assert fields_of_others(copy, unknown) == ["campaignFilterStates"]
    assert own_part(copy, unknown).raw["campaignFilterStates"] == rows[1:]


@pytest.mark.parametrize("others", [{}, None])
def test_calling_windows_are_kept_without_the_ids_of_another_campaign(others: RowIds) -> None:
    window = {"day": "MONDAY", "callPreferences": [{"phoneId": 1, "priority": 1}]}
    own = {**window, "scheduleId": 4, "campaignId": OWN}
    copy = campaign(personaCallSchedules=[{**window, "scheduleId": 3, "campaignId": OTHER}, own])
    assert fields_of_others(copy, others) == []
    assert own_part(copy, others).raw["personaCallSchedules"] == [window, own]


def test_no_row_that_names_a_campaign_belongs_to_a_new_one() -> None:
    assert own_rows_of(None, [{"campaignId": OTHER}, {"id": 7}]) == [{"id": 7}]
