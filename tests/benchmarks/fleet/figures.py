"""The results of a rollout, counted on the server and in Airflow's database."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_provider_engagevoice.sandbox.request_log import RequestRecord
from airflow_provider_engagevoice.sandbox.server import SandboxServer

EXCHANGES = ("/api/auth/login/rc/accesstoken", "/api/auth/token/refresh")
SIGN_IN = ("/restapi/", *EXCHANGES)
#: Exchanges that tokens of five minutes need in any five minutes, if they are renewed before they expire.
MOST_EXCHANGES = 2


@dataclass(frozen=True)
class Figures:
    """The results of one rollout.

    :ivar run_state: of the DAG run; ``timed out`` if it did not end in time
    :ivar made: campaigns on the server with a requested name, in the requested dial group
    :ivar doubles: number of those that are duplicates
    :ivar missing: requested campaigns that the server does not have
    :ivar unfinished: campaigns on the server with the name they have while they are created
    :ivar failed: tasks that failed after all retries
    :ivar not_ended: tasks that had not ended when the run timed out
    :ivar retried: tasks that Airflow ran more than once
    :ivar exchanges: token exchanges and renewals sent, including rejected ones
    :ivar exchanges_5_min: the most of them in any five minutes
    :ivar exchanges_429: number of them rejected by their rate limit
    :ivar requests: requests sent, except sign-ins
    :ivar requests_1_min: the most of them in any minute
    :ivar requests_429: number of them rejected by their rate limit
    :ivar seconds: from the first request to the last
    :ivar searched: files, tables and keys searched for secrets
    :ivar secrets: number of them that contain any
    """

    run_state: str
    requested: int
    made: int
    doubles: int
    missing: int
    unfinished: int
    failed: int
    not_ended: int
    retried: int
    exchanges: int
    exchanges_5_min: int
    exchanges_429: int
    requests: int
    requests_1_min: int
    requests_429: int
    seconds: float
    searched: int
    secrets: int

    def problems(self) -> list[str]:
        """Return the missed goals of a rollout."""
        wanted: dict[str, str | int] = {
            "run_state": "success",
            "made": self.requested,
            **dict.fromkeys(("doubles", "missing", "unfinished", "failed", "not_ended", "retried"), 0),
            "exchanges_429": 0,
            "secrets": 0,
        }
        found = [
            f"{name} is {getattr(self, name)}, not {value}"
            for name, value in wanted.items()
            if getattr(self, name) != value
        ]
        if self.exchanges_5_min > MOST_EXCHANGES:
            found.append(f"exchanges_5_min is {self.exchanges_5_min}, more than {MOST_EXCHANGES}")
        return found


class Requests:
    """All requests received by a sandbox, which itself keeps only the last 10,000."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._sandbox = sandbox
        self._seen: dict[str, RequestRecord] = {}

    def poll(self) -> None:
        """Collect the requests received since the last poll."""
        self._seen.update((record.request_id, record) for record in self._sandbox.requests())

    def all(self) -> list[RequestRecord]:
        """Return them, oldest first; RuntimeError if polls were too rare to collect all."""
        self.poll()
        came = sum(self._sandbox.counters()["statuses"].values())
        if came != len(self._seen):
            raise RuntimeError(f"{came} requests were received, {len(self._seen)} were collected")
        return sorted(self._seen.values(), key=lambda record: record.time)


def count(
    requested: Iterable[tuple[int, str]],
    *,
    requests: list[RequestRecord],
    campaigns: Iterable[Mapping[str, object]],
    tasks: Mapping[tuple[str | None, int], int],
    run_state: str,
    searched: int,
    secrets: int,
) -> Figures:
    """Count the results of a rollout.

    :param requested: dial group and name of each requested campaign
    :param campaigns: on the server at the end
    :param tasks: number of tasks, by state and number of attempts
    :param searched: as in the result; the same for ``secrets``
    """
    names = set(requested)
    stored = Counter((row["groupId"], row["campaignName"]) for row in campaigns)
    there = {name: stored[name] for name in names if name in stored}
    exchanges = [record for record in requests if record.path.partition("?")[0] in EXCHANGES]
    others = [record for record in requests if not record.path.startswith(SIGN_IN)]
    ended = ("success", "failed", "upstream_failed", "skipped", "removed")
    return Figures(
        run_state=run_state,
        requested=len(names),
        made=sum(there.values()),
        doubles=sum(there.values()) - len(there),
        missing=len(names) - len(there),
        unfinished=sum(number for (_, name), number in stored.items() if "[unfinished" in str(name)),
        failed=sum(number for (state, _), number in tasks.items() if state in ("failed", "upstream_failed")),
        not_ended=sum(number for (state, _), number in tasks.items() if state not in ended),
        retried=sum(number for (_, tries), number in tasks.items() if tries > 1),
        exchanges=len(exchanges),
        exchanges_5_min=most_within(300, [record.time for record in exchanges]),
        exchanges_429=sum(record.status == 429 for record in exchanges),
        requests=len(others),
        requests_1_min=most_within(60, [record.time for record in others]),
        requests_429=sum(record.status == 429 for record in others),
        seconds=requests[-1].time - requests[0].time if requests else 0.0,
        searched=searched,
        secrets=secrets,
    )


def most_within(seconds: float, times: Iterable[float]) -> int:
    """Return the maximum number of times within a window of ``seconds``."""
    window: deque[float] = deque()
    most = 0
    for time in sorted(times):
        window.append(time)
        while window[0] <= time - seconds:
            window.popleft()
        most = max(most, len(window))
    return most
