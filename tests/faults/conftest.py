"""``pytest tests/faults --full`` runs these tests at full size; ``ENGAGEVOICE_FULL=1`` does so anywhere."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.faults.fuzz import COUNTS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run tests/faults at full size")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full", default=False):
        os.environ["ENGAGEVOICE_FULL"] = "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Record the number of cases a property was tried with, where pytest-xdist workers report it too."""
    COUNTS.clear()
    try:
        return (yield)
    finally:
        item.user_properties += [("cases", count) for count in COUNTS.values()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    calls = [(one.nodeid, dict(one.user_properties)) for one in reports if one.when == "call"]
    counts = {name.rpartition("::")[2]: given["cases"] for name, given in calls if "cases" in given}
    if counts:
        terminalreporter.section("cases per property")
        for name, count in counts.items():
            terminalreporter.line(f"{count:7} {name}")
        terminalreporter.line(f"{sum(counts.values()):7} total")
