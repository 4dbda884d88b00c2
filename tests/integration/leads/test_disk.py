"""Disks that are full: told by an error of the package, before anything is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def checked(case: str, most: int, tmp_path: Path) -> str:
    """Check leads in a process whose files have so many bytes at most; return what it says."""
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
    said = checked(case, most, tmp_path)
    assert said.startswith(f"NoRoomError: {tmp_path}: no room for what is held there")
    assert "nothing has been sent" in said
    assert "TMPDIR" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("case", "most"), [("rejects", 100_000), ("last rejects", 1_000)])
@pytest.mark.few(1)
def test_no_room_for_rejects(case: str, most: int, tmp_path: Path) -> None:
    place = tmp_path / "rejects.csv"
    said = checked(case, most, tmp_path)
    assert said.startswith("NoRoomError: ")
    assert f"{place}: no room for the rejects ([Errno 27] File too large)" in said


@pytest.mark.parametrize("case", ["spool", "index", "numbers", "rejects"])
@pytest.mark.slow
def test_the_same_with_room(case: str, tmp_path: Path) -> None:
    assert checked(case, 100_000_000, tmp_path) == ""
