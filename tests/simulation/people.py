"""People in the vendor's pages."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.plans import PersonPlan
from tests.simulation.rows import Row

if TYPE_CHECKING:
    from tests.simulation.world import World

_DAY = 86_400_000


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
        elif action == "rename":
            vendor.edit(row, {"campaignName": f"{fields['campaignName'][:20]} (old)"}, now, self, "rename")
        else:
            vendor.edit(row, {"campaignPriority": self._random.randint(2, 5)}, now, self, "edit field")

    def _target(self) -> Row | None:
        world, target = self._world, self._plan.target
        rows = [row for row in world.vendor.rows.values() if row.exists and not row.nulls]
        if target == "source":
            rows = [world.source] if world.source.exists else []
        elif target == "named":
            name = world.vendor.name_as_stored(self._plan.name)
            rows = [row for row in rows if row.name == name]
        elif target == "ours":
            rows = [row for row in rows if world.is_created(row)]
        else:
            rows = [row for row in rows if row.versions[0].by is None and row is not world.source]
        return self._random.choice(rows) if rows else None
