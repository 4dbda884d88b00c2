"""A retry policy for Airflow 3.3 or newer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk import RetryDecision, RetryPolicy
except ImportError as error:
    raise ImportError(
        "EngageVoiceRetryPolicy needs Airflow 3.3 or newer; before that, use retries= alone: operators fail "
        "the task at once for errors that are not retryable"
    ) from error

from airflow_provider_engagevoice.exceptions import ApiError, EngageVoiceError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class EngageVoiceRetryPolicy(RetryPolicy):
    """
    Retry only retryable errors, after the right delay: for a task's ``retry_policy`` or ``default_args``.

    Rejected input or credentials fail the task at once, also in a Python task that uses the hook. After an
    exceeded rate limit the delay is the server's ``Retry-After``. After a failing or unresponsive server, and
    after errors of other origin, it is the task's ``retry_delay``. ``retries`` still limits the attempts.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Decide by the error, or by its cause."""
        error = _engage_voice_error(exception)
        if error is None:
            return RetryDecision.default()
        if not error.retryable:
            return RetryDecision.fail(f"not retryable: {error}")
        if isinstance(error, ApiError) and error.retry_after is not None:
            delay = timedelta(seconds=error.retry_after)
            return RetryDecision.retry(delay, f"the server asks to wait {error.retry_after:.0f} s")
        return RetryDecision.retry(reason=f"retryable: {type(error).__name__}")

    def serialize(self) -> dict[str, Any]:
        """Return an empty dict: the policy has no options."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EngageVoiceRetryPolicy:
        """Return a policy."""
        return cls()


def _engage_voice_error(error: BaseException | None) -> EngageVoiceError | None:
    while error is not None and not isinstance(error, EngageVoiceError):
        error = error.__cause__
    return error
