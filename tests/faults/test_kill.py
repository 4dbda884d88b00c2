"""Tasks that are killed at any instant, and their retries, create one campaign. See kill.py."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.fuzz import is_full
from tests.faults.kill import is_clean, kill_runs, table
from tests.faults.runs import PLACES

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
