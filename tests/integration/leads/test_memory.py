"""Memory does not grow with the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.leads import routed
from tests.integration.leads.throughput import measure_apart, write


@pytest.mark.parametrize(("name", "most"), [("csv", 12), ("jsonl", 12), ("parquet", 45), ("table", 12)])
@pytest.mark.slow
def test_six_times_the_rows_take_no_more_memory(tmp_path: Path, name: str, most: int) -> None:
    """100,000 leads take more than 100 MiB. Parquet pages grow until they are full."""
    taken = []
    for count in (20_000, 120_000):
        path = tmp_path / f"list.{name}"
        write(path, count)
        taken.append(measure_apart(path, count)["mebibytes"])
    assert taken[1] < taken[0] + most


@pytest.mark.parametrize("campaigns", [1, 300])
@pytest.mark.slow
def test_a_list_for_many_campaigns_takes_no_more_memory(campaigns: int) -> None:
    few, many = (routed.measure_apart(count, campaigns)["mebibytes"] for count in (20_000, 120_000))
    assert many < few + 20


def test_the_checkpoint_of_a_thousand_campaigns_fits_into_the_state_store_of_airflow() -> None:
    assert routed.measure(3_000, 1_000)["checkpoint"] < 65_535
