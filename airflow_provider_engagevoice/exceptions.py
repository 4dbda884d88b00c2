"""Typed errors of the API, of input, of connections and of lead lists.

``retryable`` of an :class:`EngageVoiceError`: whether the same operation may succeed later, unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from airflow_provider_engagevoice.characters import nearest as nearest
from airflow_provider_engagevoice.inputs import EngageVoiceError as EngageVoiceError
from airflow_provider_engagevoice.inputs import InvalidInputError as InvalidInputError


class InvalidConnectionError(EngageVoiceError, ValueError):
    """An Airflow connection has missing or invalid fields; the message names them."""


class NoConnectionError(InvalidConnectionError):
    """Airflow has no connection of this id."""

    def __init__(self, conn_id: str) -> None:
        super().__init__(
            f"engagevoice_conn_id={conn_id!r}: no such connection; set AIRFLOW_CONN_{conn_id.upper()} where "
            "Airflow's tasks run, or add it"
        )


class NoHomeError(InvalidConnectionError):
    """The files that processes share have no place: there is neither a home directory nor XDG_CACHE_HOME."""


class TokenStoreError(EngageVoiceError):
    """The store of tokens and permits does not work; nothing has been sent.

    :param retryable: False if the store's configuration must be changed first
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(f"token store: {message}")
        self.retryable = retryable


class WindowOverError(InvalidInputError):
    """The window that a task is about to give a campaign is over; nothing has been sent.

    :param end: its end
    :param reason: a phrase that says what is wrong and what would be valid
    :param written: the end as the user wrote it
    :param instant: the end in the time zone of the dates
    """

    def __init__(self, end: datetime, reason: str, *, written: object = None, instant: str = "") -> None:
        value = str(end) if written is None else written
        super().__init__("campaign_end", value, f"it is {instant}; {reason}" if instant else reason)
        self.end = end
        self.reason = reason


class NotFoundError(EngageVoiceError):
    """No dial group or campaign has this id or name; the message has the nearest names."""


class AmbiguousNameError(EngageVoiceError):
    """Several campaigns or dial groups have the name; the message and ``ids`` have their ids."""

    def __init__(self, message: str, ids: Sequence[int]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class StateStoreError(EngageVoiceError):
    """Airflow does not store what a task is about to do, which its next attempt must know."""

    retryable = True


class CampaignExistsError(EngageVoiceError):
    """A campaign of that name exists, and ``if_exists`` is ``fail`` or another one is to be renamed."""


class StoredDifferentlyError(EngageVoiceError):
    """The server accepted a write but stored other values. A new campaign was left inactive."""


class IncompleteCopyError(EngageVoiceError):
    """A copy of a campaign would lack rows that belong to its source, such as its dispositions."""


class ConcurrentChangesError(EngageVoiceError):
    """Others change the campaign all the time, or create others of its name; nothing is left half done."""

    retryable = True


class FieldProblem(NamedTuple):
    """One entry of the vendor's ``validationErrors``."""

    attribute: str
    message: str
    value: str | None = None

    def __str__(self) -> str:
        shown = f" (was {self.value!r})" if self.value is not None else ""
        return f"{self.attribute}: {self.message}{shown}"


def shown_path(path: str) -> str:
    """Return the path of a request for a message, without the phone in it."""
    return re.sub(r"(/phones/)[^/]+", r"\1***", path)


class ApiError(EngageVoiceError):
    """The API returned an error, an invalid response or none at all.

    :param what: one phrase that says what went wrong
    :param method: HTTP method of the request
    :param path: path of the request, without its query
    :param status: HTTP status, None without a response
    :param problems: the vendor's ``validationErrors``
    :param retry_after: seconds of the server's ``Retry-After``, None without one
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
        text = f"{method} {shown_path(path)}: {what}"
        if problems:
            # A person's data stays out of errors.
            hidden = re.search("lead|dnc", path, re.IGNORECASE)
            shown = (problem._replace(value=None) if hidden else problem for problem in problems)
            text += " — " + "; ".join(map(str, shown))
        super().__init__(text)
        self.what = what
        self.method = method
        self.path = path
        self.status = status
        self.problems = tuple(problems)
        self.retry_after = retry_after


class BadRequestError(ApiError):
    """400 or 422: the server rejects a value; see ``problems``."""


class AuthenticationError(ApiError):
    """The server refused the credentials, at sign-in or for a request after a new sign-in."""


class PermissionDeniedError(ApiError):
    """403: the user lacks the permission, or has no access to the account."""


class ResourceNotFoundError(ApiError, NotFoundError):
    """404: the account, dial group or campaign does not exist."""


class ConflictError(ApiError):
    """409: the change conflicts with the state of the server."""


class EndpointMissingError(ApiError):
    """405, 410 or 501: the server does not have the endpoint."""


class RateLimitedError(ApiError):
    """429, or no permit in time: a rate limit is exceeded. The request was not executed."""

    retryable = True


class ServerError(ApiError):
    """5xx: the server failed."""

    retryable = True


class UnreachableError(ApiError):
    """No connection could be made: the request was not executed."""

    retryable = True


class NoTlsError(UnreachableError):
    """The server answers without TLS at an address with https://: the request was not executed."""

    retryable = False


class NoAnswerError(ApiError):
    """The request was sent, but no complete response arrived: it may have been executed."""

    retryable = True


class UnexpectedAnswerError(ApiError):
    """The response is not the documented one (HTML, empty, another shape): is the host right?"""


class PageAnswerError(UnexpectedAnswerError):
    """An HTML page instead of the API's answer: maintenance, a gateway, or a wrong host.

    It says nothing about what was asked for, whatever its status, so it is retried.
    """

    retryable = True


class TooLargeError(UnexpectedAnswerError):
    """The response is larger than any that the request can have; no more of it was read."""


class UnstableListError(EngageVoiceError):
    """The pages of a list contradict each other, so that rows may be missing."""

    retryable = True


class OutdatedError(ApiError):
    """The data that a write is based on is too old; it was not sent."""

    retryable = True


class OutcomeUnknownError(ApiError):
    """A create was sent, and its outcome is unknown.

    Sending it again could create a duplicate: check the server first.
    """

    retryable = True


class LoadRefusedError(EngageVoiceError):
    """The server reports a failed load of leads (``processingStatus``), or made no list of a file.

    Whether it stored some of the leads is not documented: check the server before sending them again.
    """

    retryable = True


class LoadedTwiceError(EngageVoiceError):
    """The server has leads of a load twice: it has carried out a request later than ``reconcile_after``.

    Nothing more is sent. The message names the chunk and its lists.
    """


class SupersededError(EngageVoiceError):
    """A newer attempt of the same load has started; this one sends nothing more."""


class LeadActionError(EngageVoiceError):
    """An action on leads was not sent or refused, or it has not done what it is for."""


class BadSourceError(EngageVoiceError, ValueError):
    """A source is damaged or not a lead list. Nothing has been sent.

    :param what: what is wrong and what would be right
    :param source: name of the file, query or records
    :param row: row or line number, from 1; None if the error is about the whole source
    :param column: name of the column, or its number if it has no name
    """

    def __init__(
        self, what: str, *, source: str, row: int | None = None, column: str | int | None = None
    ) -> None:
        location = source
        if row is not None:
            location += f", row {row}"
        if column is not None:
            location += f", column {column!r}"
        super().__init__(f"{location}: {what}")
        self.what = what
        self.source = source
        self.row = row
        self.column = column


class MisreadFileError(EngageVoiceError):
    """The server does not read a lead file as it was written.

    :param what: what it reads, and how
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the server misreads the lead file: {what}; use method='direct'")


class StorageError(EngageVoiceError):
    """Airflow has no storage for a path, or the task may not read or write it."""

    def __init__(self, path: str, error: Exception) -> None:
        if isinstance(error, OSError):
            text = f"no access ({error}); correct the path, or give the task's user or connection the right"
        else:
            text = (
                f"Airflow has no storage for such a path ({' '.join(str(error).split())}); correct it, or "
                "install the storage's package where tasks run, such as apache-airflow-providers-amazon[s3fs]"
            )
        super().__init__(f"{path}: {text}")


class NoRoomError(EngageVoiceError):
    """A file cannot be written, most likely because the disk is full.

    Retryable: another worker may have room, or this one may have room later.
    """

    retryable = True
