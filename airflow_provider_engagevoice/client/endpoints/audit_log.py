"""Endpoint of the audit log: who has changed which campaign, and from what to what.

Its path and fields are those of the vendor's OpenAPI file.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import Idempotency, Request
from airflow_provider_engagevoice.dates import format_vendor_date, parse_vendor_date


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of one campaign.

    :param action: ``CREATE``, ``UPDATE`` or ``DELETE``
    :param at: aware, UTC
    :param user: name of the user, or the id if it has none
    :param changes: new value of each field that an update has changed, as the API has it
    """

    campaign_id: int
    action: str
    at: datetime
    user: str
    changes: Mapping[str, Any]

    @classmethod
    def from_server(cls, data: Mapping[str, Any]) -> Self:
        """Return a row of the log.

        :raises TypeError, ValueError, KeyError: if it is none
        """
        user = data.get("authUser") or {}
        changes = data.get("auditLogResultList") or ()
        return cls(
            campaign_id=int(data["auditedEntityId"]),
            action=str(data["actionType"]),
            at=parse_vendor_date(data.get("createTimeAsDateTime") or data["createTime"]),
            user=str(user.get("userName") or user["userId"]),
            changes={str(one["attributeName"]): one.get("newValue") for one in changes},
        )


def search_audit_log(
    account_id: str, start: datetime, end: datetime, campaign_id: int | None = None
) -> Request[list[AuditEntry]]:
    """List changes of campaigns, oldest first; they appear five minutes late. Unreadable rows are skipped.

    :param start: aware; ``end`` likewise
    :param campaign_id: default: all campaigns of the account
    """
    criteria = {
        "accountId": account_id,
        "startDateTime": format_vendor_date(start),
        "endDateTime": format_vendor_date(end),
        "auditActions": ["UPDATE", "DELETE"],
        "searchEntities": ["Campaign"],
        "ascOrDesc": "ASCENDING",
        **({} if campaign_id is None else {"auditedEntityId": str(campaign_id)}),
    }
    return Request(
        "PUT",
        "admin/auditLogs/search",
        _entries,
        Idempotency.SAFE,
        body=criteria,
        rate_limit=RATE_LIMITS["audit_logs"],
    )


def _entries(data: Any) -> list[AuditEntry]:
    if not isinstance(data, list):
        raise TypeError("expected a JSON array")
    entries: list[AuditEntry] = []
    for row in data:
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            entries.append(AuditEntry.from_server(row))
    return sorted(entries, key=lambda one: one.at)
