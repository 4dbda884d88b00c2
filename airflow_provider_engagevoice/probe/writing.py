"""The part of the probe that writes: a campaign, inactive, in the year 2099, closed on all days."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.probe.answers import (
    Answer,
    Prober,
    kind_of_create,
    kind_of_format,
    kind_of_name,
    kind_of_precision,
)
from airflow_provider_engagevoice.probe.lead_writing import LeadWriting
from airflow_provider_engagevoice.probe.results import Findings
from airflow_provider_engagevoice.probe.scratch import (
    CLOSED,
    END,
    INACTIVE,
    START,
    Row,
    Scratch,
    id_of,
    is_id,
    name_of,
    wait,
    whole,
)

#: Callbacks by agents only: this state dials nothing, and tells whether the server keeps the one sent.
_CALLBACKS_ONLY = 2
_CALLBACKS = "with callbacks by agents only, and closed"
_PHONE = "4155550100"
#: Seconds after a write at which the list is read, with what it means that the list shows it then.
_LAGS = ((0.0, "at once"), (1.3, "after 1 s"), (5.5, "after 5 s"), (31.0, "after 30 s"))
#: Seconds for which a campaign is looked for that the server has accepted, and between two looks at most.
_LONGEST, _LONGEST_PAUSE = 65.0, 10.0
#: Seconds after a create within which a read shows whether the campaign is found at once.
_AT_ONCE = 2.0


class Writing:
    """Makes a campaign in a dial group, and removes it."""

    def __init__(self, prober: Prober, findings: Findings, dial_group_id: int) -> None:
        self._prober = prober
        self._findings = findings
        self._group = dial_group_id
        self._scratch = Scratch(prober, findings, dial_group_id)
        self._mark = secrets.token_hex(5)
        self._sent_at = self._made_late = 0.0

    def run(self) -> None:
        """Write, and delete what was written, whatever happens."""
        self._findings.writes = True
        try:
            self._run()
        except (EngageVoiceError, KeyboardInterrupt) as error:
            self._ended_early(error)
        finally:
            try:
                self._scratch.clean_up()
            except KeyboardInterrupt as error:
                self._ended_early(error)

    def _ended_early(self, error: BaseException) -> None:
        self._findings.problem = str(error) or "interrupted"
        # Texts of the server stay out of the JSON.
        self._findings.facts["writing_ended_early"] = type(error).__name__

    def _run(self) -> None:
        body, answer = self._create()
        made = self._find(self._mark, answer) if self._scratch.unsure else None
        if made is None:
            if self._scratch.unsure:
                self._findings.unknown("create_answer", "the campaign is not seen")
            self._unseen(self._mark)
            return
        for part, step in {
            "what is stored": partial(self._stored, body, made),
            "updates": partial(self._answers_to_put, made),
            "updates that omit fields": partial(self._sparse_put, made),
            "dates with Z": partial(self._z_dates, made),
            "leads": partial(self._leads, made),
            "clones": partial(self._clone, made),
            "taken names": partial(self._taken_names, body),
            "states": partial(self._state, made),
            "deletes": partial(self._delete, made),
        }.items():
            with self._findings.going_on(part):
                step()
        if "get_shows" not in self._findings.values:
            self._findings.unknown("get_shows", "new campaigns are found too late")

    # Create.

    def _body(self, name: str, **fields: Any) -> Row:
        return {
            "campaignName": name,
            "isActive": 0,
            "startDate": START,
            "endDate": END,
            "callerId": _PHONE,
            "campaignDesc": "made by a probe, to be deleted",
            "maxRingTime": 33,
            **CLOSED,
            **fields,
        }

    def _create(self) -> tuple[Row, Answer]:
        # Spaces, capitals, a decomposed letter, 60 characters: what is lost shows how names are kept.
        name = f"  {self._mark} Probe of an empty campaign, Cafe\u0301 {'x' * 24} "
        body = self._body(name)
        self._sent_at = clock.monotonic()
        answer = self._scratch.post(self._mark, INACTIVE, self._scratch.path, body)
        value, note = kind_of_create(body, answer), ""
        if value is None:
            note = "the connection broke" if answer.status is None else f"status {answer.status}"
        self._findings.found("create_answer", value, note)
        return body, answer

    def _find(self, mark: str, answer: Answer, *, not_id: int = 0) -> Row | None:
        """Return a campaign that was just made: by the id of the answer, else from the list."""
        answered = id_of(answer)
        if answered not in (0, not_id):
            made = self._read_after_create(answered, mark)
            if made is not None:
                return made

        def listed() -> list[Row]:
            rows = self._scratch.listed()
            return [row for row in rows if mark in name_of(row) and is_id(row.get("campaignId"))]

        rows = wait(listed, _LONGEST)
        for row in rows:
            self._scratch.know(int(row["campaignId"]), mark)
        if not rows:
            return None
        late = clock.monotonic() - self._sent_at
        if not not_id and late > _AT_ONCE:
            self._made_late = late
        answer = self._scratch.get(int(rows[0]["campaignId"]))
        if not answer.is_success and not not_id:
            return self._read_after_create(int(rows[0]["campaignId"]), mark)
        return dict(answer.data) if answer.is_success else rows[0]

    def _read_after_create(self, campaign_id: int, mark: str) -> Row | None:
        """Read a new campaign until the server shows it, and note how long that took.

        :return: the campaign; None if there is none, or one without the mark
        """
        asked, number = clock.monotonic(), 0
        while number < 4 or clock.monotonic() < asked + _LONGEST:
            if number >= 4:
                clock.sleep(0.7)
            row = self._scratch.get(campaign_id).data
            if isinstance(row, dict) and "campaignName" in row:
                if mark not in name_of(row):
                    return None
                if number:
                    lag = "after some requests" if number < 4 else "404 for a moment"
                    self._findings.found("get_shows", lag)
                elif asked < self._sent_at + _AT_ONCE:
                    self._findings.found("get_shows", "at once")
                self._scratch.know(campaign_id, mark)
                return row
            number += 1
        return None

    def _stored(self, body: Row, made: Row) -> None:
        found = self._findings
        sent, kept = body["campaignName"], str(made.get("campaignName"))
        name = kind_of_name(sent, kept)
        found.found("names", name, "" if name else f"{len(kept)} characters of {len(sent)}, changed")
        start = made.get("startDate")
        if not isinstance(start, str):
            for point in ("date_format", "date_precision"):
                found.unknown(point, "the date is no text")
            return
        form, precision = kind_of_format(start), kind_of_precision(START, start)
        found.found("date_format", form, "" if form else "in another form")
        hidden = "dates without milliseconds do not show it" if "." not in start else "another date is stored"
        found.found("date_precision", precision, "" if precision else hidden)

    def _state(self, made: Row) -> None:
        """Create a campaign that is not inactive: with callbacks by agents alone, it dials nothing."""
        mark = secrets.token_hex(5)
        self._sent_at = clock.monotonic()
        body = self._body(f"{mark} Probe of a state", isActive=_CALLBACKS_ONLY)
        answer = self._scratch.post(mark, _CALLBACKS, self._scratch.path, body)
        other = self._find(mark, answer, not_id=int(made["campaignId"]))
        if other is None:
            self._unseen(mark)
            self._findings.unknown("create_state", "the campaign is not seen")
        elif (state := other.get("isActive")) is not None:
            self._findings.found("create_state", "0" if state in (0, "0", False) else "as sent")

    def _unseen(self, mark: str) -> None:
        """Name a campaign that was requested and is not seen, unless it was refused."""
        if (state := self._scratch.unsure.pop(mark, None)) is not None:
            self._findings.left.append(
                f"a campaign with {mark} in its name, which the list does not show yet, {state}"
            )

    # Update.

    def _answers_to_put(self, made: Row) -> None:
        found = self._findings
        # In another zone: an echo shows it, and a server that answers what it stores does not.
        other_zone = "2099-03-02T08:31:17.250+0100"
        description = f"changed by a probe {self._mark}"
        answer = self._scratch.put(made, startDate=other_zone, campaignDesc=description)
        sent_at = clock.monotonic()
        if not answer.is_success:
            found.found("put_answer", None, f"status {answer.status}")
        elif answer.is_empty:
            found.found("put_answer", "empty")
        elif isinstance(answer.data, dict):
            found.found("put_answer", "echo" if answer.data.get("startDate") == other_zone else "stored")
        now_shown = [self._scratch.get(int(made["campaignId"])).data or {} for _ in range(4)]
        shows = [one.get("campaignDesc") == description for one in now_shown]
        if not shows[0] and any(shows):
            found.found("get_shows", "after some requests")
        self._list_lag(description, sent_at)

    def _list_lag(self, description: str, sent_at: float) -> None:
        for seconds, value in _LAGS:
            clock.sleep(max(0.0, sent_at + seconds - clock.monotonic()))
            if any(row.get("campaignDesc") == description for row in self._scratch.listed()):
                self._findings.found("list_shows", value)
                break
        else:
            seconds = 0.0
            self._findings.found("list_shows", "never", "not in half a minute")
        if self._findings.is_shuffled:
            seconds = 0.0
            self._findings.unknown("list_shows", "the order changes, so a page may lack it")
        if self._made_late > seconds + _LONGEST_PAUSE + _AT_ONCE:
            self._findings.unknown("create_answer", f"carried out {self._made_late:.0f} s later")

    def _sparse_put(self, made: Row) -> None:
        omitted = ("maxRingTime", "campaignDesc")
        sparse = {name: value for name, value in whole(made).items() if name not in omitted}
        answer = self._prober.send("PUT", self._scratch.path_of(made), sparse)
        if answer.status in (400, 422):
            self._findings.found("sparse_put", "refused")
            return
        self._scratch.settle()
        kept = (self._scratch.get(int(made["campaignId"])).data or {}).get("maxRingTime")
        value = "merged" if str(kept) == "33" else "dropped"
        if answer.is_success:
            self._findings.found("sparse_put", value)
        else:
            self._findings.found("sparse_put", None, f"status {answer.status}")

    def _z_dates(self, made: Row) -> None:
        in_z = {"startDate": START.replace("+0000", "Z"), "endDate": END.replace("+0000", "Z")}
        answer = self._scratch.put(made, **in_z)
        value = "accepted" if answer.is_success else "refused" if answer.status in (400, 422) else None
        self._findings.found("z_dates", value, "" if value else f"status {answer.status}")
        self._scratch.put(made)

    # Leads.

    def _leads(self, made: Row) -> None:
        """Load a lead, if the campaign is inactive for certain."""
        campaign_id = int(made["campaignId"])
        self._scratch.settle()
        stored = self._scratch.get(campaign_id).data
        if isinstance(stored, dict) and stored.get("isActive") in (0, "0", False):
            LeadWriting(self._prober, self._findings, self._group, campaign_id, self._mark).run()
        else:
            self._findings.facts["leads"] = "none loaded: the campaign is not inactive for certain"

    # Clone.

    def _clone(self, made: Row) -> None:
        found, mark = self._findings, secrets.token_hex(5)
        source_id = int(made["campaignId"])
        self._sent_at = clock.monotonic()
        query = {"newCampaignName": f"{mark} Probe, clone", "newCountryCode": "USA"}
        answer = self._scratch.post(mark, INACTIVE, f"{self._scratch.path_of(made)}/clone", query=query)
        if answer.is_page:
            found.found("clone_answer", "200 HTML" if answer.status == 200 else str(answer.status))
        elif not answer.is_success:
            known = answer.status in (403, 404, 405)
            value = str(answer.status) if known else None
            found.found("clone_answer", value, "" if known else f"status {answer.status}")
        if not answer.is_success:
            found.unknown("clone_copies", "there is no clone")
            self._nested_rows(made)
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
            self._unseen(mark)
            found.unknown("clone_copies", "the clone is not seen")
            return
        if copy.get("campaignDispositions"):
            found.found("clone_copies", "nested rows")
        elif "startDate" in copy:
            found.found("clone_copies", "dates and state" if copy["startDate"] else "settings")
        self._nested_rows(made, copy)

    def _nested_rows(self, *made: Row) -> None:
        """Create a campaign from one of the probe's that has rows of its own, with these and their ids.

        Rows of other campaigns are not tried: a server may move them.
        """
        self._scratch.settle()
        source = next((one for one in map(self._scratch.row, made) if own_rows(one)), None)
        self._findings.facts["rows_with_ids_in_a_create"] = (
            "not tried: no campaign of the probe has rows of its own"
            if source is None
            else self._create_with_rows(source)
        )

    def _create_with_rows(self, source: Row) -> str:
        """Return what becomes of the rows; suggest ``copy_nested`` if both campaigns have them afterwards."""
        rows, mark = own_rows(source), secrets.token_hex(5)
        copied = Campaign.from_server(source).copied_fields(own_rows=True)
        body = whole(copied) | {"campaignName": f"{mark} Probe of rows with ids"}
        self._sent_at = clock.monotonic()
        answer = self._scratch.post(mark, INACTIVE, self._scratch.path, body)
        if mark not in self._scratch.unsure:
            return f"refused with status {answer.status}"
        made = self._find(mark, answer, not_id=int(source["campaignId"]))
        if made is None:
            self._unseen(mark)
            return "the campaign is not seen"
        self._scratch.settle()
        if own_rows(self._scratch.row(source)) != rows:
            return "taken away from their campaign"
        if {name: len(value) for name, value in own_rows(made).items()} != {
            name: len(value) for name, value in rows.items()
        }:
            return "dropped"
        self._findings.suggested["copy_nested"] = "true"
        return "taken"

    def _taken_names(self, body: Row) -> None:
        """Create the same name again, where the first answer does not tell whether names are unique."""
        found = self._findings
        if found.values.get("create_answer") != "stored":
            return
        again = self._scratch.post(self._mark, INACTIVE, self._scratch.path, body)
        number = id_of(again)
        if again.is_success and number in self._scratch.made:
            found.found("create_answer", "existing row of that name")
        if again.is_success and number:
            self._scratch.know(number, self._mark)
        elif again.status == 409:
            swapped = {**body, "campaignName": body["campaignName"].swapcase()}
            other = self._scratch.post(self._mark, INACTIVE, self._scratch.path, swapped)
            if other.status == 409 and found.values.get("names") == "case folded":
                found.unknown("create_answer", "409 for that name; the server stores no case")
            elif other.status == 409:
                found.found("create_answer", "409 whatever the case")
            elif other.is_success and id_of(other):
                self._scratch.know(id_of(other), self._mark)
                found.found("create_answer", "409 for that name")

    # Delete.

    def _delete(self, made: Row) -> None:
        campaign_id = int(made["campaignId"])
        self._scratch.settle()
        answer = self._prober.send("DELETE", self._scratch.path_of(made))
        if answer.status == 405:
            self._findings.found("delete", "405")
        elif not answer.is_success:
            self._findings.found("delete", None, f"status {answer.status}")
        elif not self._scratch.get(campaign_id).is_success:
            self._findings.found("delete", "gone")
        else:
            self._findings.found("delete", "gone later" if self._scratch.is_gone(campaign_id) else "not gone")


def own_rows(row: Row) -> dict[str, Any]:
    """Return the fields of a campaign whose rows belong to it alone; empty for no campaign."""
    return {name: row[name] for name in Campaign.from_server(row).own_rows()} if row else {}
