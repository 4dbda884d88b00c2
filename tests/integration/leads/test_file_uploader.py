"""File uploads: each lead is loaded exactly once, from a file that the server reads as it was written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.exceptions import (
    BadRequestError,
    InvalidInputError,
    LoadRefusedError,
    MisreadFileError,
)
from airflow_provider_engagevoice.leads.loading import file_uploader
from airflow_provider_engagevoice.leads.mapping import Target
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.sandbox import routes_loader
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from airflow_provider_engagevoice.sandbox.dialects import VALUES, Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.integration.leads.conftest import LoadRunner, lead, runner_at
from tests.support.clocks import FakeClock

LEADS = [lead(number) for number in range(95)]
IDS = [one["externId"] for one in LEADS]
PREVIEW = "leadLoader/preview"
PROCESS = "leadLoader/process"


def twice(*columns: str) -> list[str]:
    """Return the header of a file with these columns."""
    return [name for column in columns for name in (column, f"{column} (copy)")]


@pytest.fixture
def fake_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeClock]:
    """The clock of the loads, and of the server's own delays; both move only while a thread sleeps."""
    fake = FakeClock(time.time())
    monkeypatch.setattr(routes_loader, "asyncio", SimpleNamespace(get_running_loop=lambda: fake))
    with clock.use(fake):
        yield fake


@pytest.fixture
def slow_runner(client_settings: ClientSettings, fake_clock: FakeClock) -> Iterator[LoadRunner]:
    """The server loads files 20 s after its response, and has persona phones."""
    settings = SandboxSettings(limits=False, process_seconds=20, persona_phones={7: "Work Phone"})
    with SandboxServer(settings) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with runner_at(server, there) as runner:
            yield runner


def test_every_lead_is_loaded_once_and_a_rerun_loads_nothing(slow_runner: LoadRunner) -> None:
    counts = slow_runner.load(LEADS, by_file=True)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.reconciled) == (95, 95, 0, 0)
    assert sorted(slow_runner.stored()) == sorted(IDS)
    assert slow_runner.progress[-1] == (95, 95)
    assert slow_runner.load(LEADS, by_file=True) == counts
    assert (slow_runner.sent(PREVIEW), slow_runner.sent(PROCESS)) == (10, 10)
    assert slow_runner.searched() == 0


def test_a_file_that_takes_longer_than_the_timeout_is_reconciled(
    client_settings: ClientSettings, fake_clock: FakeClock
) -> None:
    with SandboxServer(SandboxSettings(limits=False, process_seconds=1000)) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with runner_at(server, there) as runner:
            counts = runner.load(LEADS[:10], by_file=True)
            assert runner.stored() == IDS[:10]
            assert (counts.accepted, counts.reconciled, runner.sent(PROCESS)) == (10, 1, 1)
            assert 1000 <= sum(fake_clock.sleeps) < 1010
            assert max(fake_clock.sleeps) == 5


def test_concurrent_uploads_share_polls(client_settings: ClientSettings) -> None:
    with SandboxServer(SandboxSettings(limits=False, process_seconds=1.0)) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with runner_at(server, there) as runner:
            runner.load(LEADS[:80], max_concurrent_requests=8, by_file=True)
            polls = runner.sent("/lists")
    # Eight that poll separately, at once and after 0.1, 0.3, 0.7 and 1.5 s, poll 40 times.
    assert 4 <= polls <= 30


@pytest.mark.parametrize("kind", ["drop_answer", "reset"])
@pytest.mark.few(1)
def test_a_lost_response_is_reconciled(slow_runner: LoadRunner, kind: str) -> None:
    """The response may be lost before or after the server has loaded the file."""
    slow_runner.sandbox.add_fault(kind, path=PROCESS, times=2, after=1)
    counts = slow_runner.load(LEADS, by_file=True)
    assert sorted(slow_runner.stored()) == sorted(IDS)
    assert (counts.accepted, counts.reconciled) == (95, 2)
    assert slow_runner.sent(PROCESS) == (10 if kind == "drop_answer" else 12)


def test_a_response_with_counts_is_used(runner: LoadRunner) -> None:
    counted = {"leadsSupplied": 10, "leadsAccepted": 10, "leadsInserted": 8, "deletedCount": 2}
    runner.sandbox.add_fault(
        "status", path=PROCESS, status=200, body=json.dumps(counted), content_type="application/json", times=1
    )
    counts = runner.load(LEADS[:10], by_file=True)
    assert (counts.accepted, counts.inserted, counts.duplicates, counts.reconciled) == (10, 8, 2, 0)
    assert (runner.sent(PROCESS), runner.searched()) == (1, 0)


def test_a_response_that_is_a_failure_is_not_believed(runner: LoadRunner) -> None:
    failure = {"processingStatus": "GENERAL_FAILURE", "message": "no disk"}
    runner.sandbox.add_fault(
        "status", path=PROCESS, status=200, body=json.dumps(failure), content_type="application/json", times=1
    )
    counts = runner.load(LEADS[:10], by_file=True)
    assert (counts.accepted, counts.inserted, counts.reconciled, runner.sent(PROCESS)) == (10, 10, 1, 2)
    assert runner.stored() == IDS[:10]


def test_a_retry_resumes_the_last_attempt(runner: LoadRunner) -> None:
    runner.sandbox.add_fault("status", path=PROCESS, status=400, times=1, after=6)
    with pytest.raises(BadRequestError):
        runner.load(LEADS, max_concurrent_requests=1, by_file=True)
    assert len(runner.stored()) == 60
    counts = runner.load(LEADS, max_concurrent_requests=1, by_file=True)
    assert runner.stored() == IDS
    assert (counts.accepted, counts.reconciled, runner.sent(PROCESS)) == (95, 1, 11)


def test_a_lost_checkpoint_is_reconciled_from_the_lists(runner: LoadRunner) -> None:
    runner.load(LEADS[:40], by_file=True)
    runner.checkpoint.saved.clear()
    counts = runner.load(LEADS, lists_exist=True, by_file=True)
    assert runner.stored() == IDS
    assert (counts.accepted, counts.reconciled, runner.sent(PROCESS)) == (95, 10, 10)


def test_a_list_of_other_leads_is_not_used(runner: LoadRunner) -> None:
    """A source that has changed has other leads in its chunks; each is looked up."""
    runner.load(LEADS, by_file=True)
    runner.sandbox.add_fault("status", path=PROCESS, status=400, times=1)
    more = [lead(200), *LEADS, lead(201)]
    with pytest.raises(BadRequestError):
        runner.load(more, max_concurrent_requests=1, by_file=True)
    runner.load(more, max_concurrent_requests=1, by_file=True)
    assert runner.stored() == [*IDS, "L200", "L201"]


def test_leads_loaded_by_one_uploader_are_not_loaded_by_the_other(runner: LoadRunner) -> None:
    runner.load(LEADS[:40])
    runner.load(LEADS, chunk_size=50, lists_exist=True, by_file=True)
    assert runner.stored() == IDS
    assert runner.load(LEADS, lists_exist=True).inserted == 95
    assert runner.stored() == IDS


def test_what_the_server_omits_is_counted(runner: LoadRunner) -> None:
    runner.load(LEADS[:3], by_file=True, duplicates=DuplicateHandling.REMOVE_ALL_EXISTING)
    runner.checkpoint.saved.clear()
    bad = {**lead(50), "leadPhone": "12"}
    runner.sandbox.backend.database.change("UPDATE lead_lists SET listDesc = 'by hand'")
    chunk = [*LEADS[:5], bad, *LEADS[6:8]]
    counts = runner.load(chunk, by_file=True, duplicates=DuplicateHandling.REMOVE_ALL_EXISTING)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.duplicates) == (7, 4, 1, 3)
    # The server does not state which are rejected and which are duplicates.
    (rejected,) = runner.rejected.values()
    assert [one.row for one in rejected] == [2, 3, 4, 7]
    assert rejected[3].body == bad
    assert "gave no reason" in rejected[3].reason


def test_numbers_not_to_be_called_are_counted(runner: LoadRunner) -> None:
    database = runner.sandbox.backend.database
    database.change(
        "INSERT INTO dnc_numbers VALUES ('99990000', ?, 'USA', 1, NULL, NULL, 0)", (LEADS[1]["leadPhone"],)
    )
    counts = runner.load(LEADS[:5], by_file=True)
    assert (counts.accepted, counts.inserted, counts.do_not_call, counts.duplicates) == (5, 4, 1, 0)
    assert runner.rejected == {}


def test_lists_without_counts_are_replaced_by_lookups(runner: LoadRunner) -> None:
    chunk = [*LEADS[:4], {**lead(50), "leadPhone": "12"}]
    path = "campaigns/136784/lists"
    runner.load(chunk, by_file=True)
    lists = [{"listId": 1, "listDesc": one["listDesc"]} for one in _lists(runner)]
    runner.checkpoint.saved.clear()
    runner.rejected.clear()
    runner.sandbox.add_fault(
        "status", path=path, status=200, body=json.dumps(lists), content_type="application/json", times=99
    )
    counts = runner.load(chunk, lists_exist=True, by_file=True)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.reconciled) == (4, 4, 1, 1)
    ((rejected,),) = runner.rejected.values()
    assert rejected.row == 6


def test_every_cell_arrives_unchanged(slow_runner: LoadRunner) -> None:
    leads = [
        {
            **lead(1),
            "firstName": 'Zoë "Zo" O\'Hara, Jr.',
            "address1": "1 Main St\nFlat 2",
            "auxData1": "=1+1",
            "leadPriority": 7,
            "extendedLeadData": {"policy": "P,1", "tier": "gold"},
        },
        {**lead(2), "personaPhoneConfig": {"Work Phone": "4155550123"}, "leadPhoneE164": "+14152000002"},
    ]
    slow_runner.load(leads, by_file=True)
    columns = "firstName, address1, auxData1, leadPriority, extendedLeadData, personaPhoneConfig"
    first, second = map(
        dict, slow_runner.sandbox.backend.database.rows(f"SELECT {columns} FROM leads ORDER BY externId")
    )
    assert first == {
        "firstName": 'Zoë "Zo" O\'Hara, Jr.',
        "address1": "1 Main St\nFlat 2",
        "auxData1": "=1+1",
        "leadPriority": 7,
        "extendedLeadData": '{"policy": "P,1", "tier": "gold"}',
        "personaPhoneConfig": None,
    }
    assert second["personaPhoneConfig"] == '{"Work Phone": "4155550123"}'
    assert second["extendedLeadData"] is None


@pytest.mark.parametrize("columns", VALUES["file_columns"])
def test_columns_are_right_whether_they_are_numbered_from_0_or_1(
    client_settings: ClientSettings, columns: str
) -> None:
    dialect = Dialect(file_columns=columns)
    settings = SandboxSettings(limits=False, dialect=dialect, persona_phones={7: "Work Phone"})
    leads = [
        {
            **lead(number),
            "leadPhoneE164": f"+1{lead(number)['leadPhone']}",
            "firstName": f"Ada {number}",
            "personaPhoneConfig": {"Work Phone": "+14155550123"},
            "extendedLeadData": {"policy": f"P{number}"},
        }
        for number in range(5)
    ]
    with SandboxServer(settings) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with runner_at(server, there) as runner:
            runner.load(leads, by_file=True)
            stored = server.backend.database.rows("SELECT * FROM leads ORDER BY externId")
    assert [
        (
            row["externId"],
            row["leadPhone"],
            row["firstName"],
            row["personaPhoneConfig"],
            row["extendedLeadData"],
        )
        for row in stored
    ] == [
        (
            one["externId"],
            one["leadPhone"],
            one["firstName"],
            '{"Work Phone": "+14155550123"}',
            json.dumps(one["extendedLeadData"]),
        )
        for one in leads
    ]


@pytest.mark.parametrize("by_file", [False, True])
def test_numbers_of_other_countries_are_sent_in_e164(runner: LoadRunner, by_file: bool) -> None:
    number = "+61412345678"
    one = {"externId": "1", "leadPhone": number, "leadPhoneE164": number}
    counts = runner.load([one], by_file=by_file, in_e164=True)
    assert (counts.inserted, counts.rejected) == (1, 0)
    [row] = runner.sandbox.backend.database.rows("SELECT leadPhone FROM leads")
    assert row["leadPhone"] == number


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pagePreviews": []}, "it shows no rows"),
        ({"pagePreviews": [{"rowData": [["externId;leadPhone;firstName"]]}]}, "it shows no rows"),
        (
            {"pagePreviews": [{"rowData": [twice("externId", "leadPhone"), twice("L1", "415")]}]},
            "row 1, column 5: 'firstName' is read as ''",
        ),
        (
            {
                "pagePreviews": [
                    {"rowData": [twice("externId", "leadPhone", "firstName"), ["L1", "L1", "4152000001"]]}
                ]
            },
            "row 2, column 4: it reads another value",
        ),
    ],
)
def test_a_misread_file_is_not_loaded(runner: LoadRunner, changed: dict[str, object], message: str) -> None:
    answer = {"transactionId": "t", "mappingColumns": ["LEAD_PHONE", "EXTERN_ID", "FIRST_NAME"], **changed}
    runner.sandbox.add_fault(
        "status", path=PREVIEW, status=201, body=json.dumps(answer), content_type="application/json"
    )
    with pytest.raises(MisreadFileError, match="misreads the lead file") as error:
        runner.load([{**lead(1), "firstName": "Zoë"}], by_file=True)
    assert message in str(error.value)
    assert runner.sent(PROCESS) == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"personaPhoneConfig": {"Cabin": "4155550123"}}, "no such persona phone"),
        ({"reserveAgent": "5"}, "no such column for files"),
    ],
)
def test_a_column_that_the_server_does_not_know_is_not_loaded(
    runner: LoadRunner, body: dict[str, object], message: str
) -> None:
    row = {**lead(1), **body}
    cells = [*(str(value) for value in lead(1).values()), "5"]
    answer = {
        "transactionId": "t",
        "mappingColumns": ["LEAD_PHONE", "EXTERN_ID", "FIRST_NAME"],
        "pagePreviews": [
            {"rowData": [twice(*lead(1), "reserveAgent"), [cell for cell in cells for _ in range(2)]]}
        ],
    }
    if "reserveAgent" in body:
        runner.sandbox.add_fault(
            "status", path=PREVIEW, status=201, body=json.dumps(answer), content_type="application/json"
        )
    with pytest.raises(InvalidInputError, match=message):
        runner.load([row], by_file=True)
    assert runner.sent(PROCESS) == 0


@pytest.mark.parametrize("label", ["Cabin", "work phone"])
def test_an_unknown_persona_phone_of_a_later_chunk_stops_the_load_before_the_first(
    slow_runner: LoadRunner, label: str
) -> None:
    late = {**LEADS[94], "personaPhoneConfig": {label: "4155550123"}}
    targets = [Target("firstName"), Target("personaPhoneConfig", label)]
    with pytest.raises(InvalidInputError, match="no such persona phone"):
        slow_runner.load([*LEADS[:94], late], by_file=True, targets=targets)
    assert (slow_runner.sent(PREVIEW), slow_runner.sent(PROCESS)) == (1, 0)
    assert slow_runner.checkpoint.saved == []


def test_known_persona_phones_of_later_chunks_are_loaded(slow_runner: LoadRunner) -> None:
    late = {**LEADS[94], "personaPhoneConfig": {"Work Phone": "4155550123"}}
    targets = [Target("firstName"), Target("personaPhoneConfig", "Work Phone")]
    slow_runner.load([*LEADS[:94], late], by_file=True, targets=targets)
    assert sorted(slow_runner.stored()) == sorted(IDS)


def test_a_file_that_the_server_reads_in_part_fails(runner: LoadRunner) -> None:
    runner.load(LEADS[:10], by_file=True)
    runner.sandbox.backend.database.change("UPDATE lead_lists SET leadsSupplied = 9")
    runner.checkpoint.saved.clear()
    with pytest.raises(MisreadFileError, match="read 9 of 10 leads"):
        runner.load(LEADS[:10], lists_exist=True, by_file=True)
    assert runner.stored() == IDS[:10]


def test_a_load_that_fails_does_not_wait_for_files(
    client_settings: ClientSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server never loads the first file, and responds to the second with 400."""
    monkeypatch.setattr(file_uploader, "_FIRST_PAUSE", 120.0)
    began = time.monotonic()
    with SandboxServer(SandboxSettings(limits=False, process_seconds=3600)) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with runner_at(server, there) as runner:
            server.add_fault("status", path=PROCESS, status=400, times=1, after=1)
            with pytest.raises((BadRequestError, LoadRefusedError)):
                runner.load(LEADS[:20], by_file=True)
            state = json.loads(runner.checkpoint.saved[-1])
    assert time.monotonic() - began < 60
    assert [(index, done) for index, (_, done, _) in state["beyond"].items()] == [
        ("0", False),
        ("1", False),
    ]


def _lists(runner: LoadRunner) -> list[dict[str, str]]:
    import httpx

    path = "/voice/api/v1/admin/accounts/99990000/dialGroups/115802/campaigns/136784/lists"
    answer = httpx.get(runner.sandbox.url + path, headers={"X-Auth-Token": API_TOKEN})
    lists: list[dict[str, str]] = answer.raise_for_status().json()
    return lists
