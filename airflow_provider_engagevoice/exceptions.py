"""The errors of the API, of values that a user gave and of connections, as types.

Those of lead lists and their sources are beside what they speak of, in ``leads.errors`` and
``operators.lead_sources``. ``retryable`` answers one question on every :class:`EngageVoiceError`: may the
same thing be tried again and succeed without anybody changing anything?
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class EngageVoiceError(Exception):
    """Base of every error raised by this package."""

    retryable: bool = False


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; nearest: 'a', 'b'`` for the known names most like ``name``, or an empty string."""
    import difflib

    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    return "; nearest: " + ", ".join(repr(folded[match]) for match in close) if close else ""


class InvalidInputError(EngageVoiceError, ValueError):
    """A value that a user gave cannot be right. Nothing has been sent.

    :param field: the field as the user wrote it, such as ``campaign_end`` or ``settings.maxRingTime``
    :param value: what was given
    :param expected: what would be right, as a phrase
    """

    def __init__(self, field: str, value: object, expected: str) -> None:
        shown = repr(value)
        if len(shown) > 120:
            shown = f"{shown[:100]}… ({len(shown)} characters)"
        super().__init__(f"{field}={shown} is not usable: {expected}")
        self.field = field
        self.value = value
        self.expected = expected


class InvalidConnectionError(EngageVoiceError, ValueError):
    """An Airflow connection that cannot be turned into a client; the message names the fields."""


class TokenStoreError(EngageVoiceError):
    """The place where processes share tokens and budgets does not work; nothing has been sent.

    :param retryable: False when somebody has to change something first
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(f"token store: {message}")
        self.retryable = retryable


class NotFoundError(EngageVoiceError):
    """No dial group or campaign answers to the reference given; the message has the nearest names."""


class AmbiguousNameError(EngageVoiceError):
    """More than one campaign or dial group has the name; the ids are in the message and in ``ids``."""

    def __init__(self, message: str, ids: Sequence[int]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class CampaignExistsError(EngageVoiceError):
    """A campaign of that name exists and ``if_exists="fail"`` was asked for."""


class StoredDifferentlyError(EngageVoiceError):
    """The server accepted a write but stored something else. The campaign was left inactive if it was new."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One entry of the vendor's ``validationErrors``."""

    attribute: str
    message: str
    value: str | None = None

    def __str__(self) -> str:
        shown = f" (was {self.value!r})" if self.value is not None else ""
        return f"{self.attribute}: {self.message}{shown}"


class ApiError(EngageVoiceError):
    """The API answered with an error, or with something that is not an answer, or not at all.

    :param what: one phrase: what went wrong
    :param method: HTTP method of the request
    :param path: path of the request, without its query
    :param status: HTTP status, None when no answer arrived
    :param problems: the vendor's ``validationErrors``
    :param retry_after: seconds the server asked to wait, None when it did not say
    """

    def __init__(
        self,
        what: str,
        *,
        method: str,
        path: str,
        status: int | None = None,
        problems: Sequence[FieldProblem] = (),
        retry_after: float | None = None,
    ) -> None:
        text = f"{method} {path}: {what}"
        if problems:
            text += " — " + "; ".join(str(problem) for problem in problems)
        super().__init__(text)
        self.what = what
        self.method = method
        self.path = path
        self.status = status
        self.problems = tuple(problems)
        self.retry_after = retry_after

    def add(self, remark: str) -> None:
        """Say something more."""
        self.args = (f"{self}; {remark}",)


class BadRequestError(ApiError):
    """400 or 422: the server refuses a value; see ``problems``."""


class AuthenticationError(ApiError):
    """The credentials were refused, at sign-in or (after one new sign-in) by the API."""


class PermissionDeniedError(ApiError):
    """403: the user may not do this, or not on this account."""


class ResourceNotFoundError(ApiError, NotFoundError):
    """404: no such account, dial group or campaign."""


class ConflictError(ApiError):
    """409: the server's state does not allow the change."""


class EndpointMissingError(ApiError):
    """405 or 501: this server does not have the endpoint."""


class RateLimitedError(ApiError):
    """429: a request budget of the account is spent. The request was not carried out."""

    retryable = True


class ServerError(ApiError):
    """5xx: the server failed."""

    retryable = True


class UnreachableError(ApiError):
    """No connection could be made: the request was certainly not carried out."""

    retryable = True


class NoAnswerError(ApiError):
    """The request was sent and no (whole) answer came: whether it was carried out is unknown."""

    retryable = True


class UnexpectedAnswerError(ApiError):
    """The answer is not what the API documents (HTML, empty, wrong shape): is the host right?"""


class OutdatedError(ApiError):
    """What was read before this write is too old to be written back; it was not sent."""

    retryable = True


class OutcomeUnknownError(ApiError):
    """A request that creates something was sent and its outcome is unknown.

    Sending it again could create a second one, so nobody may do that before looking at the server.
    """

    retryable = True


class LoadRefusedError(EngageVoiceError):
    """The server says that a load of leads failed (``processingStatus``), or has not made a list of its file.

    Whether it stored any of the leads is not documented, so somebody has to look before they are sent again.
    """

    retryable = True
