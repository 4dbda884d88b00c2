"""What happens in a history, drawn from its seed: campaigns, tasks with their attempts, people and faults.

A plan is data, so that a failing one can be shrunk: what is left of it stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.dialects import Dialect

NAMES = (
    "Renewals 2026",
    "Renewals 2026",
    "renewals",
    "Holiday Renewals [VIP] / east",
    "Re\u0301newals",
    "Winback of customers who left us in the year before last",
    "R" * 180,
)
SOURCE, OTHER = "Last season", "Collections"


@dataclass(frozen=True, slots=True)
class SeedCampaign:
    """A campaign that is there at the start.

    :param start: milliseconds since the epoch; so is ``end``
    :param nulls: fields that the server shows as null
    :param elsewhere: whether it is in another dial group
    :param nested: whether it has a row that belongs to it alone
    """

    name: str
    start: int
    end: int
    state: int
    nulls: tuple[str, ...] = ()
    elsewhere: bool = False
    nested: bool = False


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """One attempt of a task.

    :param delay: seconds after the end of the one before, or after it was taken for dead
    :param skew: seconds by which the worker's clock is wrong
    :param end: what happens at step ``at``: "" nothing, "kill" after the request was executed, "kill unsent"
        before, "kill in flight" before, and it is executed later, "zombie" Airflow takes it for dead, but it
        goes on
    :param killed_at_end: whether it is killed after its last step, before Airflow has recorded its success
    :param pace: seconds that a request and its answer take at most
    """

    delay: float = 0.0
    skew: float = 0.0
    end: str = ""
    at: int = 0
    killed_at_end: bool = False
    pace: float = 0.3


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task: arguments of an operator, and how its attempts go.

    :param kind: create, clone, update or delete
    :param name: campaign asked for, or for an update or delete the one that is meant
    :param by_id: whether an update or delete names the campaign by the id it has at the start
    :param new_name: new name of an update
    :param group: how the dial group is given: "id", "name" or "" if it is not
    :param has_store: whether attempts share a state store, as on Airflow 3.3 and newer
    :param store_fails: share of its reads and writes that fail
    :param copy_nested: whether a clone may send the rows that belong to its source
    :param fails_incomplete: whether a clone that lacks such rows fails
    :param share: share of the rate limit, as in the connection's ``budgets``
    :param cleared: attempts after a user has cleared the task, ``clear_after`` seconds after its success
    """

    number: int
    kind: str
    owner: tuple[str, str, int]
    name: str
    start: float
    attempts: tuple[AttemptPlan, ...]
    campaign_start: str | None = None
    campaign_end: str | None = None
    state: int | None = None
    ring_time: int | None = None
    by_id: bool = False
    new_name: str | None = None
    if_exists: str = "update"
    enforce_active: bool = False
    has_store: bool = True
    own_permits: bool = False
    share: str = "100%"
    clear_after: float = 0.0
    cleared: tuple[AttemptPlan, ...] = ()
    group: str = "id"
    store_fails: float = 0.0
    copy_nested: bool = False
    fails_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """What a person does in the vendor's pages.

    :param target: which campaign: "named" bears the name asked for, "ours" was created by a task, "source"
        is to be cloned, "other" was there at the start
    :param new_name: what it is renamed to
    :param at_step: step of the history after which it happens; if 0, it happens at ``at``
    """

    action: str
    target: str
    name: str
    at_step: int = 0
    at: float = 0.0
    new_name: str = ""


@dataclass(frozen=True, slots=True)
class WireFault:
    """A fault of the connection.

    :param request: number of the request among those of the task, from 1
    :param kind: refused, lost before, lost after, broken after, late, slow, or revoked: the token is, so
        that it is refused and sent again
    """

    task: int
    request: int
    kind: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole history.

    :param seed: of the vendor's and the actors' own random choices
    :param maintenance: intervals, in seconds after the start
    :param other_use: when another application uses up the budget, in seconds after the start
    """

    seed: int
    dialect: Dialect
    campaigns: tuple[SeedCampaign, ...]
    tasks: tuple[TaskPlan, ...]
    people: tuple[PersonPlan, ...] = ()
    faults: tuple[WireFault, ...] = ()
    maintenance: tuple[tuple[float, float], ...] = ()
    other_use: tuple[float, ...] = ()
    fillers: int = 0
