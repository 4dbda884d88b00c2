"""A wait ends when the truth says so, and says the same in every mode, whatever the server answers once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from tests.unit.polling.conftest import GROUP, World
from tests.unit.sensors.conftest import Wait, window_modes

NAME = "Autumn"
OTHER_GROUP = seed.WINBACK_ID
PATIENCE = CONFIRM_AFTER.total_seconds()
POKE = 60.0
PAGE = "<html><body>Back soon</body></html>"
LISTS = rf"/dialGroups/{GROUP}/campaigns$"


@pytest.fixture
def wait(run_sensor: Callable[..., Wait], virtual: Any) -> Callable[..., Wait]:
    """Run the sensor; ``ended`` is in seconds from its start."""

    def wait(mode: str, **arguments: Any) -> Wait:
        began = virtual.time()
        given = {"campaign": NAME, "dial_group": GROUP, "poke_interval": POKE, "timeout": 3600, **arguments}
        done = run_sensor(EngageVoiceCampaignWindowSensor, mode, **given)
        done.ended = round(done.ended - began, 3)
        return done

    return wait


@pytest.fixture
def make(world: World) -> Callable[..., int]:
    def make(start: float, end: float = 7200, *, name: str = NAME, group: int = GROUP, **fields: Any) -> int:
        campaign_id = world.add(start, end, group=group)
        world.change(campaign_id, group, campaignName=name, **fields)
        return campaign_id

    return make


def in_(seconds: float) -> str:
    return format_vendor_date(clock.now() + timedelta(seconds=seconds))


@window_modes
def test_a_name_means_the_campaign_that_has_it_now(make, world, days, wait, mode) -> None:
    first = make(3600)

    def replace() -> None:
        world.delete(first)
        make(200)

    days.at(100, replace)
    done = wait(mode)
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
def test_a_name_that_another_campaign_takes_over_is_followed(make, world, days, wait, mode) -> None:
    first, second = make(3600), make(-60, name="Other")

    def swap() -> None:
        world.change(first, campaignName="Old")
        world.change(second, campaignName=NAME)

    days.at(100, swap)
    done = wait(mode)
    assert done.state == "success"
    assert 100 <= done.ended < 100 + POKE + 1


@window_modes
@pytest.mark.parametrize("how", ["renamed", "deleted", "renamed by a letter"])
@pytest.mark.few(3)
def test_a_name_that_is_gone_fails_it_after_another_poll(make, world, days, wait, mode, how) -> None:
    campaign = make(3600)
    acts = {
        "renamed": lambda: world.change(campaign, campaignName="Winter"),
        "deleted": lambda: world.delete(campaign),
        "renamed by a letter": lambda: world.change(campaign, campaignName="autumn"),
    }
    days.at(100, acts[how])
    done = wait(mode)
    assert done.state == "failed"
    assert f"there is no campaign named 'Autumn' in dial group {GROUP}" in str(done.error)
    assert 100 + PATIENCE <= done.ended <= 100 + POKE + PATIENCE + 1


@window_modes
@pytest.mark.parametrize("name", [NAME, "20261201"])
def test_a_twin_fails_it_after_another_poll_with_both_ids(make, days, wait, mode, name) -> None:
    ids = [make(3600, name=name)]
    days.at(100, lambda: ids.append(make(3600, name=name)))
    done = wait(mode, campaign={"campaign_name": name})
    assert done.state == "failed"
    assert f"campaigns {ids[0]}, {ids[1]} in dial group {GROUP} are all named {name!r}" in str(done.error)
    assert 100 + PATIENCE <= done.ended <= 100 + POKE + PATIENCE + 1


@window_modes
def test_a_twin_for_a_moment_ends_nothing(make, world, days, wait, mode) -> None:
    make(300)
    twins: list[int] = []
    days.at(50, lambda: twins.append(make(-60)))
    days.at(80, lambda: world.delete(twins[0]))
    done = wait(mode)
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
def test_a_name_that_is_gone_for_a_moment_ends_nothing(make, world, days, wait, mode) -> None:
    first = make(3600)
    days.at(50, lambda: world.delete(first))
    days.at(75, lambda: make(225))
    done = wait(mode)
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
def test_an_id_means_the_campaign_whatever_its_name(make, world, days, wait, mode) -> None:
    campaign = make(300)
    days.at(50, lambda: world.change(campaign, campaignName="Winter"))
    days.at(60, lambda: make(-60))
    done = wait(mode, campaign=campaign)
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
@pytest.mark.parametrize("answer", [None, (403, "{}"), (404, PAGE), (200, PAGE), (200, '{"campaignId": ')])
@pytest.mark.few(4)
def test_an_id_that_is_gone_fails_it_whatever_the_server_answers_for_it(
    make, world, days, wait, mode, answer
) -> None:
    campaign = make(3600)
    days.at(100, lambda: world.delete(campaign))
    if answer is not None:
        days.answer(100, 9999, rf"/campaigns/{campaign}$", *answer)
    done = wait(mode, campaign=campaign)
    assert done.state == "failed"
    assert f"there is no campaign {campaign} in dial group {GROUP}; it may have been deleted" in str(
        done.error
    )
    # A response that could pass is requested again for a while first.
    assert 100 + PATIENCE <= done.ended <= 100 + POKE + PATIENCE + (1 if answer is None else 560)


@window_modes
def test_without_a_dial_group_each_poll_searches_all(make, world, days, wait, mode) -> None:
    first = make(3600)

    def move() -> None:
        world.delete(first)
        make(200, group=OTHER_GROUP)

    days.at(100, move)
    done = wait(mode, dial_group=None)
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
def test_without_a_dial_group_a_twin_in_another_one_fails_it(make, days, wait, mode) -> None:
    make(3600)
    days.at(100, lambda: make(3600, group=OTHER_GROUP))
    done = wait(mode, dial_group=None)
    assert done.state == "failed"
    assert "are all named 'Autumn'" in str(done.error)


@window_modes
def test_a_twin_in_another_dial_group_does_not_matter_if_one_is_given(make, days, wait, mode) -> None:
    make(300)
    days.at(100, lambda: make(3600, group=OTHER_GROUP))
    assert wait(mode).state == "success"


@window_modes
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "[]"),
        (200, PAGE),
        (404, PAGE),
        (404, '{"generalMessage": "not found"}'),
        (200, '[{"campaignId": 1, "campa'),
        (200, "{}"),
        (502, PAGE),
        (503, ""),
        (500, "{}"),
    ],
)
@pytest.mark.parametrize("campaign", ["by name", "by id"])
@pytest.mark.few(12)
def test_one_odd_response_ends_nothing(make, days, wait, mode, status, body, campaign) -> None:
    campaign_id = make(90)
    days.answer(-1, 20, r"/campaigns(/\d+)?$", status, body)
    done = wait(mode, campaign=NAME if campaign == "by name" else campaign_id, poke_interval=30)
    assert done.state == "success"
    assert 90 <= done.ended < 91


@window_modes
@pytest.mark.parametrize(
    ("status", "body"), [(200, PAGE), (404, PAGE), (403, PAGE), (502, PAGE), (503, PAGE)]
)
@pytest.mark.few(2)
def test_minutes_of_maintenance_end_nothing(make, days, wait, mode, status, body) -> None:
    make(700)
    days.answer(100, 500, "/admin/", status, body)
    done = wait(mode)
    assert done.state == "success"
    assert 700 <= done.ended < 701


@window_modes
@pytest.mark.parametrize(
    "row",
    [
        {"startDate": None, "endDate": None},
        {"startDate": "", "endDate": "", "isActive": None},
        {"startDate": "soon", "isActive": []},
    ],
)
@pytest.mark.parametrize("begins", [-1, 20])
@pytest.mark.few(2)
def test_a_row_without_dates_keeps_it_waiting(make, days, wait, mode, row, begins) -> None:
    campaign = make(50)
    days.at(begins, lambda: days.odd.update({campaign: row}))
    days.at(200, days.odd.clear)
    done = wait(mode, poke_interval=30)
    assert done.state == "success"
    assert 200 <= done.ended < 200 + 30 + 1


@window_modes
def test_lists_without_dates_are_enough(make, world, days, wait, mode) -> None:
    campaign = make(3600)
    left_out = {"startDate", "endDate"}
    days.shown = lambda rows: [{key: row[key] for key in row.keys() - left_out} for row in rows]
    days.at(100, lambda: world.change(campaign, startDate=in_(100)))
    done = wait(mode)
    assert done.state == "success"
    assert 200 <= done.ended < 202


@window_modes
@pytest.mark.parametrize("flag", [1, "1", True, "true"])
@pytest.mark.few(4)
def test_numbers_and_flags_as_text_are_judged_alike(make, days, wait, mode, flag) -> None:
    campaign = make(50)
    days.odd[campaign] = {"isActive": {True: False}.get(flag, 0), "campaignId": str(campaign)}
    days.at(100, lambda: days.odd[campaign].update(isActive=flag))
    done = wait(mode)
    assert done.state == "success"
    assert 100 <= done.ended < 100 + POKE + 1


@window_modes
def test_odd_rows_of_others_end_nothing(make, days, wait, mode) -> None:
    make(300)
    other, third = make(3600, name="Other"), make(3600, name="Third")
    empty = dict.fromkeys(("startDate", "endDate", "isActive", "monSched", "dialGroup"))
    days.odd |= {other: empty, third: {"startDate": 7, "maxRingTime": "many", "isActive": []}}
    done = wait(mode)
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
def test_a_row_missing_from_lists_for_half_a_minute_ends_nothing(make, days, wait, mode) -> None:
    make(300)
    days.at(
        70, lambda: setattr(days, "shown", lambda rows: [row for row in rows if row["campaignName"] != NAME])
    )
    days.at(95, lambda: setattr(days, "shown", None))
    assert wait(mode, poke_interval=20).state == "success"


@window_modes
def test_a_list_that_is_behind_does_not_end_a_wait(make, world, days, wait, mode) -> None:
    """The task before has just extended a campaign whose dates were over; lists show that later."""
    campaign = make(3600)
    old = json.loads(json.dumps(world.row(campaign))) | {"startDate": in_(-7200), "endDate": in_(-3600)}
    days.shown = lambda rows: [old if row["campaignId"] == campaign else row for row in rows]
    days.at(30, lambda: setattr(days, "shown", None))
    days.at(100, lambda: world.change(campaign, startDate=in_(100)))
    done = wait(mode)
    assert done.state == "success"
    assert 200 <= done.ended < 201


@window_modes
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.few(2)
def test_a_dial_group_that_is_gone_fails_it_after_another_poll(make, days, wait, mode, again) -> None:
    make(200)
    days.answer(50, 9999 if again else 75, LISTS, 404, '{"generalMessage": "not found"}')
    done = wait(mode, poke_interval=20)
    assert done.state == ("failed" if again else "success")
    if again:
        assert f"there is no dial group with id {GROUP}" in str(done.error)


@window_modes
def test_a_wrong_name_fails_it_with_the_nearest_names_after_another_poll(make, wait, mode) -> None:
    make(200)
    done = wait(mode, campaign="Autum")
    assert done.state == "failed"
    assert "there is no campaign named 'Autum' in dial group" in str(done.error)
    assert "nearest: 'Autumn'" in str(done.error)
    assert PATIENCE <= done.ended < PATIENCE + 1


@window_modes
def test_a_timeout_comes_before_the_other_poll(make, wait, mode) -> None:
    make(200)
    done = wait(mode, campaign="Autum", timeout=10)
    assert done.state == "failed"
    assert type(done.error).__name__ == "AirflowSensorTimeout"
    assert 10 <= done.ended < 11


@window_modes
def test_a_person_s_pause_keeps_it_waiting(make, world, days, wait, mode) -> None:
    campaign = make(200)
    days.at(100, lambda: world.change(campaign, isActive=0))
    days.at(400, lambda: world.change(campaign, isActive=1))
    done = wait(mode)
    assert done.state == "success"
    assert 400 <= done.ended < 400 + POKE + 1


@window_modes
def test_the_wait_for_the_end_follows_a_name_too(make, world, days, wait, mode) -> None:
    first = make(-60, 600)

    def replace() -> None:
        world.delete(first)
        make(-60, 200)

    days.at(100, replace)
    done = wait(mode, wait_for="closed")
    assert done.state == "success"
    assert 300 <= done.ended < 301


@window_modes
@pytest.mark.parametrize("campaign", ["by name", "by id"])
@pytest.mark.few(2)
def test_a_campaign_that_a_list_shows_is_not_gone(make, days, wait, mode, campaign) -> None:
    """A campaign may be 404 for a while after it was created or renamed."""
    campaign_id = make(10)
    days.answer(-1, 80, rf"/campaigns/{campaign_id}$", 404, "{}")
    done = wait(mode, campaign=NAME if campaign == "by name" else campaign_id)
    assert done.state == "success"
    assert done.ended < 80 + POKE


@window_modes
def test_a_campaign_that_has_another_name_when_read_is_not_gone(make, days, wait, mode) -> None:
    campaign_id = make(10)
    days.odd[campaign_id] = {"campaignName": "Before"}
    names = {campaign_id: {"campaignName": NAME}}
    days.shown = lambda rows: [row | names.get(row["campaignId"], {}) for row in rows]
    days.at(80, days.odd.clear)
    done = wait(mode)
    assert done.state == "success"
    assert done.ended < 80 + POKE
