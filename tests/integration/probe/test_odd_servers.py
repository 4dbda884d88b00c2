"""The probe of servers that answer what nobody expects: it goes on, and publishes nothing of theirs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_engagevoice.client.rate_limits import RateLimitShares
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.probe import __main__ as main
from airflow_provider_engagevoice.probe.answers import Answer, ProbeClient, Prober
from airflow_provider_engagevoice.probe.reading import shown_json
from airflow_provider_engagevoice.probe.results import Findings, suggested_budgets, within_limits
from airflow_provider_engagevoice.sandbox import credentials
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.errors import bad_request
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.probe.conftest import GROUP, Fill, probe
from tests.support.clocks import SkippingClock, pauses_skipped
from tests.support.connections import ACCOUNT_ID, jwt_connection

ROWS = "campaignDispositions"
Create = Callable[..., tuple[int, Any]]


def _drops(server: SandboxServer, create: Create, body: Mapping[str, Any], *more: Any) -> tuple[int, Any]:
    return create(ACCOUNT_ID, GROUP, {name: body[name] for name in body if name != ROWS}, *more)


def _drops_one(server: SandboxServer, create: Create, body: Mapping[str, Any], *more: Any) -> tuple[int, Any]:
    return create(ACCOUNT_ID, GROUP, {**body, ROWS: []} if body.get(ROWS) else body, *more)


def _refuses(server: SandboxServer, create: Create, body: Mapping[str, Any], *more: Any) -> tuple[int, Any]:
    if body.get(ROWS):
        raise bad_request([])
    return create(ACCOUNT_ID, GROUP, body, *more)


def _moves(server: SandboxServer, create: Create, body: Mapping[str, Any], *more: Any) -> tuple[int, Any]:
    for row in server.store.campaigns(ACCOUNT_ID, GROUP):
        if body.get(ROWS) and row[ROWS]:
            without = {**row, ROWS: None}
            server.store.replace_campaign(ACCOUNT_ID, GROUP, row["campaignId"], without, request_id="moved")
    return create(ACCOUNT_ID, GROUP, body, *more)


@pytest.mark.parametrize(
    ("creates", "said"),
    [
        (None, "taken"),
        (_drops, "dropped"),
        (_drops_one, "dropped"),
        (_refuses, "refused with status 400"),
        (_moves, "taken away from their campaign"),
    ],
)
def test_copy_nested_is_suggested_where_the_rows_are_taken(
    server: SandboxServer, fill: Fill, monkeypatch: pytest.MonkeyPatch, creates: Any, said: str
) -> None:
    fill(Dialect(clone_copies="nested rows"), 3)
    campaigns = server.backend.campaigns
    if creates is not None:
        create = campaigns.create
        monkeypatch.setattr(
            campaigns,
            "create",
            lambda account, group, body, request_id: creates(server, create, body, request_id),
        )
    findings = probe(server, write=True)
    assert findings.facts["rows_with_ids_in_a_create"] == said
    assert findings.suggested.get("copy_nested") == ("true" if said == "taken" else None)
    assert (len(server.store.campaigns(ACCOUNT_ID, GROUP)), findings.left) == (3, [])


@pytest.mark.parametrize("clone", ["copy", "404"])
def test_copy_nested_needs_rows_of_the_probe_itself(server: SandboxServer, fill: Fill, clone: str) -> None:
    fill(Dialect(clone_answer=clone), 0)
    others = {"campaignName": "Others", ROWS: [{"dispositionId": 3}], "callerId": "2125550142"}
    server.store.seed_campaign(ACCOUNT_ID, GROUP, {**_stored(server), **others})
    findings = probe(server, write=True)
    assert findings.facts["rows_with_ids_in_a_create"].startswith("not tried")
    assert "copy_nested" not in findings.suggested


def _stored(server: SandboxServer) -> dict[str, Any]:
    (row,) = [one for one in server.store.all_campaigns() if one["campaignName"] == "Holiday Renewals 2025"]
    return row


@pytest.mark.parametrize(
    ("stated", "current", "budgets"),
    [
        ({("provisioning", 60.0): 60.0}, "", "provisioning=50%"),
        (
            {("provisioning", 60.0): 1.0, ("audit_logs", 60.0): 119.0},
            "",
            "audit_logs=99.1%, provisioning=0.8%",
        ),
        ({("lead_search", 10.0): 9.0, ("lead_search", 30.0): 12.0}, "", "lead_search=20%"),
        ({("provisioning", 60.0): 60.0}, "token_exchange=off", "provisioning=50%, token_exchange=off"),
        ({("provisioning", 60.0): 60.0}, "80%, provisioning=70%", "80%, provisioning=50%"),
        ({("provisioning", 60.0): 60.0}, "40%", ""),
        ({("provisioning", 60.0): 60.0}, "off", ""),
        ({("provisioning", 60.0): 120.0}, "", ""),
        ({("provisioning", 60.0): 500.0}, "", ""),
        ({("provisioning", 1.0): 1.0}, "", ""),
        ({}, "", ""),
    ],
)
def test_budgets(stated: dict[tuple[str, float], float], current: str, budgets: str) -> None:
    shares = RateLimitShares.read(current)
    assert suggested_budgets(stated, shares) == budgets
    if budgets:
        assert suggested_budgets(stated, RateLimitShares.read(budgets)) in ("", budgets)


@pytest.mark.parametrize(
    ("budgets", "kept"),
    [("off", "100%"), ("", ""), ("50%, lead_search=off", "50%, lead_search=100%"), ("2%", "2%")],
)
def test_the_probe_keeps_limits_that_the_connection_has_switched_off(budgets: str, kept: str) -> None:
    assert within_limits(RateLimitShares.read(budgets)) == RateLimitShares.read(kept)


def test_limits_that_are_switched_off(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[RateLimitShares] = []

    def connect(settings: ClientSettings, **options: Any) -> ProbeClient:
        seen.append(settings.budgets)
        raise EngageVoiceError("seen")

    monkeypatch.setenv("AIRFLOW_CONN_PROBED", jwt_connection(server.url, token_store="memory", budgets="off"))
    monkeypatch.setattr(main, "ProbeClient", connect)
    assert main.run(argparse.Namespace(conn_id="probed", dial_group=GROUP, write=True, json=None)) == 1
    assert seen == [RateLimitShares()]


@pytest.mark.parametrize(
    ("headers", "suggested"),
    [
        ({"X-Rate-Limit-Limit": "30", "X-Rate-Limit-Window": "60"}, {"budgets": "audit_logs=25%"}),
        ({"X-Rate-Limit-Limit": "30"}, {}),
        ({"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Window": "60"}, {}),
        ({"X-Rate-Limit-Limit": "nan", "X-Rate-Limit-Window": "inf"}, {}),
        ({"X-Rate-Limit-Limit": "30, 30;w=60", "X-Rate-Limit-Window": "60"}, {}),
    ],
)
def test_headers_of_rate_limits(
    server: SandboxServer,
    fill: Fill,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    headers: dict[str, str],
    suggested: dict[str, str],
) -> None:
    fill(Dialect(), 3)
    server.add_fault("status", path="auditLogs", status=403, body="{}", headers=headers)
    connection = jwt_connection(server.url, token_store="memory", budgets="100%")
    monkeypatch.setenv("AIRFLOW_CONN_PROBED", connection)
    with pauses_skipped(SkippingClock()):
        assert main.run(argparse.Namespace(conn_id="probed", dial_group=GROUP, write=False, json=None)) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if one.startswith("Suggested"))
    assert json.loads(line.partition(": ")[2]) == {"account_id": ACCOUNT_ID, **suggested}


#: What a server may say about people, or repeat.
PRIVATE = ("Ada Lovelace", "+14155550123", "ada@example.com", "14155550123", "Ada_of_4155550123")
HOSTILE_ROWS: dict[str, list[Any]] = {
    "keys": [dict.fromkeys(PRIVATE, 1) | {credentials.JWT: 2, "aNewField": 3, "campaignId": 1}] * 4,
    "no ids": [{"campaignName": PRIVATE[0], "startDate": PRIVATE[1], "isActive": PRIVATE[2]}] * 5,
    "odd ids": [{"campaignId": one, "isActive": one} for one in (None, [PRIVATE[0]], {}, 1.5, True, "x", -1)],
    "no objects": [PRIVATE[0], None, 7, [], [[PRIVATE[1]]]],
    "odd dates": [{"campaignId": n, "campaignName": 9, "startDate": [PRIVATE[1]]} for n in range(4)],
}


@pytest.mark.parametrize("rows", HOSTILE_ROWS)
def test_lists_of_anything(server: SandboxServer, fill: Fill, rows: str) -> None:
    class Lists(Prober):
        def send(self, method: str, path: str, *more: Any, **options: Any) -> Answer:
            answer = super().send(method, path, *more, **options)
            return replace(answer, data=HOSTILE_ROWS[rows]) if path.endswith("/campaigns") else answer

    fill(Dialect(), 4)
    findings = probe(server, write=False, flow="ringcentral_jwt", kind=Lists)
    said = shown_json(findings) + findings.table() + str(findings)
    assert [one for one in (*PRIVATE, credentials.JWT, credentials.CLIENT_SECRET) if one in said] == []
    if rows == "keys":
        assert findings.facts["fields_unknown_to_this_package"] == ["aNewField"]
        assert findings.facts["fields_whose_names_are_no_names"] == len(PRIVATE) + 1


ODD: dict[str, Any] = {
    "null": None,
    "number": 7,
    "text": PRIVATE[0],
    "empty list": [],
    "list of nulls": [None, None],
    "objects without fields": [{}, {}, {}],
    "object": {
        "campaignId": [PRIVATE[1]],
        "leadsAccepted": {},
        "rejectedRows": 5,
        "processingStatus": PRIVATE[0],
    },
    "negative": {"campaignId": -1, "transactionId": {}, "startDate": 5, "isActive": []},
    "odd fields": [{"campaignId": "12x", "campaignName": ["a"], "startDate": "1 May 2099", "isActive": 9.5}]
    * 3,
}


@pytest.mark.parametrize("data", ODD)
@pytest.mark.few(3)
def test_answers_of_anything(server: SandboxServer, fill: Fill, data: str) -> None:
    """All answers below the account; the campaigns of others stay as they are."""

    class Odd(Prober):
        def send(self, method: str, path: str, *more: Any, **options: Any) -> Answer:
            answer = super().send(method, path, *more, **options)
            return replace(answer, data=ODD[data]) if "{accountId}" in path else answer

    fill(Dialect(), 4)
    others = server.store.campaigns(ACCOUNT_ID, GROUP)
    findings = probe(server, write=True, kind=Odd)
    assert len(findings.left) == 1
    assert server.store.campaigns(ACCOUNT_ID, GROUP)[:4] == others
    assert {one.is_active for one in server.history()} == {0}
    said = shown_json(findings) + findings.table()
    assert [one for one in PRIVATE if one in said] == []


class Stored(Prober):
    """Shows a campaign of the probe with a date, a name and a state that nobody expects."""

    fields: Mapping[str, Any] = {}

    def send(self, method: str, path: str, *more: Any, **options: Any) -> Answer:
        answer = super().send(method, path, *more, **options)
        if method == "GET" and isinstance(answer.data, dict) and "campaignName" in answer.data:
            return replace(answer, data={**answer.data, **self.fields})
        return answer


@pytest.mark.parametrize(
    ("fields", "notes"),
    [
        ({"startDate": "Mon, 02 Mar 2099"}, {"date_precision": "dates without milliseconds do not show it"}),
        ({"startDate": "2099-03-02T07:31:17.250"}, {"date_precision": "another date is stored"}),
        (
            {"startDate": "1.5.2099"},
            {"date_precision": "another date is stored", "date_format": "in another form"},
        ),
        ({"startDate": 4_076_000_000_000}, {"date_format": "the date is no text"}),
        ({"isActive": None}, {}),
        ({"maxRingTime": {"of": 1}}, {}),
    ],
)
@pytest.mark.few(2)
def test_campaigns_of_anything(
    server: SandboxServer, fill: Fill, fields: dict[str, Any], notes: dict[str, str]
) -> None:
    fill(Dialect(), 4)
    kind = type("Kind", (Stored,), {"fields": fields})
    findings = probe(server, write=True, kind=kind)
    assert {point: findings.note(point) for point in notes} == notes
    assert findings.values["delete"] == "gone"
    assert (len(server.store.campaigns(ACCOUNT_ID, GROUP)), findings.left) == (4, [])


@pytest.mark.parametrize("at", range(1, 13))
@pytest.mark.few(3)
def test_an_interrupted_probe_removes_what_it_has_made(server: SandboxServer, fill: Fill, at: int) -> None:
    class Interrupted(Prober):
        writes = 0

        def send(self, method: str, path: str, *more: Any, **options: Any) -> Answer:
            answer = super().send(method, path, *more, **options)
            Interrupted.writes += method != "GET" and "/dialGroups/" in path
            if Interrupted.writes == at:
                Interrupted.writes += 1
                raise KeyboardInterrupt
            return answer

    fill(Dialect(), 3)
    findings = probe(server, write=True, kind=Interrupted)
    assert findings.facts["writing_ended_early"] == "KeyboardInterrupt"
    assert findings.problem == "interrupted"
    rows = server.store.campaigns(ACCOUNT_ID, GROUP)[3:]
    assert bool(rows) <= bool(findings.left)
    for row in rows:
        state = {0: "inactive and closed", 2: "with callbacks by agents only"}[row["isActive"]]
        (left,) = [one for one in findings.left if str(row["campaignId"]) in one]
        assert state in left


@pytest.mark.parametrize(("status", "left"), [(403, 0), (400, 0), (500, 1)])
def test_a_create_that_is_refused(server: SandboxServer, fill: Fill, status: int, left: int) -> None:
    fill(Dialect(), 3)
    server.add_fault("status", method="POST", path="/campaigns$", status=status, body="{}", times=99)
    findings = probe(server, write=True)
    assert len(findings.left) == left
    assert findings.note("create_answer") == ("the campaign is not seen" if left else f"status {status}")


def test_an_error_of_the_server_stays_out_of_the_json(
    server: SandboxServer,
    fill: Fill,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    fill(Dialect(), 3)
    monkeypatch.setenv("AIRFLOW_CONN_PROBED", jwt_connection(server.url, token_store="memory"))
    body = json.dumps({"generalMessage": f"{PRIVATE[0]} has this campaign"})
    server.add_fault("status", method="PUT", path=r"campaigns/\d+$", status=429, body=body, times=99)
    path = tmp_path / "found.json"
    given = argparse.Namespace(conn_id="probed", dial_group=GROUP, write=True, json=str(path))
    # The permits of the first run are times of its clock.
    skipping = SkippingClock()
    with pauses_skipped(skipping):
        assert main.run(given) == 1
    shown = capsys.readouterr()
    assert PRIVATE[0] in shown.err
    assert PRIVATE[0] not in shown.out + path.read_text()
    assert json.loads(path.read_text())["facts"]["writing_ended_early"] == "RateLimitedError"
    assert len(server.store.campaigns(ACCOUNT_ID, GROUP)) == 3
    nowhere = argparse.Namespace(
        conn_id="probed", dial_group=GROUP, write=False, json=str(tmp_path / "a" / "b")
    )
    with pauses_skipped(skipping):
        assert main.run(nowhere) == 1
    assert "--json: " in capsys.readouterr().err


def test_only_shapes_are_gone_on_from() -> None:
    findings = Findings()
    with pytest.raises(EngageVoiceError), findings.going_on("part"):
        raise EngageVoiceError("refused")
    with findings.going_on("part"):
        {}["missing"]
    assert findings.facts == {"not_understood": ["part"]}
