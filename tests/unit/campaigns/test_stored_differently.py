"""campaigns/update.py: servers that accept a write and store something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_engagevoice.campaigns import ensure_campaign, ensure_clone
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.campaigns.write import store
from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.exceptions import EngageVoiceError, StoredDifferentlyError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.unit.campaigns.campaign_cases import (
    FIELDS,
    NAME,
    OWNER,
    WANTED,
    Saved,
    assert_exactly_one,
    may_dial,
    spec,
)
from tests.unit.campaigns.fake_server import GROUP, Attempt, FakeServer, Json, method, run

Store = Callable[[str, Json], Json]


def attempt(server: FakeServer, wanted: CampaignSpec | None = None) -> EngageVoiceError | None:
    return Attempt(server, ensure_campaign(wanted or spec(), owner=OWNER)).run().error


def times(count: int, change: Callable[[Json], Json], only: str = "PUT") -> Store:
    """Change what is stored by the first ``count`` requests of a method."""
    left = [count]

    def store(method: str, body: Json) -> Json:
        if method != only or not left[0]:
            return body
        left[0] -= 1
        return change(body)

    return store


def set_to(**fields: object) -> Callable[[Json], Json]:
    return lambda body: {**body, **fields}


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("POST", set_to(isActive=0)),
        ("POST", set_to(isActive=1)),
        ("POST", set_to(maxRingTime=30)),
        ("POST", set_to(monSched="00000000", startDate=None)),
        ("PUT", set_to(maxRingTime=30)),
        ("PUT", set_to(endDate="2090-12-01T00:00:00.000+0000")),
        ("PUT", lambda body: {name: value for name, value in body.items() if name != "callerId"}),
    ],
)
def test_a_change_by_the_server_is_corrected(method: str, change: Callable[[Json], Json]) -> None:
    server = FakeServer(stores=times(1, change, method))
    assert attempt(server) is None
    assert_exactly_one(server, {})


@pytest.mark.parametrize(
    "change",
    [
        set_to(endDate="2095-01-01T00:00:00.000+0000"),
        set_to(startDate=None),
        set_to(monSched="00002359"),
        set_to(callerId="4155550000"),
    ],
)
@pytest.mark.parametrize("methods", [("POST", "PUT"), ("PUT",)])
def test_a_server_that_keeps_changing_a_field_is_an_error_and_the_campaign_may_not_dial(
    change: Callable[[Json], Json], methods: tuple[str, ...]
) -> None:
    server = FakeServer(stores=lambda method, body: change(body) if method in methods else body)
    for _ in range(3):
        error = attempt(server)
        assert isinstance(error, StoredDifferentlyError)
        (campaign,) = server.campaigns.values()
        assert str(campaign["campaignId"]) in str(error)
        assert not may_dial(campaign)


def test_another_value_of_a_field_that_was_written_twice_is_not_refused() -> None:
    """Someone activates an unfinished campaign twice; it is made inactive, and then active with its name."""
    server = FakeServer(stores=times(1, set_to(isActive=1)))
    unfinished = server.add("A [unfinished]", isActive=1)

    def choose(campaign: Campaign) -> dict[str, object]:
        if campaign.campaignName == "A":
            return {}
        return {"isActive": 0} if campaign.isActive else {"campaignName": "A", "isActive": 1}

    campaign, is_written = run(server, store(GROUP, unfinished, choose))
    assert is_written
    assert (campaign.campaignName, campaign.isActive, len(server.sent("PUT"))) == ("A", 1, 3)


def test_values_that_never_settle_are_given_up() -> None:
    server = FakeServer()
    campaign_id = server.add("A", maxRingTime=1)

    def choose(campaign: Campaign) -> dict[str, object]:
        return {"maxRingTime": (campaign.maxRingTime or 0) + 1}

    with pytest.raises(StoredDifferentlyError, match="maxRingTime is 11, not 12"):
        run(server, store(GROUP, campaign_id, choose))
    assert len(server.sent("PUT")) == 10


def test_a_campaign_that_is_not_activated_stands_and_the_result_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = FakeServer(stores=lambda method, body: {**body, "isActive": 0})
    result = Attempt(server, ensure_campaign(spec(), owner=OWNER)).run().result
    assert (result.outcome, result.is_active) == ("created", 0)
    assert caplog.text.count("a person has paused it") == 1
    assert len(server.campaigns) == 1


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name[:40],
        lambda name: name[: len(NAME)],
        lambda name: " ".join(name.split()),
        str.upper,
        lambda name: name.replace("[", "(").replace("]", ")"),
        lambda name: f"{name} (2)",
        lambda name: name.rstrip("."),
    ],
    ids=["cut short", "cut to the name", "blanks merged", "upper case", "brackets", "numbered", "last dot"],
)
@pytest.mark.parametrize("methods", [("POST",), ("POST", "PUT")])
def test_a_server_that_changes_names_ends_with_one_campaign_at_most(
    rename: Callable[[str], str], methods: tuple[str, ...]
) -> None:
    def store(method: str, body: Json) -> Json:
        return {**body, "campaignName": rename(body["campaignName"])} if method in methods else body

    server, saved = FakeServer(stores=store), Saved()
    wanted = spec(name=NAME.replace(" ", "  ", 1) + ".")
    for _ in range(3):
        error = Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved)).run().error
        saved.next_attempt()
        assert len(server.campaigns) <= 1
        (campaign,) = server.campaigns.values() or [None]
        if error is None:
            assert campaign is not None
            assert campaign["campaignName"] == wanted.name
            assert {name: campaign[name] for name in FIELDS} == FIELDS
        elif campaign is not None:
            assert not may_dial(campaign)


@pytest.mark.parametrize(
    ("asked", "stored", "difference"),
    [
        ("Reno Été", "Reno E\u0301te\u0301", "with U+0045 LATIN CAPITAL LETTER E, U+0301"),
        ("A\u00a0B", "A B", "with U+0020 SPACE in place of U+00A0 NO-BREAK SPACE"),
    ],
)
def test_characters_that_differ_in_a_stored_name_are_named(asked: str, stored: str, difference: str) -> None:
    server = FakeServer(
        stores=lambda method, body: {**body, "campaignName": body["campaignName"].replace(asked, stored)}
    )
    error = attempt(server, spec(name=asked))
    assert isinstance(error, StoredDifferentlyError)
    assert difference in str(error)


def test_a_campaign_whose_name_begins_the_same_is_not_taken_for_one_with_a_cut_name() -> None:
    """The first attempt is killed before it sends the create; then another task creates its campaign."""
    server, saved = FakeServer(), Saved()
    wanted = spec(name=f"{NAME} 2")
    killed = Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved))
    while method(killed) != "POST":
        killed.step()
    saved.next_attempt()
    inactive = spec(state=CampaignState.INACTIVE)
    other = Attempt(server, ensure_campaign(inactive, owner="another")).run().result
    result = Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved)).run().result
    assert (result.outcome, result.campaign_name) == ("created", wanted.name)
    assert {campaign["campaignName"] for campaign in server.campaigns.values()} == {NAME, wanted.name}
    assert result.campaign_id != other.campaign_id


def test_an_attempt_beside_another_does_not_take_its_cut_clone_for_an_existing_campaign() -> None:
    """Both request the same clone; the server cuts its name to the one asked for, which the first reports."""

    def store(method: str, body: Json) -> Json:
        return {**body, "campaignName": body["campaignName"][: len(NAME)]}

    server, saved = FakeServer(stores=store), Saved()
    source = server.add("Last season", isActive=0)
    wanted = spec(if_exists=IfExists.SKIP)

    def cloning() -> EngageVoiceError | None:
        clone = ensure_clone(source, wanted, country="USA", owner=OWNER, checkpoint=saved)
        return Attempt(server, clone).run().error

    assert isinstance(cloning(), StoredDifferentlyError)
    saved.next_attempt()
    assert isinstance(cloning(), StoredDifferentlyError)
    assert len(server.campaigns) == 2
    # Whoever clears the task has read that.
    saved.cleared()
    assert cloning() is None
    assert len(server.campaigns) == 2


@pytest.mark.parametrize(
    ("theirs", "seen"),
    [
        ({"maxRingTime": 20}, {}),
        ({"monSched": "10001800"}, {}),
        ({"endDate": "2090-12-01T20:00:00.000+0000"}, {"startDate": "2026-03-24T22:15:12.000+0000"}),
        ({"startDate": "2090-11-01T22:00:00.000+0000"}, {"endDate": "2026-03-24T22:15:30.000+0000"}),
    ],
)
def test_a_campaign_of_the_same_name_is_not_taken_for_one_with_a_cut_name(theirs: Json, seen: Json) -> None:
    """Another task creates it with other fields after the first attempt is killed before its create.

    Dates that another campaign has show that the server does not round them to minutes or days.
    """
    server, saved = FakeServer(), Saved()
    server.add("Last season", **seen)
    killed = Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=saved))
    while method(killed) != "POST":
        killed.step()
    saved.next_attempt()
    fields = WANTED | {
        name: parse_vendor_date(value) if name.endswith("Date") else value for name, value in theirs.items()
    }
    inactive = spec(state=CampaignState.INACTIVE, fields=fields)
    other = Attempt(server, ensure_campaign(inactive, owner="another")).run().result
    result = Attempt(server, ensure_campaign(spec(), owner=OWNER, checkpoint=saved)).run().result
    assert (result.outcome, result.campaign_id) == ("updated", other.campaign_id)
    assert {name: server.campaigns[other.campaign_id][name] for name in FIELDS} == FIELDS
