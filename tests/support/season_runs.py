"""Plans and applies of a season against the simulated vendor, on a clock that takes no time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.client.retry import PermitPause
from airflow_provider_engagevoice.dates import format_vendor_date, parse_vendor_date
from airflow_provider_engagevoice.seasons.apply import Apply, ApplyResult
from airflow_provider_engagevoice.seasons.parse import read_season
from airflow_provider_engagevoice.seasons.plan import Plan, PlannedCampaign
from airflow_provider_engagevoice.seasons.planning import make_plan
from airflow_provider_engagevoice.seasons.record import Record, Records
from tests.simulation.answers import Answer, LostConnectionError, error_answer, json_answer
from tests.simulation.client import Permits, SimulatedClient, connection_error
from tests.simulation.dialects import Dialect
from tests.simulation.rows import Row, Version
from tests.simulation.vendor import GROUP, LONG_AGO, START, Vendor
from tests.simulation.wire import _Sent
from tests.support.clocks import FakeClock

#: Seconds that a request takes to the server, and its answer back.
_LATENCY = 0.1
RECORDS = "/records"
NAME = "spring"


class KilledError(BaseException):
    """The process was killed."""


class Files:
    """Storage in memory."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.writes = 0

    def read(self, path: str) -> str | None:
        return self.texts.get(path)

    def write(self, path: str, text: str) -> None:
        self.texts[path] = text
        self.writes += 1


class SeasonWorld:
    """A server, the files of a season, and the processes that plan and apply it.

    :param dial_groups: number of dial groups, of ids from ``GROUP`` on
    :ivar audit_log: status with which it answers searches of its audit log
    :ivar requests: methods of the requests so far; ``LIST`` is that of a list
    """

    def __init__(self, virtual: FakeClock, dialect: Dialect | None = None, *, dial_groups: int = 2) -> None:
        self.clock = virtual
        self.vendor = Vendor(dialect or Dialect(), Random("season"))
        self.vendor.groups |= {GROUP + number: f"Group {number}" for number in range(2, dial_groups)}
        self.files = Files()
        self.records = Records(self.files, RECORDS, NAME)
        self.audit_log = 200
        self.requests: Counter[str] = Counter()
        #: Who sends requests.
        self.actor: Any = "client"
        self._permits = Permits()

    # What people do.

    def add(self, name: str, group: int = GROUP, **fields: Any) -> Row:
        """Add an inactive campaign of last year."""
        dates = {"startDate": 1_600_000_000_000, "endDate": 1_610_000_000_000}
        return self.vendor.add(name, LONG_AGO, group=group, **(dates | fields))

    def edit(self, name: str, **fields: Any) -> None:
        """Change the campaign of a name."""
        self.vendor.edit(self.row(name), fields, clock.time(), "person")

    def row(self, name: str) -> Row:
        """Return the one campaign of a name."""
        (row,) = [row for row in self.vendor.rows.values() if row.exists and row.name == name]
        return row

    def names(self) -> list[str]:
        """Return the names of all campaigns."""
        return sorted(str(row.name) for row in self.vendor.rows.values() if row.exists)

    # What processes do.

    def run(
        self,
        procedure: Procedure[Any],
        *,
        kill_at: int = -1,
        before_kill: bool = False,
        on_request: Callable[[int], object] = lambda number: None,
        on_permit: Callable[[int], object] = lambda number: None,
    ) -> Any:
        """Run a procedure as a client does.

        :param kill_at: number of the request, from 0, at which the process is killed
        :param before_kill: whether the server executes that request
        :param on_request: called before each request with its number
        :param on_permit: called before each permit is asked for, with the number of the request to come
        """
        steps = SimulatedClient(self._permits, "100%").steps(procedure)
        number = -1
        try:
            step = next(steps)
            while True:
                if isinstance(step, PermitRequest):
                    on_permit(number + 1)
                    step = steps.send(self._permits.acquire(step.key, step.rates))
                elif isinstance(step, PermitPause):
                    self._permits.pause(step.permit.key, step.seconds)
                    step = steps.send(None)
                elif isinstance(step, Pause):
                    self._pass(step.seconds)
                    step = steps.send(None)
                else:
                    number += 1
                    on_request(number)
                    if number == kill_at and not before_kill:
                        raise KilledError
                    error = self._send(step)
                    if number == kill_at:
                        raise KilledError
                    step = steps.throw(error) if isinstance(error, Exception) else steps.send(error)
        except StopIteration as stop:
            return stop.value
        finally:
            steps.close()

    def _pass(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.vendor.run_due(self.clock.now)

    def _send(self, request: Any) -> Any:
        is_list = request.method == "GET" and not request.path.rpartition("/")[2].isdigit()
        self.requests["LIST" if is_list else request.method] += 1
        self._pass(_LATENCY)
        try:
            if request.path == "admin/auditLogs/search":
                answer = self._audit(request.body)
            else:
                arguments = request.method, request.path, request.query, request.body
                answer = self.vendor.handle(*arguments, self.clock.now, self.actor)
        except LostConnectionError:
            return connection_error("broken", request.method, request.path, request.idempotency)
        finally:
            self._pass(_LATENCY)
        answer.request = _Sent(request.path)
        return answer

    def _audit(self, criteria: Mapping[str, Any]) -> Answer:
        """Answer a search of the audit log, which is five minutes late."""
        if self.audit_log != 200:
            return error_answer(self.audit_log, "Audit log access", self.clock.now)
        start, end = (parse_vendor_date(criteria[one]) for one in ("startDateTime", "endDateTime"))
        entries = [
            _audit_entry(row, before, version)
            for row in self.vendor.rows.values()
            for before, version in pairwise(row.versions)
            if start.timestamp() <= version.at < min(end.timestamp(), self.clock.now - 300)
            and criteria.get("auditedEntityId") in (None, str(row.campaign_id))
        ]
        return json_answer(entries, self.clock.now)

    def plan(self, season: Mapping[str, Any], **options: Any) -> Plan:
        """Make a plan, write it, and read it."""
        procedure = make_plan(
            read_season(season),
            self.records.last(),
            account_id="99999999",
            record_path=RECORDS,
            source_digest="source",
        )
        plan: Plan = self.run(procedure, **options)
        return Plan.from_json(plan.to_json(), "plan.json")

    def apply(
        self, plan: Plan, run: str = "run", attempt: int = 1, accept: Collection[str] = (), **options: Any
    ) -> ApplyResult:
        """Apply a plan, as one attempt of a task."""
        apply = Apply(plan, self.records, run=run, attempt=attempt, applied_by="Ann", accept_findings=accept)
        result: ApplyResult = self.run(apply.run(), **options)
        return result

    def roll_out(self, season: Mapping[str, Any]) -> ApplyResult:
        """Plan and apply."""
        return self.apply(self.plan(season), run=f"run {self.clock.now}")

    @property
    def record(self) -> Record:
        """The last record."""
        record = self.records.last()
        assert record is not None
        return record

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Count the requests in the block."""
        self.requests.clear()
        yield self.requests


def _audit_entry(row: Row, before: Version, version: Version) -> dict[str, Any]:
    old, new = before.fields or {}, version.fields or {}
    return {
        "auditedEntityId": str(row.campaign_id),
        "actionType": "UPDATE" if new else "DELETE",
        "createTimeAsDateTime": format_vendor_date(datetime.fromtimestamp(version.at, UTC)),
        "authUser": {"userId": "1", "userName": f"{version.by}@example.com"},
        "auditLogResultList": [
            {"attributeName": name, "originalValue": old.get(name), "newValue": value}
            for name, value in new.items()
            if old.get(name) != value
        ],
    }


def day(days: int) -> str:
    """Return a date, in days after the first one."""
    return (datetime.fromtimestamp(START, UTC) + timedelta(days=days)).date().isoformat()


def season(
    count: int = 1, *, dial_groups: Iterable[int] = (GROUP,), end: int = 60, **campaign: Any
) -> dict[str, Any]:
    """Return a season of ``count`` campaigns in each of some dial groups.

    :param end: last day of its campaigns
    :param campaign: keys of each campaign
    """
    regions = {f"r{number}": group for number, group in enumerate(dial_groups)}
    window = [day(30), day(end)]
    return {
        "season": NAME,
        "defaults": {"caller_id": "4155550123"},
        "regions": {name: {"timezone": "UTC", "dial_group": group} for name, group in regions.items()},
        "campaigns": [
            {"name": f"C{number} {{region}}", "window": [*window], **campaign} for number in range(count)
        ],
    }


def actions(plan: Plan) -> dict[str, str]:
    """Return the action of each campaign by name."""
    return {one.name: one.action for one in plan.campaigns}


def planned(plan: Plan, name: str) -> PlannedCampaign:
    """Return what is planned for the campaign of a name."""
    (one,) = [one for one in plan.campaigns if one.name == name]
    return one
