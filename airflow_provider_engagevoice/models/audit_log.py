"""The vendor's audit log: who has changed which campaign, and from what to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from airflow_provider_engagevoice.dates import parse_vendor_date


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
