"""Rows of another campaign: which are sent, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import (
    CampaignResult,
    change_campaign,
    ensure_campaign,
    ensure_clone,
)
from airflow_provider_engagevoice.campaigns.spec import IfExists
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.unit.campaigns.campaign_cases import NAME, OWNER, SOURCE_NAME, SOURCES, WANTED, spec
from tests.unit.campaigns.fake_server import GROUP, FakeServer, Json, run

OTHERS: dict[str, Any] = {
    "campaignDispositions": [{"dispositionId": 7, "campaignId": 999}],
    "campaignRequeueShortcuts": {"content": [{"campaignId": "999"}]},
    "addedLaterAsRows": [{"id": 1}, {"id": 2, "campaignId": 999}],
}


def create(fields: Json) -> Procedure[CampaignResult]:
    return ensure_campaign(spec(fields=WANTED | fields, if_exists=IfExists.UPDATE), owner=OWNER)


def clone(fields: Json) -> Procedure[CampaignResult]:
    return ensure_clone(SOURCE_NAME, spec(fields=WANTED | fields), country="USA", owner=OWNER)


def rename(fields: Json) -> Procedure[CampaignResult]:
    return change_campaign(NAME, GROUP, fields=fields, name="Another", state=None)


def pause(fields: Json) -> Procedure[CampaignResult]:
    return change_campaign(NAME, GROUP, fields=fields, name=None, state=CampaignState.INACTIVE)


def start(**fields: Any) -> FakeServer:
    server = FakeServer()
    server.add(SOURCE_NAME, **SOURCES["inactive in its dates"], **dict.fromkeys(OTHERS))
    server.add(NAME, isActive=1, **fields)
    return server


@pytest.mark.parametrize("field", OTHERS)
@pytest.mark.parametrize("procedure", [create, rename, pause])
def test_an_update_sends_the_rows_that_it_has_read(procedure: Any, field: str) -> None:
    rows = {"campaignDispositions": [{"dispositionId": 7, "campaignId": 1002}], field: OTHERS[field]}
    server = start(**rows)
    run(server, procedure({}))
    (sent,) = [one.body for one in server.requests if one.method == "PUT"]
    assert {name: sent[name] for name in rows} == rows


@pytest.mark.parametrize("field", OTHERS)
@pytest.mark.parametrize("procedure", [create, clone, rename])
def test_settings_with_rows_of_another_campaign_are_refused(procedure: Any, field: str) -> None:
    server = start(**{field: []})
    if procedure is clone:
        del server.campaigns[1002]
    with pytest.raises(InvalidInputError, match=f"settings.{field}=.*it has rows of another campaign"):
        run(server, procedure({field: OTHERS[field]}))
    assert not server.sent("PUT")
    assert not server.sent("POST")


def test_an_unfinished_campaign_is_completed_without_them() -> None:
    server = FakeServer(renumbers=False)
    server.defaults |= OTHERS
    result = run(server, create({}))
    assert result.outcome == "created"
    assert server.campaigns[result.campaign_id or 0]["addedLaterAsRows"] == [{"id": 1}]
