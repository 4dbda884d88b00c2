"""Storage of dial groups and campaigns, as whole JSON objects with increasing ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_engagevoice.sandbox.audit import Audit
from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.errors import HttpError, not_found
from airflow_provider_engagevoice.sandbox.history import History, Operation

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a list: ``limit`` rows (None for all) after the first ``offset``."""

    limit: int | None = None
    offset: int = 0

    @classmethod
    def numbered(cls, page: int | None, limit: int, dialect: Dialect) -> Self:
        """Return a page of ``limit`` rows by its number; None and numbers before the first are the first."""
        first = int(dialect.first_page)
        return cls(limit, max(0, (first if page is None else page) - first) * limit)

    def of(self, rows: Sequence[JsonObject]) -> list[JsonObject]:
        """Return the slice of a list."""
        return list(rows[self.offset : None if self.limit is None else self.offset + self.limit])

    def values(self) -> tuple[int, int]:
        """Return the parameters for ``LIMIT ? OFFSET ?``."""
        return (-1 if self.limit is None else self.limit, self.offset)


ALL = Page()


class Store:
    """Reads and writes dial groups and campaigns; an unknown id raises the API's 404."""

    def __init__(self, database: Database) -> None:
        self.history = History(database)
        self.audit = Audit(database)
        self._database = database

    # dial groups

    def dial_groups(self, account_id: str, page: Page = ALL) -> list[JsonObject]:
        """Return the dial groups of an account, oldest first."""
        return self._bodies(
            "SELECT body FROM dial_groups WHERE account_id = ? ORDER BY id LIMIT ? OFFSET ?",
            (account_id, *page.values()),
        )

    def dial_group(self, account_id: str, dial_group_id: int) -> JsonObject:
        """Return one dial group."""
        statement = "SELECT body FROM dial_groups WHERE account_id = ? AND id = ?"
        return self._body(f"Dial group {dial_group_id}", statement, (account_id, dial_group_id))

    def add_dial_group(
        self, account_id: str, fields: Mapping[str, Any], dial_group_id: int | None = None
    ) -> JsonObject:
        """Store a new dial group with the given id, or the next one."""
        with self._database.transaction():
            new_id = self._database.insert(
                "INSERT INTO dial_groups (id, account_id, body) VALUES (?, ?, '')",
                (dial_group_id, account_id),
            )
            return self._write_dial_group(new_id, fields)

    def replace_dial_group(
        self, account_id: str, dial_group_id: int, fields: Mapping[str, Any]
    ) -> JsonObject:
        """Replace a dial group, and update its name in its campaigns."""
        with self._database.transaction():
            agents = {
                "agentDialGroupMembers": self.dial_group(account_id, dial_group_id)["agentDialGroupMembers"]
            }
            group = self._write_dial_group(dial_group_id, {**fields, **agents})
            for campaign in self.campaigns(account_id, dial_group_id):
                campaign["dialGroup"] = {"id": dial_group_id, "description": group["dialGroupName"]}
                self._write_campaign(campaign["campaignId"], campaign)
            return group

    def assign_agents(self, account_id: str, dial_group_id: int, members: Sequence[JsonObject]) -> None:
        """Replace the agents of a dial group."""
        with self._database.transaction():
            group = self.dial_group(account_id, dial_group_id)
            self._write_dial_group(dial_group_id, {**group, "agentDialGroupMembers": list(members)})

    def delete_dial_group(self, account_id: str, dial_group_id: int) -> None:
        """Delete a dial group; 409 if it has campaigns (not documented by the vendor)."""
        with self._database.transaction():
            self.dial_group(account_id, dial_group_id)
            if self.campaigns(account_id, dial_group_id, Page(1)):
                raise HttpError(409, f"Dial group {dial_group_id} still has campaigns.")
            self._database.change("DELETE FROM dial_groups WHERE id = ?", (dial_group_id,))

    # campaigns

    def campaigns(self, account_id: str, dial_group_id: int, page: Page = ALL) -> list[JsonObject]:
        """Return the campaigns of a dial group, oldest first."""
        self.dial_group(account_id, dial_group_id)
        return self._bodies(
            "SELECT body FROM campaigns WHERE dial_group_id = ? ORDER BY id LIMIT ? OFFSET ?",
            (dial_group_id, *page.values()),
        )

    def all_campaigns(self) -> list[JsonObject]:
        """Return every campaign of every account, oldest first."""
        return self._bodies("SELECT body FROM campaigns ORDER BY id")

    def campaign(self, account_id: str, dial_group_id: int, campaign_id: int) -> JsonObject:
        """Return one campaign."""
        self.dial_group(account_id, dial_group_id)
        statement = "SELECT body FROM campaigns WHERE dial_group_id = ? AND id = ?"
        return self._body(f"Campaign {campaign_id}", statement, (dial_group_id, campaign_id))

    def find_campaign(self, dial_group_id: int, campaign_id: int) -> JsonObject | None:
        """Return one campaign, None if it does not exist."""
        statement = "SELECT body FROM campaigns WHERE dial_group_id = ? AND id = ?"
        return next(iter(self._bodies(statement, (dial_group_id, campaign_id))), None)

    def campaign_of_account(self, account_id: str, campaign_id: int) -> JsonObject:
        """Return one campaign of any dial group."""
        statement = "SELECT body FROM campaigns WHERE account_id = ? AND id = ?"
        return self._body(f"Campaign {campaign_id}", statement, (account_id, campaign_id))

    def add_campaign(
        self,
        account_id: str,
        dial_group_id: int,
        fields: Mapping[str, Any],
        *,
        op: Operation,
        request_id: str,
    ) -> JsonObject:
        """Store a new campaign with the next id."""
        with self._database.transaction():
            campaign = self.seed_campaign(account_id, dial_group_id, fields)
            self.history.record(op, request_id, account_id, dial_group_id, campaign)
            self.audit.record("CREATE", account_id, campaign)
            return campaign

    def seed_campaign(
        self, account_id: str, dial_group_id: int, fields: Mapping[str, Any], campaign_id: int | None = None
    ) -> JsonObject:
        """Store a campaign with the given id, or the next one, without recording it in the history."""
        with self._database.transaction():
            group = self.dial_group(account_id, dial_group_id)
            new_id = self._database.insert(
                "INSERT INTO campaigns (id, account_id, dial_group_id, body) VALUES (?, ?, ?, '')",
                (campaign_id, account_id, dial_group_id),
            )
            return self._write_campaign(new_id, {**fields, **self._group_fields(group)})

    def replace_campaign(
        self,
        account_id: str,
        dial_group_id: int,
        campaign_id: int,
        fields: Mapping[str, Any],
        *,
        request_id: str,
    ) -> JsonObject:
        """Replace a campaign; fields not in ``fields`` are removed."""
        with self._database.transaction():
            before = self.campaign(account_id, dial_group_id, campaign_id)
            group = self.dial_group(account_id, dial_group_id)
            campaign = self._write_campaign(campaign_id, {**fields, **self._group_fields(group)})
            self.history.record("update", request_id, account_id, dial_group_id, campaign)
            self.audit.record("UPDATE", account_id, campaign, before)
            return campaign

    def delete_campaign(
        self, account_id: str, dial_group_id: int, campaign_id: int, *, request_id: str
    ) -> None:
        """Delete a campaign with its leads and lead lists."""
        with self._database.transaction():
            campaign = self.campaign(account_id, dial_group_id, campaign_id)
            self._database.change("DELETE FROM campaigns WHERE id = ?", (campaign_id,))
            self._database.change("DELETE FROM leads WHERE campaignId = ?", (campaign_id,))
            self._database.change("DELETE FROM lead_lists WHERE campaignId = ?", (campaign_id,))
            self.history.record("delete", request_id, account_id, dial_group_id, campaign)
            self.audit.record("DELETE", account_id, campaign)

    def _bodies(self, statement: str, values: Sequence[Any] = ()) -> list[JsonObject]:
        return [json.loads(row["body"]) for row in self._database.rows(statement, values)]

    def _body(self, what: str, statement: str, values: Sequence[Any]) -> JsonObject:
        bodies = self._bodies(statement, values)
        if not bodies:
            raise not_found(what)
        return bodies[0]

    @staticmethod
    def _group_fields(group: Mapping[str, Any]) -> JsonObject:
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
