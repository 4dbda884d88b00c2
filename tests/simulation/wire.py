"""The connection between attempts and the vendor, with its faults and delays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.client.request import Request
from tests.simulation.answers import Answer, LostConnectionError
from tests.simulation.client import connection_error
from tests.simulation.plans import WireFault

if TYPE_CHECKING:
    from tests.simulation.actors import Attempt, Sent
    from tests.simulation.world import World

_CAMPAIGN = re.compile(r"/campaigns/(\d+)")
#: Seconds after which the client gives up reading.
_TIMEOUT = 30.0


class _Url:
    def __init__(self, path: str) -> None:
        self.path = path


class _Sent:
    """As much of httpx's request as the client reads."""

    def __init__(self, path: str) -> None:
        self.url = _Url(path)


class Wire:
    """Carries requests and answers."""

    def __init__(self, world: World, faults: tuple[WireFault, ...]) -> None:
        self._world = world
        self._faults = {(fault.task, fault.request): fault.kind for fault in faults}

    def send(self, attempt: Attempt, request: Request[Any], number: int, delay: float) -> None:
        """Carry a request to the vendor, ``delay`` seconds each way."""
        fault = self._faults.get((attempt.task.plan.number, number), "")
        there = delay + (15.0 if fault == "late" else 0.0)
        self._world.after(there, lambda: self._arrive(attempt, request, fault, delay))

    def _arrive(self, attempt: Attempt, request: Request[Any], fault: str, delay: float) -> None:
        world = self._world
        match = _CAMPAIGN.search(request.path)
        row = int(match[1]) if match else None
        sent = attempt.sending(request, row)
        if sent is None:
            world.stepped()
            return
        answer: Answer | None = None
        how = {"refused": "refused", "lost before": "timed out"}.get(fault, "")
        if not how:
            try:
                answer = self._execute(attempt, request, sent)
            except LostConnectionError:
                how = "broken"
            how = {"lost after": "timed out", "broken after": "broken"}.get(fault, how)
        world.note(
            attempt, request.method, request.path, dict(request.query), request.body, how or fault, answer
        )
        attempt.executed()
        world.stepped()
        if attempt.over:
            return
        if how:
            error = connection_error(how, request.method, request.path, request.idempotency)
            wait = _TIMEOUT if how == "timed out" else delay
            world.after(wait, lambda: attempt.answered(sent, None, error))
        else:
            wait = delay + (15.0 if fault == "slow" else 0.0)
            world.after(wait, lambda: attempt.answered(sent, answer, None))

    def _execute(self, attempt: Attempt, request: Request[Any], sent: Sent) -> Answer:
        world = self._world
        world.vendor.run_due(world.now)
        world.promises.before_request(attempt, request, sent)
        world.vendor.shown_number = 0
        answer = world.vendor.handle(
            request.method, request.path, request.query, request.body, world.now, attempt
        )
        answer.request = _Sent(request.path)
        if request.method == "GET" and sent.row is not None and answer.status_code == 200:
            sent.shown = world.vendor.shown_number
        return answer
