"""Mapping of a file's columns to lead fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.fields import AGENT_FIELD

_FIELDS: Final[Mapping[str, str | None]] = {
    "LEAD_PHONE": "leadPhone",
    "EXTERN_ID": "externId",
    "STATE": "state",
    "LEAD_TIMEZONE": "leadTimezone",
    "PENDING_AGENT_ID": AGENT_FIELD,
    "TITLE": "title",
    "FIRST_NAME": "firstName",
    "MID_NAME": "midName",
    "LAST_NAME": "lastName",
    "SUFFIX": "suffix",
    "EMAIL": "email",
    "ADDRESS1": "address1",
    "ADDRESS2": "address2",
    "CITY": "city",
    "ZIP": "zip",
    "GATE_KEEPER": "gateKeeper",
    "AUX_DATA1": "auxData1",
    "AUX_DATA2": "auxData2",
    "AUX_DATA3": "auxData3",
    "AUX_DATA4": "auxData4",
    "AUX_DATA5": "auxData5",
    "AUX_PHONE": "auxPhone",
    "AUX_EXTERNAL_URL": "auxExternalUrl",
    "AUX_GREETING": "auxGreeting",
    "LIVE_ANSWER_MESSAGE": "liveAnswerMessage",
    "MACH_ANSWER_MESSAGE": "machAnswerMessage",
    "CALLER_ID": "callerId",
    "LEAD_PRIORITY": "leadPriority",
    "COUNTRY": None,
}
MAPPING_COLUMNS: Final = tuple(_FIELDS)
_REQUIRED: Final = ("LEAD_PHONE", "EXTERN_ID")
_BATCH: Final = 5_000


class ColumnMapping:
    """Converts rows to leads.

    Not documented by the vendor, assumed: an empty cell, or one missing at the end of a row, means no value;
    ``LEAD_PHONE`` and ``EXTERN_ID`` must be mapped; ``COUNTRY`` is accepted and ignored; persona phones are
    stored with their labels.

    :param request: the validated load request
    :param persona_phones: labels by phone id
    :param first_column: number of the first column
    """

    def __init__(
        self, request: Mapping[str, Any], persona_phones: Mapping[int, str], first_column: int = 0
    ) -> None:
        given: Mapping[str, int] = request["pageColumnMappings"]
        problems = [
            Problem("pageColumnMappings", f"must map {name}") for name in _REQUIRED if name not in given
        ]
        problems += [
            Problem("pageColumnMappings", "is not a mapping column", name)
            for name in given
            if name not in _FIELDS
        ]
        if request.get("pageNumber", 1) != 1:
            problems.append(
                Problem("pageNumber", "must be 1: a text file has one page", request["pageNumber"])
            )
        labels = {str(phone_id): label for phone_id, label in persona_phones.items()}
        phones: Mapping[str, int] = request.get("additionalPhoneMappings", {})
        problems += [
            Problem("additionalPhoneMappings", "is not the id of a persona phone", phone_id)
            for phone_id in phones
            if phone_id not in labels
        ]
        if problems:
            raise bad_request(problems)
        self._columns = [
            (field, column - first_column)
            for name, column in given.items()
            if (field := _FIELDS[name]) is not None
        ]
        extended: Mapping[str, int] = request.get("extendedLeadDataMappings", {})
        self._objects = {
            "extendedLeadData": {key: column - first_column for key, column in extended.items()},
            "personaPhoneConfig": {labels[one]: column - first_column for one, column in phones.items()},
        }

    def batches(self, rows: Iterable[list[str]]) -> Iterator[list[dict[str, Any]]]:
        """Yield the leads of the rows in batches."""
        iterator = iter(rows)
        while batch := [self._lead(row) for row in islice(iterator, _BATCH)]:
            yield batch

    def _lead(self, row: list[str]) -> dict[str, Any]:
        lead: dict[str, Any] = {
            field: row[column] for field, column in self._columns if column < len(row) and row[column]
        }
        priority = lead.get("leadPriority")
        if priority is not None and priority.strip().isdecimal():
            lead["leadPriority"] = int(priority)
        for field, columns in self._objects.items():
            found = {key: row[column] for key, column in columns.items() if column < len(row) and row[column]}
            if found:
                lead[field] = found
        return lead
