"""``python -m airflow_provider_engagevoice.seasons``: what it prints, where, and its exit codes."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.seasons.expand import find_problems
from airflow_provider_engagevoice.seasons.parse import read_season
from airflow_provider_engagevoice.seasons.yaml_text import YamlFile
from airflow_provider_engagevoice.utils.season_cli import main
from tests.support.clocks import SkippingClock
from tests.support.connections import ACCOUNT_ID

EXAMPLE = Path(__file__).parents[3] / "example_dags" / "spring.season.yaml"
TEXT = f"""\
season: spring
regions:
  west: {{timezone: America/Los_Angeles, dial_group: {seed.WINBACK_ID}, caller_id: 4155550123}}
campaigns:
  - {{name: "Renewals {{region}}", window: [2027-03-01, "{{{{ params.last_day }}}}"]}}
"""
LAST_DAY = ("--set", "params.last_day=2027-03-31")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    # The command sets it for its process, which this one is not.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    (tmp_path / "s.season.yaml").write_text(TEXT)
    with clock.use(SkippingClock()):
        yield


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line; return its exit code, and what it has printed to stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(str(end.code))
        return code, *capsys.readouterr()

    return command


def plan_arguments(*more: str) -> tuple[str, ...]:
    return "plan", "s.season.yaml", "--record-path", "seasons", "--output-path", "plans/p.json", *more


def campaign(sandbox: SandboxServer) -> dict[str, Any]:
    (row,) = [one for one in sandbox.store.all_campaigns() if one["campaignName"] == "Renewals west"]
    return row


def test_plan_show_apply_and_drift(sandbox, command) -> None:
    code, out, _ = command(*plan_arguments(*LAST_DAY))
    assert code == 2
    assert out.startswith("season 'spring', plan ")
    assert "create    Winback / Renewals west" in out

    code, out, _ = command("show", "plans/p.json")
    assert (code, out.splitlines()[0]) == (0, "# Season spring")

    code, out, _ = command("apply", "plans/p.json")
    assert (code, out.rpartition("/")[2].partition(": ")[2]) == (0, "1 created\n")
    assert campaign(sandbox)["endDate"] == "2027-04-01T06:59:59.000+0000"
    code, out, _ = command("apply", "plans/p.json")
    assert (code, "1 created" in out) == (0, True)

    code, out, _ = command(*plan_arguments(*LAST_DAY))
    assert (code, out.splitlines()[-1]) == (0, "unchanged 1 campaigns")
    code, out, _ = command("drift", "seasons/spring")
    assert (code, out) == (0, "all 1 campaigns are as applied\n")

    row = campaign(sandbox)
    ids = ACCOUNT_ID, seed.WINBACK_ID, row["campaignId"]
    sandbox.store.replace_campaign(*ids, {**row, "callerId": "4155550188"}, request_id="person")
    code, out, _ = command("drift", "seasons/spring")
    assert (code, out.startswith(f"campaign {ids[2]} 'Renewals west' ")) == (2, True)


def test_drift_names_who_has_changed_it_where_the_audit_log_is_open(sandbox, command, caplog) -> None:
    command(*plan_arguments(*LAST_DAY))
    command("apply", "plans/p.json")
    row = campaign(sandbox)
    ids = ACCOUNT_ID, seed.WINBACK_ID, row["campaignId"]
    changed = {**row, "callerId": "4155550188", "endDate": "2027-05-01T00:00:00.000+0000"}
    sandbox.store.replace_campaign(*ids, changed, request_id="person")
    assert command("drift", "seasons/spring")[1].count("(not in the audit log yet") == 2
    clock.sleep(301)
    code, out, _ = command("drift", "seasons/spring")
    assert (code, out.count("(admin@example.com at ")) == (2, 2)
    assert "admin@example.com at " in command(*plan_arguments(*LAST_DAY))[1]
    sandbox.set_dialect(audit_log="403")
    code, out, _ = command("drift", "seasons/spring")
    assert (code, "admin@" in out, caplog.text.count("'Audit log access'")) == (2, False, 1)


def test_errors_of_the_preflight_stop_an_apply_until_they_are_accepted(sandbox, command) -> None:
    Path("rules.yaml").write_text(
        "rules:\n"
        "  - {id: us-caller, country: USA, check: hours, value: {mon-sun: '09:00-17:00'}, source: us,\n"
        "     as_of: 2026-11-01, primary: true, text: In office hours.}\n"
    )
    Path("s.season.yaml").write_text(TEXT.replace("caller_id:", "hours: {mon: '08:00-17:00'}, caller_id:"))
    code, out, _ = command(*plan_arguments(*LAST_DAY, "--rules", "rules.yaml"))
    assert (code, out.splitlines()[1][:40]) == (2, "error: us-caller: In office hours. Found")
    code, _, error = command("apply", "plans/p.json")
    assert (code, "accept_findings=['us-caller']" in error) == (1, True)
    assert command("apply", "plans/p.json", "--accept-finding", "us-caller")[0] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file"),
        ("rules: [", "the file is not YAML: "),
        ("- a", "write a mapping with"),
    ],
)
def test_what_is_wrong_with_a_file_of_rules_is_said(command, text, message) -> None:
    if text is not None:
        Path("rules.yaml").write_text(text)
    code, _, error = command(*plan_arguments(*LAST_DAY, "--rules", "rules.yaml"))
    assert (code, error.startswith("rules=")) == (1, True)
    assert message in error


def test_values_are_set_for_templates(sandbox, command) -> None:
    Path("s.season.yaml").write_text(TEXT.replace("spring", "'{{ name }}-{{ params.year }}'"))
    code, out, _ = command(*plan_arguments(*LAST_DAY, "--set", "name=spring", "--set", "params.year=2027"))
    assert (code, out.partition(",")[0]) == (2, "season 'spring-2027'")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            plan_arguments(),
            "s.season.yaml:5:54: campaigns[0].window[1]='{{ params.last_day }}' is not usable",
        ),
        (
            plan_arguments("--set", "params.last_day"),
            "--set='params.last_day' is not usable: write NAME=",
        ),
        (
            plan_arguments("--set", "params=1", *LAST_DAY),
            "--set='params.last_day=2027-03-31' is not usable: 'params' was given a value already",
        ),
        (("show", "plans/none.json"), "plan: plans/none.json does not exist"),
        (("show", "s.season.yaml"), "s.season.yaml: not a plan of a season"),
        (("show", "."), "Is a directory"),
        (("apply", "plans/none.json"), "plan: plans/none.json does not exist"),
        (("drift", "seasons/none"), "record: seasons/none has no record of an apply"),
        (("plan", "none.yaml", *plan_arguments()[2:]), "none.yaml' is not usable: there is no such file"),
        (("plan", ".", *plan_arguments()[2:]), "Is a directory"),
        ((*plan_arguments()[:-1], "plan.yaml"), "the name of the file must end in .json"),
        (plan_arguments(*LAST_DAY, "--conn-id", "no_such"), "no_such"),
        (("plan",), "the following arguments are required: season, --record-path, --output-path"),
        (("plam",), "invalid choice: 'plam'"),
        ((), "the following arguments are required: command"),
    ],
)
def test_errors_go_to_stderr_with_exit_code_1_and_send_nothing(sandbox, command, arguments, message) -> None:
    code, out, error = command(*arguments)
    assert (code, out) == (1, "")
    assert message in error
    assert "Traceback" not in error
    assert not sandbox.requests()


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_of_another_encoding_is_named(sandbox, command, encoding) -> None:
    Path("s.season.yaml").write_bytes(TEXT.replace("Renewals", "Renouvell\u00e9").encode(encoding))
    code, _, error = command(*plan_arguments(*LAST_DAY))
    assert (code, "the file is not UTF-8: 'utf-8' codec can't decode byte" in error) == (1, True)


def test_a_plan_that_was_edited_is_not_applied(sandbox, command) -> None:
    command(*plan_arguments(*LAST_DAY))
    path = Path("plans/p.json")
    path.write_text(path.read_text().replace("4155550123", "4155550188"))
    requests = len(sandbox.requests())
    code, _, error = command("apply", "plans/p.json")
    assert (code, "the plan was changed after it was made, or another release" in error) == (1, True)
    assert len(sandbox.requests()) == requests


def test_a_plan_of_another_account_is_not_applied(sandbox, command) -> None:
    from airflow_provider_engagevoice.seasons.plan import Plan

    command(*plan_arguments(*LAST_DAY))
    path = Path("plans/p.json")
    plan = Plan.from_json(path.read_text(), "p")
    plan.account_id = "7"
    path.write_text(plan.to_json())
    code, _, error = command("apply", "plans/p.json")
    assert (code, "it is a plan for another account than" in error) == (1, True)


def running(process: int) -> None:
    """Let the last apply be one that a process of this user has not ended."""
    path = Path("seasons/spring") / json.loads(Path("seasons/spring/latest.json").read_text())["file"]
    record = json.loads(path.read_text())
    user = f"{getpass.getuser()}@{socket.gethostname()}"
    record |= {"status": "applying", "run": json.dumps(["command line", user, process])}
    path.write_text(json.dumps(record | {"written_at": clock.time()}))


def test_an_apply_from_another_shell_is_not_disturbed(sandbox, command) -> None:
    command(*plan_arguments(*LAST_DAY))
    command("apply", "plans/p.json")
    running(os.getppid())
    code, _, error = command("apply", "plans/p.json")
    assert (code, "another apply of season 'spring' is running" in error) == (1, True)


def test_an_apply_that_was_killed_goes_on_at_once(sandbox, command) -> None:
    command(*plan_arguments(*LAST_DAY))
    command("apply", "plans/p.json")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    running(ended.pid)
    assert command("apply", "plans/p.json")[0] == 0


def test_waves_are_waited_for(sandbox, command) -> None:
    Path("s.season.yaml").write_text(TEXT + "waves: [{regions: rest, after: 1h}]\n")
    command(*plan_arguments(*LAST_DAY))
    code, out, _ = command("apply", "plans/p.json")
    assert (code, out.startswith("the next wave starts at ")) == (0, True)
    assert out.endswith(": 1 created\n")


def schema(command: Command) -> Any:
    code, out, _ = command("schema")
    assert code == 0
    return jsonschema.validators.validator_for(loaded := json.loads(out))(loaded)


def test_the_schema_accepts_the_example(command) -> None:
    schema(command).validate(YamlFile(EXAMPLE.read_text(), "spring").data)


def test_the_schema_accepts_what_is_read(command) -> None:
    text = """\
season: 2027
defaults: {caller_id: 4155550123, is_active: true, hours: {mon-fri: "08:00-20:00", sat: 10001200, sun: ~}}
regions:
  1: {timezone: UTC, dial_group: 7, state: 12, country: USA, caller_id: ~}
  west: {timezone: UTC, dial_group: "7", is_active: 2}
campaigns:
  - {name: 7, from: 8, window: [2027-03-01, 2027-03-31], regions: [1], protect: true}
  - {name: "{season} {region}", from: Old, window: [20270301, 2027-03-31 08:00], hours: ~, settings: {x: [1]}}
waves:
  - {regions: [1], after: 2h}
  - {regions: rest, after: 1d 12h, at: 2027-03-01T08:00:00Z}
protect: false
"""
    data = YamlFile(text, "s.yaml").data
    assert find_problems(read_season(data)) == []
    schema(command).validate(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("window:", "windows:"),
        ("dial_group:", "dialgroup:"),
        ("regions: [west]", "regions: west"),
        ("caller_id:", "callerid:"),
        ("waves:", "wave:"),
    ],
)
def test_the_schema_refuses_misspelled_keys(command, old, new) -> None:
    text = EXAMPLE.read_text()
    assert old in text
    data = YamlFile(text.replace(old, new), "spring").data
    with pytest.raises(jsonschema.ValidationError):
        schema(command).validate(data)


@pytest.mark.parametrize(("arguments", "code"), [(["schema"], 0), (["show", "none.json"], 1)])
def test_it_runs_as_a_module(arguments, code) -> None:
    module = [sys.executable, "-m", "airflow_provider_engagevoice.seasons"]
    done = subprocess.run([*module, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) is (code == 0)
