"""Many concurrent tasks in the workers of a distributed Airflow stay within the vendor's limits together."""

from __future__ import annotations

import pytest
from airflow import __version__ as airflow_version

from tests.benchmarks.fleet.distributed import missing_packages
from tests.benchmarks.fleet.rollout import PROVIDER, SEASON, Size, fleet
from tests.support.services import missing_programs

_MISSING = missing_programs("redis-server", "postgresql") + missing_packages()

pytestmark = [
    pytest.mark.skipif(not airflow_version.startswith("3."), reason="an Airflow 3 is started"),
    pytest.mark.skipif(bool(_MISSING), reason=f"missing: {', '.join(_MISSING)}"),
]


@pytest.mark.slow
def test_every_campaign_is_created_once_at_the_first_attempt_with_one_sign_in_for_all() -> None:
    small = Size(campaigns=8, groups=20, seconds=240)
    with fleet(PROVIDER, SEASON, store="file", processes=2) as started:
        for dag_id in (PROVIDER, SEASON):
            assert started.roll_out(dag_id, small).problems() == []
