"""retries.py: whether a failed task is retried on Airflow 3.3 and later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_engagevoice import exceptions as errors

sdk = pytest.importorskip("airflow.sdk")
if not hasattr(sdk, "RetryPolicy"):
    pytest.skip("retry policies came with Airflow 3.3", allow_module_level=True)

from airflow_provider_engagevoice.retries import EngageVoiceRetryPolicy  # noqa: E402


def decide(error: BaseException) -> Any:
    return EngageVoiceRetryPolicy().evaluate(error, 1, 3)


def api_error(kind: type[errors.ApiError], **details: Any) -> errors.ApiError:
    return kind("x", method="GET", path="/", **details)


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInputError("campaign_end", "x", "a date"),
        errors.InvalidConnectionError("no credentials"),
        errors.TokenStoreError("no permission", retryable=False),
        api_error(errors.AuthenticationError, status=401),
        api_error(errors.BadRequestError, status=400),
        errors.CampaignExistsError("there"),
    ],
)
def test_an_error_that_is_not_retryable_fails_now(error: errors.EngageVoiceError) -> None:
    decision = decide(error)
    assert decision.action is sdk.RetryAction.FAIL
    assert str(error) in decision.reason


def test_a_rate_limit_is_retried_after_the_delay_of_the_server() -> None:
    decision = decide(api_error(errors.RateLimitedError, status=429, retry_after=400))
    assert (decision.action, decision.retry_delay) == (sdk.RetryAction.RETRY, timedelta(seconds=400))


@pytest.mark.parametrize(
    "error",
    [
        api_error(errors.UnreachableError),
        api_error(errors.NoAnswerError),
        api_error(errors.ServerError, status=502),
        api_error(errors.OutcomeUnknownError),
        errors.TokenStoreError("Redis does not answer"),
    ],
)
def test_a_transient_error_is_retried_after_the_delay_of_the_task(error: errors.EngageVoiceError) -> None:
    decision = decide(error)
    assert (decision.action, decision.retry_delay) == (sdk.RetryAction.RETRY, None)


def test_the_cause_is_used_and_other_errors_are_left_to_airflow() -> None:
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = errors.InvalidConnectionError("no credentials")
    assert decide(wrapped).action is sdk.RetryAction.FAIL
    assert decide(KeyError("x")).action is sdk.RetryAction.DEFAULT
