"""models/campaign.py: values of the server are kept; values that are sent are within bounds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import (
    MAX_NAME_LENGTH,
    READ_ONLY_FIELDS,
    Account,
    Campaign,
    CampaignFields,
    Country,
    DialGroup,
    campaign_fields,
    check_known,
)
from airflow_provider_engagevoice.models.enums import CampaignPriority, CampaignState, DialLoadedOrder
from tests.support.cases import cases

#: The properties in the table of the vendor's document.
DOCUMENTED = {
    "isActive", "campaignName", "campaignDesc", "campaignPriority", "startDate", "endDate", "maxRingTime",
    "maxRingTimeTransfer", "callerId", "transferCallerId", "scrubDisconnectNoanswer", "dialLoadedOrder",
    "customDialZoneGroup", "trackSpeedToLead", "machineDetect", "campaignUnlimitedFieldGroup",
}  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
#: Names that have a meaning for the model, and unknown names.
odd_names = st.sampled_from(
    ["raw", "start", "end", "identity", "copy", "json", "dict", "model_config", "model_fields",
    "with_changes",
     "from_server", "_raw", "__class__", "__dict__", "self", "", "a b", "é"]
)  # fmt: skip


def test_every_documented_property_is_known(sample: dict[str, Any]) -> None:
    assert set(sample) <= set(Campaign.model_fields)
    assert set(CampaignFields.model_fields) >= DOCUMENTED


def test_the_sample_is_read(sample: dict[str, Any]) -> None:
    campaign = Campaign.from_server(sample)
    assert not campaign.model_extra
    assert (campaign.campaignId, campaign.campaignName) == (136785, "My Predictive Campaign")
    assert campaign.isActive is CampaignState.INACTIVE
    assert campaign.campaignPriority is CampaignPriority.AVERAGE
    assert campaign.dialLoadedOrder is DialLoadedOrder.NATURAL
    assert campaign.start == datetime(2020, 5, 26, 7, tzinfo=UTC)
    assert campaign.end == datetime(2025, 5, 26, 7, tzinfo=UTC)
    assert campaign.afterCallState == {"id": 11786, "description": "Available"}


def test_the_sample_is_written_back_exactly(sample: dict[str, Any]) -> None:
    campaign = Campaign.from_server(sample)
    assert json.dumps(campaign.with_changes({})) == json.dumps(sample)
    changed = campaign.with_changes({"maxRingTime": 45})
    assert changed == sample | {"maxRingTime": 45}
    assert campaign.with_changes({}) == sample


def test_dates_are_written_in_the_vendors_format(sample: dict[str, Any]) -> None:
    start = datetime(2026, 7, 1, 0, 0, 0, 1_000, tzinfo=timezone(-timedelta(hours=7)))
    body = Campaign.from_server(sample).with_changes({"startDate": start})
    assert body == sample | {"startDate": "2026-07-01T07:00:00.001+0000"}


def test_the_sample_can_be_sent(sample: dict[str, Any]) -> None:
    sendable = {name: value for name, value in sample.items() if name not in READ_ONLY_FIELDS}
    assert campaign_fields(sendable) == sendable


@settings(max_examples=cases(300))
@given(
    known=st.dictionaries(st.sampled_from(sorted(Campaign.model_fields)), json_values, max_size=8),
    unknown=st.dictionaries(odd_names | st.text(), json_values, max_size=4),
    campaign_id=st.integers(0, 10**12),
    name=st.text(),
)
def test_any_json_is_read_and_written_back(
    known: dict[str, Any], unknown: dict[str, Any], campaign_id: int, name: str
) -> None:
    data = {**known, **unknown, "campaignId": campaign_id, "campaignName": name}
    campaign = Campaign.from_server(data)
    assert campaign.with_changes({}) == data
    assert campaign.raw == data
    assert campaign.campaignId == campaign_id
    assert isinstance(campaign.start, datetime | None)
    assert isinstance(campaign.end, datetime | None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("maxRingTime", 500), ("maxRingTime", "soon"), ("isActive", 7), ("isActive", None), ("startDate",
        "soon"),
        ("endDate", None), ("monSched", "all day"), ("callerId", "anonymous"), ("transferCallerId", None),
        ("dncScrubOption", "NEW_OPTION"), ("targetAbandonRate", 300.0), ("script", [1]),
        ("machineDetect", {}),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_kept(sample: dict[str, Any], field: str, value: object) -> None:
    campaign = Campaign.from_server(sample | {field: value})
    assert getattr(campaign, field) == value
    assert campaign.raw[field] == value


@pytest.mark.parametrize(
    "data",
    [
        {}, {"campaignName": "x"}, {"campaignId": None, "campaignName": "x"},
        {"campaignId": "x", "campaignName": "x"}, {"campaignId": [], "campaignName": "x"},
    ],
)  # fmt: skip
def test_a_campaign_needs_an_id(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Campaign.from_server(data)


@pytest.mark.parametrize(
    ("data", "name"),
    [({}, ""), ({"campaignName": None}, ""), ({"campaignName": ""}, ""), ({"campaignName": 5}, "5")],
)
def test_a_campaign_may_have_no_name_and_no_dates(data: dict[str, Any], name: str) -> None:
    for dates in ({}, {"startDate": None, "endDate": None}, {"startDate": "", "endDate": "soon"}):
        campaign = Campaign.from_server({"campaignId": "1", **data, **dates})
        assert (campaign.campaignId, campaign.campaignName) == (1, name)
        assert (campaign.start, campaign.end) == (None, None)
        assert campaign.with_changes({}) == {"campaignId": "1", **data, **dates}


@pytest.mark.parametrize(
    ("stored", "state"),
    [(1, 1), (0, 0), (True, 1), (False, 0), ("1", 1), ("0", 0), (None, None), ("on", "on"), (7, 7)],
)
def test_a_state_may_be_a_boolean_or_text(stored: object, state: object) -> None:
    campaign = Campaign.from_server({"campaignId": 1, "isActive": stored})
    assert campaign.isActive == state
    assert isinstance(campaign.isActive, CampaignState) is (state in (0, 1))
    assert campaign.with_changes({}) == {"campaignId": 1, "isActive": stored}


def test_other_resources_keep_unknown_fields() -> None:
    group = {"dialGroupId": 1, "dialGroupName": "g", "isActive": True, "dialMode": "NEW_MODE", "later": [1]}
    assert DialGroup.from_server(group).raw == group
    assert DialGroup.from_server(group).children() == []
    children = [{"campaignId": 2, "campaignName": "c", "later": 1}]
    assert [
        child.raw for child in DialGroup.from_server(group | {"campaigns": children}).children()
    ] == children
    assert DialGroup.from_server(group | {"campaigns": None}).children() == []
    assert Account.from_server({"accountId": 99990001, "mainAccountId": 5}).accountId == "99990001"
    assert Country.from_server({"countryId": "USA", "countryName": None}).countryId == "USA"


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("isActive", 0, 2), ("campaignPriority", 1, 5), ("dialLoadedOrder", 0, 4), ("maxRingTime", 0, 60),
        ("maxRingTimeTransfer", 0, 120), ("scrubDisconnectNoanswer", 0, 1), ("trackSpeedToLead", 0, 1),
        ("filterEnabled", 0, 1), ("targetAbandonRate", 0, 100), ("seedAbandonRate", 0, 100),
        ("seedSuccessRate", 0, 100), ("maxPasses", -1, None), ("maxDailyPasses", -1, None),
        ("maxDialLimit", -1, None), ("passDelayMin", 0, None), ("minPredictiveCallsHistory", 0, None),
    ],
)  # fmt: skip
def test_bounds(field: str, lowest: int, highest: int | None) -> None:
    assert campaign_fields({field: lowest}) == {field: lowest}
    assert campaign_fields({field: str(lowest)}) == {field: lowest}
    outside: list[object] = [lowest - 1, str(lowest - 1), "", "x", None, [], float("nan")]
    if highest is not None:
        assert campaign_fields({field: highest}) == {field: highest}
        outside += [highest + 1, highest + 0.5, float("inf")]
    for value in outside:
        with pytest.raises(InvalidInputError) as caught:
            campaign_fields({field: value})
        assert caught.value.field == f"settings.{field}"


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (MAX_NAME_LENGTH, True), (300, False)])
def test_lengths_of_a_name(length: int, fits: bool) -> None:
    fields = {"campaignName": "x" * length}
    if fits:
        assert campaign_fields(fields) == fields
    else:
        with pytest.raises(InvalidInputError):
            campaign_fields(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("callerId", "not a number"), ("transferCallerId", "+442071838750"), ("monSched", "8-21"),
        ("dncScrubOption", "do_not_scrub"), ("callingConfiguration", "OTHER"), ("machineDetect", "perhaps"),
        ("script", "x"), ("campaignDispositions", "x"), ("personaCallSchedules", [1]), ("campaignDesc", []),
        ("startDate", "2026-01-01"), ("campaignDesc", "None"), ("billingCode", None),
    ],
)  # fmt: skip
def test_values_that_cannot_be_sent(field: str, value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        campaign_fields({"maxRingTime": 30, field: value})
    assert caught.value.field == f"settings.{field}"
    assert repr(value)[:50] in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("maxRingTime", 300, "must be 0 to 60"),
        ("maxRingTime", -1, "must be 0 to 60"),
        ("maxRingTime", "soon", "must be 0 to 60"),
        ("maxRingTime", 1.5, "must be 0 to 60"),
        ("passDelayMin", -1, "must be 0 or more"),
        ("showLeadInfo", "x", "must be a whole number"),
        ("campaignName", "", "must not be empty"),
        ("campaignName", "x" * 201, "at most 200 characters"),
        ("campaignPriority", 9, "must be 1, 2, 3, 4 or 5"),
        ("machineDetect", "perhaps", "must be true or false"),
        ("script", "x", "must be a mapping"),
        ("campaignDispositions", "x", "must be a list"),
        ("campaignDesc", [], "must be text"),
        ("monSched", "8-21", "write eight digits, HHMMHHMM, such as '08002100'"),
    ],
)
def test_the_error_says_what_would_be_right(field: str, value: object, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        campaign_fields({field: value})
    assert str(caught.value).endswith(f"is not usable: {expected}")


def test_the_error_names_the_argument() -> None:
    with pytest.raises(InvalidInputError, match=r"^caller_id='x'"):
        campaign_fields({"callerId": "x"}, labels={"callerId": "caller_id"})


@pytest.mark.parametrize("name", ["maxRingtime", "max_ring_time", "MAXRINGTIME"])
def test_another_spelling_of_a_setting_is_rejected(name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"no such field; nearest: .*'maxRingTime'"):
        campaign_fields({name: 30})


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("monSchedule", "monSched"),
        ("dncScrubOptions", "dncScrubOption"),
        ("campaignDescription", "campaignDesc"),
    ],
)
def test_an_unknown_setting_is_rejected_with_the_nearest(name: str, nearest: str) -> None:
    campaign = Campaign.from_server({"campaignId": 7})
    with pytest.raises(InvalidInputError, match=rf"no such field is documented.*; nearest: .*'{nearest}'"):
        check_known(campaign_fields({name: 30}), campaign)


@pytest.mark.parametrize("name", ["", "x", "model_config"])
def test_an_unknown_setting_without_a_nearest(name: str) -> None:
    campaign = Campaign.from_server({"campaignId": 7})
    with pytest.raises(
        InvalidInputError, match=r"no such field is documented, and campaign 7 of the dial group lacks it$"
    ) as caught:
        check_known(campaign_fields({name: 30}), campaign)
    assert "nearest" not in str(caught.value)


@pytest.mark.parametrize("value", [30, "text", None, [1], {"id": 5}, True])
def test_an_unknown_setting_that_the_campaign_has_is_sent_as_it_is(value: object) -> None:
    fields = campaign_fields({"addedLater": value, "maxRingTime": "30"})
    assert fields == {"addedLater": value, "maxRingTime": 30}
    check_known(fields, Campaign.from_server({"campaignId": 7, "addedLater": None}))


@pytest.mark.parametrize("name", [1, None, ("a", "b")])
def test_a_setting_has_a_name(name: Any) -> None:
    with pytest.raises(InvalidInputError, match="the name of a campaign field is text"):
        campaign_fields({name: 30})


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), [b"bytes"], "None"])
def test_an_unknown_setting_is_a_json_value(value: object) -> None:
    with pytest.raises(InvalidInputError, match="addedLater"):
        campaign_fields({"addedLater": value})


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS))
def test_read_only_fields_are_rejected(name: str) -> None:
    with pytest.raises(InvalidInputError, match="only the server writes"):
        campaign_fields({name: 1})


@pytest.mark.parametrize("name", ["script", "customDialZoneGroup", "campaignFilterStates", "amdProfileId"])
def test_fields_that_are_null_in_the_sample_may_be_null(name: str) -> None:
    assert campaign_fields({name: None}) == {name: None}


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"isActive": CampaignState.ACTIVE}, {"isActive": 1}),
        ({"maxRingTime": "30", "machineDetect": "true"}, {"maxRingTime": 30, "machineDetect": True}),
        ({"callerId": 14155550123}, {"callerId": "4155550123"}),
        ({"transferCallerId": "(415) 555-0123"}, {"transferCallerId": "4155550123"}),
        ({"monSched": 10002100}, {"monSched": "10002100"}),
        ({"startDate": "2026-01-01T00:00:00-08:00"}, {"startDate": "2026-01-01T08:00:00.000+0000"}),
        ({"campaignPriority": "5", "dialLoadedOrder": 2.0}, {"campaignPriority": 5, "dialLoadedOrder": 2}),
    ],
)
def test_values_are_sent_in_the_vendors_format(values: dict[str, Any], sent: dict[str, Any]) -> None:
    assert json.loads(json.dumps(campaign_fields(values))) == sent


@pytest.mark.parametrize("name", ["billingCode", "campaignDesc", "aux1Label", "genericKeyValuePairs"])
def test_numbers_in_text_fields_are_sent_as_text(name: str) -> None:
    assert campaign_fields({name: 12345}) == {name: "12345"}


@settings(max_examples=cases(300))
@given(st.dictionaries(st.sampled_from(sorted(CampaignFields.model_fields)), json_values, max_size=3))
def test_all_invalid_values_raise_the_typed_error(values: dict[str, Any]) -> None:
    try:
        sent = campaign_fields(values)
    except InvalidInputError as error:
        field = error.field
        assert field.startswith("settings.")
        return
    assert sent.keys() == values.keys()
    json.dumps(sent, allow_nan=False)
    assert campaign_fields(sent) == sent
