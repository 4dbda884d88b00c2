"""The additional telephone numbers of leads that an account has labels for."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_engagevoice.sandbox.database import Database


class PersonaPhones:
    """Labels of an account's phone ids 2 to 7; phone 1 is a lead's primary number."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def labels(self, account_id: str) -> Mapping[int, str]:
        """Return the labels by phone id."""
        rows = self._database.rows(
            "SELECT phone_id, label FROM persona_phones WHERE account_id = ? ORDER BY phone_id", (account_id,)
        )
        return {int(row["phone_id"]): str(row["label"]) for row in rows}

    def write(self, account_id: str, phone_id: int, label: str) -> None:
        """Add or replace a label."""
        self._database.change(
            "INSERT OR REPLACE INTO persona_phones (account_id, phone_id, label) VALUES (?, ?, ?)",
            (account_id, phone_id, label),
        )

    def delete(self, account_id: str, phone_id: int) -> bool:
        """Delete a label; return False if there is none."""
        statement = "DELETE FROM persona_phones WHERE account_id = ? AND phone_id = ?"
        return self._database.change(statement, (account_id, phone_id)) > 0
