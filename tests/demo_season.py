"""Roll out a season of 60 campaigns in a real Airflow against the sandbox, and print the results.

The example ``spring_season`` runs twice. In the first run the process of the apply is killed in the middle,
and its retry goes on. Then a person changes a campaign: the command line finds the drift and, once the
vendor's audit log has it, the person; the second run shows and repairs it. In between, people review another
season: a finding stops it, an approval of an older plan is refused, a day is excluded, and the last apply is
taken back. The exit code is 0 only if all of that happened.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.audit import USER as AUDIT_USER
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.real_airflow import RealAirflow, real_airflow
from tests.support.season_review import DAG_FILE as REVIEWED
from tests.support.season_review import Review

DAG_ID = "spring_season"
EXAMPLE = Path(__file__).parents[1] / "example_dags" / f"{DAG_ID}.py"
#: Region, time zone, dial group, and the end of its windows in UTC.
REGIONS = (
    ("seattle", "America/Los_Angeles", "Outbound Renewals", "2027-04-01T06:59:59.000+0000"),
    ("denver", "America/Denver", "Winback", "2027-04-01T05:59:59.000+0000"),
    ("chicago", "America/Chicago", "My New Dial Group", "2027-04-01T04:59:59.000+0000"),
    ("boston", "America/New_York", "Outbound Renewals", "2027-04-01T03:59:59.000+0000"),
    ("honolulu", "Pacific/Honolulu", "Winback", "2027-04-01T09:59:59.000+0000"),
    ("london", "Europe/London", "My New Dial Group", "2027-03-31T22:59:59.000+0000"),
)
EACH = 10
#: Campaigns that are complete when the apply is killed.
KILL_AT = 20
EDITED = "Spring boston 7"


def season() -> str:
    """Return the season file."""
    lines = [
        "season: spring",
        'defaults: {caller_id: "4155550123", hours: {mon-fri: "08:00-20:00"}}',
        "regions:",
    ]
    lines += [f"  {name}: {{timezone: {zone}, dial_group: {group}}}" for name, zone, group, _ in REGIONS]
    lines += ["campaigns:"]
    window = 'window: ["{{ params.first_day }}", "{{ params.last_day }}"]'
    lines += [f'  - {{name: "Spring {{region}} {number}", {window}}}' for number in range(EACH)]
    return "\n".join([*lines, "waves: [{regions: [seattle]}, {regions: rest}]"]) + "\n"


def main() -> int:
    """Run the demo and return the exit code."""
    started = time.monotonic()

    def report(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    with SandboxServer() as sandbox, tempfile.TemporaryDirectory(prefix="engagevoice-season-") as name:
        folder = Path(name)
        file = folder / "spring.season.yaml"
        file.write_text(season())
        connection = jwt_connection(sandbox.url)
        report(f"Engage Voice sandbox (not the real RingCentral) at {sandbox.url}, its rate limits on")
        report("starting Airflow: scheduler, triggerer, DAG processor, API server")
        with real_airflow(connection, [EXAMPLE, file, REVIEWED]) as airflow:
            conf = {"storage": f"file://{folder}"}
            run_id = airflow.trigger(DAG_ID, conf)
            report(
                f"triggered {DAG_ID} ({run_id}): {len(REGIONS) * EACH} campaigns in {len(REGIONS)} regions"
            )
            pid = _kill_apply(airflow, run_id, sandbox)
            report(f"  killed process {pid} of the apply when {KILL_AT} campaigns were complete")
            _, problems = airflow.follow(DAG_ID, run_id, report, 400)
            problems += _check_first(airflow, run_id, sandbox)
            requests = len(sandbox.requests())
            report(f"requests to Engage Voice so far: {requests}")
            _edit(sandbox)
            edited_at = time.time()
            report(f"a person has changed {EDITED!r}")
            problems += _check_drift(folder, connection, "not in the audit log yet")
            report(f"people review the plans of another season ({REVIEWED.name})")
            problems += Review(airflow, sandbox, folder, report).run()
            report("waiting for the audit log, which is five minutes late")
            search = partial(
                sandbox.store.audit.search, ACCOUNT_ID, edited_at - 60, edited_at + 60, ("UPDATE",), None
            )
            airflow.wait_until("entry of the audit log", lambda: search() or None, 360, every=2)
            problems += _check_drift(folder, connection, AUDIT_USER["userName"])
            run_id = airflow.trigger(DAG_ID, conf)
            report(f"triggered {DAG_ID} again ({run_id})")
            problems += airflow.follow(DAG_ID, run_id, report, 300)[1]
            problems += _check_second(airflow, run_id, sandbox)
    report("all checks passed" if not problems else "FAILED: " + "; ".join(problems))
    return 1 if problems else 0


def _complete(sandbox: SandboxServer) -> dict[str, dict[str, Any]]:
    rows = [row for row in sandbox.store.all_campaigns() if row["campaignName"].startswith("Spring ")]
    return {row["campaignName"]: row for row in rows if "[unfinished" not in row["campaignName"]}


def _kill_apply(airflow: RealAirflow, run_id: str, sandbox: SandboxServer) -> int:
    """Kill the process of the apply in the middle; return its id."""

    def ready() -> int | None:
        if len(_complete(sandbox)) < KILL_AT:
            return None
        return airflow.task(DAG_ID, run_id, "apply").get("pid")

    pid = airflow.wait_until("the middle of the apply", ready, 240)
    os.kill(pid, signal.SIGKILL)
    return pid


def _check_first(airflow: RealAirflow, run_id: str, sandbox: SandboxServer) -> list[str]:
    problems = []
    tries = airflow.task(DAG_ID, run_id, "apply").get("try_number")
    if tries != 2:
        problems.append(f"the apply took {tries} attempts, not 2")
    created = (airflow.xcom(DAG_ID, run_id, "apply") or {}).get("outcomes")
    if created != {"created": len(REGIONS) * EACH}:
        problems.append(f"outcomes of the apply: {created}")
    rows = [row for row in sandbox.store.all_campaigns() if row["campaignName"].startswith("Spring ")]
    names = Counter(row["campaignName"] for row in rows)
    wanted = {f"Spring {region} {number}": end for region, _, _, end in REGIONS for number in range(EACH)}
    if names != Counter(wanted.keys()):
        problems.append(f"campaigns: {len(names)} names, {len(rows)} campaigns")
    ends = {row["campaignName"]: row["endDate"] for row in rows}
    if wrong := [name for name, end in wanted.items() if ends.get(name) != end]:
        problems.append(f"{len(wrong)} windows are wrong, such as that of {wrong[0]!r}")
    print(f"\n  {len(rows)} campaigns, each once, in their regions' time zones; {tries} attempts\n")
    return problems


def _edit(sandbox: SandboxServer) -> None:
    """Change a campaign as a person does in the vendor's pages."""
    row = _complete(sandbox)[EDITED]
    ids = ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID, row["campaignId"]
    changed = {**row, "endDate": "2027-05-01T00:00:00.000+0000"}
    sandbox.store.replace_campaign(*ids, changed, request_id="person")


def _check_drift(folder: Path, connection: str, author: str) -> list[str]:
    """Look for drift by the command line; it has to name who has changed the campaign."""
    found = _drift(folder, connection)
    print(f"    {found.stdout.strip().splitlines()[-1] if found.stdout else found.stderr}")
    if found.returncode != 2 or EDITED not in found.stdout or author not in found.stdout:
        return [f"the drift by {author!r} was not found: {found.returncode} {found.stderr[-2000:]}"]
    return []


def _drift(folder: Path, connection: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "airflow_provider_engagevoice.seasons",
        "drift",
        f"{folder}/seasons/spring",
    ]
    home = {"AIRFLOW_HOME": f"{folder}/airflow", "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT": connection}
    return subprocess.run(command, env=os.environ | home, capture_output=True, text=True, timeout=300)


def _check_second(airflow: RealAirflow, run_id: str, sandbox: SandboxServer) -> list[str]:
    plan = airflow.xcom(DAG_ID, run_id, "plan") or {"counts": {}}
    outcomes = (airflow.xcom(DAG_ID, run_id, "apply") or {}).get("outcomes")
    problems = []
    if (plan["counts"].get("drift"), plan["counts"].get("update")) != (1, 1):
        problems.append(f"the plan found {plan['counts']}")
    if outcomes != {"unchanged": len(REGIONS) * EACH - 1, "updated": 1}:
        problems.append(f"outcomes of the second apply: {outcomes}")
    if _complete(sandbox)[EDITED]["endDate"] != REGIONS[3][3]:
        problems.append("the window of the edited campaign was not restored")
    print(f"\n  the plan found one drift, and the apply restored it: {outcomes}\n")
    return problems


if __name__ == "__main__":
    sys.exit(main())
