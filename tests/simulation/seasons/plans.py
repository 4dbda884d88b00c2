"""What happens in a history of seasons, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.client import ZONE
from tests.simulation.plans import AttemptPlan, PersonPlan, Plan
from tests.simulation.vendor import GROUP, OTHER_GROUP

#: Regions and the dial groups that they are in.
GROUPS = {"west": GROUP, "east": OTHER_GROUP, "south": GROUP}
SEASON = "spring"
_HOURS = {"hours": {"mon-sun": "08:00-20:00"}}


@dataclass(frozen=True, slots=True)
class WantedPlan:
    """A campaign of a season.

    :param source: name of the campaign to clone; None to create it
    """

    name: str
    region: str
    source: str | None
    start: str
    end: str
    state: int | None = None
    ring_time: int | None = None
    protect: bool | None = None


@dataclass(frozen=True, slots=True)
class SeasonPlan:
    """One version of a season's file.

    :param after: seconds between two waves; None for one wave
    :param exclude: ISO dates without calls; None if the file says nothing of hours
    """

    campaigns: tuple[WantedPlan, ...]
    after: int | None = None
    exclude: tuple[str, ...] | None = None

    def mapping(self, stored: Callable[[str], str]) -> dict[str, Any]:
        """Return it as a user writes it.

        :param stored: returns a name as the server stores it, as a user finds that of a source
        """
        regions = dict.fromkeys(one.region for one in self.campaigns)
        waves = [
            {"regions": [next(iter(regions))]},
            {"regions": "rest", "after": f"{(self.after or 0) // 60}m"},
        ]
        return {
            "season": SEASON,
            "defaults": {"caller_id": "4155550123", **({} if self.exclude is None else _HOURS)},
            "regions": {name: {"timezone": ZONE, "dial_group": GROUPS[name]} for name in regions},
            "campaigns": [_campaign(one, stored) for one in self.campaigns],
            "exclude": list(self.exclude or ()),
            "waves": waves if self.after is not None and len(regions) > 1 else [],
        }


def _campaign(one: WantedPlan, stored: Callable[[str], str]) -> dict[str, Any]:
    stated = {
        "from": None if one.source is None else stored(one.source),
        "is_active": one.state,
        "protect": one.protect,
        "settings": None if one.ring_time is None else {"maxRingTime": one.ring_time},
    }
    return {
        "name": one.name.replace("{", "{{").replace("}", "}}"),
        "regions": [one.region],
        "window": [one.start, one.end],
        **{name: value for name, value in stated.items() if value is not None},
    }


@dataclass(frozen=True, slots=True)
class SeasonTaskPlan:
    """A task that plans or applies a season.

    :param number: of all tasks of the history
    :param delay: seconds after the plan was made
    :param is_other_run: whether it belongs to another run of the DAG
    """

    number: int
    attempts: tuple[AttemptPlan, ...]
    delay: float = 0.0
    own_permits: bool = False
    share: str = "100%"
    is_other_run: bool = False
    has_store: bool = True


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """A plan of a version, and the applies of it.

    :param start: seconds after the start, or after the end of the rollout before if ``is_later``
    :param kind: ``season``; or ``rollback``, ``pause``, ``resume`` or ``days`` (the daily task), which need
        no version
    """

    version: int
    start: float
    is_later: bool
    task: SeasonTaskPlan
    applies: tuple[SeasonTaskPlan, ...]
    kind: str = "season"


@dataclass(frozen=True, slots=True)
class SeasonPerson(PersonPlan):
    """What a person does.

    :param group: dial group of the campaigns
    :param rollout: between whose plan and apply it happens, ``at`` seconds after the plan; None for another
        moment
    :param is_before: whether it happens before that plan, after the end of the rollout before
    """

    group: int = GROUP
    rollout: int | None = None
    is_before: bool = False


@dataclass(frozen=True, slots=True)
class SeasonHistory(Plan):
    """A whole history; ``tasks`` are those of others, who create campaigns of the same names."""

    seasons: tuple[SeasonPlan, ...] = ()
    rollouts: tuple[RolloutPlan, ...] = ()
