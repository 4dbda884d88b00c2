"""Temporary: steps of the client as it is today."""

from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.retry import may_retry
from airflow_provider_engagevoice.exceptions import EngageVoiceError, OutdatedError, RateLimitedError


@dataclass
class Pause:
    seconds: float


@dataclass
class PermitPause:
    permit: Any
    seconds: float


def steps(client, procedure):
    flow = iter(procedure)
    try:
        request = next(flow)
        while True:
            try:
                result = yield from _send(client, request)
            except EngageVoiceError as error:
                request = flow.throw(error)
            else:
                request = flow.send(result)
    except StopIteration as stop:
        return stop.value


def _send(client, request):
    call = client._call(request)
    while True:
        call.tries += 1
        permit = client._permit(request)
        while (seconds := (yield permit)) > 0:
            call.waited += seconds
            yield Pause(seconds)
        if request.is_outdated():
            raise OutdatedError("too old", method=request.method, path=request.path)
        try:
            try:
                return client._read(request, (yield request))
            except RateLimitedError as error:
                call.complete(error)
                yield PermitPause(permit, error.retry_after or 0.0)
                raise
        except EngageVoiceError as error:
            wait = getattr(error, "retry_after", None)
            wait = call.backoff(call.tries) if wait is None else wait + 0.1
            spent = clock.monotonic() - call._started - call.waited
            if not may_retry(error, request.idempotency) or call.tries >= 6 or spent + wait >= 180:
                raise
        yield Pause(wait)
