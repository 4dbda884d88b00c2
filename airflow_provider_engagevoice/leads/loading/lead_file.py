"""Leads as a CSV file, and the check that the server reads it as it was written."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.leads.errors import MisreadFileError
from airflow_provider_engagevoice.leads.mapping import Target, flattened
from airflow_provider_engagevoice.models.lead import (
    EXTENDED,
    MAPPING_COLUMNS,
    PHONE,
    PHONE_E164,
    LeadFilePreview,
)

#: Rows kept to compare with the preview, which is not known to show more.
_COMPARED_ROWS = 100


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A CSV file with a header: UTF-8, commas, double quotes.

    :param columns: what each column maps to, left to right
    :param first_rows: of the file, header included
    """

    content: bytes
    columns: Sequence[Target]
    first_rows: Sequence[Sequence[str]]

    def mappings(self, preview: LeadFilePreview) -> dict[str, Any]:
        """Return the fields of a ``LeadListProcessingRequest`` that describe the file.

        Columns are numbered from 0: the vendor documents ``column indexes`` but not their base.

        :raises MisreadFileError: if the server reads other rows than the file has
        :raises InvalidInputError: if the server does not know a column
        """
        self._verify(preview)
        names: dict[str, int] = {}
        extended: dict[str, int] = {}
        personas: dict[str, int] = {}
        phone_ids = {phone.phoneLabel: str(phone.phoneId) for phone in preview.personaPhoneConfig}
        for at, target in enumerate(self.columns):
            if target.key is None:
                names[self._mapping_column(target.field, preview)] = at
            elif target.field == EXTENDED:
                extended[target.key] = at
            elif target.key in phone_ids:
                personas[phone_ids[target.key]] = at
            else:
                raise InvalidInputError(
                    f"mapping: {target}",
                    target.key,
                    f"the campaign has no such persona phone{nearest(target.key, phone_ids)}",
                )
        mappings: dict[str, Any] = {
            "transactionId": preview.transactionId,
            "fileType": "COMMA",
            "quoteChar": '"',
            "fileContainsHeaders": True,
            "pageNumber": preview.pagePreviews[0].pageNumber,
            "pageColumnMappings": names,
        }
        if extended:
            mappings["extendedLeadDataMappings"] = extended
        if personas:
            mappings["additionalPhoneMappings"] = personas
        return mappings

    @staticmethod
    def _mapping_column(field: str, preview: LeadFilePreview) -> str:
        name = MAPPING_COLUMNS[field]
        if name not in preview.mappingColumns:
            raise InvalidInputError(
                f"mapping: {field}", name, "the server has no such column for files; use method='direct'"
            )
        return name

    def _verify(self, preview: LeadFilePreview) -> None:
        shown = preview.pagePreviews[0].rowData if preview.pagePreviews else []
        if len(shown) < min(2, len(self.first_rows)):
            raise MisreadFileError("it shows no rows")
        for number, (written, read) in enumerate(zip(self.first_rows, shown, strict=False), 1):
            for at, (cell, read_cell) in enumerate(zip_longest(written, read, fillvalue=""), 1):
                if _collapsed(cell) != _collapsed(read_cell):
                    raise MisreadFileError(f"row {number}, column {at}: {cell!r} is read as {read_cell!r}")


def write_lead_file(leads: Sequence[Mapping[str, Any]]) -> LeadFile:
    """Write leads as a file.

    :param leads: entries of ``uploadLeads``; ``leadPhoneE164`` is omitted, since files have no column for it
    :raises InvalidInputError: if a lead has no ``leadPhone``
    """
    columns: dict[Target, int] = {}
    rows: list[dict[int, str]] = []
    for lead in leads:
        if PHONE not in lead:
            raise InvalidInputError(
                "method", "file", f"files have no column for {PHONE_E164}; use method='direct'"
            )
        rows.append({columns.setdefault(target, len(columns)): str(cell) for target, cell in flattened(lead)})
    table = [list(map(str, columns)), *([cells.get(at, "") for at in range(len(columns))] for cells in rows)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    return LeadFile(text.getvalue().encode(), list(columns), list(islice(table, _COMPARED_ROWS)))


def _collapsed(cell: str | None) -> str:
    """Return a cell with whitespace collapsed, as a server may do."""
    return " ".join((cell or "").split())
