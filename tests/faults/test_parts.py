"""``make faults`` runs every part, says on which dialects, and fails if one fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.__main__ import Part, parts, run_all


def test_kills_faults_and_loads_run_on_every_bundle() -> None:
    for bundle in BUNDLES:
        programs = {part.command[1] for part in parts() if part.dialects == bundle}
        assert programs == {f"tests.faults.{name}" for name in ("kill", "matrix", "load_kill", "load_faults")}
    for part in parts():
        assert ("--dialect" in part.command) is (part.dialects in BUNDLES)
        assert part.dialects in (*BUNDLES, part.command[-1]) or part.dialects in ("default", "mixed")


@pytest.mark.parametrize("codes", [[0, 0, 0], [0, 1, 0], [3, 0, 0], [0, 0, -9]])
def test_one_failed_part_fails_all(capsys: pytest.CaptureFixture[str], codes: list[int]) -> None:
    some = [Part(bundle, ("-m", f"part{number}")) for number, bundle in enumerate(BUNDLES)]
    left = iter(codes)
    assert run_all(some, lambda part: next(left)) == (1 if any(codes) else 0)
    lines = capsys.readouterr().out.splitlines()
    for bundle, code in zip(BUNDLES, codes, strict=True):
        (line,) = [one for one in lines if one.startswith(bundle)]
        assert (f"FAILED with exit code {code}" in line) is (code != 0) is ("passed" not in line)
    assert lines[-1] == f"3 parts, {sum(code != 0 for code in codes)} failed"


def test_programs_exist() -> None:
    for program in {part.command[1] for part in parts()}:
        assert find_spec(program) is not None


#: Prints what each program of the command line says of its options, in one process: each imports Airflow.
_HELP = """
import contextlib, io, json, runpy, sys
shown = {}
for program in sys.argv[1:]:
    sys.argv[:] = [program, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        runpy.run_module(program, run_name="__main__")
    shown[program] = text.getvalue()
print(json.dumps(shown))
"""


@pytest.mark.slow
def test_programs_have_these_options() -> None:
    programs = {part.command[1] for part in parts() if part.command[1].startswith("tests.")}
    command = [sys.executable, "-c", _HELP, *sorted(programs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    shown = json.loads(done.stdout.splitlines()[-1])
    for program in programs:
        used = {
            one for part in parts() if part.command[1] == program for one in part.command if one[:2] == "--"
        }
        assert used <= set(re.findall(r"--[a-z-]+", shown[program]))
