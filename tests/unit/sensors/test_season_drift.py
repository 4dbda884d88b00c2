"""The sensor for drift of a season waits in each of its modes, as long as it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice import assets, clock
from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.seasons.record import Record, Records
from airflow_provider_engagevoice.seasons.work import Change, RecordedCampaign
from airflow_provider_engagevoice.sensors.season_drift import EngageVoiceSeasonDriftSensor
from airflow_provider_engagevoice.storage import ObjectStorage
from airflow_provider_engagevoice.triggers.season_drift import SeasonDriftTrigger
from tests.support.connections import ACCOUNT_ID
from tests.unit.polling.conftest import GROUP, World
from tests.unit.sensors.conftest import Wait, every_mode

HOUR = 3600
#: Seconds for which what is found is looked at again.
PATIENCE = 35
PAGE = "<html><body>Back soon</body></html>"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"{tmp_path}/seasons/spring"


@pytest.fixture
def wait(run_sensor: Callable[..., Wait], path: str) -> Callable[..., Wait]:
    def wait(mode: str, **arguments: Any) -> Wait:
        return run_sensor(EngageVoiceSeasonDriftSensor, mode, **{"record": path, **arguments})

    return wait


@pytest.fixture
def write(world: World, path: str) -> Callable[..., int]:
    """Add a campaign, and write the record of an apply that has made it; return its id."""

    def write(serial: int = 1, status: str = "applied", **fields: Any) -> int:
        campaign_id = world.add(HOUR, 24 * HOUR, active=0)
        world.change(campaign_id, campaignName=f"Autumn {serial}")
        row = world.row(campaign_id)
        stated = {name: parse_vendor_date(row[name]).isoformat() for name in ("startDate", "endDate")}
        one = RecordedCampaign(campaign_id, GROUP, row["campaignName"], "west", {**stated, **fields}, 0)
        record = Record(
            season="spring",
            account_id=ACCOUNT_ID,
            serial=serial,
            digest="digest",
            run="run",
            status=status,
            written_at=clock.time(),
        )
        record.campaigns[one.key] = one
        record.changes[one.key] = Change("create", outcome="created", campaign_id=campaign_id)
        folder, _, name = path.rpartition("/")
        records = Records(ObjectStorage(), folder, name)
        records.save(record)
        records.point_to(record, record)
        return campaign_id

    return write


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Events of the season's asset."""
    added: list[Any] = []
    monkeypatch.setattr(
        assets, "add_season_event", lambda context, outlets, *arguments: added.append(arguments)
    )
    return added


@every_mode
def test_drift_that_is_there_ends_it_after_a_second_look(
    write, world, virtual, wait, events, caplog, capfd, mode
) -> None:
    campaign_id = write()
    world.change(campaign_id, isActive=1)
    began = virtual.time()
    done = wait(mode)
    assert (done.state, done.pauses) == ("success", [])
    assert PATIENCE <= done.ended - began < PATIENCE + 5
    assert events == [(ACCOUNT_ID, "spring", {"drift": 1})]
    assert (
        f"campaign {campaign_id} 'Autumn 1' in dial group {GROUP} is active"
        in caplog.text + capfd.readouterr().out
    )


@every_mode
def test_it_waits_and_polls_once_per_interval(
    write, world, days, virtual, wait, events, caplog, capfd, mode
) -> None:
    caplog.set_level("INFO")
    campaign_id = write()
    days.at(HOUR, lambda: world.delete(campaign_id))
    began = virtual.time()
    done = wait(mode)
    assert done.state == "success"
    assert HOUR < done.ended - began < HOUR + 300 + PATIENCE + 10
    polls = [one for one in world.polls() if one - began < HOUR]
    assert 12 <= len(polls) <= 14
    assert all(295 < later - earlier < 305 for earlier, later in pairwise(polls))
    log = caplog.text + capfd.readouterr().out
    assert log.count("season 'spring': 1 campaigns are as applied; next poll in 300 s") >= 12
    assert events == [(ACCOUNT_ID, "spring", {"drift": 1})]


@every_mode
def test_what_was_found_is_returned(write, world, days, run_sensor, path, mode) -> None:
    found: list[Any] = []

    class Sensor(EngageVoiceSeasonDriftSensor):
        def execute(self, context: Any) -> Any:
            found.append(super().execute(context))

        def execute_complete(self, context: Any, event: object = None) -> Any:
            found.append(super().execute_complete(context, event))

    campaign_id = write(callerId="4155550188")
    old = world.row(campaign_id)["callerId"]
    world.change(campaign_id, callerId="4155550188")
    days.at(100, lambda: world.change(campaign_id, callerId=old))
    assert run_sensor(Sensor, mode, record=path).state == "success"
    assert found == [
        [
            {
                "campaign_id": campaign_id,
                "dial_group_id": GROUP,
                "name": "Autumn 1",
                "what": "changed",
                "fields": {"callerId": ["4155550188", old]},
                "may_dial": False,
                "changed_by": {"callerId": "not in the audit log yet, which is five minutes late"},
            }
        ]
    ]


@every_mode
def test_a_change_that_is_undone_soon_is_none(write, world, days, wait, events, mode) -> None:
    campaign_id = write()
    world.change(campaign_id, isActive=1)
    days.at(10, lambda: world.change(campaign_id, isActive=0))
    assert wait(mode, timeout=200).state == "failed"
    assert events == []


@every_mode
def test_what_an_apply_changes_meanwhile_is_no_drift(write, world, days, virtual, wait, events, mode) -> None:
    first = write()

    def apply() -> None:
        world.change(first, isActive=1)
        write(2)

    days.at(400, apply)
    assert wait(mode, timeout=HOUR).state == "failed"
    assert events == []


@every_mode
def test_it_finds_nothing_while_the_season_is_applied(write, world, virtual, wait, mode) -> None:
    world.change(write(status="applying"), isActive=1)
    began = virtual.time()
    done = wait(mode)
    assert done.state == "success"
    assert 900 < done.ended - began < 1300


@every_mode
@pytest.mark.parametrize(
    ("timeout", "soft_fail", "state"), [(2, False, "failed"), (2, True, "skipped"), (HOUR, False, "failed")]
)
def test_the_timeout_means_the_same(write, virtual, wait, mode, soft_fail, state, timeout) -> None:
    write()
    began = virtual.time()
    done = wait(mode, timeout=timeout, soft_fail=soft_fail)
    assert done.state == state
    assert timeout <= done.ended - began < timeout + 1
    if not soft_fail:
        assert type(done.error).__name__ == "AirflowSensorTimeout"


@every_mode
@pytest.mark.parametrize(
    ("status", "body"), [(200, PAGE), (404, PAGE), (502, PAGE), (503, ""), (200, '[{"camp')]
)
def test_odd_responses_of_a_while_end_nothing(write, world, days, virtual, wait, mode, status, body) -> None:
    campaign_id = write()
    days.answer(250, 700, "/campaigns", status, body)
    days.at(800, lambda: world.change(campaign_id, isActive=1))
    began = virtual.time()
    done = wait(mode)
    assert done.state == "success", done.error
    assert 800 < done.ended - began < 1300


# Reschedule mode keeps no count of failures.
@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_a_long_outage_fails_it_and_is_retried(write, days, virtual, wait, mode) -> None:
    write()
    days.answer(100, 24 * HOUR, "/campaigns", 503, "")
    began = virtual.time()
    done = wait(mode, timeout=24 * HOUR)
    assert done.state == "failed"
    assert not isinstance(done.error, AirflowFailException)
    assert done.ended - began < 5 * HOUR


@every_mode
@pytest.mark.parametrize("at", [-1, 400])
def test_a_record_that_cannot_be_read_fails_it_and_is_named(write, days, path, wait, mode, at) -> None:
    write()
    pointer = Path(path, "latest.json")
    if at < 0:
        pointer.write_text("[]")
    days.at(max(at, 0), lambda: pointer.write_text("[]"))
    done = wait(mode)
    assert done.state == "failed"
    assert isinstance(done.error, AirflowFailException)
    assert "latest.json: not a pointer to a record" in str(done.error)


@every_mode
@pytest.mark.parametrize(("seconds", "state"), [(1000, "success"), (24 * HOUR, "failed")])
def test_an_outage_of_the_storage_ends_nothing_at_once(
    write, world, days, virtual, wait, monkeypatch, mode, seconds, state
) -> None:
    if mode == "reschedule" and state == "failed":
        pytest.skip("reschedule mode keeps no count of failures")
    campaign_id = write()
    began = virtual.time()
    read = ObjectStorage.read

    def failing(storage: ObjectStorage, path: str) -> str | None:
        if 100 < virtual.time() - began < seconds:
            raise OSError("the storage is down")
        return read(storage, path)

    monkeypatch.setattr(ObjectStorage, "read", failing)
    days.at(1100, lambda: world.change(campaign_id, isActive=1))
    done = wait(mode, timeout=24 * HOUR)
    assert done.state == state
    assert 1100 < done.ended - began < (1700 if state == "success" else 5 * HOUR)


@every_mode
def test_there_must_be_a_record(path, wait, mode) -> None:
    done = wait(mode)
    assert done.state == "failed"
    assert isinstance(done.error, AirflowFailException)
    assert f"record: {path} has no record of an apply" in str(done.error)


@every_mode
def test_the_record_is_what_the_apply_returned(write, world, path, wait, mode) -> None:
    world.change(write(), isActive=1)
    assert wait(mode, record={"season": "spring", "record_path": path}).state == "success"


@every_mode
def test_bad_input_is_named(wait, mode) -> None:
    done = wait(mode, record="{{ {} }}")
    assert done.state == "failed"
    assert "a mapping was rendered to text; pass task.output" in str(done.error)


def test_the_trigger_is_plain_json_without_secrets() -> None:
    arguments = {
        "engagevoice_conn_id": "engagevoice_default",
        "record_path": "s3://b/seasons/spring",
        "storage_conn_id": None,
        "poke_interval": 300.0,
        "deadline": "2026-12-01T08:00:00+00:00",
        "poll_at": "2026-11-01T08:00:00+00:00",
    }
    path, serialized = SeasonDriftTrigger(**arguments).serialize()
    assert path == "airflow_provider_engagevoice.triggers.season_drift.SeasonDriftTrigger"
    assert json.loads(json.dumps(serialized)) == arguments
