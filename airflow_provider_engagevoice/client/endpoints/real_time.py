"""Requests for real-time statistics; path and rate limit are those of the vendor's guide."""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice.client.lookup import DialGroupReference, find_dial_group
from airflow_provider_engagevoice.client.rate_limits import BUDGETS
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    NotFoundError,
    nearest,
)
from airflow_provider_engagevoice.inputs import read_campaigns, read_reference
from airflow_provider_engagevoice.models.real_time import OutboundStatistics


def list_outbound_statistics() -> Request[list[OutboundStatistics]]:
    """List the account's campaigns with their leads as of now and their calls of the day, in one response.

    The vendor asks for 10 to 30 seconds between two of these.
    """
    return Request(
        "GET",
        "admin/accounts/{accountId}/realTimeData/outbound",
        _rows,
        Idempotency.SAFE,
        budget=BUDGETS["real_time_data"],
    )


def find_outbound_statistics(
    campaigns: object = None, dial_group: DialGroupReference | None = None
) -> Procedure[list[OutboundStatistics]]:
    """Return the rows of some campaigns, in the order in which they are given.

    :param campaigns: id, exact name, a mapping with either, or a list of these; default: all
    :param dial_group: dial group of the campaigns; default: all
    :raises NotFoundError: with the nearest names, if a campaign has no row or there is no such dial group
    :raises AmbiguousNameError: with the ids, if several have the name
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
