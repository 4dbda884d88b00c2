"""inputs.py: readers return a checked value, or name the argument and the valid form."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.campaigns.spec import IfExists
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.inputs import (
    read_campaign,
    read_campaign_name,
    read_campaigns,
    read_choice,
    read_count,
    read_country,
    read_dial_group,
    read_dict,
    read_flag,
    read_if_exists,
    read_reference,
    read_share,
    read_state,
    read_text,
    read_texts,
    require,
)
from airflow_provider_engagevoice.leads.loading import read_list_settings
from airflow_provider_engagevoice.models.campaign import campaign_fields
from airflow_provider_engagevoice.models.enums import CampaignState, DncScrubOption
from airflow_provider_engagevoice.models.lead_search import read_criteria


@pytest.mark.parametrize(
    ("value", "name"),
    [("Renewals", "Renewals"), (" Renewals \n", "Renewals"), (2026, "2026"), ("x" * 200, "x" * 200)],
)
def test_names(value: object, name: str) -> None:
    assert read_campaign_name(value) == name


@pytest.mark.parametrize("value", ["", " ", "None", " None ", None, True, 1.5, [], {}, "x" * 201, "x" * 300])
def test_names_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_campaign_name(value)
    assert caught.value.field == "campaign_name"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0, 0),
        (1, 1),
        (2, 2),
        ("0", 0),
        ("1", 1),
        ("2", 2),
        (True, 1),
        (False, 0),
        (CampaignState.ACTIVE, 1),
    ],
)
def test_states(value: object, state: int) -> None:
    read = read_state(value)
    assert read == state
    assert type(read) is int


@pytest.mark.parametrize("value", ["", "None", "active", 3, -1, None, "3", 0.5, [], {}])
def test_states_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_state(value)
    assert caught.value.field == "is_active"


@pytest.mark.parametrize("value", ["update", "skip", "fail", IfExists.SKIP])
def test_if_exists(value: str) -> None:
    assert read_if_exists(value) == value


@pytest.mark.parametrize("value", ["", "None", None, "UPDATE", "replace", 1, True, []])
def test_invalid_if_exists(value: object) -> None:
    with pytest.raises(InvalidInputError, match="'update', 'skip' or 'fail'"):
        read_if_exists(value)


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (False, False), ("True", True), (" false ", False), ("FALSE", False)]
)
def test_flags(value: object, flag: bool) -> None:
    assert read_flag(value, "hours") is flag


@pytest.mark.parametrize("value", [None, "None", "", "yes", "1", 1, 0, 1.0, [], {}])
def test_flags_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^hours="):
        read_flag(value, "hours")


@pytest.mark.parametrize(("value", "country"), [("USA", "USA"), (" usa ", "USA"), ("can", "CAN")])
def test_countries(value: str, country: str) -> None:
    assert read_country(value) == country


@pytest.mark.parametrize("value", ["", "US", "U.S", "USAA", "None", None, 840, True, "{{ }}", "ÄÖÜ"])
def test_countries_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^country="):
        read_country(value)


@pytest.mark.parametrize("value", [0, "", False, "x"])
def test_none_is_rejected(value: object) -> None:
    require(value, "campaign_start")
    with pytest.raises(InvalidInputError, match=r"^campaign_start=None.*template render"):
        require(None, "campaign_start")


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
    assert read_reference(value, "campaign", "campaign") == expected


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
        read_reference(value, "campaign", "campaign")
    assert caught.value.field == "campaign"


def test_errors_for_a_mapping_rendered_to_text_and_for_none() -> None:
    with pytest.raises(InvalidInputError, match=r"pass task.output"):
        read_reference("{'campaign_id': 5}", "campaign", "campaign")
    with pytest.raises(InvalidInputError, match="template render to None"):
        read_reference("None", "campaign", "campaign")
    with pytest.raises(InvalidInputError, match="needs the key 'campaign_id'"):
        read_reference({"id": 5}, "campaign", "campaign")


@given(
    st.text() | st.integers() | st.none() | st.floats() | st.dictionaries(st.just("campaign_id"), st.text())
)
def test_any_value_is_a_reference_or_a_typed_error(value: object) -> None:
    try:
        read = read_reference(value, "campaign", "campaign")
    except InvalidInputError:
        return
    assert read == (read.strip() if isinstance(read, str) else read)
    assert read
    assert isinstance(read, str) or read > 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"campaign_name": "20261201"}, "20261201"),
        ({"campaign_name": " Renewals "}, "Renewals"),
        ({"campaign_name": 20261201}, "20261201"),
        ({"campaign_id": None, "campaign_name": "Renewals"}, "Renewals"),
        ({"campaign_id": 7, "campaign_name": "20261201", "dial_group_id": 2}, 7),
    ],
)
def test_a_mapping_has_an_id_or_a_name(value: object, expected: int | str) -> None:
    assert read_reference(value, "campaign", "campaign") == expected


@pytest.mark.parametrize("value", [{"campaign_id": "Renewals"}, {"campaign_id": 1.5, "campaign_name": "x"}])
def test_an_id_in_a_mapping_is_not_a_name(value: object) -> None:
    with pytest.raises(InvalidInputError, match="must be an id"):
        read_reference(value, "campaign", "campaign")


def test_references_to_campaigns_and_dial_groups_are_kept() -> None:
    assert read_campaign({"campaign_id": 7, "dial_group_id": 2}) == {"campaign_id": 7, "dial_group_id": 2}
    assert read_dial_group({"dial_group_name": "2026"}) == {"dial_group_name": "2026"}
    with pytest.raises(InvalidInputError, match="'dial_group_id' or 'dial_group_name'"):
        read_dial_group({"campaign_id": 7})
    with pytest.raises(InvalidInputError, match=r"^campaign=None"):
        read_campaign(None)


@pytest.mark.parametrize(("value", "number"), [(1, 1), ("5", 5), (" 7 ", 7), (10, 10)])
def test_counts(value: object, number: int) -> None:
    assert read_count(value, "chunk_size", most=10) == number


@pytest.mark.parametrize(
    "value", [0, 11, "11", -1, "-1", True, 1.0, "1.5", "", "None", None, "\u0665", "1" * 40]
)
def test_counts_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^chunk_size=.*whole number from 1 to 10"):
        read_count(value, "chunk_size", most=10)


def test_a_count_without_an_upper_bound() -> None:
    assert read_count(0, "retries", least=0) == 0
    with pytest.raises(InvalidInputError, match="whole number of at least 0"):
        read_count(-1, "retries", least=0)


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (" x y ", "x y"), (2026, "2026")])
def test_text(value: object, text: str) -> None:
    assert read_text(value, "list_name") == text


@pytest.mark.parametrize("value", ["", " ", "None", None, True, 1.5, b"x", []])
def test_text_that_is_none(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^list_name="):
        read_text(value, "list_name")


def test_choices() -> None:
    assert read_choice(" skip ", "if_exists", IfExists) is IfExists.SKIP
    with pytest.raises(InvalidInputError, match=r"must be 'update', 'skip' or 'fail'$"):
        read_choice("update it", "if_exists", IfExists)
    with pytest.raises(InvalidInputError, match=r"nearest: 'INTERNAL_ONLY'"):
        read_choice("INTERNAL", "scrub", DncScrubOption)


def test_choices_of_plain_texts() -> None:
    assert read_choice("pause", "on_breach", ("fail", "pause")) == "pause"
    with pytest.raises(InvalidInputError, match=r"must be 'fail' or 'pause'$"):
        read_choice("stop", "on_breach", ("fail", "pause"))
    with pytest.raises(
        InvalidInputError, match=r"'pause'; nearest: 'pause' \(with U\+0061 LATIN SMALL LETTER A"
    ):
        read_choice("p\u0430use", "on_breach", ("fail", "pause"))


def test_the_error_for_a_count_states_its_meaning() -> None:
    with pytest.raises(InvalidInputError, match=r"must be an agent's id: a whole number of at least 1$"):
        read_count("me", "agent", meaning="an agent's id")


@pytest.mark.parametrize(
    ("value", "texts"), [("a", ["a"]), (["a", 2], ["a", "2"]), (iter("ab"), ["a", "b"]), ([], [])]
)
def test_lists_of_texts(value: object, texts: list[str]) -> None:
    assert read_texts(value, "source") == texts


@pytest.mark.parametrize("value", ["", None, ["a", ""], {"a": 1}, b"a", [None]])
def test_lists_of_texts_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^source="):
        read_texts(value, "source")


@pytest.mark.parametrize(("value", "share"), [(0, 0.0), (0.03, 0.03), (" 0.5 ", 0.5)])
def test_shares(value: object, share: float) -> None:
    assert read_share(value, "threshold") == share


@pytest.mark.parametrize("value", [1, -0.1, "three", "nan", "inf", True, None, 10**400, [0.1]])
def test_shares_that_are_invalid(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^threshold=.*0.03"):
        read_share(value, "threshold")


def test_references_to_several_campaigns() -> None:
    several = [7, "Renewals", {"campaign_name": "20261201"}]
    assert read_campaigns(several) == several
    assert read_campaigns("Renewals") == ["Renewals"]
    assert read_campaigns(several[2]) == [several[2]]
    for value in ([], [7, None], 2.5):
        with pytest.raises(InvalidInputError, match=r"^campaigns="):
            read_campaigns(value)


def test_mappings() -> None:
    assert read_dict({"a": 1}, "criteria") == {"a": 1}
    with pytest.raises(InvalidInputError, match=r"^criteria=.*must be a mapping"):
        read_dict("a=1", "criteria")


@given(st.from_type(object) | st.text() | st.floats() | st.integers())
def test_any_value_is_read_or_a_typed_error(value: Any) -> None:
    for read in (read_campaign_name, read_state, read_country, read_if_exists, read_dial_group):
        with suppress(InvalidInputError):
            read(value)


HALF = "Ada \ud83d"


@pytest.mark.parametrize(
    "read",
    [
        lambda: read_text(HALF, "reason"),
        lambda: read_texts(["Ada", HALF], "tags"),
        lambda: read_campaign_name(HALF),
        lambda: read_campaign(HALF),
        lambda: read_dial_group({"dial_group_name": HALF}),
        lambda: read_dict({"firstName": ["Ada", {"x": HALF}]}, "criteria"),
        lambda: read_dict({HALF: 1}, "criteria"),
        lambda: campaign_fields({"campaignDesc": HALF}),
        lambda: campaign_fields({"laterField": [HALF]}),
        lambda: campaign_fields({"laterField": 1, HALF: None}),
        lambda: read_list_settings({"dncTags": [HALF]}, "settings"),
        lambda: read_criteria({"firstName": HALF}, "criteria"),
    ],
)
def test_half_a_character_is_rejected(read: Callable[[], object]) -> None:
    with pytest.raises(InvalidInputError, match="half a character") as caught:
        read()
    # It can be logged.
    assert str(caught.value).encode()
