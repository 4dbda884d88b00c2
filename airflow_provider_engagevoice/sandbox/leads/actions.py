"""The actions of ``PUT campaignLeads/actions`` on the leads that match criteria.

The parameters follow the vendor's document on lead actions. Not documented, assumed: criteria that match
every lead are rejected; a lead with an agent callback is AGENT-CALLBACK, due immediately unless CALLBACK_DATE
is given; CANCEL applies to leads with a callback, RESET to all, and both clear the reserved agent;
EMAIL_LEADS sends nothing; DIALER_REFRESH has no effect. AGENT_RESERVATION also accepts ``CALLBACK_DTS``, the
earliest time to dial, which is not in the document but is reported to be required by users of the API.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.criteria import Conditions
from airflow_provider_engagevoice.sandbox.leads.fields import AGENTS
from airflow_provider_engagevoice.sandbox.leads.manual import ManualPass
from airflow_provider_engagevoice.sandbox.leads.moving import LeadMover
from airflow_provider_engagevoice.sandbox.leads.parameters import ActionParameters
from airflow_provider_engagevoice.sandbox.store import JsonObject

_STATE: Final = "leadState = ?, stateDts = ?"
_HAS_CALLBACK: Final = "leadState IN ('CALLBACK', 'AGENT-CALLBACK', 'PENDING-CALLBACK')"

Action = Callable[[ActionParameters], JsonObject]


class LeadActions:
    """Runs actions, each in one transaction.

    :param account_id: account of the leads
    """

    def __init__(self, backend: Backend, account_id: str) -> None:
        self._backend = backend
        self._database = backend.database
        self._account_id = account_id
        self._now = int(time.time() * 1000)
        self._actions: Mapping[str, Action] = {
            "RESET_LEADS": self._change(f"{_STATE}, leadPasses = 0, nextDial = 0", "READY", self._now),
            "CANCEL_LEADS": self._change(_STATE, "CANCELLED", self._now),
            "DELETE_LEADS": self._delete,
            "PAUSE_LEADS": self._change(_STATE, "PAUSED", self._now),
            "DIALER_REFRESH": self._refresh,
            "READY_LEADS": self._change(_STATE, "READY", self._now),
            "MANUAL_LEADS": self._manual,
            "EMAIL_LEADS": self._email,
            "CALLBACK_LEADS": self._callback,
            "MOVE_TO_CAMPAIGN": self._move,
            "AGENT_RESERVATION": self._reserve,
            "SUPPRESS_LEADS": self._change("suppressed = 1"),
            "UNSUPPRESS_LEADS": self._change("suppressed = 0"),
        }

    def run(self, action: str, conditions: Conditions, given: Mapping[str, Any]) -> JsonObject:
        """Run an action; return the vendor's ``LeadActionResult``. 400 if anything is invalid.

        :param given: the ``paramMap``
        """
        if action not in self._actions:
            raise bad_request([Problem("leadAction", f"must be one of {', '.join(self._actions)}", action)])
        if conditions.everything and action != "DIALER_REFRESH":
            raise bad_request([Problem("campaignLeadSearchCriteria", "must not match all leads")])
        with self._database.transaction():
            self._database.change("DELETE FROM selected")
            self._database.change(
                f"INSERT INTO selected SELECT leadId FROM leads WHERE {conditions.sql}", conditions.values
            )
            outcome = self._actions[action](ActionParameters(given))
        return {
            "leadActionType": action,
            "success": "errorMessage" not in outcome,
            "errorMessage": None,
            "leadUpdateCount": 0,
            "leadDeleteCount": 0,
            "redialDeleteCount": 0,
            "dialerRefreshed": False,
            **outcome,
        }

    def _change(self, assignments: str, *values: Any) -> Action:
        return lambda parameters: self._update(assignments, *values)

    def _update(self, assignments: str, *values: Any, only: str = "1") -> JsonObject:
        statement = f"UPDATE leads SET {assignments} WHERE leadId IN selected AND {only}"
        return {"leadUpdateCount": self._database.change(statement, values)}

    def _delete(self, parameters: ActionParameters) -> JsonObject:
        return {"leadDeleteCount": self._database.change("DELETE FROM leads WHERE leadId IN selected")}

    def _refresh(self, parameters: ActionParameters) -> JsonObject:
        if parameters.has("force_dialer_cache_refresh"):
            parameters.flag("force_dialer_cache_refresh")
        return {"dialerRefreshed": True}

    def _manual(self, parameters: ActionParameters) -> JsonObject:
        manual = ManualPass(self._backend, self._account_id, parameters, self._now)
        return {"leadUpdateCount": manual.record()}

    def _email(self, parameters: ActionParameters) -> JsonObject:
        parameters.text("EMAIL_TO")
        return {}

    def _callback(self, parameters: ActionParameters) -> JsonObject:
        kind = parameters.choice("ACTION_TYPE", ("AGENT", "CANCEL", "RESET"))
        if kind == "RESET":
            return self._update(f"{_STATE}, nextDial = 0, pendingAgentId = NULL", "READY", self._now)
        if kind == "CANCEL":
            cancelled = f"{_STATE}, pendingAgentId = NULL"
            return self._update(cancelled, "CALLBACK-CANCELLED", self._now, only=_HAS_CALLBACK)
        agent = parameters.number("RESERVATION_AGENT_ID", minimum=1)
        due = parameters.instant("CALLBACK_DATE")
        if agent not in AGENTS:
            return _no_access(agent)
        return self._update(
            f"{_STATE}, nextDial = ?, pendingAgentId = ?",
            "AGENT-CALLBACK",
            self._now,
            self._now if due is None else due,
            agent,
        )

    def _move(self, parameters: ActionParameters) -> JsonObject:
        mover = LeadMover(self._database, self._account_id, parameters, self._now)
        return {"leadUpdateCount": mover.move()}

    def _reserve(self, parameters: ActionParameters) -> JsonObject:
        agent = parameters.number("RESERVATION_AGENT_ID")
        due = parameters.instant("CALLBACK_DTS")
        if agent == 0:
            return self._update("pendingAgentId = NULL")
        if agent not in AGENTS:
            return _no_access(agent)
        return self._update("pendingAgentId = ?, nextDial = coalesce(?, nextDial)", agent, due)


def _no_access(agent: int) -> JsonObject:
    return {"errorMessage": f"Agent {agent} has no access to the account."}
