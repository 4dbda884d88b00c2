"""Endpoints of real-time statistics.

Path and rate limit are those of the vendor's document on real-time campaign operations.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice.client.lookup import DialGroupReference, find_dial_group
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    NotFoundError,
    nearest,
)
from airflow_provider_engagevoice.inputs import read_campaigns, read_reference
from airflow_provider_engagevoice.models.real_time import OutboundStatistics


def list_outbound_statistics() -> Request[list[OutboundStatistics]]:
    """List the account's campaigns with their current leads and the calls of the day, in one response.

    The vendor asks for 10 to 30 seconds between two requests.
    """
    return Request(
        "GET",
        "admin/accounts/{accountId}/realTimeData/outbound",
        _rows,
        Idempotency.SAFE,
        rate_limit=RATE_LIMITS["real_time_data"],
    )


def find_outbound_statistics(
    campaigns: object = None, dial_group: DialGroupReference | None = None
) -> Procedure[list[OutboundStatistics]]:
    """Return the statistics of ``campaigns`` in their order, by one request.

    :param campaigns: id, exact name, a mapping with either, or a list of these; default: all
    :param dial_group: dial group of the campaigns; default: all
    :raises NotFoundError: if a campaign has no row or the dial group does not exist, with the nearest names
    :raises AmbiguousNameError: if several campaigns have the name; the message has the ids
    """
    wanted = None
    if campaigns is not None:
        wanted = [read_reference(one, "campaigns", "campaign") for one in read_campaigns(campaigns)]
    group_id = None
    if dial_group is not None:
        group_id = read_reference(dial_group, "dial_group", "dial_group")
        if isinstance(group_id, str):
            group_id = (yield from find_dial_group(dial_group)).dialGroupId
    rows = yield from list_outbound_statistics()
    if group_id is not None:
        rows = [row for row in rows if row.dialGroupId == group_id]
    where = "" if group_id is None else f" in dial group {group_id}"
    return rows if wanted is None else [_row_of(one, rows, where) for one in wanted]


def _row_of(wanted: int | str, rows: list[OutboundStatistics], where: str) -> OutboundStatistics:
    found = [row for row in rows if wanted in (row.campaignId, row.campaignName)]
    if len(found) > 1:
        ids = [row.campaignId for row in found]
        raise AmbiguousNameError(
            f"campaigns: {', '.join(map(str, ids))} are all named {wanted!r}; use the id", ids
        )
    if not found:
        hint = nearest(str(wanted), (row.campaignName for row in rows if row.campaignName))
        raise NotFoundError(f"campaigns: the real-time statistics have no campaign {wanted!r}{where}{hint}")
    return found[0]


def _rows(data: Any) -> list[OutboundStatistics]:
    if not isinstance(data, list):
        raise TypeError("expected a JSON array of campaigns")
    return [OutboundStatistics.from_server(row) for row in data]
