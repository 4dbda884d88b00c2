"""Pydantic models of the vendor's JSON. Field names are the vendor's own; bounds live here once.

This module has the fields of a campaign that are arguments of operators, without pydantic, for DAG files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.inputs import InvalidInputError, from_json

#: Vendor fields that have their own argument, and its name.
ARGUMENTS = {
    "campaignName": "campaign_name",
    "startDate": "campaign_start",
    "endDate": "campaign_end",
    "callerId": "caller_id",
    "isActive": "is_active",
}


def read_campaign_settings(settings: object, field: str = "settings") -> dict[str, Any]:
    """Return further fields of a campaign; their names and values are checked later.

    :raises InvalidInputError: if it is no mapping, or a field has an argument
    """
    settings = from_json(settings, field)
    if not isinstance(settings, Mapping):
        raise InvalidInputError(field, settings, 'write a mapping such as {"maxRingTime": 30}')
    for name, value in settings.items():
        if name in ARGUMENTS:
            raise InvalidInputError(f"{field}.{name}", value, f"give it as {ARGUMENTS[name]}=")
        if name in ARGUMENTS.values():
            raise InvalidInputError(f"{field}.{name}", value, "it is an argument, not a setting")
    return dict(settings)
