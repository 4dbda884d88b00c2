"""Every request this package makes about what is being dialed now.

The path is that of the vendor's text on real-time campaign operations, and so is the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_engagevoice.client.rate_limits import BUDGETS
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    InvalidInputError,
    NotFoundError,
    nearest,
)
from airflow_provider_engagevoice.inputs import read_reference
from airflow_provider_engagevoice.models.real_time import OutboundStatistics


def list_outbound_statistics() -> Request[list[OutboundStatistics]]:
    """List the account's campaigns with their leads as of now and the calls of the day, all in one answer.

    The vendor asks for 10 to 30 seconds between two of these.
    """
    return Request(
        "GET",
        "admin/accounts/{accountId}/realTimeData/outbound",
        _rows,
        Idempotency.SAFE,
        budget=BUDGETS["real_time_data"],
    )


def find_outbound_statistics(campaigns: object = None) -> Procedure[list[OutboundStatistics]]:
    """Return the rows of some campaigns, in the order in which they are named; all take one request.

    :param campaigns: id, exact name, the mapping an operator returned, or a list of these; None for all
    :raises NotFoundError: with the nearest names, for a campaign without a row
    :raises AmbiguousNameError: with the ids, when several have the name
    """
    wanted = None
    if campaigns is not None:
        wanted = [read_reference(one, "campaigns", "campaign") for one in _listed(campaigns)]
    rows = yield from list_outbound_statistics()
    return rows if wanted is None else [_row_of(one, rows) for one in wanted]


def _listed(campaigns: object) -> list[object]:
    if isinstance(campaigns, str | int | Mapping) or not isinstance(campaigns, Iterable):
        return [campaigns]
    listed = list(campaigns)
    if not listed:
        raise InvalidInputError("campaigns", campaigns, "name at least one")
    return listed


def _row_of(wanted: int | str, rows: list[OutboundStatistics]) -> OutboundStatistics:
    found = [row for row in rows if wanted in (row.campaignId, row.campaignName)]
    if len(found) > 1:
        ids = [row.campaignId for row in found]
        raise AmbiguousNameError(
            f"campaigns: {', '.join(map(str, ids))} are all named {wanted!r}; use the id", ids
        )
    if not found:
        hint = nearest(str(wanted), (row.campaignName for row in rows if row.campaignName))
        raise NotFoundError(f"campaigns: the real-time statistics have no campaign {wanted!r}{hint}")
    return found[0]


def _rows(data: Any) -> list[OutboundStatistics]:
    if not isinstance(data, list):
        raise TypeError("expected a JSON array of campaigns")
    return [OutboundStatistics.from_server(row) for row in data]
