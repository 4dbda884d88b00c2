"""Typed errors of every response that is not a result."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    create_campaign,
    delete_dial_group,
    get_campaign,
    get_dial_group,
    list_accounts,
    list_dial_groups,
)
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    BadRequestError,
    ConflictError,
    EndpointMissingError,
    EngageVoiceError,
    FieldProblem,
    NotFoundError,
    OutcomeUnknownError,
    PageAnswerError,
    PermissionDeniedError,
    RateLimitedError,
    ResourceNotFoundError,
    ServerError,
    UnexpectedAnswerError,
)
from airflow_provider_engagevoice.sandbox import seed
from tests.support.clients import received
from tests.support.connections import ACCOUNT_ID

GROUP, CAMPAIGN = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
PATH = f"/voice/api/v1/admin/accounts/{ACCOUNT_ID}/dialGroups/{GROUP}"
BODY = {
    "campaignName": "New",
    "callerId": "4155550123",
    "startDate": "2099-07-01T07:00:00.000+0000",
    "endDate": "2099-08-01T07:00:00.000+0000",
}
HTML = "<!DOCTYPE html><html><body>" + "<p>Bad gateway</p>" * 200 + "</body></html>"
ONCE = RetryLimits(tries=1)


@pytest.fixture
def settings(client_settings):
    return dataclasses.replace(client_settings, account_id=ACCOUNT_ID)


STATUSES = {
    400: BadRequestError,
    403: PermissionDeniedError,
    404: ResourceNotFoundError,
    405: EndpointMissingError,
    409: ConflictError,
    418: UnexpectedAnswerError,
    422: BadRequestError,
    500: ServerError,
    501: EndpointMissingError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
    599: ServerError,
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_each_status_has_its_type(sandbox, run, settings, status, kind) -> None:
    body = {
        "generalMessage": "Something is wrong.",
        "details": "in detail",
        "requestUri": "/voice/secret?password=1",
        "validationErrors": [{"attributeName": "callerId", "message": "is not yours", "value": "1"}],
    }
    sandbox.add_fault(
        "status",
        path="/dialGroups/",
        status=status,
        body=json.dumps(body),
        times=99,
        content_type="application/json",
    )
    with pytest.raises(ApiError) as caught:
        run(settings, get_dial_group(GROUP))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.method, error.path) == (status, "GET", PATH)
    assert error.problems == (FieldProblem("callerId", "is not yours", "1"),)
    assert str(error).startswith(f"GET {PATH}: status {status}: Something is wrong. in detail")
    assert "callerId: is not yours (was '1')" in str(error)
    assert "password" not in str(error)
    again = kind is ServerError
    assert (error.retryable, sandbox.faults()[0].struck) == (again, 3 if again else 1)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_rejected_create_has_a_known_outcome(sandbox, run, settings, status) -> None:
    sandbox.add_fault("status", method="POST", path="/campaigns", status=status, times=99)
    with pytest.raises(STATUSES[status]) as caught:
        run(settings, create_campaign(GROUP, BODY))
    assert not caught.value.retryable
    assert sandbox.faults()[0].struck == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failed_create_has_an_unknown_outcome(sandbox, run, settings, status) -> None:
    sandbox.add_fault(
        "status", method="POST", path="/campaigns", status=status, times=99, headers={"Retry-After": "0"}
    )
    with pytest.raises(OutcomeUnknownError) as caught:
        run(settings, create_campaign(GROUP, BODY))
    assert caught.value.status == status
    assert sandbox.faults()[0].struck == 1


def test_the_sandboxs_own_errors(sandbox, run, settings) -> None:
    others = dataclasses.replace(settings, account_id="12345678")
    with pytest.raises(PermissionDeniedError, match=r"Access is denied.*\[access.denied.exception\]"):
        run(others, list_dial_groups())
    with pytest.raises(NotFoundError) as gone:
        run(settings, get_campaign(GROUP, 1))
    assert isinstance(gone.value, ResourceNotFoundError)
    with pytest.raises(ConflictError) as full:
        run(settings, delete_dial_group(GROUP))
    assert (full.value.method, full.value.status, full.value.path) == ("DELETE", 409, PATH)
    with pytest.raises(BadRequestError) as wrong:
        run(settings, create_campaign(GROUP, BODY | {"campaignName": "", "maxRingTime": 900}))
    assert {problem.attribute for problem in wrong.value.problems} == {"campaignName", "maxRingTime"}
    assert "was '900'" in str(wrong.value)


@pytest.mark.parametrize("status", [200, 403, 404, 405, 502])
@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=utf-8", "application/json"])
@pytest.mark.few(6)
def test_an_html_page_is_named_and_not_quoted(sandbox, run, settings, status, content_type) -> None:
    sandbox.add_fault("status", path=PATH, status=status, body=HTML, content_type=content_type, times=99)
    with pytest.raises(ApiError, match=r"an HTML page .*: is the host right\?") as caught:
        run(settings, get_dial_group(GROUP))
    assert type(caught.value) is (ServerError if status == 502 else PageAnswerError)
    assert "<" not in str(caught.value)
    assert len(str(caught.value)) < 250
    assert (caught.value.retryable, sandbox.faults()[0].struck) == (True, 3)


@pytest.mark.parametrize("status", [200, 403, 404, 405])
def test_a_page_for_a_while_delays_a_request(sandbox, run, settings, status) -> None:
    sandbox.add_fault("status", path=PATH, status=status, body=HTML, content_type="text/html", times=2)
    assert run(settings, get_dial_group(GROUP)).dialGroupId == GROUP
    sandbox.add_fault(
        "status", path="/dialGroups", status=status, body=HTML, content_type="text/html", times=2
    )
    assert GROUP in {group.dialGroupId for group in run(settings, list_dial_groups())}


@pytest.mark.parametrize("status", [200, 403, 404, 405])
def test_a_page_after_a_create_leaves_the_outcome_unknown(sandbox, run, settings, status) -> None:
    sandbox.add_fault("status", method="POST", path=PATH, status=status, body=HTML, content_type="text/html")
    with pytest.raises(OutcomeUnknownError):
        run(settings, create_campaign(GROUP, BODY))
    assert len(received(sandbox, "POST", PATH)) == 1


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("", "an empty body"),
        ("null", "expected a JSON object"),
        ("[]", "expected a JSON object"),
        ('"text"', "expected a JSON object"),
        ("{}", "not the documented JSON"),
        ('{"dialGroupId": 115802, "dialGr', "not the documented JSON"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "not the documented JSON"),
        ("[" * 100_000, "not the documented JSON"),
    ],
    ids=["empty", "null", "list", "text", "no fields", "half", "not UTF-8", "deep"],
)
def test_a_response_of_another_shape(sandbox, run, settings, body, what) -> None:
    sandbox.add_fault("status", path=PATH, status=200, body=body, content_type="application/json", times=99)
    with pytest.raises(UnexpectedAnswerError, match=what) as caught:
        run(settings, get_dial_group(GROUP))
    assert (caught.value.status, caught.value.method, caught.value.path) == (200, "GET", PATH)


@pytest.mark.parametrize("body", ["{}", '[{"accountName": "No id"}]', "[1]", '"x"'])
def test_a_list_of_another_shape(sandbox, run, settings, body) -> None:
    sandbox.add_fault("status", path="/accounts$", status=200, body=body, times=99)
    with pytest.raises(UnexpectedAnswerError):
        run(settings, list_accounts())


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_undecodable_body(sandbox, run, settings, encoding) -> None:
    headers = {"Content-Encoding": encoding}
    sandbox.add_fault("status", path=PATH, status=200, body="not packed", headers=headers, times=99)
    with pytest.raises(EngageVoiceError):
        run(settings, get_dial_group(GROUP))


def test_a_create_with_an_undecodable_body_has_an_unknown_outcome(sandbox, run, settings) -> None:
    headers = {"Content-Encoding": "gzip"}
    sandbox.add_fault("status", method="POST", path=PATH, status=201, body="no", headers=headers, times=99)
    with pytest.raises(OutcomeUnknownError):
        run(settings, create_campaign(GROUP, BODY))


@pytest.mark.parametrize(
    "body",
    [
        '{"validationErrors": 5}',
        '{"validationErrors": true}',
        '{"validationErrors": {"a": 1}}',
        '{"validationErrors": [null, 1, {}], "generalMessage": 5}',
        '{"errorCode": 17, "error": {"x": 1}}',
        "5",
        "null",
        "Access denied",
    ],
)
def test_the_status_gives_the_error_for_any_body(sandbox, run, settings, body) -> None:
    sandbox.add_fault("status", path=PATH, status=400, body=body, content_type="application/json", times=99)
    with pytest.raises(BadRequestError):
        run(settings, get_dial_group(GROUP))


def test_a_long_message_is_shortened(sandbox, run, settings) -> None:
    sandbox.add_fault("status", path=PATH, status=400, body="word \n" * 10_000, times=99)
    with pytest.raises(BadRequestError) as caught:
        run(settings, get_dial_group(GROUP))
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_reported_and_not_followed(sandbox, run, settings, status) -> None:
    headers = {"Location": f"{sandbox.url}/elsewhere"}
    sandbox.add_fault("status", path=PATH, status=status, headers=headers, times=99)
    with pytest.raises(UnexpectedAnswerError, match=r"a redirect: is the host right\?"):
        run(settings, get_dial_group(GROUP))
    assert received(sandbox, path="elsewhere") == []


def in_a_while() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)


@pytest.mark.parametrize(
    ("header", "shortest"),
    [
        (lambda: "1", 60.0),
        (lambda: "75", 75.0),
        (lambda: "0.3", 60.0),
        # A date has whole seconds, and is nearer by the time the test has taken: between 70 and 90 s.
        (in_a_while, 70.0),
        (lambda: "Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        (lambda: "soon", 60.0),
        (lambda: "-5", 60.0),
        (lambda: None, 60.0),
    ],
    ids=["seconds", "longer", "fraction", "date", "past", "words", "negative", "absent"],
)
@pytest.mark.few(4)
def test_retry_after(sandbox, run, settings, fake_clock, header, shortest) -> None:
    """A 429 pauses at least for the window of its rate limit, and none counts as a try."""
    value = header()
    headers = {} if value is None else {"Retry-After": value}
    sandbox.add_fault("status", method="POST", path="/campaigns", status=429, headers=headers, times=5)
    assert run(settings, create_campaign(GROUP, BODY)).campaignName == "New"
    assert len(fake_clock.sleeps) == 5
    longest = 91.5 if header is in_a_while else shortest + 3.5
    assert all(shortest <= seconds < longest for seconds in fake_clock.sleeps)
    assert len(received(sandbox, "POST", "/campaigns")) == 6


@pytest.mark.parametrize(("value", "tries"), [("1", 15), ("400", 3), ("3600", 1)])
def test_waits_for_the_rate_limit_are_given_up_by_their_time(
    sandbox, run, settings, fake_clock, value, tries
) -> None:
    headers = {"Retry-After": value}
    sandbox.add_fault("status", path=PATH, status=429, headers=headers, times=99)
    with pytest.raises(RateLimitedError) as caught:
        run(settings, get_dial_group(GROUP))
    assert caught.value.retry_after == max(60.0, float(value))
    assert sandbox.faults()[0].struck == tries
    assert sum(fake_clock.sleeps) <= 900


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_429_whose_window_ends_after_the_tasks_timeout_is_raised(
    sandbox, settings, kind, fake_clock
) -> None:
    deadline = clock.now() + timedelta(seconds=50)
    headers = {"Retry-After": "1"}
    sandbox.add_fault("status", path=PATH, status=429, headers=headers, times=99)

    async def acall() -> None:
        async with AsyncEngageVoiceClient(settings, deadline=deadline) as client:
            await client.run(get_dial_group(GROUP))

    def call() -> None:
        with EngageVoiceClient(settings, deadline=deadline) as client:
            client.run(get_dial_group(GROUP))

    with pytest.raises(RateLimitedError, match="would outlast the task's timeout"):
        call() if kind == "sync" else asyncio.run(acall())
    assert sandbox.faults()[0].struck == 1
    assert fake_clock.sleeps == []


def test_an_exceeded_rate_limit_is_named(sandbox, run, settings) -> None:
    sandbox.add_fault("status", path=PATH, status=429, body='"rate"', headers={"Retry-After": "7"})
    with pytest.raises(RateLimitedError, match=r"provisioning \(120 in 60 s\)") as caught:
        run(settings, get_dial_group(GROUP), limits=ONCE)
    # Servers send less than the window of the rate limit.
    assert (caught.value.status, caught.value.retry_after, caught.value.retryable) == (429, 60, True)


def test_retries_end_with_the_time_limit(sandbox, run, settings) -> None:
    sandbox.add_fault("status", path=PATH, status=503, headers={"Retry-After": "5"}, times=99)
    with pytest.raises(ServerError) as caught:
        run(settings, get_dial_group(GROUP), limits=RetryLimits(tries=50, seconds=2))
    assert caught.value.retry_after == 5
    assert sandbox.faults()[0].struck == 1
