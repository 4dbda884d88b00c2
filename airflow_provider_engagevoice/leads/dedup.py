"""Find duplicate phones and externIds among any number of rows, in little memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from airflow_provider_engagevoice.leads.loading.spool import writing_temporary_files
from airflow_provider_engagevoice.leads.phones import SEPARATOR
from airflow_provider_engagevoice.leads.report import RejectKind

#: Bits of a filter that recognizes most new keys without a lookup: 8 MiB.
_BITS = 1 << 26
_MASK = _BITS - 1
#: Rows that are written to disk together.
_WRITE_BATCH = 16_000
#: Rows per INSERT statement.
_INSERT_BATCH = 400
#: More than any phone number.
_PHONES = 10**15
#: KiB of the index that are cached in memory.
_CACHE_SIZE = 2_000


class Duplicate(NamedTuple):
    """What a row has in common with earlier ones.

    :param kind: why it is rejected; None if it is kept without some of its numbers
    :param first: position of the earlier row
    :param dropped: indexes of these numbers
    """

    kind: RejectKind | None
    first: int
    dropped: tuple[int, ...] = ()


def _keys(phones: Iterable[str], offset: int) -> Iterable[int | list[int]]:
    """Return the key of each row's phone; a list if it has several.

    :param offset: added to each
    """
    texts = list(phones)
    if offset or SEPARATOR in "".join(texts):
        several = ([offset + int(one) for one in text.split(SEPARATOR)] for text in texts)
        return (keys[0] if len(keys) == 1 else keys for keys in several)
    return map(int, texts)


class Deduplicator:
    """An index in a temporary file.

    Phones are stored as their digits, externIds as a keyed 64-bit hash (SipHash): among a million different
    ones, two collide once in forty million lists.

    :param retain_phones: whether rows with an earlier row's phone are kept
    """

    @writing_temporary_files()
    def __init__(self, *, retain_phones: bool = False) -> None:
        self._retain_phones = retain_phones
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
        self, positions: Iterable[int], phones: Iterable[str], extern_ids: Iterable[str], scope: int = 0
    ) -> dict[int, Duplicate]:
        """Add rows, except those with an earlier row's ``externId``, or without a phone of their own.

        A number that an earlier row has is dropped from a row that has others.

        :param positions: identify the rows
        :param scope: within which rows are compared: up to 9,000 of them
        :return: the duplicates by position
        :raises NoRoomError: if the index cannot be written
        """
        bits, new_phones, new_ids, mask = self._bits, self._new_phones, self._new_ids, _MASK
        duplicates = {}
        id_keys = (hash((scope, one)) for one in extern_ids) if scope else map(hash, extern_ids)
        for position, keys, id_key in zip(positions, _keys(phones, scope * _PHONES), id_keys, strict=True):
            slot = id_key & mask
            id_at, id_bit = slot >> 3, 1 << (slot & 7)
            if isinstance(keys, int):
                slot = keys & mask
                at, bit = slot >> 3, 1 << (slot & 7)
                # For a row with one phone, two unset bits prove that it is new.
                if not (bits[at] & bit or bits[id_at] & id_bit):
                    bits[at] |= bit
                    bits[id_at] |= id_bit
                    new_phones[keys] = new_ids[id_key] = position
                    continue
                keys = [keys]
            duplicate = self._duplicate(keys, id_key)
            if duplicate is not None:
                duplicates[position] = duplicate
                if duplicate.kind is not None:
                    continue
            for number in keys:
                if self._find("phones", new_phones, number) is None:
                    bits[(number & mask) >> 3] |= 1 << (number & 7)
                    new_phones[number] = position
            bits[id_at] |= id_bit
            new_ids[id_key] = position
        if len(new_ids) >= _WRITE_BATCH:
            self._write("phones", new_phones)
            self._write("ids", new_ids)
        return duplicates

    def close(self) -> None:
        """Delete the index."""
        self._database.close()

    def _duplicate(self, phones: Sequence[int], id_key: int) -> Duplicate | None:
        found = [self._find("phones", self._new_phones, key) for key in phones]
        earlier = [position for position in found if position is not None]
        same_id = self._find("ids", self._new_ids, id_key)
        if len(earlier) == len(found) and not (self._retain_phones and same_id is None):
            return Duplicate(RejectKind.DUPLICATE_PHONE, earlier[0])
        if same_id is not None:
            return Duplicate(RejectKind.DUPLICATE_EXTERN_ID, same_id)
        if not earlier or self._retain_phones:
            return None
        dropped = tuple(at for at, position in enumerate(found) if position is not None)
        return Duplicate(None, earlier[0], dropped)

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
            entries = [0] * (2 * len(some))
            entries[::2], entries[1::2] = some, map(new.__getitem__, some)
            rows = ",".join(["(?,?)"] * len(some))
            self._database.execute(f"INSERT OR IGNORE INTO {table} VALUES {rows}", entries)
        new.clear()
