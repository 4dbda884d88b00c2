"""How many requests each operation on a campaign takes with several dialects, sign-in aside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns import (
    change_campaign,
    ensure_campaign,
    ensure_clone,
    remove_campaign,
)
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, wanted_fields
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import BUNDLES, DEFAULT
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.clocks import SkippingClock
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

DIALECTS = {"default": DEFAULT, **BUNDLES}
GROUP, SOURCE = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
FIELDS = {"start": "2099-11-01T00:00Z", "end": "2099-12-01T00:00Z", "caller_id": "4155550123"}


def operations() -> Iterator[tuple[str, Procedure[Any]]]:
    """Yield what is done, in order."""
    for name, make in (
        ("create", lambda spec: ensure_campaign(spec, owner="create")),
        ("clone", lambda spec: ensure_clone(SOURCE, spec, country="USA", owner="clone")),
    ):
        fields = wanted_fields(schedule={"mon-fri": "08:00-21:00"}, **FIELDS)
        yield name, make(CampaignSpec(GROUP, name, fields, CampaignState.ACTIVE))
    changes = {"fields": {"maxRingTime": 42}, "name": None, "state": None}
    yield "update", change_campaign("create", GROUP, **changes)
    yield "update, nothing to change", change_campaign("create", GROUP, **changes)
    yield "delete", remove_campaign("clone", GROUP)


def count(dialect: str) -> dict[str, int]:
    """Return the number of requests of each operation."""
    counted = {}
    with SandboxServer(SandboxSettings(limits=False, dialect=DIALECTS[dialect])) as sandbox:
        settings = settings_of("ringcentral_jwt", sandbox.url, account_id=ACCOUNT_ID)
        with clock.use(SkippingClock()), EngageVoiceClient(settings) as client:
            client.list_countries()
            for name, procedure in operations():
                before = sandbox.requests()
                client.run(procedure)
                sent = sandbox.requests()[len(before) :]
                counted[name] = len([one for one in sent if "auth" not in one.path])
    return counted


def main() -> None:
    """Print the table."""
    columns = {dialect: count(dialect) for dialect in DIALECTS}
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in columns["default"]:
        print(f"| {name} | {' | '.join(str(one[name]) for one in columns.values())} |")


if __name__ == "__main__":
    main()
