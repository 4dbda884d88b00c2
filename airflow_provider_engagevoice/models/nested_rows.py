"""Rows inside of campaigns, such as dispositions, and to which campaign they belong.

A server may show a copy with the rows of its source. Sent back, they could be changed or moved.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign, has_own_rows
from airflow_provider_engagevoice.models.persona import without_ids

#: Ids of rows that do not say to which campaign they belong, by field; None if they are not known.
RowIds: TypeAlias = Mapping[str, Collection[str]] | None

_CAMPAIGN = "campaignId"
#: Windows have ids, too, and mean the same without them.
_WINDOWS = "personaCallSchedules"
_NONE: Mapping[str, Collection[str]] = {}


def row_ids(campaign: Campaign) -> dict[str, list[str]]:
    """Return the ids of a campaign's rows that do not say to which campaign they belong, by field."""
    raw = campaign.raw
    found = {name: sorted(set(_ids_in(raw[name]))) for name in _fields(campaign)}
    return {name: ids for name, ids in found.items() if ids}


def fields_of_others(campaign: Campaign, others: RowIds = _NONE) -> list[str]:
    """Return the fields of a campaign that have rows of another one.

    :param others: ids of rows that belong to another campaign; if they are not known, a row with an id is its
        own only if it says so
    """
    raw = campaign.raw
    return [
        name
        for name in campaign.own_rows()
        if own_rows_of(campaign.campaignId, raw[name], _of_field(others, name)) != raw[name]
    ]


def own_part(campaign: Campaign, others: RowIds = _NONE) -> Campaign:
    """Return a campaign without rows of another one; calling windows are kept without their ids.

    :param others: as for :func:`fields_of_others`
    """
    raw = campaign.raw
    for name in campaign.own_rows():
        raw[name] = own_rows_of(campaign.campaignId, raw[name], _of_field(others, name))
    if isinstance(windows := raw.get(_WINDOWS), list):
        known = _of_field(others, _WINDOWS)
        raw[_WINDOWS] = [
            without_ids(window) if _is_of_another(campaign.campaignId, window, known) else window
            for window in windows
        ]
    return campaign if raw == campaign.raw else Campaign.from_server(raw)


def own_rows_of(campaign_id: int | None, value: Any, others: Collection[str] | None = ()) -> Any:
    """Return the value of a field without rows of another campaign.

    :param campaign_id: the campaign; None for a new one, to which no row with a ``campaignId`` belongs
    :param others: ids of rows that belong to another campaign; None if they are not known
    """
    if _is_of_another(campaign_id, value, others):
        return None
    if isinstance(value, list):
        kept = [one for one in value if not _is_of_another(campaign_id, one, others)]
        return [own_rows_of(campaign_id, one, others) for one in kept]
    if isinstance(value, Mapping):
        # What an own row refers to may have ids of its own.
        inside = () if _is_row(value) else others
        return {
            name: own_rows_of(campaign_id, one, inside)
            for name, one in value.items()
            if not _is_of_another(campaign_id, one, inside)
        }
    return value


def check_rows(fields: Mapping[str, Any], campaign_id: int | None) -> None:
    """Check that fields to be written have no rows of another campaign.

    :param campaign_id: the campaign; None for one that is to be created
    :raises InvalidInputError: for the first one that has
    """
    for name, value in fields.items():
        if has_own_rows(name, value) and own_rows_of(campaign_id, value) != value:
            raise InvalidInputError(
                f"settings.{name}",
                value,
                "it has rows of another campaign; leave out their campaignId and ids",
            )


def _fields(campaign: Campaign) -> list[str]:
    return [*campaign.own_rows(), *([_WINDOWS] if campaign.raw.get(_WINDOWS) else ())]


def _of_field(others: RowIds, name: str) -> Collection[str] | None:
    return None if others is None else others.get(name, ())


def _is_row(value: Mapping[str, Any]) -> bool:
    return _stated(value) is not None or _ids(value) is not None


def _is_of_another(campaign_id: int | None, value: Any, others: Collection[str] | None) -> bool:
    if not isinstance(value, Mapping):
        return False
    stated = _stated(value)
    if stated is not None:
        return stated != str(campaign_id)
    ids = _ids(value)
    return ids is not None and (others is None or ids in others)


def _stated(row: Mapping[str, Any]) -> str | None:
    """Return the id of the campaign to which a row says that it belongs; some servers write 0 for none."""
    value = row.get(_CAMPAIGN)
    return None if value in (None, "", 0, "0") else str(value)


def _ids(row: Mapping[str, Any]) -> str | None:
    """Return all ids of a row as one text; None if it has none."""
    ids = {
        name: str(value)
        for name, value in row.items()
        if (name == "id" or name.endswith("Id")) and isinstance(value, int | str) and name != _CAMPAIGN
    }
    return json.dumps(ids, sort_keys=True) if ids else None


def _ids_in(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        if _stated(value) is not None:
            return []
        ids = _ids(value)
        return [ids] if ids is not None else [one for inner in value.values() for one in _ids_in(inner)]
    return [one for inner in value for one in _ids_in(inner)] if isinstance(value, list) else []
