"""Which phones and externIds have been there before, of any number of rows, in little memory."""

from __future__ import annotations

import sqlite3

from airflow_provider_engagevoice.leads.items import RejectKind
from airflow_provider_engagevoice.leads.phones import SEPARATOR

#: Bits that tell for most keys that they are new: 8 MiB.
_BITS = 1 << 26
_MASK = _BITS - 1
#: Rows that are written to disk together.
_WRITTEN_AT_ONCE = 16_000
#: KiB of the index that are held in memory.
_CACHED = 4_000


class Seen:
    """An index in a temporary file, which SQLite makes and removes by itself.

    Phones are their digits. An ``externId`` is a keyed hash of 64 bits (SipHash): among a million different
    ones, two are taken for the same once in forty million lists.
    """

    def __init__(self) -> None:
        self._bits = bytearray(_BITS >> 3)
        self._new_phones: dict[int, int] = {}
        self._new_ids: dict[int, int] = {}
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHED}"):
            self._database.execute(f"PRAGMA {setting}")
        for table in ("phones", "ids"):
            self._database.execute(f"CREATE TABLE {table} (key INTEGER PRIMARY KEY, place INTEGER NOT NULL)")
        self._database.execute("BEGIN")

    def admit(self, place: int, phone: str, extern_id: str) -> tuple[RejectKind, int] | None:
        """Remember a row, if neither its phone (nor one of several) nor its ``externId`` was there before.

        :param place: tells where the row is
        :return: what was there before, and where; None when the row is new
        """
        bits = self._bits
        phones = (int(phone),) if SEPARATOR not in phone else tuple(map(int, phone.split(SEPARATOR)))
        for key in phones:
            if bits[(key & _MASK) >> 3] & (1 << (key & 7)):
                first = self._find("phones", self._new_phones, key)
                if first is not None:
                    return RejectKind.DUPLICATE_PHONE, first
        id_key = hash(extern_id)
        if bits[(id_key & _MASK) >> 3] & (1 << (id_key & 7)):
            first = self._find("ids", self._new_ids, id_key)
            if first is not None:
                return RejectKind.DUPLICATE_EXTERN_ID, first
        for key in phones:
            bits[(key & _MASK) >> 3] |= 1 << (key & 7)
            self._new_phones[key] = place
        bits[(id_key & _MASK) >> 3] |= 1 << (id_key & 7)
        self._new_ids[id_key] = place
        if len(self._new_ids) == _WRITTEN_AT_ONCE:
            self._write("phones", self._new_phones)
            self._write("ids", self._new_ids)
        return None

    def close(self) -> None:
        """Remove the index."""
        self._database.close()

    def _find(self, table: str, new: dict[int, int], key: int) -> int | None:
        place = new.get(key)
        if place is None:
            row = self._database.execute(f"SELECT place FROM {table} WHERE key = ?", (key,)).fetchone()
            place = None if row is None else int(row[0])
        return place

    def _write(self, table: str, new: dict[int, int]) -> None:
        # In the order of the keys, so that neighbours in the index are written together.
        self._database.executemany(f"INSERT INTO {table} VALUES (?, ?)", sorted(new.items()))
        new.clear()
