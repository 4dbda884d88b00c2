"""Lists of leads made in a test, and what a check makes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.report import Report
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import Source, read_records
from airflow_provider_engagevoice.leads.validate import LeadValidator, Reject, ValidatedRows


class Lead(NamedTuple):
    """A row that can be loaded.

    :param phone: as it is sent; ten digits where there are both forms
    """

    row: int
    extern_id: str
    phone: str
    body: dict[str, Any]


class Checked:
    """What became of the rows of some sources."""

    def __init__(self, parts: Iterable[ValidatedRows], report: Report) -> None:
        self.leads: list[Lead] = []
        #: As they are sent.
        self.texts: list[str] = []
        self.rejects: list[Reject] = []
        self.report = report
        for part in parts:
            for row, text in zip(part.numbers, part.leads, strict=True):
                body = json.loads(text)
                phone = body.get("leadPhone") or body["leadPhoneE164"]
                self.leads.append(Lead(row, body["externId"], phone, body))
            self.texts += part.leads
            self.rejects += part.rejects

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [lead.body for lead in self.leads]

    @property
    def reasons(self) -> list[tuple[int, str | None, str]]:
        return [(reject.row, reject.column, reject.reason) for reject in self.rejects]


def check(
    *sources: Source, mapping: Mapping[str, str | None] | None = None, extended: bool = False, **options: Any
) -> Checked:
    """Check sources as one load."""
    with LeadValidator(read_mapping(mapping, extended=extended), **options) as checking:
        parts = [part for source in sources for part in checking.read(source)]
        return Checked(parts, checking.report)


def file(content: str | bytes, name: str = "list.csv", **options: Any) -> Source:
    """Open a file that is held in memory."""
    data = content.encode() if isinstance(content, str) else content
    return open_source(io.BytesIO(data), name, **options)


def one(value: object = "4155550123", field: str = "leadPhone", **more: object) -> Source:
    """Return a source of one record that is a lead, with a value of interest."""
    return read_records([{"externId": "1", "leadPhone": "4155550123", field: value, **more}])
