"""Every text that the package shows a user, in one file, so that changes of wording show in review.

``python -m tests.unit.test_messages`` rewrites the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2] / "airflow_provider_engagevoice"
FILE = Path(__file__).parent / "data" / "messages.txt"

#: Words that a data engineer would not write in a message.
UNUSUAL = re.compile(
    r"\b(anew|whence|mend(ed|s)?|nobody|somebody|whoever|left out|so many|told|tells?|one too many"
    r"|look(s|ing)?\b(?! up))\b",
    re.IGNORECASE,
)


def messages(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of several words in code that are not docstrings; ``{}`` stands for a value."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            skipped |= set(ast.walk(node)) - {node}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if re.search(r"[A-Za-z]{2,} [A-Za-z]|\{\} [A-Za-z]{2,}|[A-Za-z]{2,} \{\}", text):
            yield re.sub(r"\s+", " ", text).strip()


@cache
def collected() -> str:
    """Return all messages by module, sorted."""
    lines: list[str] = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("sandbox/"):
            texts = sorted(set(messages(ast.parse(path.read_text()))))
            lines += [f"[{name}]", *texts, ""] if texts else []
    return "\n".join(lines)


def test_messages_match_the_file() -> None:
    assert collected() == FILE.read_text()


def test_messages_use_no_banned_words() -> None:
    assert [line for line in collected().splitlines() if UNUSUAL.search(line)] == []


if __name__ == "__main__":
    FILE.write_text(collected())
