"""Tasks that are killed at any instant, and their retries, create one campaign. See kill.py."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.forking import Ended
from tests.faults.fuzz import is_full
from tests.faults.instants import Phase
from tests.faults.kill import is_clean, kill_runs, table
from tests.faults.runs import PLACES, Cut, Plan, Sequel, run, stood_still
from tests.faults.world import Work, World

SEED = 1


def test_killed_tasks_make_one_campaign_that_never_dials_wrongly() -> None:
    outcomes = kill_runs(200 if is_full() else 5, SEED)
    print(f"seed {SEED}\n{table(outcomes)}")
    assert {place for one in outcomes for place in one.places} >= set(PLACES[1:4]), "no kill where it matters"
    assert is_clean(outcomes)


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.slow
def test_each_bundle_with_its_lags(bundle: str) -> None:
    outcomes = kill_runs(2, SEED, BUNDLES[bundle])
    print(table(outcomes))
    assert is_clean(outcomes)


@pytest.mark.slow
def test_a_process_that_stood_still_during_a_read() -> None:
    """It ends with its result or, if the answer is read too late, as ``stood_still`` says."""
    with World(BUNDLES["hostile"]) as world:
        for number, phase in ((5, Phase.ARRIVED), (6, Phase.HANDLED), (8, Phase.ANSWERED)):
            cuts = (Cut(request=number, phase=phase), Cut())
            outcome = run(world, Plan(number, Work(), Sequel.ZOMBIE, cuts, 0.0))
            assert is_clean([outcome]), table([outcome])
            assert outcome.places == [phase]


@pytest.mark.parametrize(
    ("error", "text", "may_be"),
    [
        ("NoAnswerError", "GET /a: no response (ReadTimeout: the whole call took too long)", True),
        ("NoAnswerError", "PUT /a: no response (ReadTimeout: the whole call took too long)", False),
        ("NoAnswerError", "POST /a: no response (ReadTimeout: the whole call took too long)", False),
        ("NoAnswerError", "GET /a: no response (ReadTimeout: timed out)", False),
        ("NoAnswerError", "GET /a: no response (RemoteProtocolError: Server disconnected)", False),
        ("OutcomeUnknownError", "GET /a: no response (ReadTimeout: the whole call took too long)", False),
        (None, "", False),
    ],
)
def test_no_other_end_of_such_a_process_is_allowed(error: str | None, text: str, may_be: bool) -> None:
    assert stood_still(Ended(error=error, text=text)) is may_be
