"""The progress of a load: a bar in a terminal, and log lines."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: The longest wait for expected output, in seconds.
PATIENCE = 30.0
#: Control sequences of a terminal.
PIECES = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])")
NEVER = 3600.0
WORDS = re.compile(
    r"(?P<done>[\d,]+) of (?P<total>[\d,]+) leads (?P<bar>\S+) (?P<rate>[\d,]+) leads/s,"
    r" (?P<share>\d+)% of the rate limit(, (?P<left>[\d,]+) s left)?"
)


class ManualLoad:
    """A load in its own process that reports a chunk on command.

    :param error: file descriptor of its standard error
    """

    def __init__(self, total: int, every: float, error: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.leads.manual_progress", str(total), str(every)],
            cwd=ROOT,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._commands, self._responses = self._process.stdin, self._process.stdout

    def do(self, command: int | str) -> float:
        """Report a number of leads as done, or log a line; return the seconds since the start."""
        self._commands.write(f"{command}\n")
        self._commands.flush()
        assert select.select([self._responses], [], [], PATIENCE)[0], "no response"
        return float(self._responses.readline())

    def end(self) -> None:
        """Let it finish."""
        self._commands.close()
        assert self._process.wait(PATIENCE) == 0

    def stop(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        self._commands.close()
        self._responses.close()


class Screen:
    """The output of a pseudo terminal, line by line.

    :ivar lines: finished lines
    :ivar line: the line of the cursor
    """

    def __init__(self, reader: int) -> None:
        self._reader = reader
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._column = 0
        self.lines: list[str] = []
        self.line = ""

    def read_until(self, pattern: str) -> str:
        """Read until the cursor's line matches, and return that line."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.line):
            assert self._read(deadline - time.monotonic()), f"not drawn: {pattern}; drawn: {self.lines}"
        return self.line

    def read_line(self, text: str) -> None:
        """Read until a finished line has a text."""
        deadline = time.monotonic() + PATIENCE
        while not any(text in line for line in self.lines):
            assert self._read(deadline - time.monotonic()), f"not written: {text}; written: {self.lines}"

    def read_to_the_end(self) -> None:
        """Read everything."""
        while self._read(PATIENCE):
            pass

    def _read(self, seconds: float) -> bool:
        if not select.select([self._reader], [], [], max(0.0, seconds))[0]:
            return False
        try:
            text = self._decoder.decode(os.read(self._reader, 65536))
        except OSError:  # Linux raises it once the other end is closed
            return False
        self._write(self._rest + text)
        return True

    def _write(self, text: str) -> None:
        *pieces, last = PIECES.split(text)
        # A control sequence may arrive in two parts.
        shown, escape, rest = last.partition("\x1b")
        self._rest = escape + rest
        for piece in filter(None, [*pieces, shown]):
            if piece == "\n":
                self.lines.append(self.line)
                self.line = ""
            elif piece == "\r":
                self._column = 0
            elif piece == "\x1b[2K":
                self.line = " " * self._column
            elif not piece.startswith("\x1b"):
                self.line = self.line[: self._column] + piece + self.line[self._column + len(piece) :]
                self._column += len(piece)


@contextmanager
def terminal(total: int, every: float = NEVER, columns: int = 100) -> Iterator[tuple[ManualLoad, Screen]]:
    """Run a load whose standard error is a terminal."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    load = ManualLoad(total, every, writer)
    os.close(writer)
    try:
        yield load, Screen(reader)
    finally:
        load.stop()
        os.close(reader)


def number(text: str | None) -> int:
    return int((text or "").replace(",", ""))


def test_a_terminal_shows_rows_done_share_of_the_rate_limit_and_time_left() -> None:
    with terminal(100_000) as (load, screen):
        load.do(500)
        screen.read_until("^500 of 100,000 leads .* 3% of the rate limit$")
        before, after = (load.do(done) for done in (1_000, 1_500))
        shown = WORDS.search(screen.read_until("^1,500 of .* left$"))
        assert shown is not None
        # Three of 30 chunks in ten seconds, and of 120 in a minute.
        assert (shown["share"], shown["total"]) == ("10", "100,000")
        assert 1_500 / after - 1 <= number(shown["rate"]) <= 1_500 / before * 1.05
        # Of the 197 remaining chunks, 27 may be sent at once and 30 every ten seconds.
        assert number(shown["left"]) == max(57, round(98_500 / number(shown["rate"])))
        load.do(100_000)
        load.end()
        screen.read_to_the_end()
    assert screen.lines[-1].startswith("100,000 of 100,000 leads ")
    assert "left" not in screen.lines[-1]
    drawn = [WORDS.search(line) for line in screen.lines]
    assert drawn[-1] is not None
    assert set(drawn[-1]["bar"]) == {"━"}


def test_the_bar_grows_with_the_leads_that_are_done() -> None:
    with terminal(1_000, columns=120) as (load, screen):
        widths = []
        for done in (250, 500, 750):
            load.do(done)
            line = screen.read_until(f"^{done} of .* (limit|left)$")
            bar = re.search(r"leads (\S+) ", line)
            assert bar is not None
            widths.append(re.split("[╸╺]", bar[1])[0].count("━") / len(bar[1]))
    assert widths == pytest.approx([0.25, 0.5, 0.75], abs=0.05)


def test_leads_of_an_earlier_attempt_do_not_count_for_the_rate() -> None:
    with terminal(100_000) as (load, screen):
        before, after = (load.do(done) for done in (90_100, 90_200))
        shown = WORDS.search(screen.read_until("^90,200 of .* left$"))
    assert shown is not None
    assert 200 / after - 1 <= number(shown["rate"]) <= 200 / before * 1.05


def test_log_lines_are_separate_and_the_bar_is_redrawn() -> None:
    with terminal(2_000, every=0) as (load, screen):
        load.do(500)
        screen.read_until("^500 of .* rate limit$")
        load.do("say")
        screen.read_line("waiting for a permit")
        screen.read_until("^500 of .* rate limit$")
        load.do(1_000)
        screen.read_until("^1,000 of .* left$")
        load.end()
        screen.read_to_the_end()
    logged = [line for line in screen.lines if "LOG" in line]
    assert logged[:2] == ["LOG 500 of 2,000 leads done, 3% of the rate limit", "LOG waiting for a permit"]
    assert re.fullmatch(r"LOG 1,000 of .* left", logged[2])
    bars = [line for line in screen.lines if "━" in line]
    assert [line[:9] for line in bars] == ["1,000 of "]
    assert screen.lines == [*logged, *bars]


def test_the_bar_fits_into_a_narrow_terminal() -> None:
    with terminal(1_000_000, columns=80) as (load, screen):
        for done in (499_500, 500_000):
            load.do(done)
        line = screen.read_until("^500,000 of .* left$")
    assert WORDS.search(line)
    assert len(line) <= 80


def logged(total: int, every: float) -> list[str]:
    """Run a load of chunks of 500 without a terminal; return the lines written."""
    reader, writer = os.pipe()
    load = ManualLoad(total, every, writer)
    os.close(writer)
    try:
        for done in range(500, total + 1, 500):
            load.do(done)
        load.end()
        with os.fdopen(reader) as written:
            return written.read().splitlines()
    finally:
        load.stop()


def test_without_a_terminal_there_are_only_log_lines() -> None:
    lines = logged(1_500, 0.0)
    assert lines[0] == "LOG 500 of 1,500 leads done, 3% of the rate limit"
    assert re.fullmatch(
        r"LOG 1,000 of 1,500 leads done, [\d,]+ leads/s, 7% of the rate limit, \d+ s left", lines[1]
    )
    assert re.fullmatch(r"LOG 1,500 of 1,500 leads done, [\d,]+ leads/s, 10% of the rate limit", lines[2])
    assert len(lines) == 3


def test_lines_are_written_every_few_seconds_and_at_the_end() -> None:
    lines = logged(2_000, NEVER)
    assert [line.partition(",")[0] for line in lines] == ["LOG 2"]
