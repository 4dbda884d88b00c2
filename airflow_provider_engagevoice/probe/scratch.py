"""The campaigns that the probe makes: in the year 2099, closed on all days, with a mark in their names.

What a server answers may be another campaign. So nothing is changed or deleted that was not read with the
probe's mark in its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.probe.answers import ACCOUNT, Answer, Prober
from airflow_provider_engagevoice.probe.results import Findings

Row = dict[str, Any]

START = "2099-03-02T07:31:17.250+0000"
END = "2099-03-03T07:31:17.250+0000"
CLOSED = {f"{day}Sched": "00000000" for day in ("sun", "mon", "tue", "wed", "thu", "fri", "sat")}
INACTIVE = "inactive and closed"
#: Seconds after which a new campaign is found by its id.
_NEW_SECONDS = 5.0
_MOST_PAGES = 60
#: Statuses of requests that may have been carried out.
_MAY_BE_DONE = frozenset(range(500, 600)) - {501}


class Scratch:
    """Campaigns of a dial group.

    :ivar path: of the dial group's campaigns
    :ivar made: the marks of the campaigns that the probe has made, by id
    :ivar unsure: the states of requested campaigns that have not been seen, nor refused, by mark
    """

    def __init__(self, prober: Prober, findings: Findings, dial_group_id: int) -> None:
        self._prober = prober
        self._findings = findings
        self._group = dial_group_id
        self.path = f"{ACCOUNT}/dialGroups/{dial_group_id}/campaigns"
        self.made: dict[int, str] = {}
        self.unsure: dict[str, str] = {}
        #: What each campaign is left as, by mark.
        self._states: dict[str, str] = {}

    def path_of(self, made: Row) -> str:
        """Return the path of a campaign."""
        return f"{self.path}/{int(made['campaignId'])}"

    def get(self, campaign_id: int) -> Answer:
        """Read a campaign."""
        return self._prober.send("GET", f"{self.path}/{campaign_id}")

    def row(self, made: Row) -> Row:
        """Return a campaign as a read shows it now, or soon; empty if none does."""

        def look() -> list[Any]:
            answer = self.get(int(made["campaignId"]))
            return [answer.data] if answer.is_success and id_of(answer) else []

        return next(iter(wait(look, _NEW_SECONDS)), {})

    def post(
        self,
        mark: str,
        state: str,
        path: str,
        body: Row | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """Request a campaign with a mark in its name."""
        self.unsure[mark] = self._states[mark] = state
        answer = self._prober.send("POST", path, body, query=query)
        if answer.status is not None and not answer.is_success and answer.status not in _MAY_BE_DONE:
            del self.unsure[mark]
        return answer

    def know(self, campaign_id: int, mark: str) -> None:
        """Note that a campaign is the probe's."""
        self.made.setdefault(campaign_id, mark)
        self.unsure.pop(mark, None)

    def put(self, made: Row, **changes: Any) -> Answer:
        """Update a campaign: inactive and closed, with some changes."""
        return self._prober.send("PUT", self.path_of(made), whole(made) | changes)

    def listed(self) -> list[Row]:
        """Return all campaigns of the dial group that the list shows."""
        first = int(self._findings.values.get("first_page", "1"))
        rows = self._prober.campaigns(self._group, max_rows=500)
        found = {str(row.get("campaignId")): row for row in rows}
        page = first + 1
        while rows and page < first + _MOST_PAGES:
            rows = self._prober.campaigns(self._group, page=page, max_rows=500)
            found.update((str(row.get("campaignId")), row) for row in rows)
            page += 1
        return list(found.values())

    def settle(self) -> None:
        """Read as often as a server may show an older state."""
        if self._findings.values.get("get_shows") == "after some requests":
            for campaign_id in self.made:
                for _ in range(4):
                    self.get(campaign_id)

    def is_gone(self, campaign_id: int) -> bool:
        """Wait for a campaign to be gone; return whether it is."""
        return bool(wait(lambda: [] if self.get(campaign_id).is_success else [campaign_id], 25.0))

    def clean_up(self) -> None:
        """Delete what is left; set inactive and closed what cannot be deleted, and name it."""
        remaining = dict(self.made)
        try:
            if self.made:
                # Some servers do not find a new campaign for a moment.
                clock.sleep(_NEW_SECONDS)
            with suppress(EngageVoiceError):
                self._find_others()
            remaining = dict(self.made)
            for campaign_id, mark in self.made.items():
                with suppress(EngageVoiceError):
                    if not self._is_marked(campaign_id, mark) or self._is_deleted(campaign_id, mark):
                        del remaining[campaign_id]
        finally:
            self._findings.left += [
                f"campaign {campaign_id} with {mark} in its name, {self._states[mark]}"
                for campaign_id, mark in remaining.items()
            ]
            self._findings.left += [
                f"perhaps a campaign with {mark} in its name, {state}" for mark, state in self.unsure.items()
            ]

    def _find_others(self) -> None:
        """Note the campaigns in the list whose requests were not answered, or interrupted."""
        for row in self.listed() if self.unsure else ():
            mark = next((one for one in self._states if one in name_of(row)), "")
            if mark and is_id(row.get("campaignId")):
                self.know(int(row["campaignId"]), mark)

    def _is_deleted(self, campaign_id: int, mark: str) -> bool:
        """Delete a campaign, or else set it inactive and closed."""
        answer = self._prober.send("DELETE", f"{self.path}/{campaign_id}")
        if self.is_gone(campaign_id) if answer.is_success else not self._exists(campaign_id):
            return True
        stored = self.get(campaign_id)
        if isinstance(stored.data, dict) and self.put(stored.data).is_success:
            self._states[mark] = INACTIVE
        return False

    def _is_marked(self, campaign_id: int, mark: str) -> bool:
        """Return whether a campaign has the probe's mark: answers to writes may name another one."""
        rows = (self.get(campaign_id).data for _ in range(4))
        return any(isinstance(row, dict) and mark in name_of(row) for row in rows)

    def _exists(self, campaign_id: int) -> bool:
        """Return whether one of several reads finds a campaign: the first ones may show an older state."""
        return any(self.get(campaign_id).is_success for _ in range(4))


def wait(look: Callable[[], list[Any]], seconds: float) -> list[Any]:
    """Look until something is found, at growing intervals."""
    began, pause = clock.monotonic(), 0.6
    while not (found := look()) and clock.monotonic() < began + seconds:
        clock.sleep(pause)
        pause = min(pause * 1.6, 10.0)
    return found


def whole(made: Row) -> Row:
    """Return the body of an update that leaves a campaign inactive and closed."""
    return {**made, "isActive": 0, "startDate": START, "endDate": END, **CLOSED}


def id_of(answer: Answer) -> int:
    """Return the id in an answer, 0 for none."""
    number = answer.data.get("campaignId") if isinstance(answer.data, dict) else None
    return int(number) if number is not None and is_id(number) else 0


def is_id(value: object) -> bool:
    """Return whether a value can be an id: a number, or its digits."""
    return isinstance(value, int | str) and str(value).isdecimal()


def name_of(row: Row) -> str:
    """Return a campaign's name in lower case: a server may fold it."""
    return str(row.get("campaignName") or "").casefold()
