"""The demo is the proof with nothing in line: a real scheduler, triggerer, workers and API server."""

from __future__ import annotations

import pytest
from airflow import __version__ as airflow_version


@pytest.mark.skipif(not airflow_version.startswith("3."), reason="the demo starts an Airflow 3")
def test_the_demo_does_all_it_says(capsys) -> None:
    from tests import demo

    assert demo.main() == 0
    told = capsys.readouterr().out
    assert "all of it happened" in told
    assert "create_opened: deferred" in told
    assert "cloned from 'Holiday Renewals 2025'" in told
