"""Operators on real-time campaign statistics: store them, and limit the abandon rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.assets import CampaignOutlets, add_campaign_event
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.models.real_time import OutboundStatistics
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

# As in operators.campaigns, what a task needs at run time is imported there.

#: The campaigns, or else their dial group.
_CAMPAIGNS_INDEX = (
    "{{ task.campaigns.campaign_name | default(task.campaigns or task.dial_group or ti.map_index, true) }}"
)


class EngageVoiceCampaignStatsOperator(EngageVoiceOperator):
    """
    Read the real-time statistics of campaigns: their leads as of now, and their calls of the day.

    All campaigns of the account take one request. ``connects``, ``abandon`` and the other counters of the day
    start again at midnight in the account's zone: run it shortly before that to keep a day.

    Returns the rows as the vendor sends them or, with ``output_path``, writes each as a line of JSON and
    returns the number of ``rows`` and ``path``.

    .. seealso::
        `RingCentral: real-time campaign operations
        <https://developers.ringcentral.com/engage/voice/guide/analytics/reports/realtime-campaign-ops>`__

    :param campaigns: id, exact name, the output of another operator, a mapping such as
        ``{"campaign_name": "20261201"}``, or a list of these; default: all campaigns
    :param dial_group: dial group of the campaigns: id, exact name or mapping; default: all of the account
    :param output_path: file on Airflow's object storage, such as ``s3://bucket/{{ ds }}/campaigns.jsonl``
    :param output_conn_id: connection of the storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"path": "output_path", "path_conn_id": "output_conn_id"}
    default_map_index = _CAMPAIGNS_INDEX
    template_fields: Sequence[str] = (
        "campaigns",
        "dial_group",
        "output_path",
        "output_conn_id",
        "engagevoice_conn_id",
    )

    def __init__(
        self,
        *,
        campaigns: CampaignReference | Sequence[CampaignReference] | XComArg | None = None,
        dial_group: DialGroupReference | XComArg | None = None,
        output_path: str | XComArg | None = None,
        output_conn_id: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaigns = campaigns
        self.dial_group = dial_group
        self.output_path = output_path
        self.output_conn_id = output_conn_id

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.leads.list_arguments import read_json_lines_path

        return {
            "campaigns": inputs.read_campaigns,
            "dial_group": inputs.read_dial_group,
            "output_path": read_json_lines_path,
            "output_conn_id": inputs.read_text,
        }

    def _execute(self, context: Context) -> list[dict[str, Any]] | dict[str, Any]:
        from airflow_provider_engagevoice.leads.writers import JsonLinesWriter
        from airflow_provider_engagevoice.storage import new_file

        values = self.read_arguments()
        path = values["output_path"]
        statistics = self.hook.find_outbound_statistics(values["campaigns"], values["dial_group"])
        rows = [row.raw for row in statistics]
        if path is None:
            return rows
        with new_file(path, values["output_conn_id"]) as file:
            JsonLinesWriter(file).write(rows)
        self.log.info("%d campaigns in %s", len(rows), path)
        return {"rows": len(rows), "path": path}


class EngageVoiceAbandonRateGuardOperator(CampaignOutlets, EngageVoiceOperator):
    """
    Fail, or pause campaigns, if too many answered calls were abandoned because no agent was available.

    The rate is the day's ``abandon`` divided by its ``connects``, which are all answered calls. In the United
    States, 47 CFR 64.1200(a)(7) allows 3% of the calls answered live by a person, per campaign and 30 days.
    ``connects`` includes answering machines, and the counters start again at midnight in the account's zone,
    so this guard is an early warning and no proof of compliance. If the rate among calls answered by people
    (``live_rate``) exceeds the threshold, the task logs a warning.

    Returns ``campaigns``, each with ``campaign_id``, ``dial_group_id``, ``campaign_name``, ``connects``,
    ``abandon``, ``rate``, ``live_rate`` and ``breached``, and ``paused``, the ids of paused campaigns.
    Pausing a campaign is an event of its asset.

    .. seealso::
        `47 CFR 64.1200 <https://www.ecfr.gov/current/title-47/section-64.1200>`__

    :param campaigns: id, exact name, the output of another operator, a mapping such as
        ``{"campaign_name": "20261201"}``, or a list of these
    :param dial_group: dial group of the campaigns: id, exact name or mapping; default: all of the account
    :param threshold: largest share of answered calls that may be abandoned, from 0 to less than 1; default:
        0.03
    :param min_connects: answered calls below which the rate is ignored; default: 100
    :param on_breach: ``fail`` the task without retries (default), or ``pause`` each campaign over the
        threshold (``isActive`` 0) and succeed
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = _CAMPAIGNS_INDEX
    template_fields: Sequence[str] = (
        "campaigns",
        "dial_group",
        "threshold",
        "min_connects",
        "on_breach",
        "engagevoice_conn_id",
    )

    def __init__(
        self,
        *,
        campaigns: CampaignReference | Sequence[CampaignReference] | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        threshold: float | str | XComArg = 0.03,
        min_connects: int | str | XComArg = 100,
        on_breach: str | XComArg = "fail",
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaigns = campaigns
        self.dial_group = dial_group
        self.threshold = threshold
        self.min_connects = min_connects
        self.on_breach = on_breach

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs

        return {
            "campaigns": inputs.read_campaigns,
            "dial_group": inputs.read_dial_group,
            "threshold": inputs.read_share,
            "min_connects": inputs.read_count,
            "on_breach": partial(inputs.read_choice, choices=("fail", "pause")),
        }

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.models.real_time import AbandonLimit

        values = self.read_arguments()
        limit = AbandonLimit(values["threshold"], values["min_connects"])
        rows = self.hook.find_outbound_statistics(values["campaigns"], values["dial_group"])
        breaching = [row for row in rows if limit.is_breached(row)]
        for row in rows:
            log = self.log.warning if limit.deserves_a_warning(row) else self.log.info
            log("%s; the limit is %s", row.abandon_text(), limit)
        paused = []
        if breaching and values["on_breach"] == "fail":
            texts = "; ".join(row.abandon_text() for row in breaching)
            raise AirflowFailException(f"{texts}; the limit is {limit}")
        if breaching:
            paused = self._pause(context, breaching)
        campaigns = [_rates(row) | {"breached": row in breaching} for row in rows]
        return {"campaigns": campaigns, "paused": paused}

    def _pause(self, context: Context, rows: Sequence[OutboundStatistics]) -> list[int]:
        """Pause campaigns; if one cannot be paused, the others still are."""
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
                add_campaign_event(context, self.outlets, self.hook.client.account_id(), result.as_event())
        if failures:
            raise failures[0]
        return paused


def _rates(row: OutboundStatistics) -> dict[str, Any]:
    return {
        "campaign_id": row.campaignId,
        "dial_group_id": row.dialGroupId,
        "campaign_name": row.campaignName,
        "connects": row.connects,
        "abandon": row.abandon,
        "rate": round(row.abandon_rate, 5),
        "live_rate": round(row.live_abandon_rate, 5),
    }
