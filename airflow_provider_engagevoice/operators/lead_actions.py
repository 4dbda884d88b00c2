"""Carry out an action on the leads that a search finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.leads.named import NamedLeads
    from airflow_provider_engagevoice.models.lead_actions import LeadAction
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments
    from airflow_provider_engagevoice.utils.arguments import Reader

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
    and ``DELETE_LEADS`` the named leads are searched again, for at most 35 seconds: if one of them can still
    be called, whatever its state, the task fails. Leads loaded within the last seconds may not be found yet.
    If a phone is not found in the USA or Canada, where leads may have several numbers in one field, those
    that may be called are read one by one, up to 20,000; in a larger campaign, name people by ``externIds``.

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
        from airflow_provider_engagevoice.models.lead_actions import check_bound, read_action, read_parameters
        from airflow_provider_engagevoice.models.lead_search import check_scope
        from airflow_provider_engagevoice.utils.arguments import is_literal

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
        from airflow_provider_engagevoice.leads.named import read_named
        from airflow_provider_engagevoice.models.lead_actions import (
            ENDING,
            STOPPING,
            check_bound,
            read_parameters,
        )

        values = self.read_arguments()
        action, most, least = values["action"], values["max_leads"], values["min_leads"]
        parameters = read_parameters(action, self.parameters)
        check_bound(action, most)
        criteria, country = self.hook.run(
            lead_criteria(values["campaign"], values["dial_group"], values["criteria"])
        )
        named = read_named(criteria, values["country"] or country)
        if action in STOPPING:
            self.log.warning(
                "%s loses the state of each lead; SUPPRESS_LEADS also stops dialing and keeps it", action
            )
        if named is not None:
            self.hook.run(named.search_patiently())
            if action in ENDING and named.may_be_hidden and not self.hook.run(named.look_through()):
                self.log.warning(
                    "%d phones were not found; there are too many leads to read those with several "
                    "numbers in one field one by one: name such people by externIds",
                    named.not_found,
                )
        requests = [criteria] if named is None else list(named.actions())
        counted = None
        if most is not None or least is not None:
            counted = self._count(action, requests, least, most)
        changes: dict[str, Any] = {
            "action": str(action),
            "counted": counted,
            "updated": 0,
            "deleted": 0,
            "redials_deleted": 0,
            "dialer_refreshed": False,
            "not_found": 0 if named is None else named.not_found,
        }
        if counted != 0:
            for request in requests:
                self._act(action, request, parameters, changes)
        if named is not None and action in ENDING:
            self._verify(action, named, set(named.found), parameters, changes, most)
            changes["not_found"] = named.not_found
        self.log.info("%s", changes)
        changed = changes["updated"] + changes["deleted"]
        if counted is not None and changed > counted:
            self.log.warning("%d leads matched when counted, but %d were changed", counted, changed)
        return changes

    def _act(
        self,
        action: LeadAction,
        criteria: Mapping[str, Any],
        parameters: Mapping[str, Any],
        changes: dict[str, Any],
    ) -> None:
        """Execute the action, and add what it has changed.

        :raises AirflowFailException: if it is refused, or if its outcome is unknown
        """
        from airflow_provider_engagevoice.exceptions import OutcomeUnknownError

        try:
            result = self.hook.act_on_leads(action, criteria, parameters)
        except OutcomeUnknownError as error:
            raise AirflowFailException(
                f"{error}; the outcome of {action} is unknown: check the leads before you run it again"
            ) from error
        if not result.success:
            reason = result.errorMessage or "no reason was given"
            raise AirflowFailException(f"{action} was refused: {reason}")
        changes["updated"] += result.leadUpdateCount
        changes["deleted"] += result.leadDeleteCount
        changes["redials_deleted"] += result.redialDeleteCount
        changes["dialer_refreshed"] |= bool(result.dialerRefreshed)

    def _verify(
        self,
        action: LeadAction,
        named: NamedLeads,
        done: Set[int],
        parameters: Mapping[str, Any],
        changes: dict[str, Any],
        most: int | None,
    ) -> None:
        """Search the named leads again: none of them may be called any more.

        Leads that the first search did not show yet are acted on now.

        :param done: leads that the action was executed on
        :raises AirflowFailException: if some can still be called
        """
        dialable = self.hook.run(named.wait_until_stopped())
        late = [lead_id for lead_id in dialable if lead_id not in done]
        if late and (most is None or len(done) + len(late) <= most):
            for request in named.actions(late):
                self._act(action, request, parameters, changes)
            dialable = self.hook.run(named.wait_until_stopped())
        if dialable:
            shown = ", ".join(map(str, dialable[:20])) + (", …" if len(dialable) > 20 else "")
            raise AirflowFailException(
                f"after {action}, {len(dialable)} of the named leads can still be called: leadIds {shown}; "
                "further criteria or max_leads may exclude them"
            )

    def _count(
        self,
        action: LeadAction,
        requests: Sequence[Mapping[str, Any]],
        least: int | None,
        most: int | None,
    ) -> int:
        """Return the number of leads that match.

        :raises AirflowFailException: if there are fewer than ``least`` or more than ``most``
        """
        from airflow_provider_engagevoice.models.lead_actions import STOPPING

        counted = sum(self.hook.count_leads(criteria) for criteria in requests)
        if most is not None and counted > most:
            hint = "; to stop dialing, use SUPPRESS_LEADS, which can be undone" if action in STOPPING else ""
            raise AirflowFailException(
                f"{action} would change {counted} leads, and max_leads is {most}; nothing was sent{hint}"
            )
        if least is not None and counted < least:
            raise AirflowFailException(
                f"{action} would change {counted} leads, and min_leads is {least}; nothing was sent"
            )
        return counted
