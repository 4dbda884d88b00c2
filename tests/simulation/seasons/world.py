"""One history of seasons."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.people import Person
from tests.simulation.plans import SOURCE
from tests.simulation.promises import Promises
from tests.simulation.rows import Row, Version
from tests.simulation.seasons.actors import ApplyTask, MemoryStorage, Rollout, SeasonsPerson
from tests.simulation.seasons.plans import SeasonHistory, SeasonPerson
from tests.simulation.seasons.promises import SeasonPromises
from tests.simulation.vendor import Vendor
from tests.simulation.world import World

#: Fields of which no season says anything, and which rows of a list may lack.
_LACKING = ("addedLater", "campaignPriority")


class SeasonVendor(Vendor):
    """A server whose lists, if they do not show whole campaigns, lack either the dates or other fields."""

    lacks_others = False

    def _encoded(self, row: Row, version: Version, *, in_list: bool = False) -> bytes:
        if not in_list or not self.lacks_others or self.dialect.list_rows != "without dates":
            return super()._encoded(row, version, in_list=in_list)
        shown = json.loads(super()._encoded(row, version))
        return json.dumps({name: value for name, value in shown.items() if name not in _LACKING}).encode()


class SeasonWorld(World):
    """Runs one history of seasons."""

    endless = 40_000
    vendor_type = SeasonVendor

    def __init__(self, plan: SeasonHistory, log: Callable[..., None] | None = None) -> None:
        super().__init__(plan, log)
        self.plan: SeasonHistory = plan
        self.vendor.lacks_others = plan.seed % 2 == 1
        self.storage = MemoryStorage(self)
        for row in self.vendor.rows.values():
            # Another value than a server gives a campaign that is created.
            row.versions[0].fields = {**(row.versions[0].fields or {}), "addedLater": ["theirs"]}
        self.sources = [
            row for row in self.vendor.rows.values() if row.name == self.vendor.name_as_stored(SOURCE)
        ]
        #: Tasks of others.
        self.others = self.tasks
        self.rollouts = [Rollout(self, one, number) for number, one in enumerate(plan.rollouts)]

    def _promises(self) -> Promises:
        return SeasonPromises(self)

    def _person(self, plan: Any, number: int) -> Person:
        return SeasonsPerson(self, plan, number)

    def _let_in(self, person: Person, plan: Any) -> None:
        if plan.rollout is None:
            super()._let_in(person, plan)

    @property
    def applies(self) -> list[ApplyTask]:
        """All tasks that apply a plan, in the order of their numbers."""
        return [apply for rollout in self.rollouts for apply in rollout.applies]

    def run(self) -> Promises:
        for number, one in enumerate(self.rollouts):
            if not one.plan.is_later:
                self.after(one.plan.start, lambda number=number: self._begin(number))
        return super().run()

    def _begin(self, number: int) -> None:
        self.rollouts[number].planning.begin()

    def begin_rollout(self, number: int) -> None:
        """Begin the rollout with a number, if it follows the one before."""
        if number < len(self.rollouts) and self.rollouts[number].plan.is_later:
            self.begin_people(number, self.rollouts[number].plan.start, is_before=True)
            self.after(self.rollouts[number].plan.start, lambda: self._begin(number))

    def begin_people(self, rollout: int, seconds: float, *, is_before: bool = False) -> None:
        """Let people act between a plan and its first apply, or before the plan."""
        for number, person in enumerate(self.plan.people):
            assert isinstance(person, SeasonPerson)
            if (person.rollout, person.is_before) == (rollout, is_before):
                one = SeasonsPerson(self, person, number)
                self.after(person.at * seconds, one.act)
