"""People in the vendor's pages."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.allowed import is_marked
from tests.simulation.plans import PersonPlan
from tests.simulation.rows import Row

if TYPE_CHECKING:
    from tests.simulation.world import World

_DAY = 86_400_000
#: Part of each working name, also of one that the server has cut.
_CUT = " [u"


class Person:
    """One person, who does one thing."""

    def __init__(self, world: World, plan: PersonPlan, number: int) -> None:
        self._world = world
        self._plan = plan
        self._random = Random(f"{world.plan.seed} person {number}")
        self.label = f"person {number}"

    def __repr__(self) -> str:
        return self.label

    def act(self) -> None:
        """Do it, if there is a campaign to do it to."""
        world, plan = self._world, self._plan
        vendor, now = world.vendor, world.now
        if plan.action == "twin":
            dates = {"startDate": int(now) * 1000 - _DAY, "endDate": int(now) * 1000 + 5 * _DAY}
            vendor.add(plan.name, now, self, how="twin", isActive=1, **dates)
            return
        row = self._target()
        if row is None or row.now.fields is None:
            return
        fields, action = row.now.fields, plan.action
        if action == "delete":
            vendor.remove(row, now, self)
        elif action == "load leads":
            row.leads_at.append(now)
            world.note(self, f"loads leads into {row.campaign_id}")
        elif action == "pause":
            if fields["isActive"]:
                vendor.edit(row, {"isActive": 0}, now, self, "pause")
        elif action in ("resume", "activate source"):
            if not fields["isActive"]:
                vendor.edit(row, {"isActive": 1}, now, self, "resume")
        elif action == "edit dates":
            if fields["endDate"] is not None:
                vendor.edit(row, {"endDate": fields["endDate"] + 3 * _DAY}, now, self, "edit dates")
        elif action == "rename to":
            vendor.edit(row, {"campaignName": plan.new_name}, now, self, "rename")
        elif action == "swap":
            self._swap(row)
        elif action == "rename":
            vendor.edit(row, {"campaignName": f"{fields['campaignName'][:20]} (old)"}, now, self, "rename")
        else:
            vendor.edit(row, {"campaignPriority": self._random.randint(2, 5)}, now, self, "edit field")

    def _swap(self, row: Row) -> None:
        """Swap the name of a campaign with that of another one."""
        vendor, now = self._world.vendor, self._world.now
        others = [one for one in self._standing() if one is not row and one.group_id == row.group_id]
        # Nobody gives a campaign the name of an unfinished one.
        others = [] if _CUT in (row.name or "") else [one for one in others if _CUT not in (one.name or "")]
        if not others:
            return
        other = self._random.choice(others)
        names = [one.now.fields["campaignName"] for one in (other, row) if one.now.fields]
        for one, name in zip((row, other), names, strict=True):
            vendor.edit(one, {"campaignName": name}, now, self, "rename")

    def _standing(self) -> list[Row]:
        return [row for row in self._world.vendor.rows.values() if row.exists and not row.nulls]

    def _target(self) -> Row | None:
        world, target = self._world, self._plan.target
        rows = self._standing()
        if target == "source":
            rows = [world.source] if world.source.exists else []
        elif target == "named":
            name = world.vendor.name_as_stored(self._plan.name)
            rows = [row for row in rows if row.name == name]
        elif target == "ours":
            rows = [row for row in rows if world.is_created(row)]
        elif target == "unfinished":
            rows = [row for row in rows if is_marked(row.name)]
        else:
            rows = [row for row in rows if row.versions[0].by is None and row is not world.source]
        return self._random.choice(rows) if rows else None
