"""Operators that keep dates free of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import CampaignOperator
from airflow_provider_engagevoice.operators.season_rollback import EngageVoicePauseSeasonOperator

if TYPE_CHECKING:
    from datetime import date, tzinfo
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
    from airflow_provider_engagevoice.campaigns.exclude import ExcludedDates
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Record
    from airflow_provider_engagevoice.storage import ObjectStorage
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

#: XCom in which a run leaves what it has written instead of the usual hours.
_LIMITS = "limits"


class EngageVoiceExcludeDatesOperator(CampaignOperator):
    """
    Keep dates free of calls: close their days of the week in time, and open them again afterwards.

    Run it each day. Each run gives the campaign the hours that it has to have now, so it may run as often as
    you like. A date is free of calls if a run has succeeded in the six days before it; a run that is missed
    after it leaves its day closed. Hours that others have set stay, and the task fails if a day is open
    because of that. Other fields and the state are not touched.

    Returns ``campaign_id``, ``dial_group_id``, ``campaign_name``, ``start``, ``end``, ``is_active`` and
    ``outcome``, which is ``updated`` or ``unchanged``. A second XCom, ``limits``, has what the campaign has
    instead of its usual hours; the next run needs it.

    :param campaign: campaign: id, exact name, the output of another operator, or a mapping such as
        ``{"campaign_name": "20261201"}``
    :param dates: dates without calls: each is a date, the first and the last of several, or
        public holidays, such as
        ``["2027-03-17", ["2027-12-24", "2028-01-02"], {"holidays": "US", "subdivision": "CA"}]``
    :param schedule: hours of each day without excluded dates, such as ``{"mon-fri": "08:00-21:00"}``; days
        that are not named are closed
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: all are searched
    :param timezone: IANA time zone of the dates; default: the connection's
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "campaign",
        "dates",
        "schedule",
        "dial_group",
        "timezone",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"dates": "json", "schedule": "json"}

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg,
        dates: Sequence[str | date | Sequence[str | date] | Mapping[str, str]] | XComArg,
        schedule: Mapping[str, str | None] | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        timezone: str | tzinfo | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.dates = dates
        self.schedule = schedule
        self.dial_group = dial_group
        self.timezone = timezone

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.campaigns.excluded_dates import read_dates

        return {**super().argument_readers(), "dates": read_dates}

    def _execute(self, context: Context) -> dict[str, Any]:
        result: dict[str, Any] = super()._execute(context)
        self._excluded.check()
        return result

    def _run(self, context: Context) -> CampaignResult:
        from dataclasses import asdict

        excluded: ExcludedDates = self.hook.run(self._procedure(context))
        limits = {name: asdict(one) for name, one in excluded.limits.items()}
        last = {"campaign_id": excluded.result.campaign_id, "limits": limits}
        context["ti"].xcom_push(key=_LIMITS, value=last)
        self._excluded = excluded
        return excluded.result

    def _procedure(self, context: Context) -> Procedure[Any]:
        from airflow_provider_engagevoice.campaigns.exclude import exclude_dates

        values, ti = self.read_arguments(), context["ti"]
        last = ti.xcom_pull(
            task_ids=ti.task_id, key=_LIMITS, map_indexes=ti.map_index, include_prior_dates=True
        )
        last = last or {"campaign_id": None, "limits": {}}
        exclusion = self._exclusion(values, last["limits"])
        return exclude_dates(
            values["campaign"], values["dial_group"], exclusion, limits_of=last["campaign_id"]
        )

    def _exclusion(self, values: Mapping[str, Any], limits: dict[str, Any]) -> Exclusion:
        from datetime import timedelta

        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
        from airflow_provider_engagevoice.campaigns.excluded_dates import dates_between
        from airflow_provider_engagevoice.exceptions import InvalidInputError

        zone = values["timezone"].key if values["timezone"] else self.hook.client.settings.timezone
        if not zone:
            raise InvalidInputError("timezone", None, "give timezone=, or set the connection's time zone")
        today = clock.now().date()
        # Other dates have no effect now.
        near = dates_between(values["dates"], today - timedelta(days=10), today + timedelta(days=10))
        return Exclusion(zone, sorted(one.isoformat() for one in near), values["schedule"], limits)


class EngageVoiceExcludeSeasonDatesOperator(EngageVoicePauseSeasonOperator):
    """
    Keep the excluded dates of a season free of calls, as its last apply has recorded them.

    Run it each day. Each run gives all campaigns of the season the hours that they have to have now, those
    that are protected or no longer in the season, too, and touches no other field and no state. A date is
    free of calls if a run, or an apply, has succeeded in the six days before it. Hours that others have set
    stay, and the task fails at the end if a day is open because of that. It is no apply: what it writes is
    added to the record of the last one, which can still be rolled back, or go on.

    Returns ``season``, ``digest``, ``record_path``, ``record`` (that of the last apply) and ``outcomes``, as
    an apply does; if nothing is to be written, ``outcomes`` are empty.

    :param record: directory of the season's records, or the output of the task that has applied it
    :param storage_conn_id: connection of the storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    @staticmethod
    def _plan(record: Record, record_path: str) -> Procedure[Plan]:
        from airflow_provider_engagevoice.seasons.close_days import plan_days

        return plan_days(record, record_path)

    def _apply(self, context: Context, plan: Plan, storage: ObjectStorage) -> dict[str, Any]:
        from airflow_provider_engagevoice.seasons.close_days import check_days
        from airflow_provider_engagevoice.seasons.record import Records

        records = Records(storage, plan.record_path, plan.season)
        if plan.campaigns:
            result = super()._apply(context, plan, storage)
        else:
            result = self._returned(plan, records, records.known().file, {})
        self.hook.run(check_days(records.known()))
        return result
