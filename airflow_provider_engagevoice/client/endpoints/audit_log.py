"""Endpoint of the audit log; its path and fields are those of the vendor's OpenAPI file."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import Idempotency, Request
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.models.audit_log import AuditEntry


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
