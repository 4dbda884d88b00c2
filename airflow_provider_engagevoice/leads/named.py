"""Leads by criteria: those that are named are found in every form that a server may hold, and acted on."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from airflow_provider_engagevoice.client.endpoints import visit_pages
from airflow_provider_engagevoice.client.endpoints.leads import (
    SEARCH_ROWS,
    Row,
    act_on_leads,
    count_leads,
    search_leads,
    search_leads_page,
)
from airflow_provider_engagevoice.client.lookup import pauses
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.exceptions import InvalidInputError, LeadActionError, OutcomeUnknownError
from airflow_provider_engagevoice.inputs import HIDDEN
from airflow_provider_engagevoice.leads.coerce import BadValueError, read_id
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.models.lead import EXTERN_ID, PHONE, PHONE_E164
from airflow_provider_engagevoice.models.lead_actions import ENDING, STOPPING, LeadAction
from airflow_provider_engagevoice.models.lead_search import FINAL_STATES, PHONE_CRITERIA, SCOPES
from airflow_provider_engagevoice.models.phone import BadNumberError, masked

log = logging.getLogger(__name__)

_LEAD_ID, _EXTERN_IDS, _LEAD_IDS = "leadId", "externIds", "leadIds"
#: Seconds for which leads that are not found are searched: a search has been seen to find new leads after two
#: seconds. And seconds after which a search shows everything, by all that is known of servers.
_PATIENCE, _LAG_SECONDS = 5.0, 65.0


@dataclass
class NamedLeads:
    """Criteria that name leads, and which leads these are.

    :param scope: criteria that name campaigns and lists
    :param others: all further criteria
    :param names: each name, a number in E.164, an ``externId`` or an id, with the texts that mean it
    :param criterion: the criterion for these texts
    :ivar found: leads by ``leadId``
    """

    scope: Mapping[str, Any]
    others: Mapping[str, Any]
    names: Mapping[str, Sequence[Any]]
    criterion: str
    found: dict[int, Row] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._by_text = {self._key(text): name for name, texts in self.names.items() for text in texts}

    @property
    def not_found(self) -> int:
        """How many of the names have no lead."""
        return len(self.names) - len(self._answered)

    def searches(self) -> Iterator[dict[str, Any]]:
        """Yield criteria that find the named leads, whatever their state, some names at a time."""
        for chunk in _chunks(text for texts in self.names.values() for text in texts):
            yield {**self.scope, self.criterion: chunk}

    def actions(self, lead_ids: Iterable[int] | None = None) -> Iterator[dict[str, Any]]:
        """Yield criteria for the leads found that match all further criteria, too, some leads at a time.

        :param lead_ids: only these leads
        """
        for ids in _chunks(self.found if lead_ids is None else lead_ids):
            yield {**self.scope, **self.others, _LEAD_IDS: ids}

    def matching(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that are leads with one of the names, and note which names have one."""
        matching = []
        for row in rows:
            if names := {name for text in self._texts(row) if (name := self._by_text.get(self._key(text)))}:
                self._answered |= names
                matching.append(row)
        return matching

    def _texts(self, row: Row) -> list[object]:
        if self.criterion == _EXTERN_IDS:
            return [row.get(EXTERN_ID)]
        if self.criterion == _LEAD_IDS:
            return [row[_LEAD_ID]]
        return [part for name in (PHONE, PHONE_E164) for part in str(row.get(name) or "").split(SEPARATOR)]

    def _key(self, text: object) -> str:
        """Return what equal texts have in common: an id without spaces around it, the digits of a phone."""
        if self.criterion == PHONE_CRITERIA[0]:
            return re.sub(r"\D", "", str(text))
        return str(text).strip()

    def search(self) -> Procedure[None]:
        """Search the leads, also those that were not found before."""
        before = [*self.found]
        self.found.clear()
        for criteria in self.searches():
            self.fresh((yield from search_leads(criteria)))
        # Those that only a look at all leads has found.
        for ids in _chunks(lead_id for lead_id in before if lead_id not in self.found):
            self.fresh((yield from search_leads({**self.scope, _LEAD_IDS: ids})))

    def search_patiently(self) -> Procedure[None]:
        """Search the leads, and for some seconds again those of which there is none."""
        yield from self.search()
        for pause in pauses(_PATIENCE):
            if not self.not_found:
                return
            yield pause
            yield from self.search()

    def search_thoroughly(self) -> Procedure[None]:
        """Search the leads once a search finds all that were there at first.

        A search by phone may compare whole texts, and a lead may have several numbers in one field: so all
        leads are read where that may be, in the USA and Canada.
        """
        yield Pause(_LAG_SECONDS)
        yield from self.search()
        if self.criterion == PHONE_CRITERIA[0] and any(name.startswith("+1") for name in self.names):
            count = yield from count_leads(self.scope)
            log.info(
                "reading all %d leads: a search may miss the second of several numbers in one field", count
            )
            yield from visit_pages(partial(search_leads_page, self.scope), itemgetter(_LEAD_ID), self.fresh)

    def fresh(self, rows: Iterable[Row]) -> list[Row]:
        """Return the matching rows that are not found yet, and note them."""
        fresh = [row for row in self.matching(rows) if row[_LEAD_ID] not in self.found]
        self.found |= {row[_LEAD_ID]: row for row in fresh}
        return fresh

    def dialable(self) -> list[int]:
        """Return the leads found that the dialer may still call."""
        return [lead_id for lead_id, row in self.found.items() if is_dialable(row)]

    def wait_until_stopped(self) -> Procedure[list[int]]:
        """Search the leads until none can be called; return those that still can."""
        again = pauses(_LAG_SECONDS)
        while True:
            yield from self.search()
            dialable = self.dialable()
            pause = next(again, None)
            if not dialable or pause is None:
                return dialable
            yield pause


def is_dialable(row: Row) -> bool:
    """Return whether the dialer may call a lead, as far as its state and its suppression say."""
    # A server may write flags as text or as numbers.
    is_suppressed = str(row.get("suppressed")).casefold() in ("true", "1")
    return not is_suppressed and row.get("leadState") not in FINAL_STATES


def read_named(criteria: Mapping[str, Any], country: str | None) -> NamedLeads | None:
    """Return the leads that criteria name; None if they name none.

    Phones and ids are read as by the loader. Leads that were loaded otherwise may have an id as it is given.

    :param country: of the phones, three letters
    :raises InvalidInputError: for the first one that the loader would reject, or if the country is missing
    """
    given = [name for name in PHONE_CRITERIA if name in criteria]
    if len(given) > 1:
        raise InvalidInputError(f"criteria.{given[1]}", HIDDEN, f"give it as {given[0]}")
    names: dict[str, Sequence[Any]]
    if given:
        criterion, names = (
            PHONE_CRITERIA[0],
            _read_phones(criteria[given[0]], f"criteria.{given[0]}", country),
        )
    elif _EXTERN_IDS in criteria:
        criterion, names = _EXTERN_IDS, _read_extern_ids(criteria[_EXTERN_IDS])
    elif _LEAD_IDS in criteria:
        criterion, names = _LEAD_IDS, {str(one): [one] for one in criteria[_LEAD_IDS]}
    else:
        return None
    scope = {name: criteria[name] for name in SCOPES if name in criteria and name != criterion}
    used = {*scope, *given, criterion}
    others = {name: one for name, one in criteria.items() if name not in used}
    if _EXTERN_IDS in others:
        others[_EXTERN_IDS] = [*chain.from_iterable(_read_extern_ids(others[_EXTERN_IDS]).values())]
    return NamedLeads(scope, others, names, criterion)


def _read_phones(given: object, field: str, country: str | None) -> dict[str, Sequence[str]]:
    if country is None:
        raise InvalidInputError("country", None, f"{field} needs the country of the phones")
    phones = Phones(country, special=True)
    names: dict[str, Sequence[str]] = {}
    for at, value in enumerate(given if isinstance(given, list) else [given]):
        try:
            numbers = phones.read_several(value)
        except BadNumberError as error:
            raise InvalidInputError(f"{field}[{at}]", masked(value), str(error)) from None
        if not numbers:
            raise InvalidInputError(f"{field}[{at}]", masked(value), "the number is missing")
        names.update((phones.e164(number), phones.forms(number)) for number in numbers)
    return names


def _read_extern_ids(given: Iterable[str]) -> dict[str, Sequence[str]]:
    names: dict[str, Sequence[str]] = {}
    for at, text in enumerate(given):
        try:
            extern_id = read_id(text)
        except BadValueError as error:
            raise InvalidInputError(f"criteria.{_EXTERN_IDS}[{at}]", text, str(error)) from None
        names[extern_id] = tuple(dict.fromkeys((extern_id, *names.get(extern_id, ()), text)))
    return names


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while chunk := list(islice(rest, SEARCH_ROWS)):
        yield chunk


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
