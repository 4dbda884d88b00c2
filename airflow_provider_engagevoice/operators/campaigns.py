"""Operators on campaigns: render, call one procedure, return a small XCom."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.assets import add_campaign_event, with_campaigns
from airflow_provider_engagevoice.links import CAMPAIGN_URL_KEY, EngageVoiceCampaignLink
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from airflow.providers.common.compat.sdk import BaseOperatorLink, Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.campaigns.spec import CampaignSpec
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure

# Everything a task needs at run time is imported there: a DAG file that names these operators is parsed
# over and over, by processes that never run one.


class _CampaignOperator(EngageVoiceOperator):
    """What the operators share: the XCom, the link and the asset."""

    operator_extra_links: Sequence[BaseOperatorLink] = (EngageVoiceCampaignLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outlets = with_campaigns(self.outlets)
        self._changed: tuple[str, CampaignResult] | None = None

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Begin a mapped task; Airflow reads its outlets from here, before any operator is made."""
        begun = super().partial(**kwargs)
        begun.kwargs["outlets"] = with_campaigns(begun.kwargs["outlets"])
        return begun

    @property
    def _owner(self) -> str:
        """Who makes a campaign: the same for every attempt and every run of this task."""
        return f"{self.dag_id}.{self.task_id}"

    def _execute(self, context: Context) -> dict[str, Any]:
        result = self.hook.run(self._procedure(context))
        url = f"{self.hook.client.settings.base_url}/voice/admin/#campaign-{result.campaign_id}"
        account_id = self.hook.client.account_id()
        self.log.info("%s: campaign %s %r", result.outcome, result.campaign_id, result.campaign_name)
        if self.do_xcom_push and result.campaign_id is not None:
            context["ti"].xcom_push(key=CAMPAIGN_URL_KEY, value=url)
        if result.changed:
            self._changed = account_id, result
            add_campaign_event(context, self.outlets, account_id, result.as_xcom())
        return result.as_xcom()

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:
        """Return what OpenLineage's provider, which calls this, is to know of a campaign that changed."""
        from airflow_provider_engagevoice.assets import campaign_lineage

        return None if self._changed is None else campaign_lineage(*self._changed)

    @abstractmethod
    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        """Check the rendered fields and return what is to be done."""


class _CampaignFieldsOperator(_CampaignOperator):
    """What creating, cloning and updating share: the fields of a campaign."""

    template_fields: Sequence[str] = (
        "dial_group",
        "campaign_name",
        "campaign_start",
        "campaign_end",
        "timezone",
        "caller_id",
        "is_active",
        "schedule",
        "settings",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"settings": "json", "schedule": "json"}

    def __init__(
        self,
        *,
        dial_group: DialGroupReference | None = None,
        campaign_name: str | None = None,
        campaign_start: str | date | None = None,
        campaign_end: str | date | None = None,
        timezone: str | tzinfo | None = None,
        caller_id: str | None = None,
        is_active: int | str | None = None,
        schedule: Mapping[str, str | None] | None = None,
        settings: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dial_group = dial_group
        self.campaign_name = campaign_name
        self.campaign_start = campaign_start
        self.campaign_end = campaign_end
        self.timezone = timezone
        self.caller_id = caller_id
        self.is_active = is_active
        self.schedule = schedule
        self.settings = settings

    def _fields(self, *, whole_week: bool) -> dict[str, Any]:
        from airflow_provider_engagevoice.campaigns.spec import wanted_fields

        return wanted_fields(
            start=self.campaign_start,
            end=self.campaign_end,
            timezone=self.timezone,
            default_zone=self.hook.client.settings.timezone,
            caller_id=self.caller_id,
            schedule=self.schedule,
            settings=self.settings,
            whole_week=whole_week,
        )


class _MakeCampaignOperator(_CampaignFieldsOperator):
    """What creating and cloning share: a name, dates, and what to do with a campaign that exists."""

    template_fields: Sequence[str] = (
        *_CampaignFieldsOperator.template_fields,
        "if_exists",
        "enforce_active",
    )

    def __init__(
        self,
        *,
        campaign_name: str,
        campaign_start: str | date,
        campaign_end: str | date,
        if_exists: str = "update",
        enforce_active: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            campaign_name=campaign_name, campaign_start=campaign_start, campaign_end=campaign_end, **kwargs
        )
        self.if_exists = if_exists
        self.enforce_active = enforce_active

    def _spec(self) -> CampaignSpec:
        from airflow_provider_engagevoice.campaigns import spec

        spec.require(self.campaign_start, "campaign_start")
        spec.require(self.campaign_end, "campaign_end")
        return spec.CampaignSpec(
            dial_group=self.dial_group,
            name=spec.read_name(self.campaign_name),
            fields=self._fields(whole_week=True),
            state=spec.read_state(self.is_active),
            if_exists=spec.read_if_exists(self.if_exists),
            enforce_active=spec.read_flag(self.enforce_active, "enforce_active"),
        )


class EngageVoiceCreateCampaignOperator(_MakeCampaignOperator):
    """
    Make sure a campaign is in a dial group, exactly once, with the fields given.

    A campaign that is not there is created inactive, checked, and only then given its name and its state. A
    retry, a cleared task or a task cut off at any instant ends with one campaign.

    .. seealso::
        `Vendor's document on campaigns
        <https://developers.ringcentral.com/engage/voice/guide/dialing/campaigns/campaigns>`__

    :param dial_group: id (integer or all digits) or exact name of the dial group
    :param campaign_name: name, at most 200 characters; unique in its dial group as far as this operator goes
    :param campaign_start: first instant of the campaign's dates: ISO 8601 text, date or datetime. With an
        offset it is an instant; without one it is read in ``timezone``. A date alone means its midnight.
    :param campaign_end: end of the campaign's dates, likewise. A date alone means the end of that day.
    :param timezone: IANA zone for dates without an offset; the connection's where left out
    :param caller_id: number shown to the people called. It must be an accurate number of the account, at
        which a caller can be put on the internal do-not-call list.
    :param is_active: 0 inactive, 1 active, 2 agent callbacks only; inactive where left out. It takes effect
        when the campaign is created; a campaign that exists keeps the state people gave it.
    :param schedule: day windows, such as ``{"mon-fri": "08:00-21:00", "sat": None}``, or the vendor's own
        ``{"monSched": "08002100"}``; days that are not named are closed. US law: no calls before 8:00 or
        after 21:00 the called party's time (47 CFR 64.1200).
    :param settings: any other field by the vendor's name, such as ``{"maxRingTime": 30}`` (seconds)
    :param if_exists: what to do with a campaign of that name: ``update`` the fields given that differ,
        ``skip`` it, or ``fail``
    :param enforce_active: apply ``is_active`` to a campaign that exists, too
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    def __init__(self, *, dial_group: DialGroupReference, caller_id: str, **kwargs: Any) -> None:
        super().__init__(dial_group=dial_group, caller_id=caller_id, **kwargs)

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import ensure_campaign, spec
        from airflow_provider_engagevoice.utils.state_store import campaign_checkpoint

        spec.require(self.caller_id, "caller_id")
        return ensure_campaign(self._spec(), owner=self._owner, checkpoint=campaign_checkpoint(context))


class EngageVoiceCloneCampaignOperator(_MakeCampaignOperator):
    """
    Clone a campaign within its dial group, with dates of its own.

    The vendor's clone has the source's dates and state until it is given its own; it is used only where such
    a clone cannot dial. A source that may dial is read and copied, inactive until its dates are right.

    .. seealso::
        `Vendor's document on campaigns
        <https://developers.ringcentral.com/engage/voice/guide/dialing/campaigns/campaigns#clone-campaigns>`__

    :param source: id, exact name, or the mapping another operator returned
    :param dial_group: dial group of the source; where left out, a name is looked for in all of them
    :param country_code: country of the clone, three letters (``newCountryCode``)
    :param campaign_name: as for :class:`EngageVoiceCreateCampaignOperator`, and so are all others; what is
        left out is as in the source, but for the state: a clone is inactive where ``is_active`` is left out
    """

    template_fields: Sequence[str] = ("source", "country_code", *_MakeCampaignOperator.template_fields)

    def __init__(
        self,
        *,
        source: CampaignReference,
        country_code: str = "USA",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.country_code = country_code

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import ensure_clone, spec
        from airflow_provider_engagevoice.utils.state_store import campaign_checkpoint

        return ensure_clone(
            self.source,
            self._spec(),
            country_code=spec.read_country(self.country_code),
            owner=self._owner,
            checkpoint=campaign_checkpoint(context),
        )


class EngageVoiceUpdateCampaignOperator(_CampaignFieldsOperator):
    """
    Change a campaign: extend or reschedule it, activate or pause it, change any field.

    The whole campaign is read, changed and written back, because the API drops fields that a PUT leaves
    out; nothing is written when nothing differs.

    :param campaign: id, exact name, or the mapping another operator returned
    :param dial_group: dial group of the campaign; where left out, all of them are searched
    :param campaign_name: a new name
    :param is_active: 0 pause, 1 activate, 2 agent callbacks only
    :param schedule: only the days named change
    :param campaign_start: this and all others as for :class:`EngageVoiceCreateCampaignOperator`; what is
        left out stays
    """

    template_fields: Sequence[str] = ("campaign", *_CampaignFieldsOperator.template_fields)

    def __init__(self, *, campaign: CampaignReference, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import change_campaign, spec

        return change_campaign(
            self.campaign,
            self.dial_group,
            fields=self._fields(whole_week=False),
            name=None if self.campaign_name is None else spec.read_name(self.campaign_name),
            state=spec.read_state(self.is_active),
        )


class EngageVoiceDeleteCampaignOperator(_CampaignOperator):
    """
    Delete a campaign. One that is gone already is a success.

    :param campaign: id, exact name, or the mapping another operator returned
    :param dial_group: dial group of the campaign; where left out, all of them are searched
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = ("campaign", "dial_group", "engagevoice_conn_id")
    operator_extra_links = ()

    def __init__(
        self,
        *,
        campaign: CampaignReference,
        dial_group: DialGroupReference | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign
        self.dial_group = dial_group

    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        from airflow_provider_engagevoice.campaigns import remove_campaign

        return remove_campaign(self.campaign, self.dial_group)
