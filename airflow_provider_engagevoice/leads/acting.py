"""Carry out an action on leads, and see that none of those who are named is called any more."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_engagevoice.client.endpoints.leads import act_on_leads, count_leads
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import LeadActionError, OutcomeUnknownError
from airflow_provider_engagevoice.leads.named import NamedLeads
from airflow_provider_engagevoice.models.lead_actions import ENDING, STOPPING, LeadAction

log = logging.getLogger(__name__)


class LeadActing:
    """One action on the leads that criteria match.

    :param named: the leads that the criteria name; None if they name none
    :param least: smallest number of leads that must match; None for any
    :param most: largest number of leads that may be changed; None for any
    :ivar changes: what was done so far
    """

    def __init__(
        self,
        action: LeadAction,
        criteria: Mapping[str, Any],
        named: NamedLeads | None,
        parameters: Mapping[str, Any],
        *,
        least: int | None,
        most: int | None,
    ) -> None:
        self._action = action
        self._criteria = criteria
        self._named = named
        self._parameters = parameters
        self._least = least
        self._most = most
        self.changes: dict[str, Any] = {
            "action": str(action),
            "counted": None,
            "updated": 0,
            "deleted": 0,
            "redials_deleted": 0,
            "dialer_refreshed": False,
            "not_found": 0,
        }

    @property
    def _is_bounded(self) -> bool:
        return self._most is not None or self._least is not None

    def run(self) -> Procedure[dict[str, Any]]:
        """Find and count the leads, act on them, and look whether those who are named can still be called.

        :raises LeadActionError: if too many or too few match, if the action is refused or its outcome is
            unknown, or if one of the named can still be called
        """
        named, action = self._named, self._action
        if action in STOPPING:
            log.warning(
                "%s loses the state of each lead; SUPPRESS_LEADS also stops dialing and keeps it", action
            )
        if named is not None:
            yield from named.search() if action in ENDING else named.search_patiently()
            if action in ENDING and self._is_bounded:
                yield from named.search_thoroughly()
        requests = [self._criteria] if named is None else list(named.actions())
        if self._is_bounded:
            self.changes["counted"] = yield from self._count(requests)
        if self.changes["counted"] != 0:
            yield from self._act(requests)
        if named is not None:
            if action in ENDING:
                yield from self._verify(named)
            self.changes["not_found"] = named.not_found
        counted, changed = self.changes["counted"], self.changes["updated"] + self.changes["deleted"]
        log.info("%s", self.changes)
        if counted is not None and changed > counted:
            log.warning("%d leads matched when counted, but %d were changed", counted, changed)
        return self.changes

    def _act(self, requests: Iterable[Mapping[str, Any]]) -> Procedure[None]:
        for criteria in requests:
            try:
                result = yield from act_on_leads(self._action, criteria, self._parameters)
            except OutcomeUnknownError as error:
                raise LeadActionError(
                    f"{error}; the outcome of {self._action} is unknown: check the leads before you run it "
                    "again"
                ) from error
            if not result.success:
                reason = result.errorMessage or "no reason was given"
                raise LeadActionError(f"{self._action} was refused: {reason}")
            self.changes["updated"] += result.leadUpdateCount
            self.changes["deleted"] += result.leadDeleteCount
            self.changes["redials_deleted"] += result.redialDeleteCount
            self.changes["dialer_refreshed"] |= bool(result.dialerRefreshed)

    def _verify(self, named: NamedLeads) -> Procedure[None]:
        """Search the named leads again: none of them may be called any more.

        Leads that the first search did not show are acted on now.

        :raises LeadActionError: if some can still be called
        """
        done = set(named.found)
        if not self._is_bounded:
            yield from named.search_thoroughly()
        dialable = yield from named.wait_until_stopped()
        late = [lead_id for lead_id in dialable if lead_id not in done]
        if late and (self._most is None or len(done) + len(late) <= self._most):
            yield from self._act(named.actions(late))
            dialable = yield from named.wait_until_stopped()
        if dialable:
            shown = ", ".join(map(str, dialable[:20])) + (", …" if len(dialable) > 20 else "")
            raise LeadActionError(
                f"after {self._action}, {len(dialable)} of the named leads can still be called: leadIds "
                f"{shown}; further criteria or max_leads may exclude them"
            )

    def _count(self, requests: Iterable[Mapping[str, Any]]) -> Procedure[int]:
        """Return the number of leads that match.

        :raises LeadActionError: if there are fewer than ``least`` or more than ``most``
        """
        counted = 0
        for criteria in requests:
            counted += yield from count_leads(criteria)
        action, most, least = self._action, self._most, self._least
        if most is not None and counted > most:
            hint = "; to stop dialing, use SUPPRESS_LEADS, which can be undone" if action in STOPPING else ""
            raise LeadActionError(
                f"{action} would change {counted} leads, and max_leads is {most}; nothing was sent{hint}"
            )
        if least is not None and counted < least:
            raise LeadActionError(
                f"{action} would change {counted} leads, and min_leads is {least}; nothing was sent"
            )
        return counted
