"""A history of every write to a campaign, to verify which campaigns could have dialed, and when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_engagevoice.sandbox.database import Database

Operation = Literal["create", "clone", "update", "delete"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A campaign after one write.

    :param time: seconds since the epoch
    :param request_id: id of the writing request in the request log
    :param start_date: the campaign's ``startDate`` as stored, empty for none; ``end_date`` its ``endDate``
    :param deleted: whether the write deleted the campaign; the other fields are its last values
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
    """The history table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, op: Operation, request_id: str, account_id: str, dial_group_id: int, campaign: Mapping[str, Any]
    ) -> None:
        """Record a write, within its transaction."""
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
                campaign["startDate"] or "",
                campaign["endDate"] or "",
                op == "delete",
            ),
        )

    def entries(self, campaign_id: int | None = None) -> list[HistoryEntry]:
        """Return the writes to one campaign, or to all, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM history WHERE ? IS NULL OR campaign_id = ? ORDER BY seq",
            (campaign_id, campaign_id),
        )
        return [HistoryEntry(**{**dict(row), "deleted": bool(row["deleted"])}) for row in rows]
