"""Any response of a server becomes a result or a typed error, and quickly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st

from airflow_provider_engagevoice.client.endpoints import campaigns as endpoints
from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign, update_campaign
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.polling.windows import CampaignTimes, Goal, judge
from tests.faults.answers import answers, bodies, campaigns, some_headers, statuses
from tests.faults.api_calls import CALLS, call_names, client, run
from tests.faults.fuzz import EARLIEST, encoded, jsons, run_cases, texts
from tests.support.flows import FLOWS

Headers = list[tuple[bytes, bytes]]
#: Status, headers, body.
Answer = tuple[int, Headers, bytes]
JSON: Headers = [(b"content-type", b"application/json")]


class Answering:
    """Replaces the network below httpx: returns the responses in order, and then repeats the last one."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self.requests = 0

    def respond_with(self, *answers: Answer) -> None:
        """Return these responses from now on; no process is signed in."""
        reset_shared_state()
        self._answers, self.requests = list(answers), 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        status, headers, body = self._answers[min(self.requests, len(self._answers) - 1)]
        self.requests += 1
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with pytest.MonkeyPatch.context() as patch:
        answering = Answering()
        patch.setattr(httpx.HTTPTransport, "handle_request", lambda self, request: answering.answer(request))
        yield answering


@run_cases(150, 4000, name=call_names, bodies=st.lists(answers, min_size=1, max_size=3))
def test_any_json_is_read_or_rejected(server: Answering, name: str, bodies: list[Any]) -> None:
    server.respond_with(*((200, JSON, encoded(body)) for body in bodies))
    with client() as one:
        result = run(one, CALLS[name]())
    # Each page but the last has new rows.
    assert server.requests <= 8
    for campaign in result if isinstance(result, list) else [result]:
        if isinstance(campaign, Campaign):
            assert campaign.start is None or campaign.start.utcoffset() is not None
            for goal in Goal:
                with suppress(InvalidInputError):
                    judge(CampaignTimes.of(campaign), goal, EARLIEST)


def _write_back() -> Procedure[Campaign]:
    before = yield from get_campaign(1, 2)
    return (yield from update_campaign(1, 2, before.with_changes({"campaignDesc": "changed"})))


@run_cases(100, 2500, campaign=campaigns)
def test_what_was_read_is_written_back_or_rejected(server: Answering, campaign: Any) -> None:
    server.respond_with((200, JSON, encoded(campaign)))
    with client() as one:
        run(one, _write_back())


@run_cases(200, 5000, name=call_names, status=statuses, headers=some_headers, body=bodies)
def test_any_answer_is_read_or_rejected(
    server: Answering, name: str, status: int, headers: Headers, body: bytes
) -> None:
    server.respond_with((status, headers, body))
    with client() as one:
        # Nor does it affect the next request.
        for _ in range(2):
            result = run(one, CALLS[name]())
            assert status < 300 or isinstance(result, EngageVoiceError)


tokens = st.dictionaries(
    st.sampled_from(["access_token", "accessToken", "refreshToken", "authToken"]),
    st.just("token") | texts | jsons,
)


@run_cases(
    100,
    2500,
    flow=st.sampled_from(sorted(set(FLOWS) - {"api_token"})),
    good=st.lists(tokens, max_size=2),
    then=st.lists(st.tuples(statuses, some_headers, bodies), min_size=1, max_size=3),
)
def test_any_answer_to_a_sign_in_is_accepted_or_rejected(
    server: Answering, flow: str, good: list[dict[str, Any]], then: list[Answer]
) -> None:
    server.respond_with(*((200, JSON, encoded(token)) for token in good), *then)
    with client(flow) as one:
        for _ in range(2):
            run(one, get_campaign(1, 2))


_TOKEN = encoded({"accessToken": "token", "refreshToken": "\ud83d"})


#: Inputs that once broke a client: the sign-in flow, and the responses.
ODD: dict[str, tuple[str, list[Answer]]] = {
    "Retry-After in a year out of range": (
        "api_token",
        [(429, [(b"retry-after", b"Wed, 21 Oct 99999999999 07:28:00 GMT")], b"")],
    ),
    **{
        f"charset {charset}": (
            "api_token",
            [(400, [(b"content-type", b"text/plain; charset=" + charset.encode())], b"\xff")],
        )
        for charset in ("hex", "idna", "punycode", "undefined", "rot13")
    },
    "cookie that is not ASCII": (
        "api_token",
        [(200, [*JSON, (b"set-cookie", b"a=\xb3")], b'{"campaignId": 1, "campaignName": "x"}')],
    ),
    **{
        f"redirect to {location.decode()}": ("api_token", [(302, [(b"location", location)], b"")])
        for location in (b"mailto:x", b"http://xn--a/")
    },
    **{
        f"campaign with {value.decode()}": (
            "api_token",
            [(200, JSON, b'{"campaignId": 1, "campaignName": "x", "f": ' + value + b"}")],
        )
        for value in (b"NaN", b"1e999", b'"\\ud83d"')
    },
    "sign-in too deep": ("engage", [(200, JSON, b"[" * 100_000)]),
    "sign-in with half a character": ("engage", [(200, JSON, _TOKEN), (401, JSON, b"{}")]),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_answers_are_read_or_rejected(server: Answering, case: str) -> None:
    flow, odd = ODD[case]
    server.respond_with(*odd)
    with client(flow) as one:
        for _ in range(2):
            run(one, _write_back())


def test_every_request_of_the_api_is_called() -> None:
    made = {
        name
        for name, value in vars(endpoints).items()
        if getattr(value, "__module__", "") == endpoints.__name__
    } - {"at_once", "unanswered"}
    assert {name for name in made if name.islower() and not name.startswith("_")} <= set(CALLS)
