"""Dial groups and campaigns as they are stored: whole JSON objects, under ids that only grow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.errors import AnswerError, not_found
from airflow_provider_engagevoice.sandbox.history import History, Operation

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a list: ``limit`` rows (None: all) after the first ``offset``."""

    limit: int | None = None
    offset: int = 0

    def values(self) -> tuple[int, int]:
        """Return the values of SQL's ``LIMIT ? OFFSET ?``."""
        return (-1 if self.limit is None else self.limit, self.offset)


ALL = Page()


def _body(row: sqlite3.Row) -> JsonObject:
    body: JsonObject = json.loads(row["body"])
    return body


class Store:
    """Reads and writes; an unknown id raises the 404 that the API answers."""

    def __init__(self, database: Database) -> None:
        self.history = History(database)
        self._database = database

    # dial groups

    def dial_groups(self, account_id: str, page: Page = ALL) -> list[JsonObject]:
        """Return the dial groups of an account, oldest first."""
        rows = self._database.rows(
            "SELECT body FROM dial_groups WHERE account_id = ? ORDER BY id LIMIT ? OFFSET ?",
            (account_id, *page.values()),
        )
        return [_body(row) for row in rows]

    def dial_group(self, account_id: str, dial_group_id: int) -> JsonObject:
        """Return one dial group."""
        rows = self._database.rows(
            "SELECT body FROM dial_groups WHERE account_id = ? AND id = ?", (account_id, dial_group_id)
        )
        if not rows:
            raise not_found(f"Dial group {dial_group_id}")
        return _body(rows[0])

    def add_dial_group(
        self, account_id: str, fields: Mapping[str, Any], dial_group_id: int | None = None
    ) -> JsonObject:
        """Store a new dial group under the next id, or under the one given."""
        with self._database.transaction():
            new_id = self._database.insert(
                "INSERT INTO dial_groups (id, account_id, body) VALUES (?, ?, '')",
                (dial_group_id, account_id),
            )
            return self._write_dial_group(new_id, fields)

    def replace_dial_group(
        self, account_id: str, dial_group_id: int, fields: Mapping[str, Any]
    ) -> JsonObject:
        """Store a dial group anew, and give its campaigns its name."""
        with self._database.transaction():
            self.dial_group(account_id, dial_group_id)
            group = self._write_dial_group(dial_group_id, fields)
            for campaign in self.campaigns(account_id, dial_group_id):
                campaign["dialGroup"] = {"id": dial_group_id, "description": group["dialGroupName"]}
                self._write_campaign(campaign["campaignId"], campaign)
            return group

    def delete_dial_group(self, account_id: str, dial_group_id: int) -> None:
        """Remove an empty dial group. One with campaigns stays: 409, the vendor documents neither."""
        with self._database.transaction():
            self.dial_group(account_id, dial_group_id)
            if self.campaigns(account_id, dial_group_id, Page(1)):
                raise AnswerError(409, f"Dial group {dial_group_id} still has campaigns.")
            self._database.change("DELETE FROM dial_groups WHERE id = ?", (dial_group_id,))

    # campaigns

    def campaigns(self, account_id: str, dial_group_id: int, page: Page = ALL) -> list[JsonObject]:
        """Return the campaigns of a dial group, oldest first."""
        self.dial_group(account_id, dial_group_id)
        rows = self._database.rows(
            "SELECT body FROM campaigns WHERE dial_group_id = ? ORDER BY id LIMIT ? OFFSET ?",
            (dial_group_id, *page.values()),
        )
        return [_body(row) for row in rows]

    def all_campaigns(self) -> list[JsonObject]:
        """Return every campaign of every account, oldest first."""
        return [_body(row) for row in self._database.rows("SELECT body FROM campaigns ORDER BY id")]

    def campaign(self, account_id: str, dial_group_id: int, campaign_id: int) -> JsonObject:
        """Return one campaign."""
        self.dial_group(account_id, dial_group_id)
        rows = self._database.rows(
            "SELECT body FROM campaigns WHERE dial_group_id = ? AND id = ?", (dial_group_id, campaign_id)
        )
        if not rows:
            raise not_found(f"Campaign {campaign_id}")
        return _body(rows[0])

    def campaign_of_account(self, account_id: str, campaign_id: int) -> JsonObject:
        """Return one campaign, whatever its dial group."""
        rows = self._database.rows(
            "SELECT body FROM campaigns WHERE account_id = ? AND id = ?", (account_id, campaign_id)
        )
        if not rows:
            raise not_found(f"Campaign {campaign_id}")
        return _body(rows[0])

    def add_campaign(
        self,
        account_id: str,
        dial_group_id: int,
        fields: Mapping[str, Any],
        *,
        op: Operation,
        request_id: str,
    ) -> JsonObject:
        """Store a new campaign under the next id."""
        with self._database.transaction():
            campaign = self.seed_campaign(account_id, dial_group_id, fields)
            self.history.record(op, request_id, account_id, dial_group_id, campaign)
            return campaign

    def seed_campaign(
        self, account_id: str, dial_group_id: int, fields: Mapping[str, Any], campaign_id: int | None = None
    ) -> JsonObject:
        """Store a campaign without a word in the history, under the id given or the next one."""
        with self._database.transaction():
            group = self.dial_group(account_id, dial_group_id)
            new_id = self._database.insert(
                "INSERT INTO campaigns (id, account_id, dial_group_id, body) VALUES (?, ?, ?, '')",
                (campaign_id, account_id, dial_group_id),
            )
            return self._write_campaign(new_id, {**fields, **self._place(group)})

    def replace_campaign(
        self,
        account_id: str,
        dial_group_id: int,
        campaign_id: int,
        fields: Mapping[str, Any],
        *,
        request_id: str,
    ) -> JsonObject:
        """Store a campaign anew: what is not in ``fields`` is gone."""
        with self._database.transaction():
            self.campaign(account_id, dial_group_id, campaign_id)
            group = self.dial_group(account_id, dial_group_id)
            campaign = self._write_campaign(campaign_id, {**fields, **self._place(group)})
            self.history.record("update", request_id, account_id, dial_group_id, campaign)
            return campaign

    def delete_campaign(
        self, account_id: str, dial_group_id: int, campaign_id: int, *, request_id: str
    ) -> None:
        """Remove a campaign with its leads and their lists."""
        with self._database.transaction():
            campaign = self.campaign(account_id, dial_group_id, campaign_id)
            self._database.change("DELETE FROM campaigns WHERE id = ?", (campaign_id,))
            self._database.change("DELETE FROM leads WHERE campaignId = ?", (campaign_id,))
            self._database.change("DELETE FROM lead_lists WHERE campaignId = ?", (campaign_id,))
            self.history.record("delete", request_id, account_id, dial_group_id, campaign)

    @staticmethod
    def _place(group: Mapping[str, Any]) -> JsonObject:
        group_id = group["dialGroupId"]
        return {"groupId": group_id, "dialGroup": {"id": group_id, "description": group["dialGroupName"]}}

    def _write_dial_group(self, dial_group_id: int, fields: Mapping[str, Any]) -> JsonObject:
        body = {**fields, "dialGroupId": dial_group_id, "groupId": dial_group_id}
        self._database.change(
            "UPDATE dial_groups SET body = ? WHERE id = ?", (json.dumps(body), dial_group_id)
        )
        return body

    def _write_campaign(self, campaign_id: int, fields: Mapping[str, Any]) -> JsonObject:
        body = {**fields, "campaignId": campaign_id}
        self._database.change("UPDATE campaigns SET body = ? WHERE id = ?", (json.dumps(body), campaign_id))
        return body
