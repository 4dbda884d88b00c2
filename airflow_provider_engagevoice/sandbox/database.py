"""The SQLite connection shared by all threads, and the schema."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.leads.fields import STORED_FIELDS

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS dial_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, dial_group_id INTEGER NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS campaigns_of_group ON campaigns (dial_group_id);
CREATE TABLE IF NOT EXISTS history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, request_id TEXT NOT NULL, op TEXT NOT NULL,
    account_id TEXT NOT NULL, dial_group_id INTEGER NOT NULL, campaign_id INTEGER NOT NULL,
    name TEXT NOT NULL, is_active INTEGER NOT NULL, start_date TEXT NOT NULL, end_date TEXT NOT NULL,
    deleted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, account_id TEXT NOT NULL, action TEXT NOT NULL,
    campaign_id INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, changes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS persona_phones (
    account_id TEXT NOT NULL, phone_id INTEGER NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (account_id, phone_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, expires REAL, slide REAL);
"""
_LEAD_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS lead_lists (
    listId INTEGER PRIMARY KEY AUTOINCREMENT, campaignId INTEGER NOT NULL, listDesc TEXT NOT NULL,
    listState TEXT NOT NULL, dialPriority TEXT NOT NULL, duplicateHandling TEXT NOT NULL,
    timeZoneOption TEXT NOT NULL, uploadDate INTEGER NOT NULL, uploadFileName TEXT,
    leadsSupplied INTEGER NOT NULL DEFAULT 0, leadsAccepted INTEGER NOT NULL DEFAULT 0,
    leadsInserted INTEGER NOT NULL DEFAULT 0, dncReturnedCount INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS lists_of_campaign ON lead_lists (campaignId);
CREATE TABLE IF NOT EXISTS leads (
    leadId INTEGER PRIMARY KEY AUTOINCREMENT, campaignId INTEGER NOT NULL, listId INTEGER NOT NULL,
    leadState TEXT NOT NULL, stateDts INTEGER NOT NULL, loadedDts INTEGER NOT NULL,
    nextDial INTEGER NOT NULL, leadPasses INTEGER NOT NULL DEFAULT 0, lastPassDisposition TEXT,
    lastPassDts INTEGER, agentDisposition TEXT, pendingAgentId INTEGER, copiedFrom INTEGER,
    {", ".join(STORED_FIELDS)});
CREATE INDEX IF NOT EXISTS leads_by_phone ON leads (campaignId, leadPhone);
CREATE INDEX IF NOT EXISTS leads_by_extern ON leads (campaignId, externId);
CREATE INDEX IF NOT EXISTS leads_by_state ON leads (campaignId, leadState, nextDial);
CREATE INDEX IF NOT EXISTS leads_of_list ON leads (listId);
CREATE TABLE IF NOT EXISTS lead_phones (
    leadId INTEGER NOT NULL, phone TEXT NOT NULL, PRIMARY KEY (leadId, phone)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS leads_by_other_phone ON lead_phones (phone);
CREATE TRIGGER IF NOT EXISTS phones_of_lead AFTER DELETE ON leads BEGIN
    DELETE FROM lead_phones WHERE leadId = OLD.leadId;
END;
CREATE TABLE IF NOT EXISTS dnc_numbers (
    accountId TEXT NOT NULL, phone TEXT NOT NULL, countryId TEXT NOT NULL, dncTagId INTEGER NOT NULL,
    reason TEXT, externId TEXT, addedDate INTEGER NOT NULL,
    PRIMARY KEY (accountId, phone, countryId, dncTagId)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dnc_tags (
    dncTagId INTEGER PRIMARY KEY AUTOINCREMENT, accountId TEXT NOT NULL, dncTagLabel TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS passes (
    passId INTEGER PRIMARY KEY AUTOINCREMENT, leadId INTEGER NOT NULL, campaignId INTEGER NOT NULL,
    externId TEXT NOT NULL, leadPhone TEXT NOT NULL, passNumber INTEGER NOT NULL,
    passDisposition TEXT NOT NULL, passDate INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS passes_of_lead ON passes (leadId);
CREATE TABLE IF NOT EXISTS day_counts (
    campaignId INTEGER NOT NULL, day TEXT NOT NULL, counter TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (campaignId, day, counter)) WITHOUT ROWID;
CREATE TEMP TABLE selected (leadId INTEGER PRIMARY KEY);
"""
_TABLES: Final = (
    "dial_groups",
    "campaigns",
    "history",
    "audit",
    "persona_phones",
    "tokens",
    "lead_lists",
    "leads",
    "lead_phones",
    "dnc_numbers",
    "dnc_tags",
    "passes",
    "day_counts",
)


class Database:
    """A database that runs one transaction at a time.

    :param path: SQLite file; None for an in-memory database
    """

    def __init__(self, path: str | None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=10
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Safe if the process is killed; data can be lost only on a power failure.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA + _LEAD_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Lock the database; commit at the end, or roll back if the block raises. Can be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run a statement and return its rows."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def insert(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run an INSERT and return the id of the new row."""
        with self._lock:
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def insert_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        with self._lock:
            self._connection.executemany(statement, rows)

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run an UPDATE or DELETE and return the number of rows affected."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def clear(self) -> None:
        """Empty all tables and restart the ids."""
        with self.transaction():
            for table in (*_TABLES, "sqlite_sequence"):
                self._connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()
