"""The vendor's server in memory: dial groups and campaigns in any dialect, without I/O or a clock.

A request comes in as method, path, query, JSON body and time, and goes out as an :class:`Answer` or a
:class:`LostConnectionError`. It keeps every version of each campaign, with its time and its author.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from tests.simulation.answers import (
    Answer,
    Budget,
    LostConnectionError,
    error_answer,
    html_answer,
    json_answer,
    unknown_answer,
)
from tests.simulation.dialects import CAPS, Dialect
from tests.simulation.rows import (
    DEFAULTS,
    NESTED,
    BadBodyError,
    Json,
    Row,
    Version,
    in_precision,
    own_rows,
    plain_name,
    shown_fields,
    stored_fields,
    stored_name,
)

GROUP, OTHER_GROUP, ACCOUNT = 115801, 115802, "99999999"
#: 2026-11-02, on no round second.
START = 1_793_606_400.417

#: Seconds until a list shows a write.
LAGS = {"at once": 0.0, "after 1 s": 1.0, "after 5 s": 5.0, "after 30 s": 30.0, "never": float("inf")}
_SHOWN = {"date_format", "date_precision", "numbers"}  # in each campaign
#: When the campaigns were written that are there at the start.
LONG_AGO = float("-inf")


class Vendor:
    """One server.

    :param maintenance: intervals of time in which it answers as the dialect's ``maintenance`` says
    :ivar consulted: points of the dialect that made a difference to an answer so far
    :ivar on_write: called with each row and its new version, and with how it was written
    """

    def __init__(
        self,
        dialect: Dialect,
        random: Random,
        *,
        first_id: int = 1001,
        maintenance: tuple[tuple[float, float], ...] = (),
    ) -> None:
        self.dialect = dialect
        self.groups = {GROUP: "Outbound Renewals", OTHER_GROUP: "Winbacks"}
        self.rows: dict[int, Row] = {}
        self.consulted: set[str] = set()
        self.on_write: Callable[[Row, Version], None] = lambda row, version: None
        self.maintenance = maintenance
        self.budget = Budget(dialect)
        #: Number of the version that the last read of a campaign showed, 0 for none.
        self.shown_number = 0
        #: Whether a list has had more than one page.
        self.has_pages = False
        self._random = random
        self._ids = count(first_id)
        self._numbers = count(1)
        self._due: list[tuple[float, int, Callable[[float], object]]] = []
        # Small caps show the same as large ones in less time, but in shuffled order perhaps by chance.
        shuffled = dialect.order == "another each time"
        self._cap = CAPS.get(dialect.cap) or (random.randint(11, 17) if shuffled else random.randint(2, 5))
        self.cut = random.choice((8, 20, 30, 48, 60, 100))
        self._stale_reads = random.randint(1, 3)
        self._moment = random.uniform(0.5, 4.0)

    def name_as_stored(self, name: str) -> str:
        """Return a name as the server stores it, as :func:`plain_name`."""
        return plain_name(stored_name(name, self.dialect, self.cut))

    # What people do in the vendor's pages.

    def add(
        self, name: str, now: float, by: Any = None, group: int = GROUP, how: str = "add", **fields: Any
    ) -> Row:
        """Create a campaign; dates are milliseconds since the epoch."""
        name = stored_name(name, self.dialect, self.cut)
        fields = in_precision({**DEFAULTS, **fields, "campaignName": name}, self.dialect)
        return self._new(group, fields, now, by, how)

    def edit(self, row: Row, changes: Json, now: float, by: Any, how: str = "edit") -> None:
        """Change fields of a campaign; dates are milliseconds since the epoch."""
        if row.now.fields is not None:
            changes = in_precision(changes, self.dialect)
            if "campaignName" in changes:
                changes["campaignName"] = stored_name(changes["campaignName"], self.dialect, self.cut)
            self._write(row, {**row.now.fields, **changes}, now, by, how)

    def remove(self, row: Row, now: float, by: Any) -> None:
        """Delete a campaign."""
        if row.exists:
            self._write(row, None, now, by, "delete")

    # Time.

    def next_due(self) -> float | None:
        """Return when the server does next what it has accepted before."""
        return self._due[0][0] if self._due else None

    def run_due(self, now: float) -> None:
        """Do what is due."""
        while self._due and self._due[0][0] <= now:
            at, _, action = heappop(self._due)
            action(at)

    def _later(self, at: float, action: Callable[[float], object]) -> None:
        heappush(self._due, (at, next(self._numbers), action))

    # Requests.

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        now: float,
        by: Any,
    ) -> Answer:
        """Execute a request and answer it.

        :raises LostConnectionError: if the connection breaks, as the dialect has it
        """
        self.run_due(now)
        if self.dialect.maintenance != "none" and any(start <= now < end for start, end in self.maintenance):
            self.consulted |= {"maintenance", "maintenance_length"}
            status = self.dialect.maintenance
            return html_answer(200 if status == "200 HTML" else int(status), now)
        if (refusal := self.budget.refusal(now)) is not None:
            self.consulted.add("too_many")
            return refusal
        parts = path.split("/")
        if parts[:2] != ["admin", "accounts"]:
            return self._unknown(now)
        if len(parts) == 2 and method == "GET":
            return json_answer([{"accountId": ACCOUNT, "accountName": "Acme"}], now)
        if len(parts) < 4 or parts[3] != "dialGroups":
            return self._unknown(now)
        try:
            return self._dial_groups(method, parts[4:], query, body, now, by)
        except BadBodyError as error:
            return error_answer(400, str(error), now)

    def _dial_groups(
        self, method: str, parts: list[str], query: Mapping[str, Any], body: Any, now: float, by: Any
    ) -> Answer:
        if parts in ([], ["withChildren"]) and method == "GET":
            groups = [self._group(one, now if parts else None) for one in self.groups]
            return Answer(
                200, b"[%s]" % b",".join(self._page(groups, query, cap=250)), now, "application/json"
            )
        group = int(parts[0]) if parts[0].isdigit() else 0
        if group not in self.groups:
            return self._unknown(now)
        if len(parts) == 1 and method == "GET":
            return Answer(200, self._group(group), now)
        if parts[1:] == ["campaigns"]:
            return (
                self._create(group, dict(body or {}), now, by)
                if method == "POST"
                else self._list(group, query, now)
            )
        row = self.rows.get(int(parts[2])) if len(parts) > 2 and parts[2].isdigit() else None
        if row is None or row.group_id != group or not row.exists:
            return self._unknown(now)
        action = parts[3:]
        if action == ["clone"] and method == "POST":
            return self._clone(row, query, now, by)
        if action == ["lists"] and method == "GET":
            return json_answer([{"listId": number} for number, _ in enumerate(row.leads_at)], now)
        if action:
            return self._unknown(now)
        if method == "GET":
            return self._get(row, now)
        if method == "PUT":
            return self._put(row, dict(body or {}), now, by)
        return self._delete(row, now, by) if method == "DELETE" else self._unknown(now)

    def _group(self, group: int, children_at: float | None = None) -> bytes:
        start = json.dumps(
            {"dialGroupId": group, "dialGroupName": self.groups[group], "isActive": True}
        ).encode()
        if children_at is None:
            return start
        return b'%s,"campaigns":[%s]}' % (start[:-1], b",".join(self._listed(group, children_at)))

    def _list(self, group: int, query: Mapping[str, Any], now: float) -> Answer:
        rows = self._page(self._listed(group, now), query, self._cap)
        return Answer(200, b"[%s]" % b",".join(rows), now)

    def _listed(self, group: int, now: float) -> list[bytes]:
        """Return the campaigns of a group as a list shows them at ``now``, in its order."""
        at = now - LAGS[self.dialect.list_shows]
        shown: list[tuple[Row, Version]] = []
        for row in self.rows.values():
            if row.group_id != group:
                continue
            version = row.version_at(at)
            if version is not row.now or (at == now and row.now.at != LONG_AGO):
                self.consulted.add("list_shows")
            if version is not None and version.fields is not None:
                shown.append((row, version))
        if self.dialect.order == "by name":
            shown.sort(key=lambda one: (one[1].fields or {})["campaignName"])
        elif self.dialect.order == "another each time":
            self._random.shuffle(shown)
        return [self._encoded(row, version, in_list=True) for row, version in shown]

    def _page(self, rows: list[bytes], query: Mapping[str, Any], cap: int) -> list[bytes]:
        first = int(self.dialect.first_page)
        page = max(0, int(query.get("page", first)) - first)
        size = min(cap, int(query.get("maxRows", cap)))
        if page or "page" in query:
            self.consulted.add("first_page")
        if self.dialect.cap == "filtered after the cut":
            # Each page has lost some of its rows, but not all of them.
            start = sum(self._filtered(size, number) for number in range(page))
            size = self._filtered(size, page)
        else:
            start = page * size
        self.has_pages |= len(rows) > size
        if len(rows) > size or self.dialect.cap == "none":
            self.consulted |= {"cap", "order"}
        return rows[start : start + size]

    def _filtered(self, size: int, page: int) -> int:
        """Return how many rows of a page are left."""
        return max(1, size - (page * 7 + self._cap) % (size // 2 + 1))

    def _get(self, row: Row, now: float) -> Answer:
        is_hidden = self.dialect.get_shows == "404 for a moment" and now < row.versions[0].at + self._moment
        at_once = self.dialect.get_shows == "at once" and row.now.at != LONG_AGO
        if is_hidden or at_once or row.stale_reads > 0:
            self.consulted.add("get_shows")
        if is_hidden:
            return self._unknown(now)
        if row.stale_reads > 0:
            row.stale_reads -= 1
            if row.shown < 0:
                return self._unknown(now)
            version = row.versions[row.shown]
        else:
            version = row.now
        self.shown_number = version.number
        return Answer(200, self._encoded(row, version), now)

    def _create(self, group: int, body: Json, now: float, by: Any) -> Answer:
        fields = {**DEFAULTS, **stored_fields(body, self.dialect, self.cut)}
        for name in ("campaignName", "startDate", "endDate", "callerId"):
            if body.get(name) is None:
                raise BadBodyError(f"{name} is required")
        if self.dialect.create_state == "0":
            fields["isActive"] = 0
        taken = self._taken_name(group, fields["campaignName"])
        answer = self.dialect.create_answer
        self.consulted |= {"create_answer", "create_state", "names"}
        if taken is not None:
            if answer == "existing row of that name":
                return Answer(200, self._encoded(taken, taken.now), now)
            return error_answer(409, "the name is taken", now)
        if answer.startswith("late") and self._random.random() < 0.7:
            self._later(
                now + self._random.uniform(0.0, 60.0),
                lambda at: self._new(group, fields, at, by, "create"),
            )
            if answer != "late":
                raise LostConnectionError
            return Answer(202, b"", now)
        row = self._new(group, fields, now, by, "create")
        if answer in ("echo", "echo without id"):
            sent = body if answer != "echo" else {**body, "campaignId": row.campaign_id}
            return json_answer(sent, now)
        if answer == "id":
            return json_answer({"campaignId": row.campaign_id}, now)
        if answer.endswith("empty"):
            return Answer(int(answer[:3]), b"", now)
        return Answer(200, self._encoded(row, row.now), now)

    def _clone(self, source: Row, query: Mapping[str, Any], now: float, by: Any) -> Answer:
        answer = self.dialect.clone_answer
        self.consulted |= {"clone_answer", "names"}
        if answer in ("403", "404", "405"):
            if answer == "404" and self.dialect.unknown == "404 HTML":
                return html_answer(404, now)
            return error_answer(int(answer), "no such resource", now)
        if answer == "200 HTML":
            return html_answer(200, now)
        self.consulted.add("clone_copies")
        fields = {**(source.now.fields or {}), "countryId": query.get("newCountryCode", "USA")}
        fields["campaignName"] = stored_name(query.get("newCampaignName"), self.dialect, self.cut)
        if self.dialect.clone_copies == "settings":
            fields |= {"startDate": None, "endDate": None, "isActive": 0}
            fields.pop(NESTED, None)
        row = self._new(source.group_id, fields, now, by, "clone")
        if answer == "empty":
            return Answer(200, b"", now)
        if answer == "id":
            return json_answer({"campaignId": row.campaign_id}, now)
        shown = source if answer == "source" else row
        return Answer(200, self._encoded(shown, shown.now), now)

    def _put(self, row: Row, body: Json, now: float, by: Any) -> Answer:
        sent = stored_fields(body, self.dialect, self.cut)
        self.consulted |= {"put_answer", "names", "sparse_put"}
        before = row.now.fields or {}
        if not before.keys() <= sent.keys():
            if self.dialect.sparse_put == "refused":
                raise BadBodyError("fields are missing")
            sent = {**(before if self.dialect.sparse_put == "merged" else DEFAULTS), **sent}
        if "campaignName" not in sent:
            raise BadBodyError("campaignName is required")
        renamed = sent["campaignName"] != before["campaignName"]
        if renamed and self.dialect.create_answer.startswith("409"):
            taken = self._taken_name(row.group_id, sent["campaignName"])
            if taken is not None and taken is not row:
                return error_answer(409, "the name is taken", now)
        self._write(row, sent, now, by, "put")
        if self.dialect.put_answer == "empty":
            return Answer(200, b"", now)
        if self.dialect.put_answer == "echo":
            return json_answer({**body, "campaignId": row.campaign_id}, now)
        return Answer(200, self._encoded(row, row.now), now)

    def _delete(self, row: Row, now: float, by: Any) -> Answer:
        self.consulted.add("delete")
        if self.dialect.delete == "405":
            return error_answer(405, "deprecated", now)
        if self.dialect.delete == "gone":
            self._write(row, None, now, by, "delete")
        elif self.dialect.delete == "gone later":
            self._later(now + self._random.uniform(0.5, 20.0), lambda at: self.remove(row, at, by))
        return Answer(200, b"", now)

    # The store.

    def _taken_name(self, group: int, name: str) -> Row | None:
        """Return the campaign of that name, where names are unique."""
        answer = self.dialect.create_answer
        if not answer.startswith(("409", "existing")):
            return None
        fold = str.casefold if answer == "409 whatever the case" else str
        same = (
            row
            for row in self.rows.values()
            if row.group_id == group and row.exists and not row.nulls and fold(row.name or "") == fold(name)
        )
        return min(same, key=lambda row: row.campaign_id, default=None)

    def _new(self, group: int, fields: Json, now: float, by: Any, how: str) -> Row:
        row = Row(next(self._ids), group)
        if fields.get(NESTED):
            self.consulted.add("clone_copies")
            if self.dialect.clone_copies != "nested rows":
                fields = {**fields, NESTED: own_rows(row.campaign_id)}
        self.rows[row.campaign_id] = row
        self._write(row, fields, now, by, how)
        return row

    def _write(self, row: Row, fields: Json | None, now: float, by: Any, how: str) -> None:
        if row.stale_reads <= 0:
            row.shown = len(row.versions) - 1
        row.versions.append(version := Version(now, by, fields, how, next(self._numbers)))
        if self.dialect.get_shows == "after some requests" and by is not None and fields is not None:
            row.stale_reads = self._stale_reads
        self.on_write(row, version)

    def _encoded(self, row: Row, version: Version, *, in_list: bool = False) -> bytes:
        encoded = version.encoded.get(in_list)
        if encoded is None:
            self.consulted |= {*_SHOWN, "list_rows"} if in_list else _SHOWN
            shown = shown_fields(row, version.fields or {}, self.dialect, in_list=in_list)
            encoded = version.encoded[in_list] = json.dumps(shown).encode()
        return encoded

    def _unknown(self, now: float) -> Answer:
        self.consulted.add("unknown")
        return unknown_answer(self.dialect, now)
