"""Who has changed campaigns since they were applied, from the vendor's audit log."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.audit_log import AuditEntry, search_audit_log
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.exceptions import EngageVoiceError, PermissionDeniedError
from airflow_provider_engagevoice.models.campaign import DATE_FIELDS
from airflow_provider_engagevoice.seasons.plan import (
    CHANGED_BY_SOMEONE,
    FieldChange,
    PlannedCampaign,
    StateChange,
)
from airflow_provider_engagevoice.seasons.work import STATE

log = logging.getLogger(__name__)

#: Stands for the whole campaign, if it is gone.
GONE = ""
#: By how much the clocks of worker and server may differ, in seconds.
_SKEW_SECONDS = 300.0
LATE = "not in the audit log yet, which is five minutes late"
_SAME_SECOND = timedelta(seconds=1)


def find_authors(
    account_id: str, values: Mapping[int, Mapping[str, object]], since: float
) -> Procedure[dict[int, dict[str, str]]]:
    """Return who has given campaigns their values, by id and field; one request.

    The texts are such as ``ann@example.com at 2026-11-02 08:00:03+00:00``. Nothing is returned where the log
    is not open to the user, or does not answer: the reason is logged, and no error raised.

    :param values: of each campaign, the fields and the values that they have now, as JSON values; only
        :data:`GONE` if it was deleted
    :param since: seconds since the epoch
    """
    if not values:
        return {}
    start = datetime.fromtimestamp(since - _SKEW_SECONDS, UTC)
    end = clock.now() + timedelta(seconds=_SKEW_SECONDS)
    only = next(iter(values)) if len(values) == 1 else None
    try:
        entries = yield from search_audit_log(account_id, start, end, only)
    except PermissionDeniedError:
        log.warning(
            "who has changed campaigns is unknown: the user of the connection lacks the permission "
            "'Audit log access'"
        )
        return {}
    except EngageVoiceError as error:
        log.warning("who has changed campaigns is unknown: %s", error)
        return {}
    by_id: dict[int, list[AuditEntry]] = {}
    for entry in entries:
        by_id.setdefault(entry.campaign_id, []).append(entry)
    return {
        campaign_id: {name: _author(by_id.get(campaign_id, ()), name, value) for name, value in now.items()}
        for campaign_id, now in values.items()
    }


def by_whom(author: str | None) -> str:
    """Return who has changed something as a part of a message; empty if that is not known."""
    return f" ({author})" if author else ""


def name_authors(planned: Iterable[PlannedCampaign], account_id: str, since: float) -> Procedure[None]:
    """Note in a plan who has made the changes since the last apply, if there are any.

    :param since: seconds since the epoch
    """
    theirs: dict[int, dict[str, FieldChange | StateChange]] = {}
    now: dict[int, dict[str, object]] = {}
    for one in planned:
        found: dict[str, FieldChange | StateChange] = {
            name: change for name, change in one.changes.items() if change.drift
        }
        if one.state_change is not None and one.state_change.why == CHANGED_BY_SOMEONE:
            found[STATE] = one.state_change
        if (found or one.kept) and one.campaign_id is not None:
            theirs[one.campaign_id] = {**found, **one.kept}
            values = {name: change.old for name, change in found.items()}
            now[one.campaign_id] = {**values, **{name: change.new for name, change in one.kept.items()}}
    authors = yield from find_authors(account_id, now, since)
    for campaign_id, changes in theirs.items():
        for name, change in changes.items():
            change.changed_by = authors.get(campaign_id, {}).get(name, "")


def _author(entries: Sequence[AuditEntry], name: str, value: object) -> str:
    """Return who has given one field its value; the newest entry counts, if it says so."""
    for entry in reversed(entries):
        if name == GONE and entry.action == "DELETE":
            return _text(entry)
        if name in entry.changes:
            return _text(entry) if _is_same(name, entry.changes[name], value) else LATE
    return LATE


def _text(entry: AuditEntry) -> str:
    return f"{entry.user} at {entry.at.isoformat(' ', 'seconds')}"


def _is_same(name: str, logged: Any, value: Any) -> bool:
    """Return whether a value of the log is one of a campaign."""
    if name in DATE_FIELDS:
        with suppress(TypeError, ValueError):
            return abs(parse_vendor_date(logged) - datetime.fromisoformat(value)) < _SAME_SECOND
    return _plain(logged) == _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else str(int(value) if isinstance(value, bool) else value)
