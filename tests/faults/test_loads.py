"""Killed loads, and loads from a failing server, load each lead exactly once. See load_kill.py."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.load_faults import FAULTS, load_with_faults
from tests.faults.load_kill import kill_loads

SEED = 20261125
METHODS = ("direct", "file")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.slow
def test_killed_loads_leave_each_lead_once(method: str) -> None:
    outcome = kill_loads(3_000, 4, in_flight=1, seed=SEED, method=method)
    print(outcome.table())
    assert outcome.kills == 4
    assert outcome.is_clean()
    # Each kill leaves a chunk in doubt, which is looked up, and completed and confirmed if it is not there.
    assert max(outcome.reconciled) <= 6 * outcome.kills


@pytest.mark.parametrize("dialect", BUNDLES)
@pytest.mark.slow
def test_killed_loads_of_each_bundle(dialect: str) -> None:
    """Each day draws one of the methods; ``make faults`` has both with each bundle."""
    method = Random(f"{date.today()} {dialect}").choice(METHODS)
    print(f"{date.today()}, {dialect}: {method}")
    outcome = kill_loads(2_000, 2, in_flight=1, seed=SEED, method=method, dialect=dialect)
    print(outcome.table())
    assert outcome.kills == 2
    assert outcome.is_clean()


@pytest.mark.parametrize("dialect", ["", *BUNDLES])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.few(2)
def test_a_server_that_fails_leaves_each_lead_once(method: str, dialect: str) -> None:
    outcome = load_with_faults(2_000, 20, SEED, method, dialect)
    print(outcome.table())
    assert set(outcome.struck) == set(FAULTS)
    assert all(outcome.struck.values())
    assert outcome.is_clean()
    assert outcome.reconciled >= 3
