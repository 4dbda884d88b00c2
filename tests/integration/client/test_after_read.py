"""Writes that are sent right after the read they were made from, or not at all."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import (
    at_once,
    delete_campaign,
    get_campaign,
    update_campaign,
)
from airflow_provider_engagevoice.client.rate_limits import RateLimitShares
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    NoAnswerError,
    OutdatedError,
    PageAnswerError,
    RateLimitedError,
    ServerError,
)
from airflow_provider_engagevoice.sandbox import seed
from tests.support.clients import received, sign_ins
from tests.support.connections import ACCOUNT_ID

GROUP, CAMPAIGN = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
WRITES = {
    "PUT": lambda campaign: update_campaign(GROUP, CAMPAIGN, campaign.with_changes({"maxRingTime": 45})),
    "DELETE": lambda campaign: delete_campaign(GROUP, CAMPAIGN),
}
every_write = pytest.mark.parametrize("method", WRITES)


@pytest.fixture
def settings(client_settings):
    return dataclasses.replace(client_settings, account_id=ACCOUNT_ID)


def write(method: str, pause: float = 0.0) -> Procedure[Any]:
    """Read a campaign and write it, after a pause."""
    campaign = yield from get_campaign(GROUP, CAMPAIGN, followers=1)
    request = at_once(WRITES[method](campaign))
    if pause:
        yield Pause(pause)
    return (yield from request)


@every_write
@pytest.mark.parametrize("body", ["", "OK", '"x"', "[1, 2", "{}"])
@pytest.mark.few(4)
def test_its_answer_does_not_matter(sandbox, run, settings, method, body) -> None:
    sandbox.add_fault("status", method=method, path="/campaigns/", status=200, body=body)
    assert run(settings, write(method)) is None
    assert len(received(sandbox, method)) == 1


@every_write
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 503}, ServerError),
        ({"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}, ServerError),
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}, RateLimitedError),
        ({"kind": "status", "status": 200, "body": "<html>"}, PageAnswerError),
        ({"kind": "status", "status": 404, "body": "<html>", "content_type": "text/html"}, PageAnswerError),
        ({"kind": "drop_answer"}, NoAnswerError),
    ],
    ids=["503", "503 with Retry-After", "429", "page", "404 page", "drop_answer"],
)
@pytest.mark.few(12)
def test_it_is_not_sent_again(sandbox, run, settings, fake_clock, method, fault, kind) -> None:
    """The procedure reads the campaign again before it makes another write."""
    sandbox.add_fault(**fault, method=method, path="/campaigns/", times=99)
    with pytest.raises(ApiError) as caught:
        run(settings, write(method))
    assert type(caught.value) is kind
    assert caught.value.retryable
    assert len(received(sandbox, method)) == 1
    assert fake_clock.sleeps == []
    if kind is RateLimitedError:
        assert caught.value.retry_after == 60


@every_write
@pytest.mark.parametrize(("pause", "is_sent"), [(4.0, True), (5.5, False), (3600.0, False)])
def test_it_is_not_sent_if_its_data_is_old(
    sandbox, run, settings, fake_clock, method, pause, is_sent
) -> None:
    if is_sent:
        run(settings, write(method, pause))
    else:
        with pytest.raises(OutdatedError, match="is too old by now; not sent"):
            run(settings, write(method, pause))
    assert fake_clock.sleeps == [pause]
    assert len(received(sandbox, method)) == is_sent


@every_write
@pytest.mark.parametrize("when", ["refused", "stale"])
def test_it_is_not_sent_if_a_sign_in_came_between(sandbox, run, settings, method, when) -> None:
    shared_state = SharedState()
    requests = []

    def interrupted() -> Procedure[Any]:
        campaign = yield from get_campaign(GROUP, CAMPAIGN, followers=1)
        token = shared_state.tokens.known(settings.token_key)
        assert token is not None
        if when == "refused":
            sandbox.backend.tokens.expire(token.value)
        else:
            stale = dataclasses.replace(token, expires_at=time.monotonic() + 20)
            shared_state.tokens.save(settings.token_key, stale)
        requests.append(at_once(WRITES[method](campaign)))
        return (yield from requests[0])

    with pytest.raises(OutdatedError, match=r"signing in took time .*; not sent") as caught:
        run(settings, interrupted(), shared_state=shared_state)
    assert caught.value.retryable
    assert [line.split()[1] for line in received(sandbox, method)] == ["401"] * (when == "refused")
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]
    # The new token is kept, so the procedure only has to read again.
    run(settings, write(method), shared_state=shared_state)
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]


@every_write
def test_its_permit_is_acquired_with_that_of_the_read(sandbox, run, settings, fake_clock, method) -> None:
    """Of three permits of a minute one is left, so the read waits for two, and the write for none."""
    counting = dataclasses.replace(settings, budgets=RateLimitShares.read("provisioning=2.5%"))
    shared_state = SharedState()
    for _ in range(2):
        run(counting, get_campaign(GROUP, CAMPAIGN), shared_state=shared_state)
    assert fake_clock.sleeps == []
    times = []

    def timed() -> Procedure[None]:
        steps = write(method)
        request = next(steps)
        campaign = yield request
        times.append(sum(fake_clock.sleeps))
        yield steps.send(campaign)
        times.append(sum(fake_clock.sleeps))

    run(counting, timed(), shared_state=shared_state)
    before_write, after_write = times
    assert before_write == after_write > 59
    assert len(received(sandbox, method)) == 1
