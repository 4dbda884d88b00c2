"""Carry out an action on the leads that a search finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceLeadActionOperator(EngageVoiceOperator):
    """
    Cancel, suppress, move, delete … every lead that matches.

    What an action overwrites cannot be restored, so all but ``SUPPRESS_LEADS``, ``UNSUPPRESS_LEADS``,
    ``DIALER_REFRESH``, ``EMAIL_LEADS`` and ``AGENT_RESERVATION`` require ``max_leads``: leads are counted
    first, and if there are more, nothing is sent and the task fails with their number. If no lead matches,
    nothing is sent and the task succeeds, unless ``min_leads`` requires some.

    Criteria may name leads by ``leadPhoneNumbers``, ``externIds`` or ``leadIds``. Phones are read as the
    loader reads them, and found in each form in which the server may hold them: ten digits, E.164, with or
    without ``+``, as dialed within the country. After ``SUPPRESS_LEADS``, ``CANCEL_LEADS``, ``PAUSE_LEADS``
    and ``DELETE_LEADS`` the named leads are searched again a minute later, since a search may find new leads
    late: if one of them can still be called, whatever its state, the task fails. If phones of the USA or
    Canada are named, where leads may have several numbers in one field, all leads of the campaign are read
    then, 500 with each request. With ``max_leads`` or ``min_leads`` that comes before the action.

    To stop dialing, ``SUPPRESS_LEADS`` keeps each lead's state and ``UNSUPPRESS_LEADS`` undoes it;
    ``CANCEL_LEADS`` and ``PAUSE_LEADS`` lose the state.

    ``RESET_LEADS``, ``READY_LEADS``, ``MANUAL_LEADS``, ``CALLBACK_LEADS``, ``EMAIL_LEADS`` and
    ``MOVE_TO_CAMPAIGN`` are not idempotent: sent twice, they may call, email or copy leads twice. If the
    response is lost, the task fails and is not retried. That does not cover a worker that is killed: set
    ``retries=0``.

    Returns ``action``, ``counted`` (None without ``max_leads`` and ``min_leads``), ``updated``, ``deleted``,
    ``redials_deleted``, ``dialer_refreshed`` and ``not_found``: how many of the named leads there are not.

    .. seealso::
        `RingCentral: lead actions
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/actions>`__

    :param action: ``RESET_LEADS``, ``CANCEL_LEADS``, ``DELETE_LEADS``, ``PAUSE_LEADS``, ``DIALER_REFRESH``,
        ``READY_LEADS``, ``MANUAL_LEADS``, ``EMAIL_LEADS``, ``CALLBACK_LEADS``, ``MOVE_TO_CAMPAIGN``,
        ``AGENT_RESERVATION``, ``SUPPRESS_LEADS`` or ``UNSUPPRESS_LEADS``
    :param campaign: campaign of the leads: id, exact name, the output of another operator, or a mapping such
        as ``{"campaign_name": "20261201"}``; default: ``criteria`` must name campaigns, lists or leads
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: all are searched by
        name
    :param criteria: further criteria by the vendor's names, such as ``{"leadStates": ["READY"]}``; a lead
        must match all of them
    :param parameters: parameters of the action by the vendor's names, such as
        ``{"EMAIL_TO": "ops@example.com"}``; all are checked before anything is sent
    :param max_leads: largest number of leads that the action may change
    :param min_leads: smallest number of leads that must match; default: none must
    :param country: country of the phones in ``criteria``, three letters; default: the campaign's
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"expect_at_most": "max_leads"}
    default_map_index = "{{ task.campaign.campaign_name | default(task.campaign or ti.map_index, true) }}"
    template_fields: Sequence[str] = (
        "action",
        "campaign",
        "dial_group",
        "criteria",
        "parameters",
        "max_leads",
        "min_leads",
        "country",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"criteria": "json", "parameters": "json"}
    personal_fields = ("criteria",)

    def __init__(
        self,
        *,
        action: str | XComArg,
        campaign: CampaignReference | XComArg | None = None,
        dial_group: DialGroupReference | XComArg | None = None,
        criteria: Mapping[str, Any] | XComArg | None = None,
        parameters: Mapping[str, Any] | XComArg | None = None,
        max_leads: int | str | XComArg | None = None,
        min_leads: int | str | XComArg | None = None,
        country: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.action = action
        self.campaign = campaign
        self.dial_group = dial_group
        self.criteria = criteria
        self.parameters = parameters
        self.max_leads = max_leads
        self.min_leads = min_leads
        self.country = country

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.models.lead_actions import read_action
        from airflow_provider_engagevoice.models.lead_search import read_criteria

        return {
            "action": read_action,
            "campaign": inputs.read_campaign,
            "dial_group": inputs.read_dial_group,
            "criteria": read_criteria,
            "max_leads": partial(inputs.read_count, least=0),
            "min_leads": inputs.read_count,
            "country": inputs.read_country,
        }

    def check_literals(self) -> None:
        """Check literal arguments; parameters and ``max_leads`` must suit the action."""
        from airflow_provider_engagevoice.arguments import is_literal
        from airflow_provider_engagevoice.models.lead_actions import check_bound, read_action, read_parameters
        from airflow_provider_engagevoice.models.lead_search import check_scope

        super().check_literals()
        if is_literal(self.criteria):
            check_scope(self.campaign, self.dial_group, self.criteria)
        if is_literal(self.action):
            action = read_action(self.action)
            check_bound(action, self.max_leads)
            if is_literal(self.parameters):
                read_parameters(action, self.parameters)

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.client.lookup import lead_criteria
        from airflow_provider_engagevoice.leads.named import LeadActing, read_named
        from airflow_provider_engagevoice.models.lead_actions import check_bound, read_parameters

        values = self.read_arguments()
        action, most = values["action"], values["max_leads"]
        parameters = read_parameters(action, self.parameters)
        check_bound(action, most)
        criteria, country = self.hook.run(
            lead_criteria(values["campaign"], values["dial_group"], values["criteria"])
        )
        named = read_named(criteria, values["country"] or country)
        acting = LeadActing(action, criteria, named, parameters, least=values["min_leads"], most=most)
        return self.hook.run(acting.run())
