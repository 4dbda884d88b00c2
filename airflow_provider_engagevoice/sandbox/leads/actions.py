"""What ``PUT campaignLeads/actions`` does to the leads that criteria find.

Chosen here, where the vendor's documents are silent: criteria that leave nothing out are refused, so that
no empty filter deletes an account; the sandbox has no agents, so AGENT_RESERVATION with an ``AGENT_ID``
fails, and one without, which cancels, finds nothing to cancel; CALLBACK_LEADS takes the instant from
``CALLBACK_DTS``, and without it cancels the callbacks of the leads that have one; EMAIL_LEADS sends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.criteria import DATE_MEANING, Conditions, milliseconds
from airflow_provider_engagevoice.sandbox.leads.moving import LeadMover
from airflow_provider_engagevoice.sandbox.store import JsonObject

_STATE: Final = "leadState = ?, stateDts = ?"

Action = Callable[[Mapping[str, Any]], JsonObject]


class LeadActions:
    """Carries actions out, each in one transaction.

    :param account_id: whose leads they are
    """

    def __init__(self, database: Database, account_id: str) -> None:
        self._database = database
        self._account_id = account_id
        self._now = int(time.time() * 1000)
        self._actions: Mapping[str, Action] = {
            "RESET_LEADS": self._change(f"{_STATE}, leadPasses = 0, nextDial = 0", "READY", self._now),
            "CANCEL_LEADS": self._change(_STATE, "CANCELLED", self._now),
            "DELETE_LEADS": self._delete,
            "PAUSE_LEADS": self._change(_STATE, "PAUSED", self._now),
            "DIALER_REFRESH": lambda parameters: {"dialerRefreshed": True},
            "READY_LEADS": self._change(_STATE, "READY", self._now),
            "MANUAL_LEADS": self._manual,
            "EMAIL_LEADS": self._email,
            "CALLBACK_LEADS": self._callback,
            "MOVE_TO_CAMPAIGN": self._move,
            "AGENT_RESERVATION": self._reserve,
            "SUPPRESS_LEADS": self._change("suppressed = 1"),
            "UNSUPPRESS_LEADS": self._change("suppressed = 0"),
        }

    def run(self, action: str, wanted: Conditions, parameters: Mapping[str, Any]) -> JsonObject:
        """Do it; return the vendor's ``LeadActionResult``. What cannot be right is 400."""
        if action not in self._actions:
            raise bad_request([Problem("leadAction", f"must be one of {', '.join(self._actions)}", action)])
        if wanted.everything and action != "DIALER_REFRESH":
            raise bad_request([Problem("campaignLeadSearchCriteria", "must leave some leads out")])
        with self._database.transaction():
            self._database.change("DELETE FROM chosen")
            self._database.change(
                f"INSERT INTO chosen SELECT leadId FROM leads WHERE {wanted.sql}", wanted.values
            )
            outcome = self._actions[action](parameters)
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

    def _delete(self, parameters: Mapping[str, Any]) -> JsonObject:
        return {"leadDeleteCount": self._database.change("DELETE FROM leads WHERE leadId IN chosen")}

    def _manual(self, parameters: Mapping[str, Any]) -> JsonObject:
        self._database.change(
            "INSERT INTO passes (leadId, campaignId, externId, leadPhone, passNumber, passDisposition,"
            " passDate) SELECT leadId, campaignId, externId, leadPhone, leadPasses + 1, 'MANUAL_PASS', ?"
            " FROM leads WHERE leadId IN chosen",
            (self._now,),
        )
        manual = "leadPasses = leadPasses + 1, lastPassDisposition = 'MANUAL_PASS', lastPassDts = ?"
        return self._update(manual, self._now)

    def _email(self, parameters: Mapping[str, Any]) -> JsonObject:
        _needed(parameters, "EMAIL_TO")
        return {}

    def _callback(self, parameters: Mapping[str, Any]) -> JsonObject:
        text = parameters.get("CALLBACK_DTS")
        if text is None:
            return self._update(_STATE, "CALLBACK-CANCELLED", self._now, only="leadState = 'CALLBACK'")
        due = milliseconds(text)
        if due is None:
            raise bad_request([Problem("CALLBACK_DTS", f"must be {DATE_MEANING}", text)])
        return self._update(f"{_STATE}, nextDial = ?", "CALLBACK", self._now, due)

    def _move(self, parameters: Mapping[str, Any]) -> JsonObject:
        _needed(parameters, "CAMPAIGN_ID")
        mover = LeadMover(self._database, self._account_id, parameters, self._now)
        return {"leadUpdateCount": mover.move()}

    def _reserve(self, parameters: Mapping[str, Any]) -> JsonObject:
        agent = parameters.get("AGENT_ID")
        if agent is None:
            return {}
        return {"errorMessage": f"Agent {agent} has no access to the account."}


def _needed(parameters: Mapping[str, Any], name: str) -> None:
    if parameters.get(name) in (None, ""):
        raise bad_request([Problem(name, "is required in leadActionParams.paramMap")])
