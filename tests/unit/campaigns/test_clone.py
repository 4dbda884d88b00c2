"""campaigns/ensure.py: how a campaign is cloned, and which fields the clone has from its source."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult, ensure_clone, working_name
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    InvalidInputError,
    NotFoundError,
    ResourceNotFoundError,
)
from tests.unit.campaigns.campaign_cases import (
    FIELDS,
    NAME,
    OWNER,
    SOURCE_NAME,
    SOURCES,
    WANTED,
    assert_exactly_one,
    spec,
    watch,
)
from tests.unit.campaigns.fake_server import GROUP, OTHER_GROUP, Attempt, FakeServer, Json, run

CANNOT_DIAL = ("inactive in its dates", "active, long over")


def clone(server: FakeServer, source: object, wanted: CampaignSpec, country: str = "USA") -> CampaignResult:
    return run(server, ensure_clone(source, wanted, country=country, owner=OWNER))  # type: ignore[arg-type]


def start(source: str, **options: object) -> tuple[FakeServer, int, dict[int, Json]]:
    server = FakeServer(**options)  # type: ignore[arg-type]
    source_id = server.add(SOURCE_NAME, **SOURCES[source])
    watch(server)
    return server, source_id, {source_id: dict(server.campaigns[source_id])}


@pytest.mark.parametrize("source", SOURCES)
def test_the_vendors_clone_is_used_only_if_it_cannot_dial(source: str) -> None:
    server, source_id, others = start(source)
    clone(server, source_id, spec())
    cloned = [path for path in server.sent("POST") if path.endswith("/clone")]
    assert len(cloned) == (1 if source in CANNOT_DIAL else 0)
    assert len(server.sent("POST")) == 1
    assert_exactly_one(server, others)


def test_the_clone_request_names_the_country() -> None:
    server, source_id, _ = start("inactive in its dates")
    clone(server, source_id, spec(), "CAN")
    (request,) = [request for request in server.requests if request.method == "POST"]
    assert request.query["newCountryCode"] == "CAN"
    assert [campaign["countryId"] for campaign in server.named(NAME)] == ["CAN"]


@pytest.mark.parametrize("country", ["USA", "CAN"])
def test_another_country_than_the_sources_is_a_warning(
    caplog: pytest.LogCaptureFixture, country: str
) -> None:
    server, source_id, _ = start("inactive in its dates")
    server.campaigns[source_id]["countryId"] = "CAN"
    clone(server, source_id, spec(), country)
    warned = (
        "the clone is for country USA, its source for CAN; give country='CAN' to keep that" in caplog.text
    )
    assert warned is (country == "USA")


def test_a_copy_has_the_country_too() -> None:
    server, source_id, _ = start("active in its dates")
    clone(server, source_id, spec(), "CAN")
    assert [campaign["countryId"] for campaign in server.named(NAME)] == ["CAN"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("endpoint", [True, EndpointMissingError, ResourceNotFoundError])
def test_omitted_fields_are_as_in_the_source(source: str, endpoint: object) -> None:
    server, source_id, _ = start(source, clone=endpoint)
    server.campaigns[source_id] |= {"campaignDesc": "kept", "friSched": "10001800", "addedLater": ["too"]}
    clone(server, source_id, spec())
    (made,) = server.named(NAME)
    differing = {name for name, value in server.campaigns[source_id].items() if made.get(name) != value}
    assert differing <= {*FIELDS, "campaignName", "campaignId", "isActive", "countryId"}


def test_a_clone_is_inactive_by_default() -> None:
    for source in SOURCES:
        server, source_id, _ = start(source)
        assert clone(server, source_id, spec(state=None)).is_active == 0
        assert [campaign["isActive"] for campaign in server.named(NAME)] == [0]


@pytest.mark.parametrize("reference", ["id", "name", "mapping"])
@pytest.mark.parametrize("dial_group", [None, GROUP, "Outbound Renewals"])
def test_the_source_is_an_id_a_name_or_a_mapping(reference: str, dial_group: object) -> None:
    server, source_id, others = start("inactive in its dates")
    source = {
        "id": source_id,
        "name": SOURCE_NAME,
        "mapping": {"campaign_id": source_id, "dial_group_id": GROUP},
    }
    clone(server, source[reference], spec(dial_group=dial_group))
    assert_exactly_one(server, others)


def test_the_clone_is_in_the_dial_group_of_its_source() -> None:
    server = FakeServer()
    source_id = server.add(SOURCE_NAME, group=OTHER_GROUP, isActive=0)
    assert clone(server, source_id, spec(dial_group=None)).dial_group_id == OTHER_GROUP


def test_an_unknown_source_and_one_with_the_same_name() -> None:
    server, source_id, others = start("inactive in its dates")
    with pytest.raises(NotFoundError, match=f"nearest: '{SOURCE_NAME}'"):
        clone(server, "Last seasons", spec())
    with pytest.raises(InvalidInputError, match="the source's own name"):
        clone(server, source_id, spec(name=SOURCE_NAME))
    assert server.campaigns == others


def test_the_calling_configuration_cannot_change() -> None:
    server, source_id, others = start("inactive in its dates")
    server.campaigns[source_id]["callingConfiguration"] = "SIMPLE"
    others[source_id]["callingConfiguration"] = "SIMPLE"
    with pytest.raises(InvalidInputError, match="callingConfiguration"):
        clone(server, source_id, spec(fields=WANTED | {"callingConfiguration": "STRATEGIC"}))
    assert server.campaigns == others


def test_an_unfinished_clone_of_another_source_is_not_used() -> None:
    server, source_id, others = start("inactive in its dates")
    server.add(working_name(NAME, f"{OWNER} from another"), isActive=0, campaignDesc="other")
    clone(server, source_id, spec())
    assert_exactly_one(server, others)
    assert "campaignDesc" not in server.named(NAME)[0]


def test_a_source_that_is_gone_is_a_typed_error() -> None:
    server, source_id, _ = start("inactive in its dates")
    del server.campaigns[source_id]
    for reference in (source_id, SOURCE_NAME):
        with pytest.raises(NotFoundError, match="source_campaign"):
            clone(server, reference, spec())
    assert not server.campaigns


def test_a_complete_clone_does_not_need_its_source() -> None:
    server, source_id, _ = start("inactive in its dates")
    first = clone(server, source_id, spec())
    del server.campaigns[source_id]
    again = clone(server, source_id, spec(dial_group=GROUP))
    assert (again.outcome, again.campaign_id) == ("unchanged", first.campaign_id)


def test_a_source_activated_while_campaigns_are_listed_is_not_cloned_by_the_vendor() -> None:
    server, source_id, _ = start("inactive in its dates")
    attempt = Attempt(server, ensure_clone(source_id, spec(), country="USA", owner=OWNER))
    attempt.step()
    server.campaigns[source_id]["isActive"] = 1
    attempt.run()
    assert [campaign["isActive"] for campaign in server.named(NAME)] == [1]
