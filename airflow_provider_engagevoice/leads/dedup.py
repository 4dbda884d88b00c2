"""Find duplicate phones and externIds among any number of rows, in little memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

from airflow_provider_engagevoice.exceptions import NoRoomError
from airflow_provider_engagevoice.leads.phones import SEPARATOR
from airflow_provider_engagevoice.leads.report import RejectKind

#: Bits of a filter that recognizes most new keys without a lookup: 8 MiB.
_BITS = 1 << 26
_MASK = _BITS - 1
#: Rows that are written to disk together.
_WRITE_BATCH = 16_000
#: Rows per INSERT statement.
_INSERT_BATCH = 400
#: KiB of the index that are cached in memory.
_CACHE_SIZE = 2_000


@contextmanager
def writing_temporary_files() -> Iterator[None]:
    """Raise failures to write temporary files as :class:`NoRoomError`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        # None if Python has found no writable folder.
        folder = tempfile.tempdir or "temporary files"
        raise NoRoomError(
            f"{folder}: cannot write the temporary files of a load ({error}); nothing has been sent. Free "
            "disk space, or set the environment variable TMPDIR to a folder with more: a million leads need "
            "half a GiB"
        ) from error


class Deduplicator:
    """An index in a temporary file.

    Phones are stored as their digits, externIds as a keyed 64-bit hash (SipHash): among a million different
    ones, two collide once in forty million lists.
    """

    @writing_temporary_files()
    def __init__(self) -> None:
        self._bits = bytearray(_BITS >> 3)
        self._new_phones: dict[int, int] = {}
        self._new_ids: dict[int, int] = {}
        # Once it is open the file is unlinked, so that it is removed even if the process is killed.
        with tempfile.NamedTemporaryFile(prefix="engagevoice-duplicates-") as file:
            self._database = sqlite3.connect(file.name, isolation_level=None, check_same_thread=False)
        settings = (
            "page_size = 16384",
            "journal_mode = OFF",
            "synchronous = OFF",
            f"cache_size = -{_CACHE_SIZE}",
        )
        for setting in settings:
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("BEGIN")
        for table in ("phones", "ids"):
            self._database.execute(
                f"CREATE TABLE {table} (key INTEGER PRIMARY KEY, position INTEGER NOT NULL)"
            )

    @writing_temporary_files()
    def add(
        self, positions: Iterable[int], phones: Iterable[str], extern_ids: Iterable[str]
    ) -> dict[int, tuple[RejectKind, int]]:
        """Add rows, except those with an earlier row's phone (or one of several) or ``externId``.

        :param positions: identify the rows
        :return: the duplicates by position: what is the same, and the position of the earlier row
        :raises NoRoomError: if the index cannot be written
        """
        bits, new_phones, new_ids = self._bits, self._new_phones, self._new_ids
        duplicates = {}
        for position, phone, extern_id in zip(positions, phones, extern_ids, strict=True):
            further: list[int] = []
            if SEPARATOR in phone:
                phone, *others = phone.split(SEPARATOR)
                further = list(map(int, others))
            key, id_key = int(phone), hash(extern_id)
            at, bit = (key & _MASK) >> 3, 1 << (key & 7)
            id_at, id_bit = (id_key & _MASK) >> 3, 1 << (id_key & 7)
            # For a row with one phone, two unset bits prove that it is new.
            if further or bits[at] & bit or bits[id_at] & id_bit:
                first = self._first([key, *further], id_key)
                if first is not None:
                    duplicates[position] = first
                    continue
                for other in further:
                    bits[(other & _MASK) >> 3] |= 1 << (other & 7)
                    new_phones[other] = position
            bits[at] |= bit
            bits[id_at] |= id_bit
            new_phones[key] = new_ids[id_key] = position
        if len(new_ids) >= _WRITE_BATCH:
            self._write("phones", new_phones)
            self._write("ids", new_ids)
        return duplicates

    def close(self) -> None:
        """Delete the index."""
        self._database.close()

    def _first(self, phones: Iterable[int], id_key: int) -> tuple[RejectKind, int] | None:
        for key in phones:
            position = self._find("phones", self._new_phones, key)
            if position is not None:
                return RejectKind.DUPLICATE_PHONE, position
        position = self._find("ids", self._new_ids, id_key)
        return None if position is None else (RejectKind.DUPLICATE_EXTERN_ID, position)

    def _find(self, table: str, new: Mapping[int, int], key: int) -> int | None:
        if not self._bits[(key & _MASK) >> 3] & (1 << (key & 7)):
            return None
        position = new.get(key)
        if position is None:
            row = self._database.execute(f"SELECT position FROM {table} WHERE key = ?", (key,)).fetchone()
            position = None if row is None else int(row[0])
        return position

    def _write(self, table: str, new: dict[int, int]) -> None:
        # Sorted, so that neighbors in the index are written together.
        keys = sorted(new)
        for first in range(0, len(keys), _INSERT_BATCH):
            some = keys[first : first + _INSERT_BATCH]
            entries = zip(some, map(new.__getitem__, some), strict=True)
            rows = ",".join(["(?,?)"] * len(some))
            self._database.execute(f"INSERT INTO {table} VALUES {rows}", list(chain.from_iterable(entries)))
        new.clear()
