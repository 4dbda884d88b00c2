"""The part of the probe that reads."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.request import file_form
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.probe.answers import ACCOUNT, Answer, Prober
from airflow_provider_engagevoice.probe.results import Findings
from airflow_provider_engagevoice.probe.scratch import is_id

Row = dict[str, Any]

#: An id that no campaign has, and a path that no server has.
NO_CAMPAIGN = 2_000_000_011
NO_PATH = f"{ACCOUNT}/probeOfUnknownPath"
#: A number for examples (555-01xx).
PHONE = "4155550100"
#: Names of fields; other texts, such as names or numbers of people, are not printed.
_FIELD = re.compile(r"[A-Za-z_](?!.*\d{4})\w{0,59}", re.ASCII)
_ASKED_ROWS = 500
_MOST_PAGES = 6


class Reading:
    """Reads an account.

    :param dial_group_id: dial group whose campaigns are read; None for the one with most
    """

    def __init__(self, prober: Prober, findings: Findings, dial_group_id: int | None) -> None:
        self._prober = prober
        self._findings = findings
        self._dial_group_id = dial_group_id

    def run(self) -> None:
        """Read everything: about thirty requests."""
        findings, traffic, group = self._findings, self._prober.client.traffic, self._dial_group_id
        with findings.going_on("accounts"):
            self._account()
        with findings.going_on("renewal of the token"):
            self._refresh()
        if group is None:
            with findings.going_on("dial groups"):
                group = self._group()
        with findings.going_on("unknown paths"):
            self._unknown(group)
        with findings.going_on("search by phone list"):
            self._phone_list()
        with findings.going_on("audit log"):
            self._audit_log()
        if group is not None:
            with findings.going_on("lists"):
                self._lists(group)
        findings.facts["rate_limit_headers"] = sorted(traffic.rate_headers)

    def _account(self) -> None:
        client, facts = self._prober.client, self._findings.facts
        accounts = self._prober.send("GET", "admin/accounts").rows
        facts["accounts"] = len(accounts)
        account_id = client.account_id()
        self._findings.suggested["account_id"] = account_id
        facts["sign_in"] = str(client.settings.sign_in)

    def _refresh(self) -> None:
        """Renew the token once: as if it had expired."""
        client = self._prober.client
        tokens, key = client.shared_state.tokens, client.settings.token_key
        token = tokens.known(key)
        if token is None or not token.refresh:
            self._findings.facts["refresh"] = "no refresh token"
            return
        tokens.save(key, replace(token, expires_at=clock.monotonic()))
        before = len(client.traffic.answered)
        self._prober.send("GET", "admin/accounts")
        paths = [path for path, status in client.traffic.answered[before:] if status == 200]
        renewed = any(path.endswith("/token/refresh") for path in paths)
        self._findings.facts["refresh"] = "works" if renewed else "refused"

    def _group(self) -> int | None:
        groups = self._prober.send("GET", f"{ACCOUNT}/dialGroups/withChildren").rows
        self._findings.facts["dial_groups"] = len(groups)
        sizes = {
            int(group["dialGroupId"]): len(group["campaigns"])
            for group in groups
            if is_id(group.get("dialGroupId")) and isinstance(group.get("campaigns"), list)
        }
        return max(sizes, key=lambda group: sizes[group], default=None)

    def _unknown(self, group: int | None) -> None:
        answers = [_kind(self._prober.send("GET", NO_PATH))]
        if group is not None:
            path = f"{ACCOUNT}/dialGroups/{group}/campaigns/{NO_CAMPAIGN}"
            answers.append(_kind(self._prober.send("GET", path)))
            # A clone is a POST. A path that takes no GET is there; the answer to a POST needs --write.
            clone = _kind(self._prober.send("GET", f"{path}/clone"))
            kinds = {answers[0]: "missing, like any unknown path", "405": "may be there: 405 for GET"}
            self._findings.facts["clone_path"] = kinds.get(clone, f"{clone} for GET")
        if len(set(answers)) == 1:
            self._findings.found("unknown", answers[0])
        else:
            self._findings.found("unknown", None, f"path: {answers[0]}, id: {answers[1]}")

    def _phone_list(self) -> None:
        path = f"{ACCOUNT}/campaignLeads/leadSearchByPhoneList"
        form, form_type = file_form(f"{PHONE}\n".encode(), "numbers.csv")
        body = {"phoneList": [PHONE]}
        send = partial(
            self._prober.send, "POST", path, query={"maxRows": 1}, rate_limit="lead_search_by_number"
        )
        as_json = send(body).is_success
        as_form = send(content=form, content_type=form_type).is_success
        values = {(True, True): "both", (True, False): "JSON", (False, True): "multipart"}
        self._findings.found(
            "phone_list", values.get((as_json, as_form)), "" if as_json or as_form else "neither"
        )

    def _audit_log(self) -> None:
        now = clock.now()
        criteria = {
            "accountId": self._prober.client.account_id(),
            "startDateTime": _with_offset(now - timedelta(minutes=1)),
            "endDateTime": _with_offset(now),
            "searchEntities": ["Campaign"],
        }
        path = "admin/auditLogs/search"
        answer = self._prober.send("PUT", path, criteria, rate_limit="audit_logs")
        if answer.is_success:
            self._findings.found("audit_log", "open")
        elif answer.status == 403:
            self._findings.found("audit_log", "403")
        else:
            self._findings.found("audit_log", None, f"status {answer.status}")

    # Lists.

    def _lists(self, group: int) -> None:
        whole = self._prober.campaigns(group, max_rows=_ASKED_ROWS)
        again = self._prober.campaigns(group, max_rows=_ASKED_ROWS)
        self._findings.facts["campaigns_in_first_page"] = len(whole)
        with self._findings.going_on("rows of a list"):
            self._shapes(whole)
        stable = self._order(whole, again)
        self._first_page(group, whole, stable)
        self._cap(group, whole)
        self._findings.is_shuffled = not stable and self._is_part(group, whole, again)
        if self._findings.is_shuffled and self._findings.values.get("list_rows") == "whole":
            self._findings.unknown("list_rows", "the order changes, so pages may lack a row")

    def _shapes(self, rows: list[Row]) -> None:
        found = self._findings
        known = set(Campaign.model_fields)
        unknown = sorted({name for row in rows for name in row} - known)
        has_secret = self._prober.client.has_secret
        named = [name for name in unknown if _FIELD.fullmatch(name) and not has_secret(name)]
        found.facts["fields_unknown_to_this_package"] = named
        if len(named) < len(unknown):
            found.facts["fields_whose_names_are_no_names"] = len(unknown) - len(named)
        if not rows:
            found.found("numbers", None, "the dial group has no campaigns")
            found.found("list_rows", None, "the dial group has no campaigns")
            return
        if all("startDate" not in row for row in rows):
            found.found("list_rows", "without dates")
        else:
            nulls = any(row.get(name, "") is None for row in rows for name in ("campaignName", "startDate"))
            found.found("list_rows", "nulls in other rows" if nulls else "whole")
        states = {type(row["isActive"]) for row in rows if row.get("isActive") is not None}
        kinds: dict[type, str] = {int: "documented", str: "text", bool: "boolean isActive"}
        value = kinds.get(states.pop()) if len(states) == 1 else None
        found.found("numbers", value, "" if value else "no state, or states of several types")

    def _order(self, rows: list[Row], again: list[Row]) -> bool:
        """Find the order; return whether it stays."""
        ids, ids_again = ([str(row.get("campaignId")) for row in one] for one in (rows, again))
        if ids != ids_again:
            self._findings.found("order", "another each time")
            return False
        if not all(is_id(row.get("campaignId")) for row in rows):
            self._findings.found("order", None, "rows without an id")
            return True
        by_id = sorted(rows, key=lambda row: int(row["campaignId"]))
        by_name = sorted(rows, key=lambda row: str(row.get("campaignName") or ""))
        if len(rows) < 3 or by_id == by_name:
            self._findings.found("order", None, "too few campaigns in the dial group")
        elif rows == by_id:
            self._findings.found("order", "by id")
        elif rows == by_name:
            self._findings.found("order", "by name")
        else:
            self._findings.found("order", None, "neither by id nor by name")
        return True

    def _is_part(self, group: int, whole: list[Row], again: list[Row]) -> bool:
        """Return whether a list has more pages than the first, whatever the number of that is."""
        one, two = (self._prober.campaigns(group, page=page, max_rows=_ASKED_ROWS) for page in (1, 2))
        seen = {*_ids(whole), *_ids(again), *_ids(one)}
        return bool(two) or len(one) not in (0, len(whole)) or len(seen) > len(whole)

    def _first_page(self, group: int, whole: list[Row], stable: bool) -> None:
        if not stable or len(whole) < 3:
            note = "the order changes" if not stable else "too few campaigns in the dial group"
            self._findings.found("first_page", None, note)
            return
        unnamed, zero, one = (
            _ids(self._prober.campaigns(group, page=page, max_rows=2)) for page in (None, 0, 1)
        )
        if unnamed == one:
            self._findings.found("first_page", "1")
        elif unnamed == zero:
            self._findings.found("first_page", "0")
        else:
            self._findings.found("first_page", None, "no page is the one without a number")

    def _cap(self, group: int, whole: list[Row]) -> None:
        first = int(self._findings.values.get("first_page", "1"))
        lengths = [len(whole)]
        seen = set(_ids(whole))
        while len(lengths) < _MOST_PAGES:
            rows = self._prober.campaigns(group, page=first + len(lengths), max_rows=_ASKED_ROWS)
            if not rows or (
                "order" not in self._findings.notes and seen >= set(_ids(rows)) and len(lengths) > 1
            ):
                break
            seen |= set(_ids(rows))
            lengths.append(len(rows))
        is_complete = len(lengths) < _MOST_PAGES
        full = lengths[:-1] if is_complete else lengths
        if not full:
            enough = len(whole) > 100
            self._findings.found("cap", "none" if enough else None, "" if enough else "too few campaigns")
        elif len(set(full)) > 1:
            self._findings.found(
                "cap", "filtered after the cut", f"pages of {', '.join(map(str, full))} rows"
            )
        elif len(full) == 1 and full[0] not in (16, 99, 100):
            self._findings.found("cap", None, f"one page of {full[0]} rows: too few to compare")
        else:
            cap = str(full[0])
            self._findings.found("cap", cap if cap in ("100", "16", "99") else "any", f"{cap} rows")


def _ids(rows: list[Row]) -> list[str]:
    return [str(row.get("campaignId")) for row in rows]


def _kind(answer: Answer) -> str:
    return (
        f"{answer.status} HTML"
        if answer.is_page
        else {404: "404 JSON"}.get(answer.status or 0, str(answer.status))
    )


def _with_offset(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")


def shown_json(findings: Findings) -> str:
    """Return the findings as JSON, one value on a line."""
    return json.dumps(findings.as_json(), indent=2)
