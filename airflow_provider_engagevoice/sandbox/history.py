"""What happened to campaigns, write by write: the proof of what could have dialed, and when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_engagevoice.sandbox.database import Database

Operation = Literal["create", "clone", "update", "delete"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A campaign as one write left it.

    :param time: seconds since 1970
    :param request_id: the request that wrote, as in the request log
    :param start_date: the campaign's ``startDate`` as stored, likewise ``end_date``
    :param deleted: the write removed the campaign; the other fields say what it was until then
    """

    seq: int
    time: float
    request_id: str
    op: Operation
    account_id: str
    dial_group_id: int
    campaign_id: int
    name: str
    is_active: int
    start_date: str
    end_date: str
    deleted: bool


class History:
    """The table of writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, op: Operation, request_id: str, account_id: str, dial_group_id: int, campaign: Mapping[str, Any]
    ) -> None:
        """Note a write, in the transaction of the write."""
        self._database.insert(
            "INSERT INTO history (time, request_id, op, account_id, dial_group_id, campaign_id, name,"
            " is_active, start_date, end_date, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                time.time(),
                request_id,
                op,
                account_id,
                dial_group_id,
                campaign["campaignId"],
                campaign["campaignName"],
                campaign["isActive"],
                campaign["startDate"],
                campaign["endDate"],
                op == "delete",
            ),
        )

    def entries(self, campaign_id: int | None = None) -> list[HistoryEntry]:
        """Return the writes to one campaign, or all, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM history WHERE ? IS NULL OR campaign_id = ? ORDER BY seq",
            (campaign_id, campaign_id),
        )
        return [HistoryEntry(**{**dict(row), "deleted": bool(row["deleted"])}) for row in rows]
