"""Every fault against every operation: ``python -m tests.faults.matrix`` prints the result of each.

A cell shows how the first attempt ended with the fault injected once, and with it lasting: ``recovered``, or
the type of the error. Afterwards the same operation must succeed, and nothing may be duplicated, lost, dialed
at a wrong time or leaked. The exit code is 1 otherwise.

For faults of the token store, *once* means that a second store is configured as a fallback. The cloned
campaign is over where the fault strikes once, and dials where it lasts.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    # Airflow sets up its home where it is first imported.
    os.environ["AIRFLOW_HOME"] = _HOME = tempfile.mkdtemp(prefix="engagevoice-matrix-")

from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.sandbox.dialects import BUNDLES, DEFAULT, Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.validation import parse_date
from tests.faults.matrix_faults import FAULTS, MatrixFault
from tests.faults.matrix_world import NAME, REDIS_PASSWORD, SEAL_KEY, SOURCE, World
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.relay import Relay
from tests.support.clocks import SkippingClock, pauses_skipped
from tests.support.services import missing_programs, redis_server
from tests.support.watch import MARKED, Watch, texts_of, watching

#: Seconds after which an attempt counts as hanging.
BOUND = 25.0
_DAY = 86_400.0
_WIDTH = 31


@dataclass
class Cell:
    """The result of one fault and one operation.

    :ivar outcomes: of the first attempt, by variant
    :ivar problems: findings
    :ivar searched: number of texts and files searched for secrets
    """

    outcomes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    searched: int = 0


def attempt(world: World, operation: Operation) -> tuple[str, BaseException | None]:
    """Run an operation on a separate thread; return ``recovered``, the error's name, or ``hang``."""
    caught: list[BaseException] = []

    def run() -> None:
        try:
            world.texts.append(repr(operation.run(world)))
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(BOUND)
    if thread.is_alive():
        return "hang", None
    if not caught:
        return "recovered", None
    return type(caught[0]).__name__, caught[0]


def run_variant(world: World, fault: MatrixFault, operation: Operation, lasting: bool, cell: Cell) -> None:
    """Fill in a cell for one variant of its fault."""
    world.reset()
    # A clone of a campaign that dials must not use the vendor's clone, which would dial, too.
    world.source = world.prepared if lasting else SOURCE
    label = "lasting" if lasting else "once"
    with watching(world.sandbox) as watch, pauses_skipped(SkippingClock()):
        with fault.inject(world, operation, lasting):
            outcome, error = attempt(world, operation)
        cell.outcomes.append(outcome)
        notes = [outcome]
        if outcome == "recovered":
            notes.append(operation.wrong(world))
            if notes[-1].startswith("left over") and fault.name == "read time-out":
                notes[-1] = ""  # carried out after all, long after; the next attempt removes it
        elif not isinstance(error, EngageVoiceError):
            notes.append(f"untyped: {error!r}")
        if len(world.named(NAME)) > 1:
            notes.append("a double")
        world.patient = True
        again, second = attempt(world, operation)
        if again != "recovered":
            notes.append(f"again: {again}: {second}")
        wrong = operation.wrong(world)
        lags = world.sandbox.backend.dialect.list_shows != "at once"
        if wrong.startswith("left over") and fault.name == "read time-out" and lags:
            # Pauses are skipped: by the tasks' clock it is carried out minutes later, and listed even later.
            wrong = ""
        notes += [wrong, _lost(world, operation), _dialed(world)]
        texts = [text for one in (error, second) if one is not None for text in texts_of(one)]
        notes += _leaks(world, watch, texts, cell)
    cell.problems += [f"{label}: {one}" for one in notes[1:] if one]


def _lost(world: World, operation: Operation) -> str:
    expected = {SOURCE} | (set() if operation.name == "delete" else {world.prepared})
    missing = expected - {row["campaignId"] for row in world.campaigns()}
    return f"lost: {missing}" if missing else ""


def _dialed(world: World) -> str:
    """Report writes that left a campaign active within, or a day around, dates that were not requested."""
    wrong = []
    for entry in world.sandbox.history():
        dates = world.start, world.end
        if entry.campaign_id == world.prepared:
            dates = world.prepared_start, world.prepared_end
        as_requested = (entry.start_date, entry.end_date) == dates
        starts, ends = (parse_date(text).timestamp() for text in (entry.start_date, entry.end_date))
        could_dial = starts - _DAY < entry.time < ends + _DAY
        if entry.is_active and not entry.deleted and could_dial and not as_requested:
            wrong.append(entry)
    return f"active outside its dates: {wrong}" if wrong else ""


def _leaks(world: World, watch: Watch, texts: list[str], cell: Cell) -> list[str]:
    """Search all output for secrets: texts, logs, and the files, which are encrypted."""
    shared = [
        path.name + path.read_bytes().decode("latin-1") for path in world.folder.rglob("*") if path.is_file()
    ]
    everything = [*texts, *world.texts, *watch.logged(), *shared]
    cell.searched += len(everything)
    found = watch.leaks(*everything)
    found += [one for one in everything if REDIS_PASSWORD in one or SEAL_KEY.decode() in one]
    return [f"secret: {one[:200]}" for one in found]


def run_cell(world: World, fault: MatrixFault, operation: Operation) -> Cell:
    """Run a fault against an operation, in all its variants."""
    cell = Cell()
    if fault.name == "Redis gone" and world.redis is None:
        return Cell(["skipped"])
    for lasting in fault.variants:
        run_variant(world, fault, operation, lasting, cell)
    return cell


@contextmanager
def world_in(folder: Path, dialect: Dialect = DEFAULT) -> Iterator[World]:
    """Start what all cells share."""
    settings = SandboxSettings(limits=False, credentials=MARKED, dialect=dialect)
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxServer(settings))
        relay = stack.enter_context(Relay(sandbox.url))
        redis = None
        if "redis-server" not in missing_programs():
            (folder / "redis").mkdir()
            redis = stack.enter_context(redis_server(folder / "redis", password=REDIS_PASSWORD))
        yield World(sandbox, relay, folder / "tokens", redis)


def _shown(cell: Cell) -> str:
    names = list(dict.fromkeys(name.removesuffix("Error") for name in cell.outcomes))
    return " / ".join(names) + (" !" if cell.problems else "")


def _silence_logs() -> None:
    """Keep log records out of the table; they are still collected."""
    # Airflow configures logging when it is imported.
    import airflow.triggers.base  # noqa: F401

    logging.getLogger().handlers[:] = [logging.NullHandler()]


def main() -> int:
    """Run all cells and print them, a row for each fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix")
    parser.add_argument("--dialect", choices=BUNDLES, help="of the server; default: that of the sandbox")
    given = parser.parse_args()
    _silence_logs()
    print(f"dialect {given.dialect or 'default'}")
    began, cells, problems = time.monotonic(), [], []
    print("".join(text.ljust(_WIDTH) for text in ("", *(operation.name for operation in OPERATIONS))))
    folder = Path(tempfile.mkdtemp(prefix="engagevoice-faults-"))
    try:
        with world_in(folder, BUNDLES.get(given.dialect, DEFAULT)) as world:
            for fault in FAULTS:
                row = {operation.name: run_cell(world, fault, operation) for operation in OPERATIONS}
                print(
                    fault.name.ljust(_WIDTH) + "".join(_shown(one).ljust(_WIDTH) for one in row.values()),
                    flush=True,
                )
                cells += row.values()
                problems += [
                    f"{fault.name}, {name}: {problem}"
                    for name, one in row.items()
                    for problem in one.problems
                ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcomes = [outcome for cell in cells for outcome in cell.outcomes]
    recovered = outcomes.count("recovered")
    print(f"\n{len(cells)} cells, {len(outcomes)} runs in {time.monotonic() - began:.0f} s")
    print(f"{recovered} recovered; {len(outcomes) - recovered} ended with an error")
    print(f"{sum(cell.searched for cell in cells)} texts and files searched for secrets")
    print(f"{len(problems)} problems")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(_HOME, ignore_errors=True)
    sys.exit(code)
