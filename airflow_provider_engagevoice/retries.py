"""When Airflow 3.3 or newer tries a failed task again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk import RetryDecision, RetryPolicy
except ImportError as error:
    raise ImportError(
        "EngageVoiceRetryPolicy needs Airflow 3.3 or newer; before that, retries= alone does: errors that "
        "another try cannot mend fail the task at once"
    ) from error

from airflow_provider_engagevoice.exceptions import ApiError, EngageVoiceError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class EngageVoiceRetryPolicy(RetryPolicy):
    """
    Retry what another try can mend, when it can: for a task's ``retry_policy``, or for ``default_args``.

    Input or credentials that are refused fail the task now, also where a Python task uses the hook. A spent
    budget is tried again after what the server said. A server that fails or does not answer is tried again
    after the task's own ``retry_delay``, and so is anything that is not of Engage Voice. ``retries`` still
    says how often.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Decide by the error, or by the one it was raised from."""
        error = _engage_voice_error(exception)
        if error is None:
            return RetryDecision.default()
        if not error.retryable:
            return RetryDecision.fail(f"another try cannot mend this: {error}")
        if isinstance(error, ApiError) and error.retry_after is not None:
            delay = timedelta(seconds=error.retry_after)
            return RetryDecision.retry(delay, f"the server asks to wait {error.retry_after:.0f} s")
        return RetryDecision.retry(reason=f"may pass: {type(error).__name__}")

    def serialize(self) -> dict[str, Any]:
        """Return nothing: it has no options."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EngageVoiceRetryPolicy:
        """Return one."""
        return cls()


def _engage_voice_error(error: BaseException | None) -> EngageVoiceError | None:
    while error is not None and not isinstance(error, EngageVoiceError):
        error = error.__cause__
    return error
