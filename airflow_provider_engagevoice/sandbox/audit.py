"""The audit log: who changed what, from which value to which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.validation import format_date

Action = Literal["CREATE", "UPDATE", "DELETE"]

LATE_SECONDS: Final = 300.0
"""Time until an entry appears, as the vendor documents."""
USER: Final[Mapping[str, str]] = {
    "userId": "101",
    "userName": "admin@example.com",
    "firstName": "Demo",
    "lastName": "Administrator",
}
"""The user that all sign-ins of the sandbox are."""


class Audit:
    """The audit log's table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        action: Action,
        account_id: str,
        campaign: Mapping[str, Any],
        before: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a write to a campaign, within its transaction.

        :param before: the campaign before an update
        """
        changes = [] if before is None else _changes(before, campaign)
        self._database.insert(
            "INSERT INTO audit (time, account_id, action, campaign_id, name, body, changes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                clock.time(),
                account_id,
                action,
                campaign["campaignId"],
                campaign["campaignName"],
                json.dumps(dict(campaign)),
                json.dumps(changes),
            ),
        )

    def search(
        self, account_id: str, start: float, end: float, actions: tuple[str, ...], campaign_id: int | None
    ) -> list[dict[str, Any]]:
        """Return the vendor's ``AuditLog`` rows of a time, oldest first, as far as they have appeared.

        :param start: seconds since the epoch; ``end`` likewise
        :param actions: actions to return; empty for all
        """
        rows = self._database.rows(
            "SELECT * FROM audit WHERE account_id = ? AND time >= ? AND time < ? AND time <= ?"
            " AND (? IS NULL OR campaign_id = ?) ORDER BY id",
            (account_id, start, end, clock.time() - LATE_SECONDS, campaign_id, campaign_id),
        )
        return [_entry(row) for row in rows if not actions or row["action"] in actions]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys((*before, *after)))
    return [
        {
            "attributeName": name,
            "classType": type(after.get(name)).__name__,
            "originalValue": before.get(name),
            "newValue": after.get(name),
        }
        for name in names
        if before.get(name) != after.get(name)
    ]


def _entry(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "accountId": row["account_id"],
        "actionType": row["action"],
        "auditedEntityId": str(row["campaign_id"]),
        "auditedEntityDescription": row["name"],
        "description": f"Campaign {row['name']}",
        "createTime": int(row["time"] * 1000),
        "createTimeAsDateTime": format_date(datetime.fromtimestamp(row["time"], UTC)),
        "authUser": {**USER, "sourceId": None, "fullJson": None},
        "affectedEntityJson": row["body"],
        "auditLogResultList": json.loads(row["changes"]),
    }
