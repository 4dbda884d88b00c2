"""The part of the probe that writes: a campaign, inactive, in the year 2099, closed on all days.

What a server answers may be another campaign. So nothing is changed or deleted that was not read with the
probe's mark in its name.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.probe.answers import ACCOUNT, Answer, Prober
from airflow_provider_engagevoice.probe.findings import Findings
from airflow_provider_engagevoice.probe.kinds import (
    kind_of_create,
    kind_of_format,
    kind_of_name,
    kind_of_precision,
)
from airflow_provider_engagevoice.probe.leads import LeadWriting

Row = dict[str, Any]

START, END = "2099-03-02T07:31:17.250+0000", "2099-03-03T07:31:17.250+0000"
_CLOSED = {f"{day}Sched": "00000000" for day in ("sun", "mon", "tue", "wed", "thu", "fri", "sat")}
#: Callbacks by agents only: this state dials nothing, and tells whether the server keeps the one sent.
_CALLBACKS_ONLY = 2
_PHONE = "4155550100"
#: Seconds after a write at which the list is read, with what it means that the list shows it then.
_LAGS = ((0.0, "at once"), (1.3, "after 1 s"), (5.5, "after 5 s"), (31.0, "after 30 s"))
#: Seconds after which a new campaign is found by its id.
_NEW_SECONDS = 5.0
#: Seconds for which a campaign is looked for that the server has accepted.
_LONGEST = 65.0


class Writing:
    """Makes a campaign in a dial group, and removes it."""

    def __init__(self, prober: Prober, findings: Findings, dial_group_id: int) -> None:
        self._prober = prober
        self._findings = findings
        self._group = dial_group_id
        self._campaigns = f"{ACCOUNT}/dialGroups/{dial_group_id}/campaigns"
        self._mark = secrets.token_hex(5)
        #: Campaigns that the probe has made, by id.
        self._made: dict[int, str] = {}

    def run(self) -> None:
        """Write, and delete what was written, whatever happens."""
        try:
            self._run()
        except EngageVoiceError as error:
            self._findings.facts["writing_ended_early"] = str(error)
            if not self._made:
                self._findings.left.append(f"perhaps a campaign with {self._mark} in its name")
        finally:
            self._clean_up()

    def _run(self) -> None:
        body, answer = self._create()
        made = self._find(self._mark, answer)
        if made is None:
            self._findings.left.append(
                f"a campaign with {self._mark} in its name, which the list does not show yet"
            )
            return
        self._stored(body, made)
        self._answers_to_put(made)
        self._sparse_put(made)
        self._z_dates(made)
        self._leads(made)
        self._clone(made)
        self._taken_names(body)
        self._delete(made)

    # Create.

    def _body(self, name: str, **fields: Any) -> Row:
        return {
            "campaignName": name,
            "isActive": _CALLBACKS_ONLY,
            "startDate": START,
            "endDate": END,
            "callerId": _PHONE,
            "campaignDesc": "made by a probe, to be deleted",
            "maxRingTime": 33,
            **_CLOSED,
            **fields,
        }

    def _create(self) -> tuple[Row, Answer]:
        # Spaces, capitals, a decomposed letter, 60 characters: what is lost shows how names are kept.
        name = f"  {self._mark} Probe of an empty campaign, Cafe\u0301 {'x' * 24} "
        body = self._body(name)
        self._sent_at = clock.monotonic()
        answer = self._prober.send("POST", self._campaigns, body)
        value, note = kind_of_create(body, answer), ""
        if value is None:
            note = "the connection broke" if answer.status is None else f"status {answer.status}"
        self._findings.found("create_answer", value, note)
        return body, answer

    def _find(self, mark: str, answer: Answer, *, not_id: int = 0) -> Row | None:
        """Return a campaign that was just made: by the id of the answer, else from the list."""
        answered = _id_of(answer)
        if answered not in (0, not_id):
            made = self._read_after_create(answered, mark)
            if made is not None:
                return made
        rows = self._wait(lambda: [row for row in self._listed() if mark in _name(row)], _LONGEST)
        for row in rows:
            self._made[int(row["campaignId"])] = mark
        if not rows:
            return None
        late = clock.monotonic() - self._sent_at
        if not not_id and late > 2.0:
            self._made_late = late
        answer = self._get(int(rows[0]["campaignId"]))
        if not answer.is_success and not not_id:
            return self._read_after_create(int(rows[0]["campaignId"]), mark)
        return dict(answer.data) if answer.is_success else rows[0]

    _made_late = 0.0

    def _read_after_create(self, campaign_id: int, mark: str) -> Row | None:
        """Read a new campaign until the server shows it, and note how long that took.

        :return: the campaign; None if there is none, or one without the mark
        """
        asked, number = clock.monotonic(), 0
        while number < 4 or clock.monotonic() < asked + _LONGEST:
            if number >= 4:
                clock.sleep(0.7)
            row = self._get(campaign_id).data
            if isinstance(row, dict) and "campaignName" in row:
                if mark not in _name(row):
                    return None
                lag = "at once" if not number else "after some requests" if number < 4 else "404 for a moment"
                self._findings.found("get_shows", lag)
                self._made[campaign_id] = mark
                return row
            number += 1
        return None

    def _stored(self, body: Row, made: Row) -> None:
        found = self._findings
        state = made.get("isActive")
        found.found(
            "create_state", None if state is None else "as sent" if state not in (0, "0", False) else "0"
        )
        found.found("names", kind_of_name(body["campaignName"], str(made.get("campaignName"))))
        start = made.get("startDate")
        if isinstance(start, str):
            found.found("date_format", kind_of_format(start))
            found.found("date_precision", kind_of_precision(START, start))

    # Update.

    def _put(self, made: Row, **changes: Any) -> Answer:
        whole = {**made, "isActive": 0, "startDate": START, "endDate": END, **_CLOSED, **changes}
        return self._prober.send("PUT", self._path(made), whole)

    def _answers_to_put(self, made: Row) -> None:
        found = self._findings
        # In another zone: an echo shows it, and a server that answers what it stores does not.
        other_zone = "2099-03-02T08:31:17.250+0100"
        description = f"changed by a probe {self._mark}"
        answer = self._put(made, startDate=other_zone, campaignDesc=description)
        sent_at = clock.monotonic()
        if not answer.is_success:
            found.found("put_answer", None, f"status {answer.status}")
        elif answer.is_empty:
            found.found("put_answer", "empty")
        elif isinstance(answer.data, dict):
            found.found("put_answer", "echo" if answer.data.get("startDate") == other_zone else "stored")
        now_shown = [self._get(int(made["campaignId"])).data or {} for _ in range(4)]
        shows = [one.get("campaignDesc") == description for one in now_shown]
        if not shows[0] and any(shows):
            found.found("get_shows", "after some requests")
        elif shows[0]:
            found.values.setdefault("get_shows", "at once")
        self._list_lag(description, sent_at)

    def _list_lag(self, description: str, sent_at: float) -> None:
        for seconds, value in _LAGS:
            clock.sleep(max(0.0, sent_at + seconds - clock.monotonic()))
            if any(row.get("campaignDesc") == description for row in self._listed()):
                self._findings.found("list_shows", value)
                break
        else:
            self._findings.found("list_shows", "never", "not in half a minute")
        lag = self._findings.values["list_shows"]
        if self._made_late and lag in ("at once", "after 1 s"):
            self._findings.values.pop("create_answer", None)
            self._findings.notes["create_answer"] = f"carried out {self._made_late:.0f} s later"

    def _sparse_put(self, made: Row) -> None:
        whole = {**made, "isActive": 0, "startDate": START, "endDate": END, **_CLOSED}
        sparse = {name: value for name, value in whole.items() if name not in ("maxRingTime", "campaignDesc")}
        answer = self._prober.send("PUT", self._path(made), sparse)
        if answer.status in (400, 422):
            self._findings.found("sparse_put", "refused")
            return
        self._settle()
        kept = (self._get(int(made["campaignId"])).data or {}).get("maxRingTime")
        value = "merged" if str(kept) == "33" else "dropped"
        self._findings.found("sparse_put", value if answer.is_success else None)

    def _settle(self) -> None:
        """Read as often as a server may show an older state."""
        if self._findings.values.get("get_shows") == "after some requests":
            for _ in range(4):
                self._prober.send("GET", f"{self._campaigns}/{next(iter(self._made))}")

    def _z_dates(self, made: Row) -> None:
        answer = self._put(made, startDate=START.replace("+0000", "Z"), endDate=END.replace("+0000", "Z"))
        value = "accepted" if answer.is_success else "refused" if answer.status in (400, 422) else None
        self._findings.found("z_dates", value)
        self._put(made)

    # Leads.

    def _leads(self, made: Row) -> None:
        """Load a lead, if the campaign is inactive for certain."""
        campaign_id = int(made["campaignId"])
        self._settle()
        stored = self._get(campaign_id).data
        if isinstance(stored, dict) and stored.get("isActive") in (0, "0", False):
            LeadWriting(self._prober, self._findings, self._group, campaign_id, self._mark).run()

    # Clone.

    def _clone(self, made: Row) -> None:
        found, mark = self._findings, secrets.token_hex(5)
        source_id = int(made["campaignId"])
        self._sent_at = clock.monotonic()
        query = {"newCampaignName": f"{mark} Probe, clone", "newCountryCode": "USA"}
        answer = self._prober.send("POST", f"{self._path(made)}/clone", query=query)
        if answer.is_page:
            found.found("clone_answer", "200 HTML" if answer.status == 200 else str(answer.status))
        elif not answer.is_success:
            known = answer.status in (403, 404, 405)
            found.found("clone_answer", str(answer.status) if known else None, f"status {answer.status}")
        if not answer.is_success:
            return
        data = answer.data if isinstance(answer.data, dict) else {}
        if answer.is_empty:
            found.found("clone_answer", "empty")
        elif str(data.get("campaignId")) == str(source_id):
            found.found("clone_answer", "source")
        else:
            found.found("clone_answer", "id" if len(data) == 1 else "copy")
        copy = self._find(mark, answer, not_id=source_id)
        if copy is None:
            found.left.append(f"a campaign with {mark} in its name, which the list does not show yet")
        elif copy.get("campaignDispositions"):
            found.found("clone_copies", "nested rows")
        elif "startDate" in copy:
            found.found("clone_copies", "dates and state" if copy["startDate"] else "settings")

    def _taken_names(self, body: Row) -> None:
        """Create the same name again, where the first answer does not tell whether names are unique."""
        found = self._findings
        if found.values.get("create_answer") != "stored":
            return
        again = self._prober.send("POST", self._campaigns, {**body, "isActive": 0})
        if again.is_success and _id_of(again) in self._made:
            found.found("create_answer", "existing row of that name")
        elif again.is_success:
            self._made.setdefault(_id_of(again), self._mark)
        elif again.status == 409:
            other = self._prober.send(
                "POST",
                self._campaigns,
                {**body, "isActive": 0, "campaignName": body["campaignName"].swapcase()},
            )
            if other.status == 409:
                found.found("create_answer", "409 whatever the case")
            elif other.is_success and _id_of(other):
                self._made.setdefault(_id_of(other), self._mark)
                found.found("create_answer", "409 for that name")

    # Delete.

    def _delete(self, made: Row) -> None:
        campaign_id = int(made["campaignId"])
        self._settle()
        answer = self._prober.send("DELETE", self._path(made))
        if answer.status == 405:
            self._findings.found("delete", "405")
        elif not answer.is_success:
            self._findings.found("delete", None, f"status {answer.status}")
        elif not self._get(campaign_id).is_success:
            self._findings.found("delete", "gone")
        else:
            self._findings.found("delete", "gone later" if self._is_gone(campaign_id) else "not gone")

    def _clean_up(self) -> None:
        """Delete what is left; set inactive and closed what cannot be deleted."""
        if self._made:
            # Some servers do not find a new campaign for a moment.
            clock.sleep(_NEW_SECONDS)
        for campaign_id, mark in self._made.items():
            with suppress(EngageVoiceError):
                if not self._is_marked(campaign_id, mark):
                    continue
                answer = self._prober.send("DELETE", f"{self._campaigns}/{campaign_id}")
                if self._is_gone(campaign_id) if answer.is_success else not self._exists(campaign_id):
                    continue
                stored = self._get(campaign_id)
                if isinstance(stored.data, dict):
                    self._put(stored.data)
            self._findings.left.append(f"campaign {campaign_id} with {mark} in its name, inactive and closed")

    def _is_marked(self, campaign_id: int, mark: str) -> bool:
        """Return whether a campaign has the probe's mark: answers to writes may name another one."""
        rows = (self._get(campaign_id).data for _ in range(4))
        return any(isinstance(row, dict) and mark in _name(row) for row in rows)

    def _exists(self, campaign_id: int) -> bool:
        """Return whether one of several reads finds a campaign: the first ones may show an older state."""
        return any(self._get(campaign_id).is_success for _ in range(4))

    def _is_gone(self, campaign_id: int) -> bool:
        """Wait for a campaign to be gone; return whether it is."""
        return bool(self._wait(lambda: [] if self._get(campaign_id).is_success else [campaign_id], 25.0))

    # Reads.

    def _path(self, made: Row) -> str:
        return f"{self._campaigns}/{int(made['campaignId'])}"

    def _get(self, campaign_id: int) -> Answer:
        return self._prober.send("GET", f"{self._campaigns}/{campaign_id}")

    def _listed(self) -> list[Row]:
        """Return all campaigns of the dial group that the list shows."""
        first = int(self._findings.values.get("first_page", "1"))
        rows = self._prober.campaigns(self._group, max_rows=500)
        found = {str(row.get("campaignId")): row for row in rows}
        page = first + 1
        while rows and page < first + 60:
            rows = self._prober.campaigns(self._group, page=page, max_rows=500)
            found.update((str(row.get("campaignId")), row) for row in rows)
            page += 1
        return list(found.values())

    def _wait(self, look: Callable[[], list[Any]], seconds: float) -> list[Any]:
        """Look until something is found, at growing intervals."""
        began, pause = clock.monotonic(), 0.6
        while not (found := look()) and clock.monotonic() < began + seconds:
            clock.sleep(pause)
            pause = min(pause * 1.6, 10.0)
        return found


def _id_of(answer: Answer) -> int:
    """Return the id in an answer, 0 for none."""
    number = str(answer.data.get("campaignId")) if isinstance(answer.data, dict) else ""
    return int(number) if number.isdecimal() else 0


def _name(row: Row) -> str:
    return str(row.get("campaignName") or "").casefold()
