"""The campaign that the tests of procedures create, and what must be true of it at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_provider_engagevoice.campaigns import CampaignResult, ensure_campaign, ensure_clone
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.unit.campaigns.fake_server import GROUP, FakeServer, Json

NAME = "Holiday Renewals 2090-11-01"
OWNER = "holiday_renewals.create"
#: As the server stores them.
FIELDS: Json = {
    "startDate": "2090-11-01T07:00:00.000+0000",
    "endDate": "2090-12-01T08:00:00.000+0000",
    "callerId": "4155550199",
    "maxRingTime": 25,
    "monSched": "09001700",
}
#: The same, as requested.
WANTED: Json = FIELDS | {name: parse_vendor_date(FIELDS[name]) for name in ("startDate", "endDate")}
SPEC = CampaignSpec(dial_group=GROUP, name=NAME, fields=WANTED, state=CampaignState.ACTIVE)


class Saved:
    """A checkpoint in memory, as the task's state store keeps it."""

    def __init__(self) -> None:
        self.state: Mapping[str, Any] = {}
        self.has_earlier_attempts = False
        self.max_tries = 2

    def next_attempt(self) -> Saved:
        """Return it as the next attempt finds it."""
        self.has_earlier_attempts = True
        return self

    def cleared(self) -> Saved:
        """Return it as the first attempt finds it after the task was cleared."""
        self.max_tries += 3
        return self.next_attempt()

    def of_this_attempt(self) -> Any:
        """Return it as an attempt goes on to see it, also beside later ones."""
        counts = {"has_earlier_attempts": self.has_earlier_attempts, "max_tries": self.max_tries}
        return SimpleNamespace(load=self.load, save=self.save, **counts)

    def load(self) -> Mapping[str, Any]:
        return self.state

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = json.loads(json.dumps(state))


SOURCE_NAME = "Last season"
#: Campaigns to clone: fields that differ from the defaults.
SOURCES: dict[str, Json] = {
    "active in its dates": {"isActive": 1, "endDate": "2095-05-26T07:00:00.000+0000"},
    "active, dates to come": {
        "isActive": 1,
        "startDate": "2094-05-26T07:00:00.000+0000",
        "endDate": "2095-05-26T07:00:00.000+0000",
    },
    "callbacks only in its dates": {"isActive": 2, "endDate": "2095-05-26T07:00:00.000+0000"},
    "active without an end": {"isActive": 1, "endDate": None},
    "inactive in its dates": {"isActive": 0, "endDate": "2095-05-26T07:00:00.000+0000"},
    "active, long over": {"isActive": 1, "endDate": "2021-05-26T07:00:00.000+0000"},
}


def spec(**changes: Any) -> CampaignSpec:
    """Return the spec with changes."""
    return replace(SPEC, **changes)


def create() -> Procedure[CampaignResult]:
    return ensure_campaign(SPEC, owner=OWNER)


def clone(source: int) -> Callable[[], Procedure[CampaignResult]]:
    return lambda: ensure_clone(source, SPEC, country="USA", owner=OWNER)


def may_dial(campaign: Json) -> bool:
    """Return whether the campaign may dial now or later."""
    if campaign["isActive"] == 0:
        return False
    return campaign["endDate"] is None or parse_vendor_date(campaign["endDate"]) > datetime.now(UTC)


def watch(server: FakeServer) -> None:
    """Check after every write: a new campaign may dial only with all fields that were requested."""
    others = set(server.campaigns)

    def check() -> None:
        for campaign_id, campaign in server.campaigns.items():
            if campaign_id not in others and may_dial(campaign):
                stored = {name: campaign[name] for name in FIELDS}
                assert stored == FIELDS, f"campaign {campaign_id} may dial with {stored}"

    server.after_write = check


def assert_exactly_one(server: FakeServer, others: dict[int, Json]) -> None:
    """Assert that the campaign exists once, as requested, and that no other was added, lost or changed."""
    made = {key: value for key, value in server.campaigns.items() if key not in others}
    assert [campaign["campaignName"] for campaign in made.values()] == [NAME]
    (campaign,) = made.values()
    assert {name: campaign[name] for name in FIELDS} == FIELDS
    assert campaign["isActive"] == CampaignState.ACTIVE
    assert {key: server.campaigns[key] for key in others} == others
