"""What a rollout did, counted: at the server, and in Airflow's database."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_provider_engagevoice.sandbox.request_log import RequestRecord
from airflow_provider_engagevoice.sandbox.server import SandboxServer

EXCHANGES = ("/api/auth/login/rc/accesstoken", "/api/auth/token/refresh")
SIGN_IN = ("/restapi/", *EXCHANGES)
#: How many exchanges tokens of five minutes need in any five minutes, being renewed ahead of their end.
MOST_EXCHANGES = 2


@dataclass(frozen=True)
class Figures:
    """One rollout.

    :ivar run_state: of the DAG run; ``running`` if it was cut off
    :ivar made: campaigns on the server that bear a name asked for, in the dial group asked for
    :ivar doubles: how many of those are one too many
    :ivar missing: campaigns asked for of which the server has none
    :ivar unfinished: campaigns on the server under the name they bear while they are made
    :ivar failed: tasks whose tries are used up
    :ivar not_ended: tasks that had not come to an end when the run was cut off
    :ivar retried: tasks that Airflow ran more than once
    :ivar exchanges: token exchanges and renewals sent, those refused included
    :ivar exchanges_5_min: the most of them in any five minutes
    :ivar exchanges_429: how many of them were refused by their budget
    :ivar requests: requests sent, signing in left out
    :ivar requests_1_min: the most of them in any minute
    :ivar requests_429: how many of them were refused by their budget
    :ivar seconds: from the first request to the last
    :ivar searched: files, tables and keys that were searched for secrets
    :ivar secrets: how many of them had any
    """

    run_state: str
    asked: int
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
        """Return what is not as a rollout should be."""
        wanted: dict[str, str | int] = {
            "run_state": "success",
            "made": self.asked,
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
    """All requests that came to a sandbox, however many: it keeps but the last 10,000 itself."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._sandbox = sandbox
        self._seen: dict[str, RequestRecord] = {}

    def look(self) -> None:
        """Take up what has come since the last look."""
        self._seen.update((record.request_id, record) for record in self._sandbox.requests())

    def all(self) -> list[RequestRecord]:
        """Return them, oldest first; RuntimeError if looks were too rare to see all."""
        self.look()
        came = sum(self._sandbox.counters()["statuses"].values())
        if came != len(self._seen):
            raise RuntimeError(f"{came} requests came, {len(self._seen)} were seen")
        return sorted(self._seen.values(), key=lambda record: record.time)


def count(
    asked: Iterable[tuple[int, str]],
    *,
    requests: list[RequestRecord],
    campaigns: Iterable[Mapping[str, object]],
    tasks: Mapping[tuple[str | None, int], int],
    run_state: str,
    searched: int,
    secrets: int,
) -> Figures:
    """Count a rollout.

    :param asked: dial group and name of each campaign asked for
    :param campaigns: what the server has in the end
    :param tasks: how many tasks there are, by state and number of tries
    :param searched: as in the result, and so is ``secrets``
    """
    names = set(asked)
    stored = Counter((row["groupId"], row["campaignName"]) for row in campaigns)
    there = {name: stored[name] for name in names if name in stored}
    exchanges = [record for record in requests if record.path.partition("?")[0] in EXCHANGES]
    others = [record for record in requests if not record.path.startswith(SIGN_IN)]
    ended = ("success", "failed", "upstream_failed", "skipped", "removed")
    return Figures(
        run_state=run_state,
        asked=len(names),
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
    """Return how many of the times lie in the fullest window of so many seconds."""
    window: deque[float] = deque()
    most = 0
    for time in sorted(times):
        window.append(time)
        while window[0] <= time - seconds:
            window.popleft()
        most = max(most, len(window))
    return most
