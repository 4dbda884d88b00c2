"""The probe names what the sandbox does, in each dialect, and leaves nothing behind."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.get_provider_info import get_provider_info
from airflow_provider_engagevoice.probe import __main__ as main
from airflow_provider_engagevoice.probe.answers import Answer, ProbeClient, Prober
from airflow_provider_engagevoice.probe.cli import ARGUMENTS, get_commands
from airflow_provider_engagevoice.probe.reading import Reading, shown_json
from airflow_provider_engagevoice.probe.results import POINTS, Findings
from airflow_provider_engagevoice.probe.writing import Writing
from airflow_provider_engagevoice.sandbox import credentials
from airflow_provider_engagevoice.sandbox.dialects import BUNDLES, VALUES, Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.integration.probe.conftest import GROUP, Fill, probe
from tests.support.clocks import ShiftedClock, SkippingClock, pauses_skipped
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.flows import settings_of

AIRFLOW_VERSION = tuple(int(part) for part in re.findall(r"\d+", version("apache-airflow"))[:2])


def test_every_point_is_listed() -> None:
    assert POINTS.keys() == VALUES.keys()


#: Points that a probe cannot see under a value of another point, or of their own.
HIDDEN = {
    ("order", "another each time"): {"first_page"},
    ("create_answer", "late"): {"create_answer"},
    ("create_answer", "late, connection broken"): {"create_answer"},
    **{("clone_answer", one): {"clone_copies"} for one in ("403", "404", "405", "200 HTML")},
    ("date_format", "no milliseconds"): {"date_precision"},
    ("lead_answer", "late, connection broken"): {"lead_found"},
}
#: Values under which the probe cannot delete its campaign.
STAYS = {("delete", "not gone"), ("delete", "405")}


@pytest.mark.parametrize(("point", "value"), [(name, one) for name in VALUES for one in VALUES[name]])
@pytest.mark.few(12)
def test_every_value_of_every_point(server: SandboxServer, fill: Fill, point: str, value: str) -> None:
    """Each row that a probe can see is named correctly, and the others are unknown."""
    dialect = Dialect(**{point: value})
    fill(dialect, 120)
    findings = probe(server, write=True)
    hidden = HIDDEN.get((point, value), set())
    seen = {name for name, (how, _) in POINTS.items() if how != "never"} - hidden
    assert findings.values == {name: getattr(dialect, name) for name in seen}
    shown = findings.as_json()["points"]
    assert {name for name in VALUES if shown[name]["value"] == "unknown"} == VALUES.keys() - seen
    assert [name for name in VALUES.keys() - seen if shown[name]["note"] in ("", "not seen")] == []
    assert "not_understood" not in findings.facts
    server.backend.later.run_due()
    left = [row for row in server.store.campaigns(ACCOUNT_ID, GROUP) if "robe" in row["campaignName"]]
    assert bool(left) is bool(findings.left) is ((point, value) in STAYS)
    for row in left:
        assert (row["isActive"], row["startDate"][:4], row["monSched"]) == (0, "2099", "00000000")
    for entry in server.history():
        assert entry.is_active != 1
        assert not entry.start_date or entry.start_date.startswith("2099-03-0")
    states = server.backend.database.rows("SELECT DISTINCT leadState FROM leads")
    assert [row[0] for row in states] == (["CANCELLED"] if left else [])


@pytest.mark.parametrize(
    ("point", "value"),
    [(name, one) for name, (how, _) in POINTS.items() if how == "read" for one in VALUES[name]],
)
@pytest.mark.few(4)
def test_what_reading_shows_without_writing(
    server: SandboxServer, fill: Fill, point: str, value: str
) -> None:
    dialect = Dialect(**{point: value})
    fill(dialect, 120)
    findings = probe(server, write=False)
    seen = {name for name, (how, _) in POINTS.items() if how == "read"} - HIDDEN.get((point, value), set())
    assert findings.values == {name: getattr(dialect, name) for name in seen}
    assert findings.facts["clone_path"] == "may be there: 405 for GET"
    assert server.history() == []


@pytest.mark.parametrize(
    ("value", "path"),
    [("404", "missing, like any unknown path"), ("403", "403 for GET"), ("200 HTML", "200 HTML for GET")],
)
def test_clone_path(server: SandboxServer, fill: Fill, value: str, path: str) -> None:
    fill(Dialect(clone_answer=value), 2)
    assert probe(server, write=False).facts["clone_path"] == path


def drawn(seed: int) -> Dialect:
    random = Random(seed)
    values = {name: random.choice(values) for name, values in VALUES.items()}
    # A server that writes dates with Z reads them.
    return Dialect(**values | ({"z_dates": "accepted"} if values["date_format"] == "Z" else {}))


@pytest.mark.parametrize("name", [*BUNDLES, *map(str, range(60))])
@pytest.mark.few(2)
def test_nothing_wrong_is_said_of_a_server_that_is_odd_in_many_points(
    server: SandboxServer, fill: Fill, name: str
) -> None:
    dialect = BUNDLES[name] if name in BUNDLES else drawn(int(name))
    fill(dialect, 8)
    findings = probe(server, write=True)
    wrong = {point: found for point, found in findings.values.items() if found != getattr(dialect, point)}
    assert wrong == {}
    assert "not_understood" not in findings.facts
    unexplained = {
        name for name in POINTS if name not in findings.values and findings.note(name) == "not seen"
    }
    assert not unexplained or "leads" in findings.facts or "does not show" in str(findings.left)
    assert len(findings.values) > 12 or "does not show" in str(findings.left)
    later = server.backend.later
    with clock.use(ShiftedClock(uptime=3600.0)):
        later.run_due()
    rows = server.store.campaigns(ACCOUNT_ID, GROUP)
    assert (len(rows) > 8) <= bool(findings.left)
    for row in rows[8:]:
        assert row["isActive"] == 0 or "with callbacks by agents only" in str(findings.left)
    assert not [entry for entry in server.history() if entry.is_active == 1]


def test_few_campaigns(server: SandboxServer, fill: Fill) -> None:
    fill(Dialect(), 0)
    findings = probe(server, write=False)
    for point in ("first_page", "cap", "order"):
        assert point not in findings.values
        assert "too few" in findings.notes[point]


@pytest.mark.parametrize(
    ("flow", "refresh"), [("ringcentral_jwt", "works"), ("api_token", "no refresh token")]
)
def test_facts(server: SandboxServer, fill: Fill, flow: str, refresh: str) -> None:
    fill(Dialect(), 3)
    findings = probe(server, write=False, flow=flow)
    assert findings.facts["refresh"] == refresh
    assert findings.facts["sign_in"] == flow
    assert findings.facts["fields_unknown_to_this_package"] == []
    assert findings.suggested == {"account_id": ACCOUNT_ID}
    text = shown_json(findings) + findings.table()
    for secret in (
        credentials.JWT,
        credentials.API_TOKEN,
        credentials.CLIENT_SECRET,
        "Holiday",
        "2125550142",
    ):
        assert secret not in text
    points = json.loads(shown_json(findings))["points"]
    assert points["end_date"]["value"] == points["delete"]["value"] == "unknown"


@pytest.mark.parametrize("delete", ["gone", "405"])
def test_leads(server: SandboxServer, fill: Fill, delete: str) -> None:
    fill(Dialect(delete=delete), 3)
    facts = probe(server, write=True).facts
    assert facts["lead_forms_loaded"] == ["leadPhone", "leadPhoneE164", "both"]
    assert facts["phone_forms_that_find_it"] == ["4155550100"]
    states = server.backend.database.rows("SELECT DISTINCT leadState FROM leads")
    assert [row[0] for row in states] == ([] if delete == "gone" else ["CANCELLED"])


@pytest.mark.parametrize(("delete", "code"), [("gone", 0), ("405", 2)])
def test_output(
    server: SandboxServer,
    fill: Fill,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    delete: str,
    code: int,
) -> None:
    fill(Dialect(delete=delete, create_answer="202 empty"), 4)
    monkeypatch.setenv("AIRFLOW_CONN_PROBED", jwt_connection(server.url, token_store="memory"))
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    path = tmp_path / "found.json"
    given = argparse.Namespace(conn_id="probed", dial_group=GROUP, write=True, json=str(path))
    with pauses_skipped(SkippingClock()):
        assert main.run(given) == code
    shown, found = capsys.readouterr().out, json.loads(path.read_text())
    lines = shown.splitlines()
    assert len([line for line in lines if re.match(r"[a-z ]+: ", line)]) > len(POINTS)
    assert any("create answer" in line and "202 empty" in line and "every promise" in line for line in lines)
    assert ("Left on the server" in lines[-1]) is bool(found["left"]) is (code == 2)
    assert found["points"]["end_date"] == {"value": "unknown", "note": "cannot be found out"}
    assert f'extras of the connection: {{"account_id": "{ACCOUNT_ID}"}}' in shown
    assert found["suggested_extras"] == {}
    assert ACCOUNT_ID not in path.read_text()
    everything = shown + path.read_text()
    private = (credentials.CLIENT_ID, credentials.CLIENT_SECRET, credentials.JWT, "2125550142", "6 1", "4 3")
    assert [one for one in private if one in everything] == []


def test_the_probe_keeps_within_every_rate_limit(limited: SandboxServer) -> None:
    settings = settings_of("ringcentral_jwt", limited.url, budgets="")
    findings = Findings()
    client = ProbeClient(settings, limits=RetryLimits(tries=1), shared_state=SharedState("memory"))
    with pauses_skipped(SkippingClock()) as skipped, client:
        Reading(Prober(client), findings, GROUP).run()
        assert skipped.uptime < 60.0
        Writing(Prober(client), findings, GROUP).run()
        assert skipped.uptime < 300.0
    assert "writing_ended_early" not in findings.facts
    assert limited.counters()["statuses"].get("429", 0) == 0
    assert limited.backend.provisioning.total > 30


@pytest.fixture
def limited() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings()) as server:
        yield server


def run(server: SandboxServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"AIRFLOW_CONN_PROBED": jwt_connection(server.url, token_store="memory")}
    command = [sys.executable, "-m", "airflow_provider_engagevoice.probe", "--conn-id", "probed", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


@pytest.mark.slow
def test_program(server: SandboxServer, fill: Fill, tmp_path: Path) -> None:
    fill(Dialect(delete="405"), 4)
    done = run(server, "--write", "--dial-group", str(GROUP), "--json", str(tmp_path / "found.json"))
    assert done.returncode == 2, done.stderr
    assert "Left on the server: campaign 1367" in done.stdout.splitlines()[-1]
    found: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())
    assert found["points"]["delete"]["value"] == "405"
    assert len(found["left"]) == 4


def test_command_of_airflow() -> None:
    from airflow.cli.cli_config import ActionCommand, GroupCommand

    (group,) = get_commands()
    assert isinstance(group, GroupCommand)
    (command,) = group.subcommands
    assert isinstance(command, ActionCommand)
    assert (group.name, command.name) == ("engagevoice", "probe")
    assert {flag for one in command.args for flag in one.flags} == set(ARGUMENTS)
    assert "airflow_provider_engagevoice.probe.cli.get_commands" in get_provider_info()["cli"]
    given = argparse.Namespace(conn_id="none", dial_group=None, write=True, json=None)
    with pytest.raises(SystemExit) as ended:
        command.func(given)
    assert ended.value.code == 1


@pytest.mark.slow
def test_airflow_has_the_command() -> None:
    command = [sys.executable, "-m", "airflow", "engagevoice", "probe", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if AIRFLOW_VERSION < (3, 2):
        # It takes no commands of providers.
        assert done.returncode == 2
    else:
        assert done.returncode == 0, done.stderr
        assert set(ARGUMENTS) <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_program_that_cannot_reach_the_server(server: SandboxServer, fill: Fill) -> None:
    fill(Dialect(maintenance="503"), 0)
    server.begin_maintenance(60.0)
    done = run(server)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("The probe ended: ")
    server.backend.maintenance.end()


class Misleading(Prober):
    """Says that each campaign that is made is another one."""

    other: dict[str, Any]

    def send(self, method: str, path: str, *more: Any, **options: Any) -> Answer:
        answer = super().send(method, path, *more, **options)
        if method == "POST" and path.endswith(("/campaigns", "/clone")) and answer.is_success:
            return replace(answer, data=self.other)
        return answer


def test_a_campaign_that_the_server_names_by_mistake_is_not_touched(
    server: SandboxServer, fill: Fill
) -> None:
    fill(Dialect(), 3)
    others = server.store.campaigns(ACCOUNT_ID, GROUP)
    settings = settings_of("api_token", server.url)
    client = ProbeClient(settings, limits=RetryLimits(tries=1), shared_state=SharedState("memory"))
    with pauses_skipped(SkippingClock()), client:
        prober = Misleading(client)
        prober.other = dict(others[0])
        Writing(prober, Findings(), GROUP).run()
    assert server.store.campaigns(ACCOUNT_ID, GROUP)[: len(others)] == others
    assert not {entry.campaign_id for entry in server.history()} & {one["campaignId"] for one in others}
