"""The connection between attempts and the vendor, with its faults and delays."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.exceptions import OutdatedError
from tests.simulation.answers import Answer, LostConnectionError
from tests.simulation.client import connection_error
from tests.simulation.plans import WireFault

if TYPE_CHECKING:
    from tests.simulation.actors import Attempt, Sent
    from tests.simulation.world import World

_CAMPAIGN = re.compile(r"/campaigns/(\d+)")
#: Seconds after which the client gives up reading.
_TIMEOUT = 30.0
#: Seconds that a request of an attempt that died takes at most, and that signing in takes.
_IN_FLIGHT, _SIGN_IN = 30.0, 1.0


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
        if fault == "revoked":
            self._world.after(delay, lambda: self._refuse(attempt, request, delay))
            return
        there = delay + (15.0 if fault == "late" else 0.0)
        self._world.after(there, lambda: self._arrive(attempt, request, fault, delay))

    def _refuse(self, attempt: Attempt, request: Request[Any], delay: float) -> None:
        """Answer 401, as the token is revoked; the client signs in, and sends all but a write again."""
        world = self._world
        world.note(attempt, request.method, request.path, "-> 401")
        world.stepped()
        if not request.after_read:
            world.after(2 * delay + _SIGN_IN, lambda: self._arrive(attempt, request, "", delay))
            return
        error = OutdatedError("signing in took time", method=request.method, path=request.path)
        world.after(2 * delay + _SIGN_IN, lambda: attempt.fail_unsent(error))

    def _arrive(self, attempt: Attempt, request: Request[Any], fault: str, delay: float) -> None:
        world = self._world
        match = _CAMPAIGN.search(request.path)
        row = int(match[1]) if match else None
        sent = attempt.sending(request, row)
        if sent is None:
            world.stepped()
            return
        if attempt.is_killed_in_flight and request.method != "DELETE":
            attempt.kill()
            world.after(
                attempt.task.random.uniform(0.0, _IN_FLIGHT), lambda: self._carry_out(attempt, request, sent)
            )
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

    def _carry_out(self, attempt: Attempt, request: Request[Any], sent: Sent) -> None:
        """Carry out a request whose sender has died."""
        with suppress(LostConnectionError):
            answer = self._execute(attempt, request, sent)
            self._world.note(attempt, "in flight:", request.method, request.path, request.body, answer)

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
