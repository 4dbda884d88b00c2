"""Files that are not valid lead lists, and the errors that a load must raise."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HEADER = "externId,leadPhone,firstName\n"
GOOD = "c1,4155550100,Ada\n"


@dataclass(frozen=True)
class BadFile:
    """An invalid file.

    :ivar name: of the file; its suffix determines the format
    :ivar write: writes it
    :ivar says: parts of the error, with row and column if it has any
    """

    what: str
    name: str
    write: Callable[[Path], object]
    says: Sequence[str]


def text(content: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    """Return a function that writes text."""
    return lambda path: path.write_bytes(content.encode(encoding))


def table(**columns: Sequence[object]) -> Callable[[Path], object]:
    """Return a function that writes a Parquet file."""

    def write(path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(columns), path)

    return write


def long_line(mebibytes: int) -> Callable[[Path], object]:
    """Return a function that writes a valid line and a line of many MiB."""

    def write(path: Path) -> None:
        with path.open("w") as file:
            file.write(HEADER + GOOD + "c2,4155550101,")
            for _ in range(mebibytes):
                file.write("x" * 2**20)
            file.write("\n")

    return write


def cut(whole: Callable[[Path], object], share: float) -> Callable[[Path], object]:
    """Return a function that writes the first part of a file."""

    def write(path: Path) -> None:
        whole(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return write


def compressed(path: Path) -> None:
    """Write a compressed list."""
    rows = "".join(f"c{number},415555{number:04d},Ada\n" for number in range(100, 2000))
    path.write_bytes(gzip.compress((HEADER + rows).encode(), mtime=0))


def bad_files(line_mebibytes: int) -> list[BadFile]:
    """Return all invalid files.

    :param line_mebibytes: length of the long line
    """
    many = {"externId": ["c1", "c2"], "firstName": ["Ada", "Bob"]}
    return [
        BadFile("Latin-1", "latin.csv", text(HEADER + GOOD + "c2,4155550101,Zoë\n", "latin-1"), ["row 3"]),
        BadFile("UTF-16", "utf16.csv", text(HEADER + GOOD, "utf-16-le"), ["row 1", "utf-16"]),
        BadFile("long row", "long.csv", text(HEADER + GOOD + "c2,4155550101,Bob,x\n"), ["row 3, column 4"]),
        BadFile(
            "short row", "short.csv", text(HEADER + GOOD + "c2,4155550101\n"), ["row 3, column 'firstName'"]
        ),
        BadFile("unclosed quote", "quote.csv", text(HEADER + 'c1,4155550100,"Ada\n' + GOOD), ["row 2"]),
        BadFile("endless line", "line.csv", long_line(line_mebibytes), ["row 3", "longer than"]),
        BadFile(
            "no externId", "ids.csv", text("leadPhone,firstName\n4155550100,Ada\n"), ["is mapped to externId"]
        ),
        BadFile("no phone", "phones.csv", text("externId,firstName\nc1,Ada\n"), ["is mapped to leadPhone"]),
        BadFile(
            "column twice",
            "twice.csv",
            text("externId,leadPhone,externId\nc1,4155550100,c1\n"),
            ["row 1", "column 'externId'", "1 and 3"],
        ),
        BadFile("empty", "empty.csv", text(""), ["empty"]),
        BadFile(
            "NUL", "nul.csv", text(HEADER + GOOD + "c2,4155550101,B\0b\n"), ["row 3, column 'firstName'"]
        ),
        BadFile(
            "formula", "formula.csv", text(HEADER + GOOD + "c2,=A1,Bob\n"), ["row 3, column 'leadPhone'"]
        ),
        BadFile(
            "digits lost",
            "e.csv",
            text(HEADER + GOOD + "c2,4.15556E+09,Bob\n"),
            ["row 3, column 'leadPhone'"],
        ),
        BadFile("cut gzip", "cut.csv.gz", cut(compressed, 0.5), ["row ", "truncated"]),
        BadFile("invalid JSON", "rows.jsonl", text('{"externId": "c1"}\n{"externId": \n'), ["row 2"]),
        BadFile("not an object", "list.jsonl", text('["c1", "4155550100"]\n'), ["row 1"]),
        BadFile("not Parquet", "text.parquet", text(HEADER + GOOD), ["not parquet but text"]),
        BadFile(
            "cut Parquet",
            "cut.parquet",
            cut(table(**many, leadPhone=["4155550100"] * 2), 0.7),
            ["valid Parquet"],
        ),
        BadFile(
            "fraction",
            "float.parquet",
            table(**many, leadPhone=[4155550100.0, 4155550101.5]),
            ["row 2, column"],
        ),
        BadFile(
            "phones are lists",
            "lists.parquet",
            table(**many, leadPhone=[["415"], ["555"]]),
            ["leadPhone", "list"],
        ),
        BadFile(
            "phones are bytes",
            "bytes.parquet",
            table(**many, leadPhone=[b"415", b"555"]),
            ["leadPhone", "binary"],
        ),
    ]
