"""Waits end exactly once, and correctly, though their triggerer is killed. See triggerer_kill.py."""

from __future__ import annotations

import pytest
from airflow import __version__ as airflow_version
from packaging import version

from tests.support.services import missing_programs

pytestmark = [
    pytest.mark.skipif(
        version.parse(airflow_version) < version.parse("3.3"), reason="tasks start on the triggerer"
    ),
    pytest.mark.skipif("postgresql" in missing_programs(), reason="missing: postgresql"),
]


@pytest.mark.slow
def test_waits_of_a_triggerer_that_is_killed_end_once() -> None:
    from tests.faults.triggerer_kill import Plan, carry_out

    verdict = carry_out(Plan(waits=40, kills=2, seed=20261124, groups=5, between=30.0))
    print(verdict.table())
    assert verdict.problems() == []
