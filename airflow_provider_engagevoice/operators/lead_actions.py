"""Do something to leads that a search finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.models.lead import LeadAction

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceLeadActionOperator(EngageVoiceOperator):
    """
    Cancel, suppress, move, delete … every lead that fits.

    What an action overwrites cannot be got back, so all but ``SUPPRESS_LEADS``, ``UNSUPPRESS_LEADS``,
    ``DIALER_REFRESH``, ``EMAIL_LEADS`` and ``AGENT_RESERVATION`` need ``expect_at_most``: leads are counted
    first, and where there are more nothing is sent and the task fails with their number. Where none fits,
    nothing is sent and the task succeeds.

    To stop dialing, ``SUPPRESS_LEADS`` keeps each lead's state and ``UNSUPPRESS_LEADS`` undoes it;
    ``CANCEL_LEADS`` and ``PAUSE_LEADS`` lose the state.

    ``RESET_LEADS``, ``READY_LEADS``, ``MANUAL_LEADS``, ``CALLBACK_LEADS``, ``EMAIL_LEADS`` and
    ``MOVE_TO_CAMPAIGN`` done twice may call people twice, or copy them twice: where an answer is lost the
    task fails and is not retried. A worker that is killed is another matter; give such a task ``retries=0``.

    Returns ``action``, ``counted`` (None where nobody counted), ``updated``, ``deleted``,
    ``redials_deleted`` and ``dialer_refreshed``.

    .. seealso::
        `Vendor's document on lead actions
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/actions>`__

    :param action: ``RESET_LEADS``, ``CANCEL_LEADS``, ``DELETE_LEADS``, ``PAUSE_LEADS``, ``DIALER_REFRESH``,
        ``READY_LEADS``, ``MANUAL_LEADS``, ``EMAIL_LEADS``, ``CALLBACK_LEADS``, ``MOVE_TO_CAMPAIGN``,
        ``AGENT_RESERVATION``, ``SUPPRESS_LEADS`` or ``UNSUPPRESS_LEADS``
    :param campaign: id, exact name, or the mapping another operator returned; where left out, ``criteria``
        has to name campaigns, lists or leads
    :param dial_group: dial group of the campaign; where left out, a name is looked for in all of them
    :param criteria: which of its leads, by the vendor's names, such as ``{"leadStates": ["READY"]}``; all of
        them have to hold
    :param parameters: of the action, by the vendor's names, such as ``{"EMAIL_TO": "ops@example.com"}``;
        what is unknown, missing or cannot be right is an error before anything is sent
    :param expect_at_most: most leads that it may be done to
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "action",
        "campaign",
        "dial_group",
        "criteria",
        "parameters",
        "expect_at_most",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"criteria": "json", "parameters": "json"}

    def __init__(
        self,
        *,
        action: str,
        campaign: CampaignReference | None = None,
        dial_group: DialGroupReference | None = None,
        criteria: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        expect_at_most: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.campaign = campaign
        self.dial_group = dial_group
        self.criteria = criteria
        self.parameters = parameters
        self.expect_at_most = expect_at_most

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.client.lookup import lead_criteria
        from airflow_provider_engagevoice.exceptions import OutcomeUnknownError
        from airflow_provider_engagevoice.models.lead_actions import STOPPING, read_action, read_parameters

        action = read_action(self.action)
        parameters = read_parameters(action, self.parameters)
        most = self._most(action)
        criteria = self.hook.run(lead_criteria(self.campaign, self.dial_group, self.criteria))
        if action in STOPPING:
            self.log.warning("%s loses the state of each lead; SUPPRESS_LEADS stops dialing, too", action)
        counted = None if most is None else self._count(action, criteria, most)
        told = {
            "action": str(action),
            "counted": counted,
            "updated": 0,
            "deleted": 0,
            "redials_deleted": 0,
            "dialer_refreshed": False,
        }
        if counted == 0:
            self.log.info("no lead fits %s; nothing was sent", criteria)
            return told
        try:
            result = self.hook.act_on_leads(action, criteria, parameters)
        except OutcomeUnknownError as error:
            raise AirflowFailException(
                f"{error}; whether {action} was done is unknown: look at the leads before it is done again"
            ) from error
        if not result.success:
            raise AirflowFailException(
                f"{action} was refused: {result.errorMessage or 'no reason was given'}"
            )
        told |= {
            "updated": result.leadUpdateCount,
            "deleted": result.leadDeleteCount,
            "redials_deleted": result.redialDeleteCount,
            "dialer_refreshed": bool(result.dialerRefreshed),
        }
        self.log.info("%s", told)
        done = result.leadUpdateCount + result.leadDeleteCount
        if counted is not None and done > counted:
            self.log.warning("%d leads fitted when they were counted, and %d when it was done", counted, done)
        return told

    def _most(self, action: LeadAction) -> int | None:
        """Return the most leads that it may be done to, None for any number."""
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.models.lead_actions import IRREVERSIBLE

        given = self.expect_at_most
        if given is None:
            if action in IRREVERSIBLE:
                raise InvalidInputError(
                    "expect_at_most", None, f"{action} cannot be undone: say how many leads it may be done to"
                )
            return None
        text = str(given).strip()
        if isinstance(given, bool) or not (text.isascii() and text.isdigit()):
            raise InvalidInputError("expect_at_most", given, "give a number of leads")
        return int(text)

    def _count(self, action: LeadAction, criteria: Mapping[str, Any], most: int) -> int:
        from airflow_provider_engagevoice.models.lead_actions import STOPPING

        counted = self.hook.count_leads(criteria)
        if counted > most:
            hint = "; to stop dialing, SUPPRESS_LEADS can be undone" if action in STOPPING else ""
            told = f"{action} would be done to {counted} leads, and expect_at_most is {most}"
            raise AirflowFailException(f"{told}; nothing was sent{hint}")
        return counted
