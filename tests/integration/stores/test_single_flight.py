"""Processes that need a token at the same time: one obtains it for all."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.fernet import Fernet

from airflow_provider_engagevoice.client.retry import RetryLimits
from tests.integration.stores.crew import together
from tests.integration.stores.jobs import make_stale, shared_state_at, use
from tests.support.clients import sign_ins

MANY = 8
NEW = ["token 200", "accesstoken 200"]


def many(settings, token_store, key=None, limits=None):
    """Run eight processes, every second one on an event loop."""
    return together(
        [(use, settings, token_store, ("sync", "async")[number % 2], key, limits) for number in range(MANY)]
    )


@pytest.mark.parametrize("key", [None, Fernet.generate_key()], ids=["plain", "encrypted"])
@pytest.mark.few(1)
def test_no_token(sandbox, settings, shared, key) -> None:
    sandbox.add_fault("delay", path="accesstoken$", seconds=0.3)
    assert [one.outcome for one in many(settings, shared, key)] == [1] * MANY
    assert sign_ins(sandbox) == NEW
    assert use(settings, shared, key=key).outcome == 1
    assert sign_ins(sandbox) == NEW


@pytest.mark.parametrize("left", [20.0, -20.0], ids=["about to end", "ended"])
@pytest.mark.few(1)
def test_a_stale_token(sandbox, settings, shared, left) -> None:
    use(settings, shared)
    make_stale(settings, shared_state_at(shared), left)
    sandbox.add_fault("delay", path="refresh$", seconds=0.3)
    assert [one.outcome for one in many(settings, shared)] == [1] * MANY
    assert sign_ins(sandbox) == [*NEW, "refresh 200"]


def test_a_token_that_the_server_has_expired(sandbox, settings, shared) -> None:
    use(settings, shared)
    token = shared_state_at(shared).tokens.load(settings.token_key)
    assert token is not None
    sandbox.backend.tokens.expire(token.value)
    assert [one.outcome for one in many(settings, shared)] == [1] * MANY
    assert sign_ins(sandbox) == [*NEW, "refresh 200"]


def test_a_revoked_refresh_token(sandbox, settings, shared) -> None:
    use(settings, shared)
    make_stale(settings, shared_state_at(shared))
    sandbox.backend.tokens.revoke_refresh()
    assert [one.outcome for one in many(settings, shared)] == [1] * MANY
    assert sign_ins(sandbox) == [*NEW, "refresh 401", *NEW]


def test_a_refresh_token_already_used(sandbox, settings, shared) -> None:
    use(settings, shared)
    shared_state = shared_state_at(shared)
    make_stale(settings, shared_state)
    token = shared_state.tokens.known(settings.token_key)
    assert token is not None
    sandbox.backend.tokens.use_up_refresh(token.refresh)
    assert [one.outcome for one in many(settings, shared)] == [1] * MANY
    assert sign_ins(sandbox) == [*NEW, "refresh 401", *NEW]


@pytest.mark.parametrize("fault", ["drop_answer", "reset", "status"])
@pytest.mark.few(1)
def test_one_fails_and_the_next_signs_in(sandbox, settings, shared, fault) -> None:
    sandbox.add_fault(fault, path="accesstoken$", status=503)
    limits = RetryLimits(first_wait=0.01, longest_wait=0.1)
    assert [one.outcome for one in many(settings, shared, limits=limits)] == [1] * MANY
    assert [line for line in sign_ins(sandbox) if line == "accesstoken 200"] == (
        ["accesstoken 200"] * (2 if fault == "drop_answer" else 1)
    )
    assert len(sign_ins(sandbox)) == 4


def test_refused_credentials_are_tried_once(sandbox, settings, shared) -> None:
    wrong = dataclasses.replace(
        settings, credentials=dataclasses.replace(settings.credentials, jwt_token="not the right one")
    )
    found = many(wrong, shared)
    assert {one.outcome for one in found} == {"AuthenticationError"}
    assert all("sign-in ringcentral_jwt was refused" in one.message for one in found)
    assert all("The assertion is invalid" in one.message for one in found)
    assert sum("the same credentials are tried again" in one.message for one in found) == MANY - 1
    assert sign_ins(sandbox) == ["token 400"]


def test_another_secret_never_gets_the_old_refusal_or_token(sandbox, settings, shared) -> None:
    wrong = dataclasses.replace(
        settings, credentials=dataclasses.replace(settings.credentials, client_secret="wrong")
    )
    assert use(wrong, shared).outcome == "AuthenticationError"
    assert use(settings, shared).outcome == 1
    for name in ("client_id", "client_secret", "jwt_token"):
        other = dataclasses.replace(
            settings, credentials=dataclasses.replace(settings.credentials, **{name: "other"})
        )
        assert use(other, shared).outcome == "AuthenticationError"
    assert use(settings, shared).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 1


def test_two_connections_share_nothing(sandbox, settings, shared) -> None:
    first, second = (dataclasses.replace(settings, connection_id=name) for name in ("first", "second"))
    assert first.token_key != second.token_key
    jobs = [(use, one, shared) for one in (first, second, first, second)]
    assert [one.outcome for one in together(jobs)] == [1] * 4
    assert sign_ins(sandbox).count("accesstoken 200") == 2
