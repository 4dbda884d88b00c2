"""Settings that are not in the vendor's document: they are set if the campaign has them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import (
    CampaignResult,
    change_campaign,
    ensure_campaign,
    ensure_clone,
)
from airflow_provider_engagevoice.campaigns.spec import wanted_fields
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import EndpointMissingError, InvalidInputError
from tests.unit.campaigns.campaign_cases import NAME, OWNER, SOURCE_NAME, SOURCES, WANTED, spec
from tests.unit.campaigns.fake_server import GROUP, FakeServer, Json, run

#: The campaigns of the fake server have it; the vendor's document does not.
KNOWN_TO_THE_SERVER: Json = {"addedLater": ["new"]}
MISSPELT: Json = {"maxRingingTime": 30}


def create(fields: Json) -> Procedure[CampaignResult]:
    return ensure_campaign(spec(fields=WANTED | fields), owner=OWNER)


def clone(fields: Json) -> Procedure[CampaignResult]:
    return ensure_clone(SOURCE_NAME, spec(fields=WANTED | fields), country="USA", owner=OWNER)


def update(fields: Json) -> Procedure[CampaignResult]:
    return change_campaign(SOURCE_NAME, GROUP, fields=fields, name=None, state=None)


PROCEDURES = pytest.mark.parametrize("procedure", [create, clone, update])


def start() -> FakeServer:
    server = FakeServer()
    server.add(SOURCE_NAME, **SOURCES["inactive in its dates"])
    return server


@PROCEDURES
def test_a_field_that_the_campaign_has_is_set(procedure: Any) -> None:
    server = start()
    campaign_id = run(server, procedure(KNOWN_TO_THE_SERVER)).campaign_id
    assert server.campaigns[campaign_id]["addedLater"] == ["new"]


@PROCEDURES
def test_the_nearest_may_be_a_field_of_the_server(procedure: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"settings.addedlater=1 .* nearest: 'addedLater'"):
        run(start(), procedure({"addedlater": 1}))


@PROCEDURES
def test_any_other_is_an_error_before_anything_is_written(procedure: Any) -> None:
    server = start()
    with pytest.raises(InvalidInputError, match=r"settings.maxRingingTime=30 .* nearest: 'maxRingTime'"):
        run(server, procedure(MISSPELT))
    assert {request.method for request in server.requests} == {"GET"}


def test_a_create_needs_a_campaign_that_shows_the_field() -> None:
    server = FakeServer()
    with pytest.raises(InvalidInputError, match="no campaign of the dial group has it"):
        run(server, create(KNOWN_TO_THE_SERVER))
    assert {request.method for request in server.requests} == {"GET"}


def test_a_campaign_that_exists_gets_it_too() -> None:
    server = start()
    campaign_id = server.add(NAME)
    assert run(server, create(KNOWN_TO_THE_SERVER)).outcome == "updated"
    assert server.campaigns[campaign_id]["addedLater"] == ["new"]


def test_a_server_that_drops_the_field_of_a_new_campaign_keeps_nothing_unfinished() -> None:
    def drop(method: str, body: Json) -> Json:
        return {name: value for name, value in body.items() if name != "addedLater"}

    server = FakeServer(clone=EndpointMissingError, stores=drop)
    source_id = server.add(SOURCE_NAME, addedLater=["old"])
    server.defaults.pop("addedLater")
    with pytest.raises(InvalidInputError, match="addedLater"):
        run(server, create(KNOWN_TO_THE_SERVER))
    assert list(server.campaigns) == [source_id]


def test_the_log_names_it(caplog: pytest.LogCaptureFixture) -> None:
    assert wanted_fields(settings=KNOWN_TO_THE_SERVER) == KNOWN_TO_THE_SERVER
    (record,) = caplog.records
    assert "settings.addedLater" in record.getMessage()
    assert record.levelname == "WARNING"
