"""Campaigns in the dialect of the server: what it stores of a request, what it answers and when."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.dialect_fields import (
    DATES,
    received,
    row_of_others,
    shown,
    stored,
    stored_name,
)
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.errors import HttpError, PageError, access_denied, not_found
from airflow_provider_engagevoice.sandbox.later import Later
from airflow_provider_engagevoice.sandbox.store import ALL, Page, Store
from airflow_provider_engagevoice.sandbox.validation import campaign_fields
from airflow_provider_engagevoice.sandbox.visibility import LAGS, Visibility

JsonObject = dict[str, Any]

LATE_SECONDS: Final = 20.0
"""Time until a late create is carried out."""
GONE_SECONDS: Final = 5.0
"""Time until a deleted campaign is gone, where it is gone later."""
NOTHING: Final = object()
"""An answer without a body."""

_ROWS_SHOWN: Final = 2
"""Rows before each one that ``filtered after the cut`` removes."""


class Campaigns:
    """The campaigns of one account's dial group.

    :param dialect: returns the current dialect
    """

    def __init__(
        self, store: Store, dialect: Callable[[], Dialect], visibility: Visibility, later: Later
    ) -> None:
        self._store = store
        self._dialect = dialect
        self._visibility = visibility
        self._later = later

    # reads

    def page(self, account_id: str, dial_group_id: int, page: Page = ALL) -> list[JsonObject]:
        """Return a page of a dial group's campaigns, as the list shows them."""
        dialect = self._dialect()
        if _is_plain(dialect):
            rows = self._store.campaigns(account_id, dial_group_id, page)
            return [shown(row, dialect, in_list=True) for row in rows]
        rows = self._visibility.listed(
            dial_group_id, self._store.campaigns(account_id, dial_group_id), LAGS[dialect.list_shows]
        )
        rows = [shown(row, dialect, in_list=True) for row in rows]
        if dialect.list_rows == "nulls in other rows":
            rows.insert(0, row_of_others(dial_group_id))
        return cut(rows, page, dialect, "campaignName")

    def get(self, account_id: str, dial_group_id: int, campaign_id: int) -> JsonObject:
        """Return a campaign as a read shows it."""
        dialect = self._dialect()
        self._store.dial_group(account_id, dial_group_id)
        campaign = self._store.find_campaign(dial_group_id, campaign_id)
        campaign = self._visibility.read(campaign_id, campaign, dialect.get_shows)
        if campaign is None:
            raise not_found(f"Campaign {campaign_id}")
        return shown(campaign, dialect)

    # writes

    def create(
        self, account_id: str, dial_group_id: int, body: Mapping[str, Any], request_id: str
    ) -> tuple[int, Any]:
        """Create a campaign; return the status and the body of the answer."""
        dialect, answer = self._dialect(), self._dialect().create_answer
        self._store.dial_group(account_id, dial_group_id)
        fields = stored(campaign_fields(received(body, dialect)), dialect)
        if dialect.create_state == "0":
            fields["isActive"] = 0
        taken = self._taken(account_id, dial_group_id, fields["campaignName"])
        if taken is not None:
            if answer == "existing row of that name":
                return 200, shown(taken, dialect)
            raise _conflict(fields["campaignName"])

        def add() -> JsonObject:
            return self._add(account_id, dial_group_id, fields, "create", request_id)

        if answer.startswith("late"):
            self._later.after(LATE_SECONDS, add)
            return 202, NOTHING
        campaign = add()
        match answer:
            case "echo":
                return 200, {**body, "campaignId": campaign["campaignId"]}
            case "echo without id":
                return 200, dict(body)
            case "id":
                return 200, {"campaignId": campaign["campaignId"]}
            case "201 empty" | "202 empty":
                return int(answer[:3]), NOTHING
            case _:
                return 200, shown(campaign, dialect)

    def clone(
        self, account_id: str, dial_group_id: int, campaign_id: int, name: str, country: str, request_id: str
    ) -> tuple[int, Any]:
        """Copy a campaign; return the status and the body of the answer."""
        dialect = self._dialect()
        source = self._store.campaign(account_id, dial_group_id, campaign_id)
        fields = {**source, "campaignName": stored_name(name, dialect), "countryId": country}
        if dialect.clone_copies == "settings":
            fields |= {**dict.fromkeys(DATES), "isActive": 0}
        elif dialect.clone_copies == "nested rows":
            fields["campaignDispositions"] = [{"dispositionId": 7, "campaignId": campaign_id}]
        campaign = self._add(account_id, dial_group_id, fields, "clone", request_id)
        match dialect.clone_answer:
            case "source":
                return 200, shown(source, dialect)
            case "id":
                return 201, {"campaignId": campaign["campaignId"]}
            case "empty":
                return 200, NOTHING
            case _:
                return 201, shown(campaign, dialect)

    def check_clone_endpoint(self) -> None:
        """Raise what is answered where there is no clone endpoint, or the user may not use it."""
        dialect = self._dialect()
        match dialect.clone_answer:
            case "403":
                raise access_denied()
            case "404":
                raise PageError(404) if dialect.unknown == "404 HTML" else HttpError(404, "No such resource.")
            case "405":
                raise HttpError(405, "Method not allowed.")
            case "200 HTML":
                raise PageError(200)

    def put(
        self,
        account_id: str,
        dial_group_id: int,
        campaign_id: int,
        body: Mapping[str, Any],
        request_id: str,
    ) -> tuple[int, Any]:
        """Replace a campaign; return the status and the body of the answer."""
        dialect = self._dialect()
        before = self._store.campaign(account_id, dial_group_id, campaign_id)
        fields = stored(campaign_fields(received(body, dialect), before, dialect.sparse_put), dialect)
        if fields["campaignName"] != before["campaignName"] and dialect.create_answer.startswith("409"):
            taken = self._taken(account_id, dial_group_id, fields["campaignName"])
            if taken is not None and taken["campaignId"] != campaign_id:
                raise _conflict(fields["campaignName"])
        after = self._store.replace_campaign(
            account_id, dial_group_id, campaign_id, fields, request_id=request_id
        )
        self._visibility.wrote(campaign_id, dial_group_id, before, after)
        match dialect.put_answer:
            case "echo":
                return 200, {**body, "campaignId": campaign_id}
            case "empty":
                return 200, NOTHING
            case _:
                return 200, shown(after, dialect)

    def delete(self, account_id: str, dial_group_id: int, campaign_id: int, request_id: str) -> None:
        """Delete a campaign, as far as the dialect does."""
        deletes = self._dialect().delete
        campaign = self._store.campaign(account_id, dial_group_id, campaign_id)

        def delete() -> None:
            if self._store.find_campaign(dial_group_id, campaign_id) is not None:
                self._store.delete_campaign(account_id, dial_group_id, campaign_id, request_id=request_id)
                self._visibility.wrote(campaign_id, dial_group_id, campaign, None)

        if deletes == "405":
            raise HttpError(405, "Method not allowed.")
        if deletes == "gone later":
            self._later.after(GONE_SECONDS, delete)
        elif deletes == "gone":
            delete()

    def _add(
        self, account_id: str, dial_group_id: int, fields: JsonObject, op: Any, request_id: str
    ) -> JsonObject:
        campaign = self._store.add_campaign(account_id, dial_group_id, fields, op=op, request_id=request_id)
        self._visibility.wrote(campaign["campaignId"], dial_group_id, None, campaign)
        return campaign

    def _taken(self, account_id: str, dial_group_id: int, name: str) -> JsonObject | None:
        """Return the campaign of that name, where names are unique."""
        answer = self._dialect().create_answer
        if not answer.startswith(("409", "existing")):
            return None
        fold = str.casefold if answer == "409 whatever the case" else str
        rows = self._store.campaigns(account_id, dial_group_id)
        return next((row for row in rows if fold(row["campaignName"]) == fold(name)), None)


def _is_plain(dialect: Dialect) -> bool:
    """Return whether the list is that of the store, of which one page is read."""
    lists = dialect.order, dialect.list_shows, dialect.list_rows
    return lists == ("by id", "at once", "whole") and dialect.cap != "filtered after the cut"


def cut(rows: list[JsonObject], page: Page, dialect: Dialect, name: str) -> list[JsonObject]:
    """Return a page of a list in the dialect's order.

    :param name: field of the row's name
    """
    if dialect.order == "by name":
        rows = sorted(rows, key=lambda row: str(row[name] or ""))
    elif dialect.order == "another each time":
        rows = random.sample(rows, len(rows))
    if dialect.cap != "filtered after the cut":
        return page.of(rows)
    with_hidden: list[JsonObject] = []
    for number, row in enumerate(rows, 1):
        with_hidden += [row] if number % _ROWS_SHOWN else [row, {}]
    return [row for row in page.of(with_hidden) if row]


def _conflict(name: str) -> HttpError:
    return HttpError(409, f"A campaign with the name {name} exists.")
