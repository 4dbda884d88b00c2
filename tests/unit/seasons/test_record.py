"""Records: one file for each apply, a pointer to the last, and nothing half written."""

from __future__ import annotations

import json

import pytest

from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from airflow_provider_engagevoice.seasons.record import Record, RecordError, Records
from tests.support.season_runs import RECORDS, Files, KilledError, SeasonWorld, season

FOLDER = f"{RECORDS}/spring"


def test_each_apply_has_its_file_and_the_pointer_names_the_last(world) -> None:
    first = world.roll_out(season()).record
    kept = world.files.texts[f"{FOLDER}/{first}"]
    second = world.roll_out(season(end=70)).record
    assert world.files.texts.keys() == {f"{FOLDER}/{name}" for name in (first, second, "latest.json")}
    assert (first[:5], second[:5]) == ("0001-", "0002-")
    assert world.files.texts[f"{FOLDER}/{first}"] == kept
    assert json.loads(world.files.texts[f"{FOLDER}/latest.json"]) == {
        "file": second,
        "serial": 2,
        "digest": world.record.digest,
        "run": world.record.run,
        "attempt": 1,
        "status": "applied",
    }


def test_a_record_is_read_as_it_was_written(world) -> None:
    world.roll_out(season(2, is_active=1, protect=True))
    record = world.record
    assert Record.from_json(record.to_json(), "r.json") == record
    (one, _) = record.asked
    assert (one.name, one.region, one.state, one.protect, one.orphan) == ("C0 r0", "r0", 1, True, False)
    assert one.campaign_id == world.row("C0 r0").campaign_id
    assert one.key in record.changes


def test_orphans_stay_in_the_record_and_are_marked(world) -> None:
    world.roll_out(season(2))
    world.roll_out(season(1))
    marked = {one.name: one.orphan for one in world.record.campaigns.values()}
    assert marked == {"C0 r0": False, "C1 r0": True}


def test_protection_of_a_campaign_that_fails_is_kept(world) -> None:
    world.roll_out(season(protect=True))
    plan = world.plan(season(end=70, protect=False))
    world.edit("C0 r0", callerId="4155550188")
    with pytest.raises(NotAppliedError):
        world.apply(plan)
    assert [one.protect for one in world.record.asked] == [True]


def test_there_is_no_record_before_the_first_apply(world) -> None:
    world.plan(season())
    assert world.records.last() is None
    assert world.files.texts == {}
    with pytest.raises(KilledError):
        world.apply(world.plan(season()), kill_at=0)
    assert world.record.status == "applying"


def test_the_records_of_a_season_are_found_by_their_directory() -> None:
    assert Records.in_directory(Files(), "s3://bucket/seasons/spring/").path == "s3://bucket/seasons/spring"


@pytest.mark.parametrize(
    ("pointer", "record", "message"),
    [
        ("", "", "latest.json: not a pointer to a record"),
        ("[]", "", "latest.json: not a pointer to a record"),
        ('{"file": "0001-x.json"}', None, "0001-x.json: there is no such record"),
        ('{"file": "0001-x.json"}', "{", "0001-x.json: not a record of a season"),
        ('{"file": "0001-x.json"}', "[]", "0001-x.json: not a record of a season"),
        ('{"file": "0001-x.json"}', '{"version": 9}', "0001-x.json: version 9 of records is not known"),
        (
            '{"file": "0001-x.json"}',
            '{"version": 1, "campaigns": {}, "changes": {}}',
            "not a record of a season",
        ),
    ],
)
def test_what_cannot_be_read_is_said(world: SeasonWorld, pointer, record, message) -> None:
    world.files.write(f"{FOLDER}/latest.json", pointer)
    if record is not None:
        world.files.write(f"{FOLDER}/0001-x.json", record)
    with pytest.raises(RecordError, match=message):
        world.records.last()


def test_other_encodings_are_said(world, monkeypatch) -> None:
    monkeypatch.setattr(world.files, "read", lambda path: b"\xff".decode())
    with pytest.raises(RecordError, match=r"latest.json: not a record of a season .*can't decode byte"):
        world.records.last()
