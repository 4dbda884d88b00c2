"""Operators that create, clone, update and delete campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import CampaignOperator

if TYPE_CHECKING:
    from datetime import date, tzinfo
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.campaigns.spec import CampaignSpec
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

# What a task needs at run time is imported there: DAG files that name these operators are parsed over and
# over, by processes that never run one.


class EngageVoiceCreateCampaignOperator(CampaignOperator):
    """
    Create a campaign in a dial group, exactly once, or update it if it exists.

    A new campaign is created inactive, checked, and only then given its name and state, so a retry, a cleared
    task or a task killed at any moment ends with one campaign. Returns ``campaign_id``, ``dial_group_id``,
    ``campaign_name``, ``start``, ``end``, ``is_active`` and ``outcome``, which is ``created``, ``updated`` or
    ``unchanged``.

    .. seealso::
        `RingCentral: campaigns
        <https://developers.ringcentral.com/engage/voice/guide/dialing/campaigns/campaigns>`__

    :param dial_group: dial group of the campaign: id (integer or text of digits), exact name, or a mapping
        such as ``{"dial_group_name": "2026"}``
    :param campaign_name: name, at most 200 characters, unique in the dial group
    :param campaign_start: when dialing may start: ISO 8601 text, date or datetime. With a UTC offset it is an
        instant; without one it is local time in ``timezone``. A date alone is its midnight.
    :param campaign_end: when dialing must stop, in the same forms. A date alone is its last second.
    :param caller_id: number shown to the called person. US law requires a number at which a person can ask
        not to be called again (47 CFR 64.1601(e)).
    :param timezone: IANA time zone of dates without a UTC offset; default: the connection's
    :param is_active: 0 inactive, 1 active, 2 agent callbacks only; default: inactive. An existing campaign
        keeps its state unless ``enforce_active`` is set.
    :param schedule: hours of each day, such as ``{"mon-fri": "08:00-21:00", "sat": None}``, or the vendor's
        ``{"monSched": "08002100"}``; the vendor does not say in whose time zone. Days that are not named are
        closed. US law: no calls before 8:00 or after 21:00 in the called party's time zone (47 CFR
        64.1200(c)(1)).
    :param settings: any other campaign field by the vendor's name, such as ``{"maxRingTime": 30}`` (seconds)
    :param if_exists: if a campaign of that name exists: ``update`` the given fields that differ (default),
        ``skip`` it, or ``fail``
    :param if_over: if the window would be over already, as in runs of a catchup or backfill: ``fail``
        (default), or ``skip`` the task
    :param enforce_active: whether to apply ``is_active`` to an existing campaign as well; default: False
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.campaign_name }}"
    template_fields: Sequence[str] = (
        "dial_group",
        "campaign_name",
        "campaign_start",
        "campaign_end",
        "caller_id",
        "timezone",
        "is_active",
        "schedule",
        "settings",
        "if_exists",
        "if_over",
        "enforce_active",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"settings": "json", "schedule": "json"}

    def __init__(
        self,
        *,
        dial_group: DialGroupReference | XComArg,
        campaign_name: str | XComArg,
        campaign_start: str | date | XComArg,
        campaign_end: str | date | XComArg,
        caller_id: str | XComArg,
        timezone: str | tzinfo | XComArg | None = None,
        is_active: int | str | XComArg | None = None,
        schedule: Mapping[str, str | None] | XComArg | None = None,
        settings: Mapping[str, Any] | XComArg | None = None,
        if_exists: str | XComArg = "update",
        if_over: str | XComArg = "fail",
        enforce_active: bool | str | XComArg = False,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.dial_group = dial_group
        self.campaign_name = campaign_name
        self.campaign_start = campaign_start
        self.campaign_end = campaign_end
        self.caller_id = caller_id
        self.timezone = timezone
        self.is_active = is_active
        self.schedule = schedule
        self.settings = settings
        self.if_exists = if_exists
        self.if_over = if_over
        self.enforce_active = enforce_active

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import ensure_campaign
        from airflow_provider_engagevoice.utils.state_store import campaign_checkpoint, run_of

        spec = _spec(self, self.read_arguments())
        return ensure_campaign(spec, owner=run_of(context), checkpoint=campaign_checkpoint(context))


class EngageVoiceCloneCampaignOperator(CampaignOperator):
    """
    Clone a campaign within its dial group, with new dates.

    Fields that are omitted are as in the source, except the state: the clone is inactive unless ``is_active``
    says otherwise. The vendor's clone endpoint copies the source's dates and state, so it is used only for a
    source that cannot dial; any other source is read and copied, inactive until the dates are right. Such a
    copy lacks rows that belong to the source, such as its dispositions, unless ``copy_nested`` of the
    connection says that the server takes them.

    Returns the same as :class:`EngageVoiceCreateCampaignOperator`, ``copied_by``, which is ``clone`` or
    ``read``, or None if this task did not make the copy, and ``not_copied``, the fields that the copy lacks.

    .. seealso::
        `RingCentral: clone campaigns
        <https://developers.ringcentral.com/engage/voice/guide/dialing/campaigns/campaigns#clone-campaigns>`__

    :param source_campaign: campaign to clone: id, exact name, the output of another operator, or a mapping
        such as ``{"campaign_name": "20261201"}``
    :param campaign_name: name of the clone, at most 200 characters, unique in the dial group
    :param campaign_start: when dialing may start: ISO 8601 text, date or datetime. With a UTC offset it is an
        instant; without one it is local time in ``timezone``. A date alone is its midnight.
    :param campaign_end: when dialing must stop, in the same forms. A date alone is its last second.
    :param dial_group: dial group of the source: id, exact name or mapping; default: all are searched by name
    :param country: country of the clone, three letters (the vendor's ``newCountryCode``); default: ``USA``
    :param caller_id: number shown to the called person; default: the source's
    :param timezone: IANA time zone of dates without a UTC offset; default: the connection's
    :param is_active: 0 inactive, 1 active, 2 agent callbacks only; default: inactive. An existing campaign
        keeps its state unless ``enforce_active`` is set.
    :param schedule: hours of each day, such as ``{"mon-fri": "08:00-21:00", "sat": None}``; days that are not
        named are closed. Default: the source's.
    :param settings: any other campaign field by the vendor's name, such as ``{"maxRingTime": 30}`` (seconds)
    :param if_exists: if a campaign of that name exists: ``update`` the given fields that differ (default),
        ``skip`` it, or ``fail``
    :param if_over: if the window would be over already, as in runs of a catchup or backfill: ``fail``
        (default), or ``skip`` the task
    :param enforce_active: whether to apply ``is_active`` to an existing campaign as well; default: False
    :param on_incomplete_copy: if the clone would lack rows that belong to the source: ``warn`` in the log and
        in ``not_copied`` (default), or ``fail`` without a clone
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"source": "source_campaign", "country_code": "country"}
    default_map_index = "{{ task.campaign_name }}"
    template_fields: Sequence[str] = (
        "source_campaign",
        "campaign_name",
        "campaign_start",
        "campaign_end",
        "dial_group",
        "country",
        "caller_id",
        "timezone",
        "is_active",
        "schedule",
        "settings",
        "if_exists",
        "if_over",
        "enforce_active",
        "on_incomplete_copy",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"settings": "json", "schedule": "json"}

    def __init__(
        self,
        *,
        source_campaign: CampaignReference | XComArg,
        campaign_name: str | XComArg,
        campaign_start: str | date | XComArg,
        campaign_end: str | date | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        country: str | XComArg = "USA",
        caller_id: str | XComArg | None = None,
        timezone: str | tzinfo | XComArg | None = None,
        is_active: int | str | XComArg | None = None,
        schedule: Mapping[str, str | None] | XComArg | None = None,
        settings: Mapping[str, Any] | XComArg | None = None,
        if_exists: str | XComArg = "update",
        if_over: str | XComArg = "fail",
        enforce_active: bool | str | XComArg = False,
        on_incomplete_copy: str | XComArg = "warn",
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.source_campaign = source_campaign
        self.campaign_name = campaign_name
        self.campaign_start = campaign_start
        self.campaign_end = campaign_end
        self.dial_group = dial_group
        self.country = country
        self.caller_id = caller_id
        self.timezone = timezone
        self.is_active = is_active
        self.schedule = schedule
        self.settings = settings
        self.if_exists = if_exists
        self.if_over = if_over
        self.enforce_active = enforce_active
        self.on_incomplete_copy = on_incomplete_copy

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import ensure_clone
        from airflow_provider_engagevoice.campaigns.spec import OnIncompleteCopy
        from airflow_provider_engagevoice.utils.state_store import campaign_checkpoint, run_of

        values = self.read_arguments()
        if values["is_active"] is None:
            self.log.info("is_active is not given, so a new clone will be inactive")
        return ensure_clone(
            values["source_campaign"],
            _spec(self, values),
            country=values["country"],
            owner=run_of(context),
            checkpoint=campaign_checkpoint(context),
            copy_nested=self.hook.client.settings.copy_nested,
            on_incomplete_copy=OnIncompleteCopy(values["on_incomplete_copy"]),
        )


class EngageVoiceUpdateCampaignOperator(CampaignOperator):
    """
    Update a campaign: extend, reschedule, activate or pause it, or change any other field.

    Fields that are omitted keep their values. The whole campaign is read, changed and written back, because
    the vendor's PUT drops omitted fields; if nothing differs, nothing is written. Returns the same as
    :class:`EngageVoiceCreateCampaignOperator`; ``outcome`` is ``updated`` or ``unchanged``.

    :param campaign: campaign to update: id, exact name, the output of another operator, or a mapping such as
        ``{"campaign_name": "20261201"}``
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: all are searched
    :param campaign_name: new name, at most 200 characters
    :param campaign_start: when dialing may start: ISO 8601 text, date or datetime. With a UTC offset it is an
        instant; without one it is local time in ``timezone``. A date alone is its midnight.
    :param campaign_end: when dialing must stop, in the same forms. A date alone is its last second.
    :param caller_id: number shown to the called person
    :param timezone: IANA time zone of dates without a UTC offset; default: the connection's
    :param is_active: 0 pause, 1 activate, 2 agent callbacks only
    :param schedule: hours of the days to change, such as ``{"sat": "10:00-16:00", "sun": None}``
    :param settings: any other campaign field by the vendor's name, such as ``{"maxRingTime": 30}`` (seconds)
    :param if_over: if the window would be over already, as in runs of a catchup or backfill: ``fail``
        (default), or ``skip`` the task
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    must_change = True
    template_fields: Sequence[str] = (
        "campaign",
        "dial_group",
        "campaign_name",
        "campaign_start",
        "campaign_end",
        "caller_id",
        "timezone",
        "is_active",
        "schedule",
        "settings",
        "if_over",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"settings": "json", "schedule": "json"}

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        campaign_name: str | XComArg | None = None,
        campaign_start: str | date | XComArg | None = None,
        campaign_end: str | date | XComArg | None = None,
        caller_id: str | XComArg | None = None,
        timezone: str | tzinfo | XComArg | None = None,
        is_active: int | str | XComArg | None = None,
        schedule: Mapping[str, str | None] | XComArg | None = None,
        settings: Mapping[str, Any] | XComArg | None = None,
        if_over: str | XComArg = "fail",
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.dial_group = dial_group
        self.campaign_name = campaign_name
        self.campaign_start = campaign_start
        self.campaign_end = campaign_end
        self.caller_id = caller_id
        self.timezone = timezone
        self.is_active = is_active
        self.schedule = schedule
        self.settings = settings
        self.if_over = if_over

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import change_campaign
        from airflow_provider_engagevoice.utils.state_store import campaign_checkpoint

        values = self.read_arguments()
        return change_campaign(
            values["campaign"],
            values["dial_group"],
            fields=self._fields(whole_week=False),
            name=values["campaign_name"],
            state=values["is_active"],
            checkpoint=campaign_checkpoint(context),
            zone=self._zone,
        )


class EngageVoiceDeleteCampaignOperator(CampaignOperator):
    """
    Delete a campaign; a campaign that does not exist is a success.

    Returns the same as :class:`EngageVoiceCreateCampaignOperator`; ``outcome`` is ``deleted`` or ``absent``.

    :param campaign: campaign to delete: id, exact name, the output of another operator, or a mapping such as
        ``{"campaign_name": "20261201"}``
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: all are searched
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = ("campaign", "dial_group", "engagevoice_conn_id")
    operator_extra_links = ()

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.dial_group = dial_group

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import remove_campaign
        from airflow_provider_engagevoice.utils.state_store import campaign_checkpoint

        values = self.read_arguments()
        return remove_campaign(
            values["campaign"], values["dial_group"], checkpoint=campaign_checkpoint(context)
        )


def _spec(task: Any, values: Mapping[str, Any]) -> CampaignSpec:
    from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists

    return CampaignSpec(
        dial_group=values["dial_group"],
        name=values["campaign_name"],
        fields=task._fields(whole_week=True),
        state=values["is_active"],
        if_exists=IfExists(values["if_exists"]),
        enforce_active=values["enforce_active"],
        zone=task._zone,
    )
