"""A season with people and the law in it, step by step in a real Airflow against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.approvals import answer, open_form
from tests.support.real_airflow import RealAirflow

DAG_FILE = Path(__file__).parents[1] / "airflow" / "dags" / "reviewed_season.py"
_DAG_ID = "reviewed_season"
_ROLLBACK = "reviewed_rollback"
_CLOSED = "00000000"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = "08:00-20:00"


@dataclass
class Review:
    """The steps; what is not as it shall be is in ``problems``.

    :param folder: storage of the files
    :param report: prints a line
    """

    airflow: RealAirflow
    sandbox: SandboxServer
    folder: Path
    report: Callable[[str], None]
    problems: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """Do all steps; return the problems."""
        self._a_finding_blocks()
        self._an_old_answer_is_refused()
        self._a_day_is_excluded()
        self._rollback()
        return self.problems

    def _a_finding_blocks(self) -> None:
        self._write(hours="07:00-20:00")
        run_id = self._start(_DAG_ID)
        states = self._end(_DAG_ID, run_id)
        log = self._log(_DAG_ID, run_id)
        is_found = "the preflight has found errors" in log and "us-hours" in log
        self._check(is_found, "the finding is in the log", log[-2000:])
        self._check(states["apply"] == "failed", "the apply fails", states)
        self._check(not self._campaigns(), "nothing is made", self._campaigns())
        self.report("  hours from 7:00: the finding us-hours stops the apply, nothing is made")

    def _an_old_answer_is_refused(self) -> None:
        self._write()
        run_id = self._start(_DAG_ID)
        form = open_form(self.airflow, _DAG_ID, run_id)
        self.report(f"  the apply waits: {form['subject']} {form['options']}")
        self._write(last_day=50)
        old = self.airflow.xcom(_DAG_ID, run_id, "plan")["digest"]
        self.airflow.clear(_DAG_ID, run_id, "plan")

        def planned() -> bool | None:
            plan = self.airflow.xcom(_DAG_ID, run_id, "plan") or {"digest": old}
            return True if plan["digest"] != old else None

        self.airflow.wait_until("another plan", planned, 120)
        answer(self.airflow, _DAG_ID, run_id, form["options"][0], user="ann").raise_for_status()
        self._end(_DAG_ID, run_id)
        log = self._log(_DAG_ID, run_id)
        self._check("is for another plan than" in log, "the old answer is refused", log[-2000:])
        self._check(not self._campaigns(), "nothing is made", self._campaigns())
        self.report("  the file has changed, and ann has approved the plan of before: nothing is made")
        result = self._approved(_DAG_ID, "ann")
        self._check(result["outcomes"] == {"created": 2}, "both campaigns are made", result)
        record = json.loads((self.folder / "seasons" / "reviewed" / result["record"]).read_text())
        self._check(record["approval"]["by"] == "ann", "the record names ann", record["approval"])
        self.report(f"  a new run: approved by {record['approval']['by']}, {result['outcomes']}")

    def _a_day_is_excluded(self) -> None:
        day = datetime.now(UTC).date() + timedelta(days=3)
        self._write(last_day=40, exclude=f"exclude: [{day.isoformat()}]")
        self._approved(_DAG_ID, "bo")
        name = f"{_DAYS[day.weekday()]}Sched"
        hours = {row["campaignName"]: row[name] for row in self._campaigns()}
        self._check(set(hours.values()) == {_CLOSED}, f"{name} is closed", hours)
        self.report(f"  {day} is excluded: {name} of {len(hours)} campaigns is {_CLOSED}")

    def _rollback(self) -> None:
        before = {row["campaignName"]: row["endDate"] for row in self._campaigns()}
        self._approved(_ROLLBACK, "ann")
        after = {row["campaignName"]: row["endDate"] for row in self._campaigns()}
        moved = {name: _days(after[name]) - _days(end) for name, end in before.items()}
        self._check(set(moved.values()) == {10}, "the windows end as before", [before, after])
        self.report("  rolled back, approved by ann: the windows end as before the last apply")

    def _write(self, *, hours: str = _HOURS, last_day: int = 60, exclude: str = "") -> None:
        today = datetime.now(UTC).date()
        window = f"[{today}, {today + timedelta(days=last_day)}]"
        text = f"""season: reviewed
defaults: {{caller_id: "4155550123", hours: {{mon-sun: "{hours}"}}, country: USA}}
regions:
  west: {{timezone: America/Los_Angeles, dial_group: Outbound Renewals, state: CA}}
  east: {{timezone: America/New_York, dial_group: Winback, state: NY}}
campaigns: [{{name: "Reviewed {{region}}", window: {window}}}]
{exclude}
"""
        (self.folder / "reviewed.season.yaml").write_text(text)

    def _start(self, dag_id: str) -> str:
        return self.airflow.trigger(dag_id, {"storage": f"file://{self.folder}"})

    def _approved(self, dag_id: str, user: str) -> dict[str, Any]:
        """Run a DAG, approve its plan as a user, and return the result of the apply."""
        run_id = self._start(dag_id)
        form = open_form(self.airflow, dag_id, run_id)
        answer(self.airflow, dag_id, run_id, form["options"][0], user=user).raise_for_status()
        states = self._end(dag_id, run_id)
        succeeded = set(states.values()) == {"success"}
        self._check(
            succeeded, f"{dag_id} succeeds", states if succeeded else self._log(dag_id, run_id)[-4000:]
        )
        result = self.airflow.xcom(dag_id, run_id, "apply") or {"outcomes": {}, "record": "", "approval": {}}
        approved_by = (result["approval"] or {}).get("by")
        self._check(approved_by == user, f"{user} has approved it", result)
        return result  # type: ignore[no-any-return]

    def _end(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        return self.airflow.end_of(dag_id, run_id, 240)

    def _log(self, dag_id: str, run_id: str) -> str:
        return self.airflow.last_log(dag_id, run_id, "apply")

    def _campaigns(self) -> list[dict[str, Any]]:
        rows = self.sandbox.store.all_campaigns()
        return [row for row in rows if row["campaignName"].startswith("Reviewed ")]

    def _check(self, is_so: bool, what: str, found: object) -> None:
        if not is_so:
            self.problems.append(f"not so: {what}; found: {found}")


def _days(date: str) -> int:
    return datetime.fromisoformat(date.replace("+0000", "+00:00")).toordinal()
