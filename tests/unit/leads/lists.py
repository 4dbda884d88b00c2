"""Lists of leads made in a test, and their validation."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.report import Reject, Report, ValidatedRows
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import ReadOptions, Source, read_records
from airflow_provider_engagevoice.leads.validate import LeadValidator


class Lead(NamedTuple):
    """A valid row.

    :param phone: as it is sent; ten digits if there are both forms
    """

    row: int
    extern_id: str
    phone: str
    body: dict[str, Any]


class Checked:
    """The result of validating some sources."""

    def __init__(self, parts: Iterable[ValidatedRows], report: Report) -> None:
        self.leads: list[Lead] = []
        #: JSON as it is sent.
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
        """The leads without ``leadPhoneE164``, which must be ``leadPhone`` once more."""
        bodies = [dict(lead.body) for lead in self.leads]
        for body in bodies:
            e164 = body.pop("leadPhoneE164", None)
            assert e164 == (None if "|" in body["leadPhone"] else f"+1{body['leadPhone']}")
        return bodies

    @property
    def reasons(self) -> list[tuple[int, str | None, str]]:
        return [(reject.row, reject.column, reject.reason) for reject in self.rejects]


def check(
    *sources: Source,
    mapping: Mapping[str, str | None] | None = None,
    send_unmapped: bool = False,
    **options: Any,
) -> Checked:
    """Validate sources as one load."""
    with LeadValidator(read_mapping(mapping, send_unmapped=send_unmapped), **options) as validator:
        parts = [part for source in sources for part in validator.read(source)]
        return Checked(parts, validator.report)


def file(
    content: str | bytes, name: str = "list.csv", *, format: str | None = None, **options: Any
) -> Source:
    """Open a file in memory."""
    data = content.encode() if isinstance(content, str) else content
    return open_source(io.BytesIO(data), name, format=format, options=ReadOptions(**options))


def one(value: object = "4155550123", field: str = "leadPhone", **more: object) -> Source:
    """Return a source of one valid record, with a value to test."""
    return read_records([{"externId": "1", "leadPhone": "4155550123", field: value, **more}])
