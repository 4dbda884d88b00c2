"""How a wait has to end, from the history of its campaign alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER
from tests.simulation.history import Cell
from tests.simulation.outcomes import name_of
from tests.simulation.rows import Row, Version, plain_name
from tests.simulation.vendor import GROUP, LAGS, START
from tests.simulation.waits_plan import MISLEADING, HistoryPlan, WaitPlan, build, carry_out, id_at_start

_PATIENCE = CONFIRM_AFTER.total_seconds()
#: What a wait ends with, by the state of its campaign.
ENDS = {"open": "reached", "closed": "reached", "over": "unreachable", "gone": "gone", "twin": "twin"}
_ODD = ("gone", "twin")
#: Seconds for which a request is repeated while the server answers with pages or errors, and then some.
_REPEATED = 215.0
#: Seconds of the longest maintenance that lasts minutes.
_MINUTES = 240.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the campaign of a wait is in one state; seconds after the start."""

    begin: float
    end: float
    state: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """An end that the truth allows.

    :param must: whether the wait has to have ended by ``latest``
    """

    kinds: frozenset[str]
    earliest: float
    latest: float
    must: bool


class Truth:
    """The truth about one wait of a history."""

    def __init__(self, plan: HistoryPlan, wait: WaitPlan) -> None:
        self.plan = plan
        self.wait = wait
        self.vendor = build(plan)
        for act in plan.acts:
            carry_out(act, self.vendor)
        self._id = id_at_start(plan, wait)
        self._written = sorted(
            {version.at - START for row in self.vendor.rows.values() for version in row.versions} - {-inf}
        )
        self.stretches = self._stretches()
        dialect, poke = plan.dialect, wait.poke
        self._lag = LAGS[dialect.list_shows]
        #: Seconds that one poll takes: a few requests, and one for each page.
        self._slow = 2.0 + 2 * plan.pace * (6 + 2 * self._pages())
        stale = 4 if dialect.get_shows == "after some requests" else 0
        self._gap = poke + self._lag + self._slow + stale * (poke + self._slow)
        #: When polls may see another campaign missing, or a twin, than there is now.
        odd = list(enumerate(sorted(plan.odd)))
        self._misleading = [
            at + later * self._gap
            for index, (at, kind) in odd
            for later in range(index + 1)
            if kind in MISLEADING
        ]
        self._misleading += [0.0 for at in self._written if at <= 0 < at + self._lag + self._slow]
        self._disturbances = self._disturbed()

    def _pages(self) -> int:
        return len(self.vendor.rows) if self.vendor.dialect.cap not in ("none", "100", "99") else 1

    def refusable(self, kind: str, at: float, allowed: list[Allowed]) -> list[Cell]:
        """Return the cells of the dialect that this wait has met, and that let it end so, if in no other way.

        :param at: when it has ended, in seconds after the start
        :param allowed: how it had to end
        """
        dialect = self.plan.dialect
        cells = []
        # Such a list may never have the name, which is an error of the task, too.
        hidden = ("error", "gone") if self.wait.by == "name" else ("error",)
        if kind in hidden and dialect.list_shows == "never" and self._is_written_until(at):
            cells.append(("list_shows", "never"))
        is_late = any(kind in one.kinds and at > one.latest for one in allowed)
        is_unread = is_late or kind in ("error", "timeout")
        if is_unread and dialect.order == "another each time" and self._pages() > 1:
            # Few such lists are read to their ends.
            cells.append(("order", "another each time"))
        if kind == "error" and any(
            begin < at and until - begin > _MINUTES for begin, until in self.plan.maintenance
        ):
            cells.append(("maintenance_length", dialect.maintenance_length))
        return cells

    def _is_written_until(self, at: float) -> bool:
        """Return whether a person has written a campaign that the wait is, or was, about."""
        own = [
            row
            for row in self.vendor.rows.values()
            if row.campaign_id == self._id or any(name_of(one) == self.wait.of for one in row.versions)
        ]
        return any(-inf < one.at <= START + at for row in own for one in row.versions)

    def _stretches(self) -> list[Stretch]:
        cuts = {0.0, self.plan.timeout + 600.0, *(at for at in self._written if at > 0)}
        for row in self.vendor.rows.values():
            for version in row.versions:
                for name in ("startDate", "endDate"):
                    if version.fields is not None and version.fields[name] is not None:
                        cuts.add(version.fields[name] / 1000 - START)
        self._cuts = cuts
        found: list[Stretch] = []
        for begin, end in pairwise(sorted(cut for cut in cuts if 0 <= cut <= self.plan.timeout + 600)):
            state = self._state((begin + end) / 2)
            if found and found[-1].state == state:
                found[-1] = Stretch(found[-1].begin, end, state)
            else:
                found.append(Stretch(begin, end, state))
        return found

    def _state(self, at: float, facts_at: float | None = None) -> str:
        """Return the state at an instant, by what was stored then or at ``facts_at``."""
        facts_at = at if facts_at is None else facts_at
        found = [version for row in self.vendor.rows.values() if (version := self._version(row, facts_at))]
        if len(found) != 1:
            return "twin" if found else "gone"
        return self._state_of(found[0], at)

    def _state_of(self, version: Version, at: float) -> str:
        fields, now = version.fields or {}, (START + at) * 1000
        if now >= fields["endDate"]:
            return "closed" if self.wait.goal == "closed" else "over"
        is_open = fields["startDate"] <= now and fields["isActive"] == 1
        return "open" if is_open and self.wait.goal == "open" else "waiting"

    def _version(self, row: Row, at: float) -> Version | None:
        version = row.version_at(START + at)
        if version is None or version.fields is None or row.nulls:
            return None
        if self.wait.group and row.group_id != GROUP:
            return None
        if self.wait.by == "id":
            return version if row.campaign_id == self._id else None
        return version if plain_name(version.fields["campaignName"]) == self.wait.of else None

    def _disturbed(self) -> list[tuple[float, float, float]]:
        """Return when polls fail or are odd, and for how long after that a wait may be late."""
        plan, poke = self.plan, self.wait.poke
        found = [(begin, end, 2 * poke + 45.0) for begin, end in plan.maintenance]
        # Each takes one answer, so that a second one may have to wait for another poll.
        found += [
            (at - 1, at + 1 + index * self._gap, max(poke, _PATIENCE) + poke + 45.0)
            for index, (at, _) in enumerate(sorted(plan.odd))
        ]
        found += [(at, at + 200.0, poke + 60.0) for at in plan.other_use]
        # A campaign may be 404 for a moment, and lists and reads disagree for as long as lists are behind.
        found += [(at, at + self._lag + 4.0, poke + _PATIENCE + 10.0) for at in self._written]
        return sorted(found)

    def _late(self, begin: float, latest: float) -> float:
        """Return the latest end, if polls in between are disturbed."""
        for disturbed, until, settled in self._disturbances:
            if disturbed - self.wait.poke <= latest and until + settled >= begin:
                latest += until - disturbed + settled
        return latest

    def allowed(self) -> list[Allowed]:
        """Return the ends that the truth allows, up to one that it demands."""
        found = [*self._ends(), *self._odd_ends(), *self._ends_by_old_facts(), *self._ends_by_one_of_twins()]
        demanded = min((end.latest for end in found if end.must), default=inf)
        found = [end for end in found if end.earliest <= demanded]
        timeout = self.plan.timeout
        if demanded >= timeout:
            latest = self._late(timeout, timeout + self._slow)
            if "HTML" in self.plan.dialect.unknown:
                latest += _REPEATED
            found.append(Allowed(frozenset({"timeout"}), timeout - 1.0, latest, False))
        return found

    def _ends(self) -> list[Allowed]:
        found = []
        for stretch in self.stretches:
            if stretch.state not in ENDS or stretch.state in _ODD:
                continue
            begin, kinds = stretch.begin, frozenset({ENDS[stretch.state]})
            settled = self.plan.dialect.get_shows != "after some requests" and all(
                not begin - self._gap <= at <= begin + 0.01 for at in (*self._written, 0.0)
            )
            latest = self._late(begin, begin + (2 + self._slow if settled else self._gap))
            if stretch.end > latest:
                found.append(Allowed(kinds, begin - 0.01, latest, must=True))
            else:
                latest = self._late(begin, stretch.end + self._gap)
                found.append(Allowed(kinds, begin - 0.01, latest, must=False))
        return found

    def _ends_by_old_facts(self) -> Iterator[Allowed]:
        """Yield ends by what a poll has seen before an edit: it is sent ahead of an instant, by design."""
        for at in self._written:
            if self.plan.dialect.get_shows == "after some requests":
                # However late the requests are.
                until = self.plan.timeout
            elif at > 0 or self._lag == inf:
                until = at + 5.0 + self._slow + self._lag
                settled = self._lag + self.wait.poke + _PATIENCE + 15
                if self._late(at, until) > until + settled:
                    # A poll that is late leaves a wait with the last response.
                    until = at + self._gap
            elif self._state(0.001, at + 0.001) == "twin":
                # A list does not show a twin yet, and the first campaign is as it was.
                until = at + self._slow + self._lag
            else:
                continue
            for begin, end in pairwise(sorted({at, until, *(cut for cut in self._cuts if at < cut < until)})):
                state = self._state((begin + end) / 2, at - 0.001)
                if state in ENDS and state not in _ODD:
                    yield Allowed(frozenset({ENDS[state]}), begin - 0.01, until, must=False)

    def _ends_by_one_of_twins(self) -> Iterator[Allowed]:
        """Yield ends by one of two campaigns of the name, while an answer hides the other."""
        for hidden_at in self._misleading:
            until = self._late(hidden_at, hidden_at + self._gap)
            times = sorted({hidden_at, until, *(cut for cut in self._cuts if hidden_at < cut < until)})
            for begin, end in pairwise(times):
                at = (begin + end) / 2
                if self._state(at) != "twin":
                    continue
                versions = (self._version(row, at) for row in self.vendor.rows.values())
                states = {self._state_of(version, at) for version in versions if version is not None}
                for state in sorted(states & ENDS.keys()):
                    yield Allowed(frozenset({ENDS[state]}), begin - 0.01, until, must=False)

    def _odd_ends(self) -> list[Allowed]:
        found = []
        spans: list[list[Stretch]] = []
        for stretch in self.stretches:
            if stretch.state not in _ODD:
                continue
            if spans and stretch.begin - spans[-1][-1].end < _PATIENCE + self._lag + 2 * self._slow:
                spans[-1].append(stretch)
            else:
                spans.append([stretch])
        for span in spans:
            begin, end = span[0].begin, span[-1].end
            earliest = begin + _PATIENCE
            since = begin - _PATIENCE - self._gap
            if any(since < self._late(at, at) and at < begin + self._slow for at in self._misleading):
                # The first of two polls may have been misled, however late it was.
                earliest = begin
            misled = [at for at in self._misleading if at > begin - self._gap]
            until = self._late(begin, end + self._gap)
            if misled and until + _PATIENCE > misled[0]:
                # The second may have been, and there may be none in between.
                end = max(end, self._late(begin, misled[0] + self._gap))
            if end + self._lag + self._slow < earliest:
                continue
            kinds = frozenset(stretch.state for stretch in span)
            is_one = all(one.end == other.begin for one, other in pairwise(span))
            lasts_until = span[-1].end
            hold = 3 * _REPEATED if "HTML" in self.plan.dialect.unknown else 0.0
            latest = self._late(begin, begin + self._gap + _PATIENCE + self._slow + hold)
            must = is_one and lasts_until > latest
            if not must:
                latest = self._late(begin, end + self._gap + _PATIENCE + hold)
            found.append(Allowed(kinds, earliest - 0.01, latest, must))
        return found


def is_allowed(end: tuple[str, float], allowed: list[Allowed]) -> bool:
    """Return whether an end, by kind and seconds after the start, is allowed."""
    kind, at = end
    return any(kind in one.kinds and one.earliest <= at <= one.latest for one in allowed)
