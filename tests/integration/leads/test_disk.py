"""Full disks raise an error of the package before anything is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def checked(case: str, most: int, tmp_path: Path) -> str:
    """Validate leads in a process with a limited file size, in bytes; return its output."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.leads.full_disk",
            case,
            str(most),
            str(tmp_path / "rejects.csv"),
        ],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("case", "most"),
    [("spool", 100_000), ("last chunk", 1_000), ("index", 1_000_000), ("numbers", 10_000)],
)
@pytest.mark.few(1)
def test_a_full_temporary_folder(case: str, most: int, tmp_path: Path) -> None:
    output = checked(case, most, tmp_path)
    assert output.startswith(f"NoRoomError: {tmp_path}: cannot write the temporary files of a load")
    assert "nothing has been sent" in output
    assert "TMPDIR" in output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("case", "most"), [("rejects", 100_000), ("last rejects", 1_000)])
@pytest.mark.few(1)
def test_a_full_disk_of_rejects(case: str, most: int, tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    output = checked(case, most, tmp_path)
    assert output.startswith("NoRoomError: ")
    assert f"{path}: cannot write the rejects ([Errno 27] File too large)" in output


@pytest.mark.parametrize("case", ["spool", "index", "numbers", "rejects"])
@pytest.mark.slow
def test_the_same_with_room(case: str, tmp_path: Path) -> None:
    assert checked(case, 100_000_000, tmp_path) == ""
