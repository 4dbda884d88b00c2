"""All kill, fault and load runs at full size: ``make faults``.

Prints, after the output of each part, on which dialects of the server it ran and whether it passed. Runs all
of them; the exit code is 1 if one failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES


@dataclass(frozen=True)
class Part:
    """One program.

    :param dialects: of the server: a bundle, ``default`` for those of the sandbox, or ``mixed``
    :param command: arguments of Python
    """

    dialects: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(self.command).removeprefix("-m ")


def parts() -> list[Part]:
    """Return all parts, the simulations from a new seed."""
    drawn = ("--seed", str(int(time.time())), "--workers", str(os.cpu_count() or 1))
    return [
        Part("mixed", ("-m", "tests.simulation", "--seconds", "600", *drawn)),
        Part("mixed", ("-m", "tests.simulation.leads", "--seconds", "300", *drawn)),
        Part("mixed", ("-m", "tests.simulation.seasons", "--seconds", "300", *drawn)),
        *(
            Part("default", ("-m", f"tests.faults.{name}", *more))
            for name, *more in (
                ("rate_limit_use",),
                ("kill", "--runs", "200"),
                ("matrix",),
                ("load_rate_limit",),
                ("load_kill",),
                ("load_kill", "--method", "file", "--kills", "30"),
                ("load_faults",),
                ("load_faults", "--method", "file"),
            )
        ),
        *(
            Part(bundle, ("-m", f"tests.faults.{name}", *more, "--dialect", bundle))
            for bundle in BUNDLES
            for name, *more in (
                ("kill", "--runs", "10"),
                ("matrix",),
                ("load_kill", "--kills", "10", "--rows", "5000"),
                ("load_kill", "--kills", "5", "--rows", "5000", "--method", "file"),
                ("load_faults",),
                ("load_faults", "--method", "file"),
            )
        ),
        Part("default", ("-m", "pytest", "-q", "tests/airflow/test_bad_files.py"), {"ENGAGEVOICE_FULL": "1"}),
        Part("default", ("-m", "pytest", "-q", "tests/faults", "--full", "-k", "fuzz", "-n", "auto")),
        Part("default", ("-m", "tests.faults.triggerer_kill")),
    ]


def run_part(part: Part) -> int:
    """Run a part in its own process; return its exit code."""
    return subprocess.run(
        [sys.executable, *part.command], check=False, env={**os.environ, **part.environment}
    ).returncode


def run_all(all_parts: list[Part], run_one: Callable[[Part], int] = run_part) -> int:
    """Run the parts one after the other; print the verdicts, and return the exit code."""
    verdicts = []
    for part in all_parts:
        print(f"\n=== {part}", flush=True)
        began = time.monotonic()
        code = run_one(part)
        verdict = "passed" if code == 0 else f"FAILED with exit code {code}"
        verdicts.append(f"{part.dialects:9} {verdict:26} {time.monotonic() - began:6.0f} s  {part}")
        print(f"=== {verdicts[-1]}", flush=True)
    failed = [one for one in verdicts if "FAILED" in one]
    print("\n" + "\n".join(verdicts))
    print(f"{len(verdicts)} parts, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_all(parts()))
