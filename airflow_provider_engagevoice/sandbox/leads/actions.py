"""What ``PUT campaignLeads/actions`` does to the leads that criteria find.

The parameters are those of the vendor's text on lead actions, which names what each action needs. Chosen
here, where it is silent: criteria that leave nothing out are refused, so that no empty filter deletes an
account; a lead with an agent's callback is AGENT-CALLBACK, and due at once unless CALLBACK_DATE says when;
CANCEL is for the leads that have a callback, RESET for all, and neither leaves an agent reserved; EMAIL_LEADS
sends nothing; DIALER_REFRESH finds nothing to refresh. AGENT_RESERVATION takes ``CALLBACK_DTS``, too, before
which a lead is not dialed: the text does not name it, and users of the API report that it was asked for.
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
from airflow_provider_engagevoice.sandbox.leads.parameters import Parameters
from airflow_provider_engagevoice.sandbox.store import JsonObject

_STATE: Final = "leadState = ?, stateDts = ?"
_HAS_CALLBACK: Final = "leadState IN ('CALLBACK', 'AGENT-CALLBACK', 'PENDING-CALLBACK')"

Action = Callable[[Parameters], JsonObject]


class LeadActions:
    """Carries actions out, each in one transaction.

    :param account_id: whose leads they are
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

    def run(self, action: str, wanted: Conditions, given: Mapping[str, Any]) -> JsonObject:
        """Do it; return the vendor's ``LeadActionResult``. What cannot be right is 400.

        :param given: the ``paramMap``
        """
        if action not in self._actions:
            raise bad_request([Problem("leadAction", f"must be one of {', '.join(self._actions)}", action)])
        if wanted.everything and action != "DIALER_REFRESH":
            raise bad_request([Problem("campaignLeadSearchCriteria", "must leave some leads out")])
        with self._database.transaction():
            self._database.change("DELETE FROM chosen")
            self._database.change(
                f"INSERT INTO chosen SELECT leadId FROM leads WHERE {wanted.sql}", wanted.values
            )
            outcome = self._actions[action](Parameters(given))
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
        statement = f"UPDATE leads SET {assignments} WHERE leadId IN chosen AND {only}"
        return {"leadUpdateCount": self._database.change(statement, values)}

    def _delete(self, parameters: Parameters) -> JsonObject:
        return {"leadDeleteCount": self._database.change("DELETE FROM leads WHERE leadId IN chosen")}

    def _refresh(self, parameters: Parameters) -> JsonObject:
        if parameters.has("force_dialer_cache_refresh"):
            parameters.flag("force_dialer_cache_refresh")
        return {"dialerRefreshed": True}

    def _manual(self, parameters: Parameters) -> JsonObject:
        manual = ManualPass(self._backend, self._account_id, parameters, self._now)
        return {"leadUpdateCount": manual.record()}

    def _email(self, parameters: Parameters) -> JsonObject:
        parameters.text("EMAIL_TO")
        return {}

    def _callback(self, parameters: Parameters) -> JsonObject:
        kind = parameters.choice("ACTION_TYPE", ("AGENT", "CANCEL", "RESET"))
        if kind == "RESET":
            return self._update(f"{_STATE}, nextDial = 0, pendingAgentId = NULL", "READY", self._now)
        if kind == "CANCEL":
            cancelled = f"{_STATE}, pendingAgentId = NULL"
            return self._update(cancelled, "CALLBACK-CANCELLED", self._now, only=_HAS_CALLBACK)
        agent = parameters.number("RESERVATION_AGENT_ID", least=1)
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

    def _move(self, parameters: Parameters) -> JsonObject:
        mover = LeadMover(self._database, self._account_id, parameters, self._now)
        return {"leadUpdateCount": mover.move()}

    def _reserve(self, parameters: Parameters) -> JsonObject:
        agent = parameters.number("RESERVATION_AGENT_ID")
        due = parameters.instant("CALLBACK_DTS")
        if agent == 0:
            return self._update("pendingAgentId = NULL")
        if agent not in AGENTS:
            return _no_access(agent)
        return self._update("pendingAgentId = ?, nextDial = coalesce(?, nextDial)", agent, due)


def _no_access(agent: int) -> JsonObject:
    return {"errorMessage": f"Agent {agent} has no access to the account."}
