"""Operators on what is being dialed now: keep it, and guard the share of calls that nobody took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.assets import add_campaign_event, with_campaigns
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.lookup import CampaignReference
    from airflow_provider_engagevoice.models.real_time import OutboundStatistics

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceCampaignStatsOperator(EngageVoiceOperator):
    """
    Read the real-time row of each campaign: its leads as of now, and its calls of the day.

    All campaigns of the account take one request, and ``connects``, ``abandon`` and the other counters of
    the day start anew at midnight in the account's zone: run it shortly before that to keep a day.

    Returns the rows as the vendor sends them or, with ``path``, writes each as a line of JSON and returns
    ``rows``, how many there are, and ``path``.

    .. seealso::
        `Vendor's document on real-time campaign operations
        <https://developers.ringcentral.com/engage/voice/guide/analytics/reports/realtime-campaign-ops>`__

    :param campaigns: id, exact name, the mapping another operator returned, or a list of these; every
        campaign of the account where left out
    :param path: file on Airflow's object storage, such as ``s3://bucket/{{ ds }}/campaigns.jsonl``
    :param path_conn_id: connection of the storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = ("campaigns", "path", "path_conn_id", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        campaigns: CampaignReference | Sequence[CampaignReference] | None = None,
        path: str | None = None,
        path_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaigns = campaigns
        self.path = path
        self.path_conn_id = path_conn_id

    def _execute(self, context: Context) -> list[dict[str, Any]] | dict[str, Any]:
        rows = [row.raw for row in self.hook.find_outbound_statistics(self.campaigns)]
        if self.path is None:
            return rows
        from airflow_provider_engagevoice.utils.object_storage import new_file

        with new_file(self.path, self.path_conn_id) as file:
            for row in rows:
                file.write(json.dumps(row).encode() + b"\n")
        self.log.info("%d campaigns in %s", len(rows), self.path)
        return {"rows": len(rows), "path": self.path}


class EngageVoiceAbandonRateGuardOperator(EngageVoiceOperator):
    """
    Fail, or pause campaigns, when too many calls that were answered found no agent.

    The rate is the day's ``abandon`` divided by its ``connects``, which are all calls that were answered.
    In the United States, 47 CFR 64.1200(a)(7) allows 3% of the calls answered live by a person, per campaign
    and 30 days. ``connects`` has answering machines among them and the counters start anew each midnight, so
    this is a fence well before that line, and no proof of keeping it: where the rate among calls answered by
    people alone (``live_rate``) passes the threshold it warns in the log.

    Returns ``campaigns``, for each one ``campaign_id``, ``dial_group_id``, ``campaign_name``, ``connects``,
    ``abandon``, ``rate``, ``live_rate`` and ``breached``, and ``paused``, the ids of those that were paused.
    A campaign that was paused is an event of its asset.

    .. seealso::
        `47 CFR 64.1200 <https://www.ecfr.gov/current/title-47/section-64.1200>`__

    :param campaigns: id, exact name, the mapping another operator returned, or a list of these
    :param threshold: share of the calls answered that may be abandoned
    :param min_connects: calls answered before the rate means anything
    :param on_breach: ``fail`` the task, which is not retried then, or ``pause`` each campaign over the
        threshold (``isActive`` 0) and succeed
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "campaigns",
        "threshold",
        "min_connects",
        "on_breach",
        "engagevoice_conn_id",
    )

    def __init__(
        self,
        *,
        campaigns: CampaignReference | Sequence[CampaignReference],
        threshold: float | str = 0.03,
        min_connects: int | str = 100,
        on_breach: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaigns = campaigns
        self.threshold = threshold
        self.min_connects = min_connects
        self.on_breach = on_breach
        self.outlets = with_campaigns(self.outlets)

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Begin a mapped task; Airflow reads its outlets from here, before any operator is made."""
        begun = super().partial(**kwargs)
        begun.kwargs["outlets"] = with_campaigns(begun.kwargs["outlets"])
        return begun

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.inputs import require
        from airflow_provider_engagevoice.models.real_time import AbandonLimit

        require(self.campaigns, "campaigns")
        limit = AbandonLimit.read(self.threshold, self.min_connects)
        if self.on_breach not in ("fail", "pause"):
            raise InvalidInputError("on_breach", self.on_breach, "write 'fail' or 'pause'")
        rows = self.hook.find_outbound_statistics(self.campaigns)
        breaching = [row for row in rows if limit.is_breached(row)]
        for row in rows:
            told = self.log.warning if limit.deserves_a_warning(row) else self.log.info
            told("%s; the limit is %s", row.abandon_text(), limit)
        paused = []
        if breaching and self.on_breach == "fail":
            raise AirflowFailException(f"{_listed(breaching)}; the limit is {limit}")
        if breaching:
            paused = self._pause(context, breaching)
        told_rows = [_told(row) | {"breached": row in breaching} for row in rows]
        return {"campaigns": told_rows, "paused": paused}

    def _pause(self, context: Context, rows: Sequence[OutboundStatistics]) -> list[int]:
        """Pause campaigns; one that cannot be paused keeps none of the others dialing."""
        from airflow_provider_engagevoice.campaigns import change_campaign
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.models.enums import CampaignState

        paused: list[int] = []
        failures: list[EngageVoiceError] = []
        for row in rows:
            procedure = change_campaign(
                row.campaignId, row.dialGroupId, fields={}, name=None, state=CampaignState.INACTIVE
            )
            try:
                result = self.hook.run(procedure)
            except EngageVoiceError as error:
                self.log.error("campaign %d could not be paused: %s", row.campaignId, error)
                failures.append(error)
                continue
            self.log.warning("paused (%s): %s", result.outcome, row.abandon_text())
            paused.append(row.campaignId)
            if result.changed:
                add_campaign_event(context, self.outlets, self.hook.client.account_id(), result.as_xcom())
        if failures:
            raise failures[0]
        return paused


def _told(row: OutboundStatistics) -> dict[str, Any]:
    return {
        "campaign_id": row.campaignId,
        "dial_group_id": row.dialGroupId,
        "campaign_name": row.campaignName,
        "connects": row.connects,
        "abandon": row.abandon,
        "rate": round(row.abandon_rate, 5),
        "live_rate": round(row.live_abandon_rate, 5),
    }


def _listed(rows: Sequence[OutboundStatistics]) -> str:
    return "; ".join(row.abandon_text() for row in rows)
