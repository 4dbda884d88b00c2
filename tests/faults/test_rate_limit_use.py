"""Four processes that share a rate limit use it fully and never exceed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_engagevoice.stores import Rate
from tests.faults.rate_limit_use import GOAL, measure


@pytest.mark.slow
def test_four_processes_use_their_shared_rate_limit(tmp_path: Path) -> None:
    use = measure(Rate(30, 10), 2, f"file://{tmp_path}/tokens")
    assert use.rejected == 0
    assert use.share >= GOAL
