"""The matrix of faults and operations; with ``ENGAGEVOICE_FULL=1`` every cell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.matrix import Cell, run_variant, world_in
from tests.faults.matrix_faults import FAULTS, MatrixFault
from tests.faults.matrix_world import World
from tests.faults.operations import OPERATIONS, Operation

FULL = os.environ.get("ENGAGEVOICE_FULL") == "1"
CREATE, *_ = OPERATIONS
DROPPED = next(fault for fault in FAULTS if fault.name == "answer dropped")


def runs() -> list[tuple[MatrixFault, Operation, bool]]:
    """Return the runs: all, or each fault with a create and each operation with a lost response."""
    if FULL:
        return [
            (fault, operation, lasting)
            for fault in FAULTS
            for operation in OPERATIONS
            for lasting in fault.variants
        ]
    few = [(fault, CREATE, fault.variants[0]) for fault in FAULTS]
    return [
        *few,
        *((DROPPED, operation, lasting) for operation in OPERATIONS[1:] for lasting in (False, True)),
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("faults")) as world:
        yield world


@pytest.mark.parametrize(
    ("fault", "operation", "lasting"),
    runs(),
    ids=lambda value: getattr(value, "name", "lasting" if value else "once"),
)
@pytest.mark.few(2)
def test_nothing_is_duplicated_lost_dialed_or_leaked(world, fault, operation, lasting) -> None:
    if fault.name == "Redis gone" and world.redis is None:
        pytest.skip("redis-server is not installed")
    cell = Cell()
    run_variant(world, fault, operation, lasting, cell)
    assert cell.problems == []
    assert cell.searched > 20


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.slow
def test_lost_answers_of_each_bundle(tmp_path: Path, bundle: str) -> None:
    with world_in(tmp_path, BUNDLES[bundle]) as world:
        for operation in OPERATIONS:
            cell = Cell()
            run_variant(world, DROPPED, operation, False, cell)
            assert cell.problems == []
