"""client/responses.py: every response gives a result or a typed error."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice import exceptions as errors
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    clear_campaign_cache,
    create_campaign,
    delete_campaign,
    get_campaign,
    list_accounts,
    unanswered,
    update_campaign,
)
from airflow_provider_engagevoice.client.request import Idempotency, Request
from airflow_provider_engagevoice.client.responses import (
    error_of,
    error_of_transport,
    mark_unknown_outcome,
    read_response,
)
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials

PATH = "/voice/api/v1/admin/accounts/1/dialGroups/2/campaigns"
CAMPAIGN = b'{"campaignId": 3, "campaignName": "x"}'
READ, CREATE, CHANGE = get_campaign(2, 3), create_campaign(2, {}), update_campaign(2, 3, {})
VENDOR = {
    "cause": "",
    "details": "see validationErrors",
    "developerMessage": "",
    "generalMessage": "The campaign is not valid",
    "requestUri": "/api/v1/x?password=hunter2",
    "timestamp": 1590476400123,
    "validationErrors": [
        {"attributeName": "callerId", "message": "must be ten digits", "value": "12"},
        {"attributeName": "campaignName", "message": "may not be null", "value": None},
    ],
}


def plain(text: str) -> str:
    return text


def response(
    status: int,
    content: bytes | str = b"",
    kind: str | None = "application/json",
    method: str = "GET",
    **headers: str,
) -> httpx.Response:
    if kind is not None:
        headers["content-type"] = kind
    request = httpx.Request(method, f"https://host.example{PATH}?password=hunter2")
    return httpx.Response(status, content=content, headers=headers, request=request)


def refusal(status: int, content: bytes | str = b"", **options: Any) -> errors.ApiError:
    with pytest.raises(errors.ApiError) as caught:
        read_response(READ, response(status, content, **options), PATH, plain)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, errors.BadRequestError, False),
        (401, errors.AuthenticationError, False),
        (403, errors.PermissionDeniedError, False),
        (404, errors.ResourceNotFoundError, False),
        (405, errors.EndpointMissingError, False),
        (409, errors.ConflictError, False),
        (418, errors.UnexpectedAnswerError, False),
        (422, errors.BadRequestError, False),
        (429, errors.RateLimitedError, True),
        (301, errors.UnexpectedAnswerError, False),
        (304, errors.UnexpectedAnswerError, False),
        (500, errors.ServerError, True),
        (501, errors.EndpointMissingError, False),
        (502, errors.ServerError, True),
        (503, errors.ServerError, True),
        (504, errors.ServerError, True),
        (599, errors.ServerError, True),
    ],
)
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'"rate"', b"Jwt is expired", b"<html>", b"\xff\xfe"]
)
def test_each_status_has_its_type(
    status: int, kind: type[errors.ApiError], retryable: bool, content: bytes
) -> None:
    error = refusal(status, content)
    if content == b"<html>" and status in (403, 404, 405):
        # A gateway's or another host's: it says nothing about the campaign.
        kind, retryable = errors.PageAnswerError, True
    assert type(error) is kind
    assert (error.status, error.method, error.path, error.retryable) == (status, "GET", PATH, retryable)
    assert str(error).startswith(f"GET {PATH}: status {status}")


def test_the_vendors_message_and_validation_errors_without_the_url() -> None:
    error = refusal(400, json.dumps(VENDOR))
    assert "The campaign is not valid see validationErrors" in str(error)
    assert "callerId: must be ten digits (was '12'); campaignName: may not be null" in str(error)
    assert [problem.attribute for problem in error.problems] == ["callerId", "campaignName"]
    assert [problem.value for problem in error.problems] == ["12", None]
    assert "hunter2" not in str(error)


def test_the_code_of_a_403_and_the_rate_limit_of_a_429() -> None:
    assert "[access.denied.exception]" in str(refusal(403, b'{"errorCode": "access.denied.exception"}'))
    assert "provisioning (120 in 60 s)" in str(refusal(429, b'"rate"', kind="text/plain"))
    assert "is the host right?" in str(refusal(302, location="/login"))


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><p>hunter2", b"\n <html>"])
@pytest.mark.parametrize("kind", ["text/html", "text/plain", None])
def test_html_is_called_html_and_not_repeated(content: bytes, kind: str | None) -> None:
    for status in (200, 404, 500):
        error = refusal(status, content, kind=kind)
        assert "an HTML page" in str(error)
        assert "is the host right?" in str(error)
        assert "hunter2" not in str(error)


def test_secrets_are_redacted_in_the_vendors_message() -> None:
    body = VENDOR | {"generalMessage": "bad password hunter2"}
    body["validationErrors"] = [{"attributeName": "hunter2", "message": "hunter2", "value": "hunter2"}]
    for content in (json.dumps(body), "plain hunter2", json.dumps(["hunter2"]), '{"errorCode": "hunter2"}'):
        error = error_of(response(400, content), "GET", PATH, lambda text: text.replace("hunter2", "***"))
        assert "***" in str(error)
        assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "path",
    [
        "/voice/api/v1/admin/accounts/1/campaignLeads/leadSearch",
        "/voice/api/v1/admin/accounts/1/campaigns/2/leadLoader/direct",
        "/voice/api/v1/admin/accounts/1/dncLists/tags/0/phones/4155550123/countries/USA",
    ],
)
def test_people_are_not_named_in_errors(path: str) -> None:
    entry = {"attributeName": "lastName", "message": "of +1 (415) 555-0123", "value": "Lovelace"}
    body = {"generalMessage": "4155550123 is wrong", "validationErrors": [entry]}
    error = error_of(response(400, json.dumps(body).encode()), "DELETE", path, str)
    assert str(error).endswith("status 400: ***23 is wrong — lastName: of ***23")
    assert "415" not in str(error)


def test_long_and_untidy_texts_are_shortened() -> None:
    assert len(str(refusal(500, "x" * 10_000, kind="text/plain"))) < 500
    assert "a b c" in str(refusal(500, " a\n\n b\t c ", kind="text/plain"))


@pytest.mark.parametrize(
    "problems", [None, 5, True, "x", {}, {"a": 1}, [], [None, 5, "x", [], {}], [{"value": {"a": 1}}]]
)
def test_an_error_body_of_another_shape_is_still_that_error(problems: object) -> None:
    for words in (None, 5, [], {}, "words"):
        body = {"validationErrors": problems, "generalMessage": words, "errorCode": words, "error": words}
        assert isinstance(refusal(422, json.dumps(body)), errors.BadRequestError)


def test_results() -> None:
    assert read_response(READ, response(200, CAMPAIGN), PATH, plain).campaignId == 3
    assert read_response(CREATE, response(201, CAMPAIGN, kind=None), PATH, plain).campaignId == 3
    assert read_response(list_accounts(), response(200, b"[]"), PATH, plain) == []
    cleared = read_response(
        clear_campaign_cache(2, 3), response(201, b"true", kind="text/plain"), PATH, plain
    )
    assert cleared is True


PAGES = [
    (b" <html>", "application/json"),
    (b"\xef\xbb\xbf\n<html>", None),
    (b"<!DOCTYPE html>", None),
    (b"Maintenance", "text/html; x=y"),
]


@pytest.mark.parametrize(("content", "kind"), PAGES)
def test_an_html_page_is_no_success(content: bytes, kind: str | None) -> None:
    for request in (
        READ,
        CHANGE,
        delete_campaign(2, 3),
        unanswered(CHANGE),
        list_accounts(),
    ):
        with pytest.raises(errors.PageAnswerError, match="HTML") as caught:
            read_response(request, response(200, content, kind), PATH, plain)
        assert (caught.value.status, caught.value.retryable) == (200, True)
        assert isinstance(caught.value, errors.UnexpectedAnswerError)
    for create in (CREATE, unanswered(CREATE)):
        with pytest.raises(errors.OutcomeUnknownError, match="HTML"):
            read_response(create, response(200, content, kind), PATH, plain)


@pytest.mark.parametrize(("content", "kind"), [*PAGES, (b"", "text/html")])
@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_html_page_is_no_answer_of_the_api(status: int, content: bytes, kind: str | None) -> None:
    error = refusal(status, content, kind=kind)
    assert type(error) is errors.PageAnswerError
    assert not isinstance(error, errors.NotFoundError)


@pytest.mark.parametrize("content", [b"", b" ", b"OK", b"null", b'{"campaignId": 4}', b'"x', b"\xff"])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_that_is_not_read_may_be_any(status: int, content: bytes) -> None:
    for write in (CHANGE, CREATE, delete_campaign(2, 3)):
        for kind in ("application/json", "text/plain", None):
            request = unanswered(write)
            assert read_response(request, response(status, content, kind), PATH, plain) is None


@pytest.mark.parametrize("content", [b"", b"true", CAMPAIGN, b"OK"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_the_body_of_a_deletion_does_not_matter(status: int, content: bytes) -> None:
    gone: object = read_response(
        delete_campaign(2, 3), response(status, content, method="DELETE"), PATH, plain
    )
    assert gone is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b" ", b"OK", b"null", b"[]", b"5", b"true", b'"x"', b"{}", b'{"campaignId": 3', b"\xff\xfe\xff",
        b'{"campaignName": "x"}', b'{"campaignId": "x", "campaignName": "x"}',
    ],
)  # fmt: skip
def test_an_invalid_campaign_is_unexpected_and_after_a_create_an_unknown_outcome(content: bytes) -> None:
    for request, kind in (
        (READ, errors.UnexpectedAnswerError),
        (CHANGE, errors.UnexpectedAnswerError),
        (CREATE, errors.OutcomeUnknownError),
    ):
        with pytest.raises(errors.ApiError) as caught:
            read_response(request, response(200, content), PATH, plain)
        assert type(caught.value) is kind
        assert caught.value.retryable is (kind is errors.OutcomeUnknownError)


@pytest.mark.parametrize("content", [b"{}", b"null", b"[1]", b"[[]]", b'[{"accountId": null}, 5]', b"[{}]"])
def test_an_invalid_list(content: bytes) -> None:
    with pytest.raises(errors.UnexpectedAnswerError):
        read_response(list_accounts(), response(200, content), PATH, plain)


@given(
    st.binary(max_size=50),
    st.sampled_from([200, 201, 204, 301, 400, 401, 404, 429, 500, 503]),
    st.binary() | st.text("0123456789.-+e: GMTonJa", max_size=30).map(str.encode),
)
def test_any_response_raises_only_api_errors(content: bytes, status: int, retry_after: bytes) -> None:
    request = httpx.Request("GET", "https://host.example/")
    received = httpx.Response(
        status, content=content, headers=[(b"retry-after", retry_after)], request=request
    )
    for request in (READ, CREATE, list_accounts(), clear_campaign_cache(2, 3)):
        try:
            read_response(request, received, PATH, plain)
        except errors.ApiError as error:
            wait = error.retry_after
            assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1", 1.0),
        ("0", 0.0),
        (" 60 ", 60.0),
        ("1.5", 1.5),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1s", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    for status in (429, 503):
        assert refusal(status, **{"retry-after": value}).retry_after == seconds
    assert refusal(500, **{"retry-after": value}).retry_after is None


def test_retry_after_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = refusal(429, **{"retry-after": soon}).retry_after
    assert seconds is not None
    assert 60 < seconds <= 90
    assert refusal(429, **{"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}).retry_after == 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("x"), errors.UnreachableError),
        (httpx.ConnectTimeout("x"), errors.UnreachableError),
        (httpx.PoolTimeout("x"), errors.UnreachableError),
        (httpx.ProxyError("x"), errors.UnreachableError),
        (httpx.UnsupportedProtocol("x"), errors.UnexpectedAnswerError),
        (httpx.ReadTimeout("x"), errors.NoAnswerError),
        (httpx.ReadError("x"), errors.NoAnswerError),
        (httpx.WriteTimeout("x"), errors.NoAnswerError),
        (httpx.WriteError("x"), errors.NoAnswerError),
        (httpx.CloseError("x"), errors.NoAnswerError),
        (httpx.RemoteProtocolError("x"), errors.NoAnswerError),
        (httpx.LocalProtocolError("x"), errors.NoAnswerError),
    ],
)
def test_without_a_response(error: httpx.TransportError, kind: type[errors.ApiError]) -> None:
    for idempotency in Idempotency:
        typed = error_of_transport(error, "POST", PATH, idempotency)
        unsure = idempotency is Idempotency.UNSAFE and kind is errors.NoAnswerError
        assert type(typed) is (errors.OutcomeUnknownError if unsure else kind)
        assert (typed.method, typed.path, typed.status) == ("POST", PATH, None)
        assert type(error).__name__ in str(typed) or kind is errors.UnexpectedAnswerError


def test_only_a_create_has_an_unknown_outcome() -> None:
    def make_error(kind: type[errors.ApiError]) -> errors.ApiError:
        return kind("x", method="POST", path=PATH, status=500, problems=[errors.FieldProblem("a", "b")])

    for kind in (errors.ServerError, errors.NoAnswerError, errors.PageAnswerError):
        unknown = mark_unknown_outcome(make_error(kind), Idempotency.UNSAFE)
        assert type(unknown) is errors.OutcomeUnknownError
        assert (unknown.status, str(unknown)) == (500, str(make_error(kind)))
        for idempotency in (Idempotency.IDEMPOTENT, Idempotency.SAFE):
            assert type(mark_unknown_outcome(make_error(kind), idempotency)) is kind
    for kind in (
        errors.BadRequestError,
        errors.RateLimitedError,
        errors.UnreachableError,
        errors.ResourceNotFoundError,
    ):
        assert type(mark_unknown_outcome(make_error(kind), Idempotency.UNSAFE)) is kind


def test_an_undecodable_body_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(transport: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", respond)
    settings = ClientSettings.build(
        credentials=Credentials(api_token="x"), host="host.example", account_id="1"
    )
    with EngageVoiceClient(settings, limits=RetryLimits(tries=1)) as client:
        with pytest.raises(errors.OutcomeUnknownError):
            client.create_campaign(2, {})
        with pytest.raises(errors.ApiError):
            client.get_campaign(2, 3)


def test_a_request_gives_its_result_inside_a_procedure() -> None:
    def procedure() -> Any:
        return (yield from READ)

    steps = procedure()
    first: Request[Any] = next(steps)
    assert first is READ
    with pytest.raises(StopIteration) as stop:
        steps.send("result")
    assert stop.value.value == "result"
