"""The pages of the documentation, and the code in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = "README.md"
#: Paths of all pages in the repository.
PAGES = (README, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")))


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text()


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page that are in ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), re.DOTALL | re.MULTILINE)


def block(page: str, text: str) -> str:
    """Return the Python block of a page that contains ``text``; there must be one."""
    (found,) = (source for source in blocks(page, "python") if text in source)
    return found
