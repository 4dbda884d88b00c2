"""Several campaigns that get one name, and what others do between two attempts of a task."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import (
    CampaignResult,
    change_campaign,
    ensure_campaign,
    remove_campaign,
    working_name,
)
from airflow_provider_engagevoice.campaigns.checkpoint import NoCheckpoint, save_success
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.client.request import Pause
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    ConcurrentChangesError,
    NotFoundError,
)
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.unit.campaigns.campaign_cases import FIELDS, NAME, OWNER, SPEC, Saved, create, spec
from tests.unit.campaigns.fake_server import GROUP, Attempt, FakeServer, method, run


def rename(name: int | str, new_name: str, saved: Any = None, **fields: object) -> Any:
    return change_campaign(name, GROUP, fields=fields, name=new_name, state=None, checkpoint=saved)


def ensuring(server: FakeServer, wanted: CampaignSpec, saved: Saved | None = None) -> Attempt[CampaignResult]:
    return Attempt(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved))


def step_to_first_read(server: FakeServer, attempt: Attempt[CampaignResult]) -> None:
    """Go on until a campaign that was just created is about to be read."""
    while not server.sent("POST") or method(attempt) != "GET" or "campaigns/" not in attempt.pending.path:
        attempt.step()


def interleave(draw: Random, attempts: list[Attempt[CampaignResult]]) -> None:
    while live := [attempt for attempt in attempts if not attempt.done]:
        draw.choice(live).step()


def test_of_two_renames_to_one_name_at_most_one_succeeds() -> None:
    draw, outcomes = Random(1), set()
    for _ in range(60):
        server = FakeServer()
        server.add("A")
        server.add("B")
        attempts = [Attempt(server, rename(name, NAME)) for name in ("A", "B")]
        interleave(draw, attempts)
        errors = [attempt.error for attempt in attempts]
        assert all(isinstance(one, CampaignExistsError | None) for one in errors)
        assert len(server.named(NAME)) == errors.count(None) <= 1
        left = {one["campaignName"] for one in server.campaigns.values()}
        assert left <= {"A", "B", NAME}
        outcomes.add(errors.count(None))
    assert 1 in outcomes


@pytest.mark.parametrize("renamed_first", [True, False])
def test_a_create_beside_a_rename_to_its_name(renamed_first: bool) -> None:
    draw = Random(2)
    for _ in range(40):
        server = FakeServer()
        renamed = server.add("A")
        if not renamed_first:
            server.campaigns[renamed + 5000] = {**server.campaigns.pop(renamed), "campaignId": renamed + 5000}
        attempts = [Attempt(server, create()), Attempt(server, rename("A", NAME))]
        interleave(draw, attempts)
        assert len(server.named(NAME)) == 1
        if isinstance(attempts[0].error, ConcurrentChangesError):
            # The rename was slow to be taken back.
            attempts[0] = Attempt(server, create()).run()
        assert attempts[0].error is None
        succeeded = {one.result.campaign_id for one in attempts if one.error is None}
        assert succeeded == {server.named(NAME)[0]["campaignId"]}


@pytest.mark.parametrize("is_taken_again", [True, False])
def test_a_retry_takes_back_a_rename_that_reads_show_late(is_taken_again: bool) -> None:
    server, saved = FakeServer(), Saved()
    campaign, other = server.add("A"), server.add("B")
    attempt = Attempt(server, rename("A", NAME, saved))
    while not server.named(NAME):
        attempt.step()
    # The request of an attempt that was killed is carried out while the next one runs.
    server.campaigns[campaign]["campaignName"] = "A"
    server.campaigns[other]["campaignName"] = NAME
    retry = Attempt(server, rename("A", NAME, saved.next_attempt()))
    while not isinstance(retry.pending, Pause):
        retry.step()
    assert not retry.done
    server.campaigns[campaign]["campaignName"] = NAME
    if not is_taken_again:
        server.campaigns[other]["campaignName"] = "B"
        assert retry.run().result.campaign_id == campaign
        return
    error = retry.run().error
    assert isinstance(error, CampaignExistsError)
    assert f"campaign {other} " in str(error)
    assert f"campaign {campaign} is named 'A' again" in str(error)
    assert server.campaigns[campaign]["campaignName"] == "A"


def test_a_name_that_is_taken_back_while_an_update_goes_on_is_looked_for_before_it_is_kept() -> None:
    server = FakeServer()
    campaign, other = server.add(NAME), server.add("B")
    attempt = Attempt(server, rename(campaign, NAME, maxRingTime=45))
    while not server.sent("PUT"):
        attempt.step()
    # Another rename comes second to this name, and gives the campaign its old one again.
    server.campaigns[campaign] |= {"campaignName": "A", "maxRingTime": 30}
    server.campaigns[other]["campaignName"] = NAME
    error = attempt.run().error
    assert isinstance(error, CampaignExistsError)
    assert f"campaign {campaign} is named 'A' again" in str(error)
    assert [one["campaignId"] for one in server.named(NAME)] == [other]


def test_an_update_to_the_same_name_in_other_characters_keeps_it_beside_another_of_the_name() -> None:
    server = FakeServer()
    campaign, other = server.add("Relance\u0301s"), server.add("B")
    attempt = Attempt(server, rename(campaign, "Relanc\u00e9s", maxRingTime=45))
    while not server.sent("PUT"):
        attempt.step()
    server.campaigns[other]["campaignName"] = "Relanc\u00e9s"
    error = attempt.run().error
    assert isinstance(error, CampaignExistsError)
    assert f"campaign {other} " in str(error)
    assert "again" not in str(error)
    assert len(server.sent("PUT")) == 1
    assert server.campaigns[campaign]["campaignName"] == "Relanc\u00e9s"


def test_a_retry_of_a_rename_that_was_taken_back_does_not_succeed() -> None:
    server, saved = FakeServer(), Saved()
    campaign = server.add("A")
    attempt = Attempt(server, rename("A", NAME, saved))
    while not server.named(NAME):
        attempt.step()
    retry = Attempt(server, rename("A", NAME, saved.next_attempt()))
    retry.step()
    server.campaigns[campaign]["campaignName"] = "A"
    error = retry.run().error
    assert isinstance(error, ConcurrentChangesError)
    assert f"campaign {campaign} in dial group {GROUP} is named 'A' again" in str(error)
    other = server.add("B")
    retry = Attempt(server, rename("A", NAME, saved.next_attempt()))
    server.campaigns[campaign]["campaignName"] = NAME
    retry.step()
    server.campaigns[campaign]["campaignName"] = "A"
    server.campaigns[other]["campaignName"] = NAME
    error = retry.run().error
    assert isinstance(error, CampaignExistsError)
    assert f"campaign {other} " in str(error)
    server.campaigns[other]["campaignName"] = "B"
    assert run(server, rename("A", NAME, saved.next_attempt())).campaign_id == campaign


def test_a_rename_waits_for_a_campaign_that_is_being_created_with_its_name() -> None:
    server = FakeServer()
    server.add("A")
    unfinished = server.add(working_name(NAME, "another task"), isActive=0)
    with pytest.raises(ConcurrentChangesError, match=f"campaign {unfinished}.* unfinished"):
        run(server, rename("A", NAME))
    assert not server.sent("PUT")
    attempt = Attempt(server, rename("A", NAME))
    while attempt.count < 4:
        attempt.step()
    server.campaigns[unfinished]["campaignName"] = NAME
    assert isinstance(attempt.run().error, CampaignExistsError)


def test_the_new_name_alone_does_not_show_that_an_earlier_attempt_has_renamed_a_campaign() -> None:
    server = FakeServer()
    server.add("B", isActive=1)
    before = copy.deepcopy(server.campaigns)
    blind = NoCheckpoint(has_earlier_attempts=True)
    for state in (None, CampaignState.ACTIVE):
        change = change_campaign("A", GROUP, fields={}, name="B", state=state, checkpoint=blind)
        with pytest.raises(NotFoundError, match="'A'"):
            run(server, change)
    assert server.campaigns == before


def test_a_retry_of_a_rename_by_id_takes_no_other_campaign() -> None:
    server = FakeServer()
    other = server.add("B", maxRingTime=45)
    blind = NoCheckpoint(has_earlier_attempts=True)
    change = change_campaign(
        other + 1, GROUP, fields={"maxRingTime": 45}, name="B", state=None, checkpoint=blind
    )
    with pytest.raises(NotFoundError):
        run(server, change)


@pytest.mark.parametrize("if_exists", IfExists)
def test_a_create_that_has_succeeded_keeps_its_campaign_when_another_gets_its_name(if_exists) -> None:
    server = FakeServer()
    other = server.add("Older")
    saved = Saved()
    wanted = spec(if_exists=if_exists)
    run(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved))
    save_success(saved)
    server.campaigns[other]["campaignName"] = NAME
    before = copy.deepcopy(server.campaigns)
    with pytest.raises(AmbiguousNameError, match=str(other)):
        run(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved.cleared()))
    assert server.campaigns == before


@pytest.mark.parametrize("if_exists", IfExists)
def test_an_unfinished_campaign_that_someone_gives_its_name_gets_what_was_asked_for(if_exists) -> None:
    server = FakeServer()
    attempt = ensuring(server, spec(if_exists=if_exists))
    step_to_first_read(server, attempt)
    (unfinished,) = server.campaigns.values()
    unfinished |= {"campaignName": NAME, "maxRingTime": 3, "isActive": 1}
    assert attempt.run().result.outcome == "created"
    (made,) = server.campaigns.values()
    assert {name: made[name] for name in FIELDS} == FIELDS
    assert made["isActive"] == int(SPEC.state or 0)


@pytest.mark.parametrize("if_exists", [IfExists.UPDATE, IfExists.SKIP])
def test_one_left_unfinished_beside_another_of_the_name_is_new_when_a_cleared_task_completes_it(
    if_exists: IfExists,
) -> None:
    server, saved = FakeServer(), Saved()
    wanted = spec(if_exists=if_exists)
    attempt = ensuring(server, wanted, saved)
    while not server.sent("POST"):
        attempt.step()
    (unfinished,) = server.campaigns
    other = server.add(NAME)
    server.lists[unfinished] = [{"listId": 1}]
    result = attempt.run().result
    assert (result.campaign_id, result.outcome == "created") == (other, False)
    save_success(saved)
    server.campaigns[other]["campaignName"] = "Renamed"
    again = ensuring(server, wanted, saved.cleared()).run().result
    assert (again.campaign_id, again.outcome) == (unfinished, "created")
    # Killed before its success was recorded.
    again = ensuring(server, wanted, saved.next_attempt()).run().result
    assert (again.campaign_id, again.outcome) == (unfinished, "created")
    save_success(saved)
    again = ensuring(server, wanted, saved.cleared()).run().result
    assert (again.campaign_id, again.outcome) == (unfinished, "unchanged")


@pytest.mark.parametrize("if_exists", [IfExists.UPDATE, IfExists.SKIP])
def test_one_that_someone_named_before_the_task_succeeded_is_not_new_after_a_clear(
    if_exists: IfExists,
) -> None:
    server, saved = FakeServer(), Saved()
    wanted = spec(if_exists=if_exists)
    attempt = ensuring(server, wanted, saved)
    step_to_first_read(server, attempt)
    (unfinished,) = server.campaigns.values()
    unfinished |= {"campaignName": NAME}
    assert attempt.run().result.outcome == "created"
    save_success(saved)
    again = ensuring(server, wanted, saved.cleared()).run().result
    assert again.outcome == "unchanged"


@pytest.mark.parametrize("state", [None, CampaignState.INACTIVE])
@pytest.mark.parametrize(("window", "is_active"), [("asked for", 1), ("another", 1), ("over", 0)])
def test_an_unfinished_campaign_that_someone_names_stays_active_unless_it_is_over(
    state: CampaignState | None, window: str, is_active: int
) -> None:
    ends = {
        "asked for": FIELDS["endDate"],
        "another": "2089-12-01T08:00:00.000+0000",
        "over": "2021-05-26T07:00:00.000+0000",
    }
    server = FakeServer()
    attempt = ensuring(server, spec(state=state))
    step_to_first_read(server, attempt)
    (campaign,) = server.campaigns.values()
    campaign |= {"campaignName": NAME, "maxRingTime": 3, "isActive": 1, "endDate": ends[window]}
    attempt.run()
    assert campaign != server.campaigns[campaign["campaignId"]]
    (campaign,) = server.campaigns.values()
    assert {name: campaign[name] for name in FIELDS} == FIELDS
    assert campaign["isActive"] == is_active


def test_a_campaign_that_is_renamed_after_it_was_completed_twice_is_not_reported() -> None:
    server = FakeServer()
    attempt = ensuring(server, spec())
    while not server.sent("POST"):
        attempt.step()
    (made,) = server.campaigns
    working = server.campaigns[made]["campaignName"]
    while not server.named(NAME):
        attempt.step()
    while method(attempt) != "GET" or attempt.pending.path.endswith(f"/{made}"):
        attempt.step()
    # A write of an older attempt arrives late.
    server.campaigns[made]["campaignName"] = working
    while not server.named(NAME):
        attempt.step()
    server.campaigns[made]["campaignName"] = "Renamed"
    other = server.add(NAME)
    result = attempt.run().result
    assert (result.campaign_id, result.outcome) == (other, "updated")


def test_a_retried_delete_leaves_a_campaign_that_someone_has_created_since() -> None:
    server = FakeServer()
    server.add("A")
    saved = Saved()
    attempt = Attempt(server, remove_campaign("A", GROUP, checkpoint=saved))
    while not server.sent("DELETE"):
        attempt.step()
    successor = server.add("A")
    result = run(server, remove_campaign("A", GROUP, checkpoint=saved.next_attempt()))
    assert (result.outcome, list(server.campaigns)) == ("deleted", [successor])
    assert run(server, remove_campaign("A", GROUP, checkpoint=Saved())).campaign_id == successor


@pytest.mark.parametrize("is_cleared", [False, True])
def test_a_delete_beside_its_retry_leaves_a_campaign_that_someone_has_created_since(
    is_cleared: bool,
) -> None:
    server = FakeServer()
    saved = Saved()
    # Airflow takes it for dead while it looks for the name again.
    attempt = Attempt(server, remove_campaign("A", GROUP, checkpoint=saved.of_this_attempt()))
    while method(attempt) is not None:
        attempt.step()
    server.add("A")
    later = saved.cleared() if is_cleared else saved.next_attempt()
    first = run(server, remove_campaign("A", GROUP, checkpoint=later))
    successor = server.add("A")
    result = attempt.run().result
    assert (result.outcome, result.campaign_id) == ("deleted", first.campaign_id)
    assert list(server.campaigns) == [successor]


@pytest.mark.parametrize("if_exists", IfExists)
def test_an_older_campaign_that_someone_renames_does_not_cost_a_complete_one(if_exists) -> None:
    server = FakeServer()
    older = server.add("Older")
    saved = Saved()
    attempt = ensuring(server, spec(if_exists=if_exists), saved)
    while len(server.sent("PUT")) < 1 or not server.named(NAME):
        attempt.step()
    server.campaigns[older]["campaignName"] = NAME
    before = copy.deepcopy(server.campaigns)
    error = attempt.run().error
    assert isinstance(error, ConcurrentChangesError)
    assert str(older) in str(error)
    assert server.campaigns == before


def test_a_retried_delete_of_a_cleared_task_leaves_a_campaign_that_someone_has_created_since() -> None:
    server = FakeServer()
    server.add("A")
    saved = Saved()
    run(server, remove_campaign("A", GROUP, checkpoint=saved))
    save_success(saved)
    server.add("A")
    saved.cleared()
    attempt = Attempt(server, remove_campaign("A", GROUP, checkpoint=saved))
    while len(server.sent("DELETE")) < 2:
        attempt.step()
    third = server.add("A")
    run(server, remove_campaign("A", GROUP, checkpoint=saved.next_attempt()))
    assert list(server.campaigns) == [third]


def test_a_retry_keeps_what_another_task_has_changed_in_a_complete_campaign() -> None:
    server = FakeServer()
    saved = Saved()
    wanted = spec(if_exists=IfExists.SKIP)
    run(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved))
    (campaign,) = server.campaigns.values()
    campaign["maxRingTime"] = 40
    before = copy.deepcopy(server.campaigns)
    run(server, ensure_campaign(wanted, owner=OWNER, checkpoint=saved.next_attempt()))
    assert server.campaigns == before
