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
from airflow_provider_engagevoice.exceptions import BadRequestError, InvalidInputError, LoadRefusedError
from airflow_provider_engagevoice.leads.errors import MisreadFileError
from airflow_provider_engagevoice.leads.loading import file_uploader
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.sandbox import routes_loader
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.integration.leads.conftest import Desk, desk_at, lead
from tests.support.clocks import FakeClock

LEADS = [lead(number) for number in range(95)]
IDS = [one["externId"] for one in LEADS]
PREVIEW = "leadLoader/preview"
PROCESS = "leadLoader/process"


@pytest.fixture
def fake_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeClock]:
    """The clock of the loads, and of the server's own delays; both move only while a thread sleeps."""
    fake = FakeClock(time.time())
    monkeypatch.setattr(routes_loader, "asyncio", SimpleNamespace(get_running_loop=lambda: fake))
    with clock.use(fake):
        yield fake


@pytest.fixture
def slow_desk(client_settings: ClientSettings, fake_clock: FakeClock) -> Iterator[Desk]:
    """The server loads files 20 s after its response, and has persona phones."""
    settings = SandboxSettings(limits=False, process_seconds=20, persona_phones={7: "Work Phone"})
    with SandboxServer(settings) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with desk_at(server, there) as desk:
            yield desk


def test_every_lead_is_loaded_once_and_a_rerun_loads_nothing(slow_desk: Desk) -> None:
    counts = slow_desk.load(LEADS, by_file=True)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.reconciled) == (95, 95, 0, 0)
    assert sorted(slow_desk.stored()) == sorted(IDS)
    assert slow_desk.progress[-1] == (95, 95)
    assert slow_desk.load(LEADS, by_file=True) == counts
    assert (slow_desk.sent(PREVIEW), slow_desk.sent(PROCESS)) == (10, 10)
    assert slow_desk.searched() == 0


def test_a_file_that_takes_longer_than_the_timeout_is_reconciled(
    client_settings: ClientSettings, fake_clock: FakeClock
) -> None:
    with SandboxServer(SandboxSettings(limits=False, process_seconds=1000)) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with desk_at(server, there) as desk:
            counts = desk.load(LEADS[:10], by_file=True)
            assert desk.stored() == IDS[:10]
            assert (counts.accepted, counts.reconciled, desk.sent(PROCESS)) == (10, 1, 1)
            assert 1000 <= sum(fake_clock.sleeps) < 1010
            assert max(fake_clock.sleeps) == 5


def test_concurrent_uploads_share_polls(client_settings: ClientSettings) -> None:
    with SandboxServer(SandboxSettings(limits=False, process_seconds=1.0)) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with desk_at(server, there) as desk:
            desk.load(LEADS[:80], max_concurrent_requests=8, by_file=True)
            polls = desk.sent("/lists")
    # Eight that poll separately, at once and after 0.1, 0.3, 0.7 and 1.5 s, poll 40 times.
    assert 4 <= polls <= 20


@pytest.mark.parametrize("kind", ["drop_answer", "reset"])
def test_a_lost_response_is_reconciled(slow_desk: Desk, kind: str) -> None:
    """The response may be lost before or after the server has loaded the file."""
    slow_desk.sandbox.add_fault(kind, path=PROCESS, times=2, after=1)
    counts = slow_desk.load(LEADS, by_file=True)
    assert sorted(slow_desk.stored()) == sorted(IDS)
    assert (counts.accepted, counts.reconciled) == (95, 2)
    assert slow_desk.sent(PROCESS) == (10 if kind == "drop_answer" else 12)


def test_a_response_with_counts_is_used(desk: Desk) -> None:
    failure = {"processingStatus": "GENERAL_FAILURE", "message": "no disk"}
    counted = {"leadsSupplied": 10, "leadsAccepted": 9, "leadsInserted": 8, "deletedCount": 1}
    for answer in (failure, counted):
        desk.sandbox.add_fault(
            "status",
            path=PROCESS,
            status=200,
            body=json.dumps(answer),
            content_type="application/json",
            times=1,
        )
    counts = desk.load(LEADS[:10], by_file=True)
    assert (counts.accepted, counts.inserted, counts.duplicates, counts.reconciled) == (9, 8, 1, 1)
    assert desk.sent(PROCESS) == 2


def test_a_retry_resumes_the_last_attempt(desk: Desk) -> None:
    desk.sandbox.add_fault("status", path=PROCESS, status=400, times=1, after=6)
    with pytest.raises(BadRequestError):
        desk.load(LEADS, max_concurrent_requests=1, by_file=True)
    assert len(desk.stored()) == 60
    counts = desk.load(LEADS, max_concurrent_requests=1, by_file=True)
    assert desk.stored() == IDS
    assert (counts.accepted, counts.reconciled, desk.sent(PROCESS)) == (95, 1, 11)


def test_a_lost_checkpoint_is_reconciled_from_the_lists(desk: Desk) -> None:
    desk.load(LEADS[:40], by_file=True)
    desk.checkpoint.saved.clear()
    counts = desk.load(LEADS, lists_exist=True, by_file=True)
    assert desk.stored() == IDS
    assert (counts.accepted, counts.reconciled, desk.sent(PROCESS)) == (95, 10, 10)


def test_a_list_of_other_leads_is_not_used(desk: Desk) -> None:
    """A source that has changed has other leads in its chunks; each is looked up."""
    desk.load(LEADS, by_file=True)
    desk.sandbox.add_fault("status", path=PROCESS, status=400, times=1)
    more = [lead(200), *LEADS, lead(201)]
    with pytest.raises(BadRequestError):
        desk.load(more, max_concurrent_requests=1, by_file=True)
    desk.load(more, max_concurrent_requests=1, by_file=True)
    assert desk.stored() == [*IDS, "L200", "L201"]


def test_leads_loaded_by_one_uploader_are_not_loaded_by_the_other(desk: Desk) -> None:
    desk.load(LEADS[:40])
    desk.load(LEADS, chunk_size=50, lists_exist=True, by_file=True)
    assert desk.stored() == IDS
    assert desk.load(LEADS, lists_exist=True).inserted == 95
    assert desk.stored() == IDS


def test_what_the_server_omits_is_counted(desk: Desk) -> None:
    desk.load(LEADS[:3], by_file=True, duplicates=DuplicateHandling.REMOVE_ALL_EXISTING)
    desk.checkpoint.saved.clear()
    bad = {**lead(50), "leadPhone": "12"}
    desk.sandbox.backend.database.change("UPDATE lead_lists SET listDesc = 'by hand'")
    chunk = [*LEADS[:5], bad, *LEADS[6:8]]
    counts = desk.load(chunk, by_file=True, duplicates=DuplicateHandling.REMOVE_ALL_EXISTING)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.duplicates) == (7, 4, 1, 3)
    # The server does not state which are rejected and which are duplicates.
    (rejected,) = desk.rejected.values()
    assert [one.row for one in rejected] == [2, 3, 4, 7]
    assert rejected[3].body == bad
    assert "gave no reason" in rejected[3].reason


def test_numbers_not_to_be_called_are_counted(desk: Desk) -> None:
    database = desk.sandbox.backend.database
    database.change(
        "INSERT INTO dnc_numbers VALUES ('99990000', ?, 'USA', 1, NULL, NULL, 0)", (LEADS[1]["leadPhone"],)
    )
    counts = desk.load(LEADS[:5], by_file=True)
    assert (counts.accepted, counts.inserted, counts.do_not_call, counts.duplicates) == (5, 4, 1, 0)
    assert desk.rejected == {}


def test_lists_without_counts_are_replaced_by_lookups(desk: Desk) -> None:
    chunk = [*LEADS[:4], {**lead(50), "leadPhone": "12"}]
    path = "campaigns/136784/lists"
    desk.load(chunk, by_file=True)
    lists = [{"listId": 1, "listDesc": one["listDesc"]} for one in _lists(desk)]
    desk.checkpoint.saved.clear()
    desk.rejected.clear()
    desk.sandbox.add_fault(
        "status", path=path, status=200, body=json.dumps(lists), content_type="application/json", times=99
    )
    counts = desk.load(chunk, lists_exist=True, by_file=True)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.reconciled) == (4, 4, 1, 1)
    ((rejected,),) = desk.rejected.values()
    assert rejected.row == 6


def test_every_cell_arrives_unchanged(slow_desk: Desk) -> None:
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
    slow_desk.load(leads, by_file=True)
    columns = "firstName, address1, auxData1, leadPriority, extendedLeadData, personaPhoneConfig"
    first, second = map(
        dict, slow_desk.sandbox.backend.database.rows(f"SELECT {columns} FROM leads ORDER BY externId")
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


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pagePreviews": []}, "it shows no rows"),
        ({"pagePreviews": [{"rowData": [["externId;leadPhone;firstName"]]}]}, "it shows no rows"),
        (
            {"pagePreviews": [{"rowData": [["externId", "leadPhone"], ["L1", "415"]]}]},
            "row 1, column 3: 'firstName' is read as ''",
        ),
        (
            {
                "pagePreviews": [
                    {"rowData": [["externId", "leadPhone", "firstName"], ["L1", "4152000001", "ZoÃ«"]]}
                ]
            },
            "row 2, column 3: 'Zoë' is read as 'ZoÃ«'",
        ),
    ],
)
def test_a_file_that_is_misread_is_not_loaded(desk: Desk, changed: dict[str, object], message: str) -> None:
    answer = {"transactionId": "t", "mappingColumns": ["LEAD_PHONE", "EXTERN_ID", "FIRST_NAME"], **changed}
    desk.sandbox.add_fault(
        "status", path=PREVIEW, status=201, body=json.dumps(answer), content_type="application/json"
    )
    with pytest.raises(MisreadFileError, match="misreads the lead file") as error:
        desk.load([{**lead(1), "firstName": "Zoë"}], by_file=True)
    assert message in str(error.value)
    assert desk.sent(PROCESS) == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"personaPhoneConfig": {"Cabin": "4155550123"}}, "no such persona phone"),
        ({"reserveAgent": "5"}, "no such column for files"),
    ],
)
def test_a_column_that_the_server_does_not_know_is_not_loaded(
    desk: Desk, body: dict[str, object], message: str
) -> None:
    row = {**lead(1), **body}
    cells = [*(str(value) for value in lead(1).values()), "5"]
    answer = {
        "transactionId": "t",
        "mappingColumns": ["LEAD_PHONE", "EXTERN_ID", "FIRST_NAME"],
        "pagePreviews": [{"rowData": [[*lead(1), "reserveAgent"], cells]}],
    }
    if "reserveAgent" in body:
        desk.sandbox.add_fault(
            "status", path=PREVIEW, status=201, body=json.dumps(answer), content_type="application/json"
        )
    with pytest.raises(InvalidInputError, match=message):
        desk.load([row], by_file=True)
    assert desk.sent(PROCESS) == 0


def test_a_file_that_the_server_reads_in_part_fails(desk: Desk) -> None:
    desk.load(LEADS[:10], by_file=True)
    desk.sandbox.backend.database.change("UPDATE lead_lists SET leadsSupplied = 9")
    desk.checkpoint.saved.clear()
    with pytest.raises(MisreadFileError, match="read 9 of 10 leads"):
        desk.load(LEADS[:10], lists_exist=True, by_file=True)
    assert desk.stored() == IDS[:10]


def test_a_load_that_fails_does_not_wait_for_files(
    client_settings: ClientSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server never loads the first file, and responds to the second with 400."""
    monkeypatch.setattr(file_uploader, "_FIRST_PAUSE", 120.0)
    began = time.monotonic()
    with SandboxServer(SandboxSettings(limits=False, process_seconds=3600)) as server:
        there = replace(client_settings, base_url=server.url, rc_server=server.url)
        with desk_at(server, there) as desk:
            server.add_fault("status", path=PROCESS, status=400, times=1, after=1)
            with pytest.raises((BadRequestError, LoadRefusedError)):
                desk.load(LEADS[:20], by_file=True)
            state = json.loads(desk.checkpoint.saved[-1])
    assert time.monotonic() - began < 60
    assert [(index, done) for index, (_, done, _) in state["beyond"].items()] == [
        ("0", False),
        ("1", False),
    ]


def _lists(desk: Desk) -> list[dict[str, str]]:
    import httpx

    path = "/voice/api/v1/admin/accounts/99990000/dialGroups/115802/campaigns/136784/lists"
    answer = httpx.get(desk.sandbox.url + path, headers={"X-Auth-Token": API_TOKEN})
    lists: list[dict[str, str]] = answer.raise_for_status().json()
    return lists
