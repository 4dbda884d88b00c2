"""What procedures that run together share, and what they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign, list_campaigns
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import ResourceNotFoundError
from airflow_provider_engagevoice.seasons.actions import action_of
from airflow_provider_engagevoice.seasons.batch import ProcedureBatch
from airflow_provider_engagevoice.seasons.check import find_drift
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.season_runs import KilledError, SeasonWorld, season

BOTH = [GROUP, OTHER_GROUP]


def sent(world: SeasonWorld, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count requests by method and path without the account."""
    counts: Counter[str] = Counter()
    handle = world.vendor.handle

    def counting(method: str, path: str, *arguments: Any) -> Any:
        counts[f"{method} {path.partition('/dialGroups')[2]}"] += 1
        return handle(method, path, *arguments)

    monkeypatch.setattr(world.vendor, "handle", counting)
    return counts


def test_a_source_is_read_once_for_eight_clones(world, monkeypatch) -> None:
    source = world.add("Old").campaign_id
    plan = world.plan(season(16, **{"from": "Old"}))
    counts = sent(world, monkeypatch)
    world.apply(plan)
    assert counts[f"GET /{GROUP}/campaigns/{source}"] <= 3
    assert counts[f"POST /{GROUP}/campaigns/{source}/clone"] == 16


@pytest.mark.parametrize("answer", ["403", "404", "405"])
def test_a_server_that_does_not_clone_is_asked_once(open_world, monkeypatch, answer) -> None:
    world = open_world(clone_answer=answer)
    source = world.add("Old").campaign_id
    plan = world.plan(season(6, **{"from": "Old"}))
    counts = sent(world, monkeypatch)
    assert world.apply(plan).outcomes == {"cloned": 6}
    assert counts[f"POST /{GROUP}/campaigns/{source}/clone"] == 1
    assert world.run(find_drift(world.record)) == []


def read(campaign_id: int) -> Procedure[Any]:
    return (yield get_campaign(GROUP, campaign_id))


def group_list(group: int) -> Procedure[list[Any]]:
    return (yield from list_campaigns(group))


def run(world: SeasonWorld, *procedures: Any, **options: Any) -> list[Any]:
    results: list[Any] = world.run(ProcedureBatch(**options).run((None, one) for one in procedures))
    return results


def test_procedures_that_ask_together_get_one_reading(world) -> None:
    world.add("A")
    with world.counted() as requests:
        results = run(world, *(group_list(group) for group in BOTH * 5))
    assert [len(rows) for rows in results] == [1, 0] * 5
    # The first page of the second one is empty.
    assert requests == {"LIST": 3}


def test_a_procedure_that_asks_again_gets_a_new_reading(world) -> None:
    def twice() -> Procedure[list[int]]:
        first = yield from list_campaigns(GROUP)
        world.add("A")
        second = yield from list_campaigns(GROUP)
        return [len(first), len(second)]

    assert run(world, twice()) == [[0, 1]]


def test_an_error_ends_one_procedure_and_is_its_result(world) -> None:
    row = world.add("A")
    ended: dict[int, Any] = {}
    results = run(
        world,
        read(7),
        read(row.campaign_id),
        on_end=ended.__setitem__,
    )
    assert isinstance(results[0], ResourceNotFoundError)
    assert results[1].campaignName == "A"
    assert ended == dict(enumerate(results))


def test_what_a_procedure_does_not_expect_ends_all_and_closes_them(world) -> None:
    closed: list[int] = []

    def waiting(number: int) -> Procedure[None]:
        try:
            yield from list_campaigns(GROUP)
            raise ZeroDivisionError
        finally:
            closed.append(number)

    with pytest.raises(ZeroDivisionError):
        run(world, waiting(0), waiting(1))
    assert sorted(closed) == [0, 1]
    with pytest.raises(KilledError):
        world.run(ProcedureBatch().run((None, waiting(number)) for number in (2, 3)), kill_at=0)
    assert sorted(closed) == [0, 1, 2, 3]


def test_before_each_write_it_is_asked_whether_it_may(world) -> None:
    world.roll_out(season(3))
    plan = world.plan(season(3, end=70))
    writes: list[int] = []
    world.run(_applied(world, plan, lambda: writes.append(world.requests["PUT"])))
    assert [later - earlier for earlier, later in pairwise(writes)] == [1, 1]


def _applied(world: SeasonWorld, plan: Any, before_write: Callable[[], None]) -> Any:
    batch = ProcedureBatch(before_write)
    actions = (action_of(one, plan, {}, lambda: None, False) for one in plan.campaigns)
    return batch.run(actions)


@pytest.mark.parametrize(
    "dialect",
    [
        {"list_rows": "without dates"},
        {"list_shows": "after 5 s"},
        {"list_shows": "after 30 s"},
        {"get_shows": "404 for a moment"},
        {"cap": "16"},
        {"order": "another each time", "cap": "16"},
        {"numbers": "text"},
        {"put_answer": "empty"},
        {"create_answer": "echo"},
        {"create_answer": "late"},
        {"create_answer": "late, connection broken"},
        {"create_state": "0"},
        {"clone_copies": "settings"},
        {"clone_answer": "empty"},
        {"sparse_put": "refused"},
    ],
    ids=str,
)
def test_each_kind_of_server_gets_what_the_season_asks_for(open_world, dialect) -> None:
    world = open_world(**dialect)
    world.add("Old")
    for end in (60, 70):
        asked = season(3, dial_groups=BOTH, end=end, is_active=1)
        asked["campaigns"][0] |= {"from": "Old", "regions": ["r0"]}
        result = world.roll_out(asked)
        assert sum(result.outcomes.values()) == 5
        world.clock.sleep(60)
        assert world.names() == ["C0 r0", "C1 r0", "C1 r1", "C2 r0", "C2 r1", "Old"]
        assert world.run(find_drift(world.record)) == []
        states = {(world.row(name).now.fields or {})["isActive"] for name in world.names() if name != "Old"}
        assert states == {1}
        assert world.plan(asked).counts["unchanged"] == 5
