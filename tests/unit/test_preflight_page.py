"""docs/preflight.md has the rules of the package, and no text about a preflight promises anything.

``python -m tests.unit.test_preflight_page`` rewrites its table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from airflow_provider_engagevoice.preflight.rules import Rule, load_rules
from tests.support.documentation import blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "preflight.md"
PACKAGE = ROOT / "airflow_provider_engagevoice"


def row(rule: Rule) -> str:
    """Return a rule as a row of the table."""
    where = rule.country if rule.state is None else f"{rule.country}, {rule.state}"
    read = "yes" if rule.primary else "no"
    cells = (f"`{rule.id}`", where, rule.text, rule.effective_severity, rule.source, rule.as_of, read)
    return f"| {' | '.join(map(str, cells))} |"


def with_table(text: str) -> str:
    """Return the page with a new table."""
    head = "| rule | where | text | severity | source | read on | own text read |"
    lines = [head, "|---|---|---|---|---|---|---|", *map(row, load_rules().rows)]
    block = "<!-- rules -->\n\n" + "\n".join(lines) + "\n\n<!-- end -->"
    new, count = re.subn(r"<!-- rules -->.*?<!-- end -->", lambda _: block, text, flags=re.DOTALL)
    assert count == 1
    return new


def test_the_page_has_every_rule() -> None:
    assert with_table(PAGE.read_text()) == PAGE.read_text()


def test_the_rules_of_the_example_are_usable() -> None:
    (example,) = blocks("docs/preflight.md", "yaml")
    rules = {one.id: one.effective_severity for one in load_rules(yaml.safe_load(example)).rows}
    assert (rules["us-tx-hours"], rules["us-fl-hours"], rules["us-do-not-call"]) == ("error",) * 3
    assert "us-daily-attempts" not in rules


def texts() -> Iterator[Path]:
    """Yield the files with texts that people read about a preflight."""
    yield from (ROOT / "docs").glob("*.md")
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md"))
    yield from PACKAGE.rglob("*.py")
    yield from PACKAGE.rglob("*.yaml")


def test_no_text_says_that_calls_are_compliant() -> None:
    found = [path.name for path in texts() if re.search(r"\bcompliant\b", path.read_text(), re.I)]
    assert found == []


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
