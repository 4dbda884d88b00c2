"""client/lookup.py: references to dial groups and campaigns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.client.lookup import find_campaign, find_dial_group, read_reference
from airflow_provider_engagevoice.exceptions import AmbiguousNameError, InvalidInputError, NotFoundError
from tests.unit.campaigns.fake_server import GROUP, OTHER_GROUP, FakeServer, run


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("5", 5),
        (" 0042 ", 42),
        ("Renewals", "Renewals"),
        (" Renewals\n", "Renewals"),
        ("5 Renewals", "5 Renewals"),
        ("-5", "-5"),
        ("5.0", "5.0"),
        ("\u0665", "\u0665"),
        ("None given", "None given"),
        ({"campaign_id": 5, "campaign_name": "x"}, 5),
        ({"campaign_id": "5"}, 5),
    ],
)
def test_references(value: object, expected: int | str) -> None:
    assert read_reference(value, "campaign", "campaign_id") == expected


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "None", " None ", 0, -5, "0", "000", True, False, 5.0, [], [5], (5,), {},
        {"dial_group_id": 5},
        {"campaign_id": None}, {"campaign_id": ""}, {"campaign_id": 0}, {"campaign_id": True},
        {"campaign_id": {}},
        "{'campaign_id': 5}", '{"campaign_id": 5}', b"5", object(),
    ],
)  # fmt: skip
def test_invalid_references(value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_reference(value, "campaign", "campaign_id")
    assert caught.value.field == "campaign"


def test_the_message_about_a_mapping_rendered_to_text_and_about_none() -> None:
    with pytest.raises(InvalidInputError, match=r"pass task.output"):
        read_reference("{'campaign_id': 5}", "campaign", "campaign_id")
    with pytest.raises(InvalidInputError, match="template render to None"):
        read_reference("None", "campaign", "campaign_id")
    with pytest.raises(InvalidInputError, match="needs the key 'campaign_id'"):
        read_reference({"id": 5}, "campaign", "campaign_id")


@given(
    st.text() | st.integers() | st.none() | st.floats() | st.dictionaries(st.just("campaign_id"), st.text())
)
def test_any_value_gives_a_reference_or_a_typed_error(value: object) -> None:
    try:
        read = read_reference(value, "campaign", "campaign_id")
    except InvalidInputError:
        return
    assert read == (read.strip() if isinstance(read, str) else read)
    assert read
    assert isinstance(read, str) or read > 0


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.add("Renewals")
    server.add("Renewals", group=OTHER_GROUP)
    server.add("Spring sale", group=OTHER_GROUP)
    return server


@pytest.mark.parametrize(
    ("reference", "group", "found"),
    [
        ("Spring sale", None, 1003),
        ("Renewals", GROUP, 1001),
        ("Renewals", "Winbacks", 1002),
        ({"campaign_id": 1002, "dial_group_id": OTHER_GROUP}, None, 1002),
        ({"campaign_id": 1002, "dial_group_id": OTHER_GROUP}, "Winbacks", 1002),
        (1003, None, 1003),
    ],
)
def test_campaigns_are_found(server: FakeServer, reference: Any, group: Any, found: int) -> None:
    assert run(server, find_campaign(reference, group)).campaign_id == found


def test_a_name_in_two_dial_groups_is_ambiguous_without_one(server: FakeServer) -> None:
    with pytest.raises(AmbiguousNameError, match="1001, 1002"):
        run(server, find_campaign("Renewals"))


def test_unknown_campaigns(server: FakeServer) -> None:
    with pytest.raises(
        NotFoundError, match=rf"named 'spring sale' in dial group {OTHER_GROUP}; nearest: 'Spring sale'"
    ):
        run(server, find_campaign("spring sale", OTHER_GROUP))
    with pytest.raises(NotFoundError, match=r"no campaign with id 7"):
        run(server, find_campaign(7))
    with pytest.raises(NotFoundError, match="may have been deleted"):
        run(server, find_campaign(7, GROUP))


def test_dial_groups(server: FakeServer) -> None:
    for reference in (GROUP, str(GROUP), "Outbound Renewals", {"dial_group_id": GROUP, "campaign_id": 1}):
        assert run(server, find_dial_group(reference)).dialGroupId == GROUP
    with pytest.raises(NotFoundError, match="named 'winbacks'; nearest: 'Winbacks'"):
        run(server, find_dial_group("winbacks"))
    with pytest.raises(NotFoundError, match="no dial group with id 7"):
        run(server, find_dial_group(7))
    server.groups[7] = "Winbacks"
    with pytest.raises(AmbiguousNameError) as caught:
        run(server, find_dial_group("Winbacks"))
    assert caught.value.ids == (OTHER_GROUP, 7)
