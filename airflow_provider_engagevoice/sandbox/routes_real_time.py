"""Routes of the real-time statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox.access import backend_of, rate_limited
from airflow_provider_engagevoice.sandbox.leads.statistics import Counts, day_of
from airflow_provider_engagevoice.sandbox.settings import REAL_TIME, SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import format_date

router = APIRouter(prefix="/admin/accounts/{account_id}/realTimeData")

RealTimeAccount = Annotated[SandboxAccount, Depends(rate_limited(REAL_TIME))]

_AGENTS: Final = 10
_TALK_SECONDS: Final = 60
_DAY_COUNTERS: Final = ("connects", "answer", "noanswer", "machine", "busy", "abandon", "intercept", "dnc")
_NONE: Final[Counts] = Counter()


@router.get("/outbound")
async def outbound(request: Request, account: RealTimeAccount) -> JSONResponse:
    """List one row per campaign: current leads by state, and the calls of the day.

    As documented, ``connects`` counts calls answered by a person or a machine, including abandoned ones;
    ``complete`` counts leads completed today. Assumed: a call in progress is a PENDING lead; while the dialer
    is on, ten agents are staffed, and each answer is a success with one minute of talk time.
    """
    backend = backend_of(request)
    now = datetime.now(UTC)
    states = backend.statistics.lead_states(account.account_id)
    days = backend.statistics.day(account.account_id, day_of(account, now))
    staffed = _AGENTS if backend.dialer.settings.rate > 0 else 0
    return JSONResponse(
        [
            {
                "accountId": account.account_id,
                "dialGroupId": group["dialGroupId"],
                "dialGroupName": group["dialGroupName"],
                "campaignId": campaign["campaignId"],
                "campaignName": campaign["campaignName"],
                "lastUpdate": format_date(now),
                **_row(
                    states.get(campaign["campaignId"], _NONE),
                    days.get(campaign["campaignId"], _NONE),
                    staffed,
                ),
            }
            for group in backend.store.dial_groups(account.account_id)
            for campaign in backend.store.campaigns(account.account_id, group["dialGroupId"])
        ]
    )


def _row(states: Counts, day: Counts, staffed: int) -> Mapping[str, Any]:
    ready, pending = states["READY"], states["PENDING"]
    return {
        "active": pending,
        "ready": ready,
        "pending": pending,
        "complete": day["complete"],
        "other": states.total() - ready - pending - states["COMPLETE"],
        "staffed": staffed,
        "available": max(0, staffed - pending),
        **{name: day[name] for name in _DAY_COUNTERS},
        "fax": 0,
        "notHumanAnswers": day["machine"] + day["intercept"],
        "successDispositions": day["answer"],
        "totalTalkTime": day["answer"] * _TALK_SECONDS,
        "selectable": True,
    }
