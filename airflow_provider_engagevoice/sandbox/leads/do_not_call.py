"""The internal do-not-call list of an account."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.errors import HttpError, not_found
from airflow_provider_engagevoice.sandbox.store import ALL, JsonObject, Page

GLOBAL_TAG: Final = 0
"""The tag that every account has, named GLOBAL in the vendor's sample."""


class DoNotCall:
    """Numbers that must not be called, each with a tag and a country."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_empty(self, account_id: str) -> bool:
        """Return whether an account has no numbers on its list."""
        return not self._database.rows("SELECT 1 FROM dnc_numbers WHERE accountId = ? LIMIT 1", (account_id,))

    def listed(
        self, account_id: str, phones: Collection[str], tag_ids: Collection[int] | None = None
    ) -> set[str]:
        """Return the numbers that are on the list with one of these tags, or with any."""
        rows = self._database.rows(
            "SELECT DISTINCT phone FROM dnc_numbers"
            " WHERE accountId = ? AND phone IN (SELECT value FROM json_each(?))"
            " AND (? IS NULL OR dncTagId IN (SELECT value FROM json_each(?)))",
            (
                account_id,
                json.dumps(list(phones)),
                *[None if tag_ids is None else json.dumps([*tag_ids])] * 2,
            ),
        )
        return {row["phone"] for row in rows}

    def numbers(self, account_id: str, values: Mapping[str, Any], page: Page = ALL) -> list[JsonObject]:
        """Return the numbers with these column values, in ascending order."""
        parts = ["numbers.accountId = ?", *(f"numbers.{column} = ?" for column in values)]
        return [
            dict(row)
            for row in self._database.rows(
                "SELECT numbers.*, coalesce(dncTagLabel, 'GLOBAL') AS tag FROM dnc_numbers AS numbers"
                f" LEFT JOIN dnc_tags USING (dncTagId) WHERE {' AND '.join(parts)}"
                " ORDER BY phone, countryId, dncTagId LIMIT ? OFFSET ?",
                (account_id, *values.values(), *page.values()),
            )
        ]

    def add(
        self,
        account_id: str,
        phones: Iterable[str],
        country_id: str,
        tag_id: int,
        reason: str | None = None,
        extern_id: str | None = None,
    ) -> None:
        """Add numbers to the list; an existing number gets the new reason."""
        now = int(time.time() * 1000)
        with self._database.transaction():
            self._database.insert_many(
                "INSERT OR REPLACE INTO dnc_numbers"
                " (accountId, phone, countryId, dncTagId, reason, externId, addedDate)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(account_id, phone, country_id, tag_id, reason, extern_id, now) for phone in phones],
            )

    def remove(self, account_id: str, values: Mapping[str, Any]) -> int:
        """Remove the numbers with these column values; return their count."""
        parts = ["accountId = ?", *(f"{column} = ?" for column in values)]
        return self._database.change(
            f"DELETE FROM dnc_numbers WHERE {' AND '.join(parts)}", (account_id, *values.values())
        )

    # tags

    def tags(self, account_id: str) -> list[JsonObject]:
        """Return the tags of an account."""
        rows = self._database.rows(
            "SELECT dncTagId, dncTagLabel FROM dnc_tags WHERE accountId = ? ORDER BY dncTagId", (account_id,)
        )
        return [{"dncTagId": GLOBAL_TAG, "dncTagLabel": "GLOBAL"}, *map(dict, rows)]

    def add_tag(self, account_id: str, label: str) -> JsonObject:
        """Add a tag; 409 if the account has one with this label."""
        with self._database.transaction():
            if any(tag["dncTagLabel"] == label for tag in self.tags(account_id)):
                raise HttpError(409, f"Do-not-call tag {label} already exists.")
            tag_id = self._database.insert(
                "INSERT INTO dnc_tags (accountId, dncTagLabel) VALUES (?, ?)", (account_id, label)
            )
        return {"dncTagId": tag_id, "dncTagLabel": label}

    def delete_tag(self, account_id: str, tag_id: int) -> None:
        """Delete a tag; 409 for GLOBAL and for a tag with numbers."""
        with self._database.transaction():
            if tag_id not in {tag["dncTagId"] for tag in self.tags(account_id)}:
                raise not_found(f"Do-not-call tag {tag_id}")
            if tag_id == GLOBAL_TAG or self.numbers(account_id, {"dncTagId": tag_id}, Page(1)):
                raise HttpError(409, f"Do-not-call tag {tag_id} is in use.")
            self._database.change("DELETE FROM dnc_tags WHERE dncTagId = ?", (tag_id,))
