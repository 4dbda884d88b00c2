"""Which phones and externIds have been there before, of any number of rows, in little memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from itertools import chain

from airflow_provider_engagevoice.leads.errors import temporary_files
from airflow_provider_engagevoice.leads.phones import SEPARATOR
from airflow_provider_engagevoice.leads.report import RejectKind

#: Bits that tell for most keys that they are new: 8 MiB.
_BITS = 1 << 26
_MASK = _BITS - 1
#: Rows that are written to disk together.
_WRITTEN_AT_ONCE = 16_000
#: Of them so many by one statement, which takes less time than one for each.
_INSERTED_AT_ONCE = 400
#: KiB of the index that are held in memory.
_CACHED = 2_000


class Deduplicator:
    """An index in a temporary file.

    Phones are their digits. An ``externId`` is a keyed hash of 64 bits (SipHash): among a million different
    ones, two are taken for the same once in forty million lists.
    """

    @temporary_files()
    def __init__(self) -> None:
        self._bits = bytearray(_BITS >> 3)
        self._new_phones: dict[int, int] = {}
        self._new_ids: dict[int, int] = {}
        # The file has a name only until it is open, so that it is gone however the process ends.
        with tempfile.NamedTemporaryFile(prefix="engagevoice-seen-") as file:
            self._database = sqlite3.connect(file.name, isolation_level=None, check_same_thread=False)
        settings = (
            "page_size = 16384",
            "journal_mode = OFF",
            "synchronous = OFF",
            f"cache_size = -{_CACHED}",
        )
        for setting in settings:
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("BEGIN")
        for table in ("phones", "ids"):
            self._database.execute(f"CREATE TABLE {table} (key INTEGER PRIMARY KEY, place INTEGER NOT NULL)")

    @temporary_files()
    def admit(
        self, places: Iterable[int], phones: Iterable[str], extern_ids: Iterable[str]
    ) -> dict[int, tuple[RejectKind, int]]:
        """Remember rows, but those whose phone (or one of several) or ``externId`` was there before.

        :param places: tell where each row is
        :return: by the places of rows that are not new, what was there before, and where
        :raises NoRoomError: when the index cannot be written
        """
        bits, new_phones, new_ids = self._bits, self._new_phones, self._new_ids
        twice = {}
        for place, phone, extern_id in zip(places, phones, extern_ids, strict=True):
            further: list[int] = []
            if SEPARATOR in phone:
                phone, *others = phone.split(SEPARATOR)
                further = list(map(int, others))
            key, id_key = int(phone), hash(extern_id)
            at, bit = (key & _MASK) >> 3, 1 << (key & 7)
            id_at, id_bit = (id_key & _MASK) >> 3, 1 << (id_key & 7)
            # Of the one phone and the externId that most rows have, two bits that are not set tell all.
            if further or bits[at] & bit or bits[id_at] & id_bit:
                first = self._first([key, *further], id_key)
                if first is not None:
                    twice[place] = first
                    continue
                for other in further:
                    bits[(other & _MASK) >> 3] |= 1 << (other & 7)
                    new_phones[other] = place
            bits[at] |= bit
            bits[id_at] |= id_bit
            new_phones[key] = new_ids[id_key] = place
        if len(new_ids) >= _WRITTEN_AT_ONCE:
            self._write("phones", new_phones)
            self._write("ids", new_ids)
        return twice

    def close(self) -> None:
        """Remove the index."""
        self._database.close()

    def _first(self, phones: Iterable[int], id_key: int) -> tuple[RejectKind, int] | None:
        for key in phones:
            place = self._find("phones", self._new_phones, key)
            if place is not None:
                return RejectKind.DUPLICATE_PHONE, place
        place = self._find("ids", self._new_ids, id_key)
        return None if place is None else (RejectKind.DUPLICATE_EXTERN_ID, place)

    def _find(self, table: str, new: Mapping[int, int], key: int) -> int | None:
        if not self._bits[(key & _MASK) >> 3] & (1 << (key & 7)):
            return None
        place = new.get(key)
        if place is None:
            row = self._database.execute(f"SELECT place FROM {table} WHERE key = ?", (key,)).fetchone()
            place = None if row is None else int(row[0])
        return place

    def _write(self, table: str, new: dict[int, int]) -> None:
        # In the order of the keys, so that neighbours in the index are written together.
        keys = sorted(new)
        for first in range(0, len(keys), _INSERTED_AT_ONCE):
            some = keys[first : first + _INSERTED_AT_ONCE]
            entries = zip(some, map(new.__getitem__, some), strict=True)
            rows = ",".join(["(?,?)"] * len(some))
            self._database.execute(f"INSERT INTO {table} VALUES {rows}", list(chain.from_iterable(entries)))
        new.clear()
