"""Upload leads as files: ``leadLoader/preview`` takes a file, ``leadLoader/process`` loads it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaign_lists
from airflow_provider_engagevoice.client.endpoints.leads import preview_lead_file, process_lead_file
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import Pause, Procedure, Request
from airflow_provider_engagevoice.exceptions import (
    InvalidInputError,
    LoadRefusedError,
    MisreadFileError,
    nearest,
)
from airflow_provider_engagevoice.leads.loading import is_tagged
from airflow_provider_engagevoice.leads.loading.decisions import Step
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome, is_complete, read_outcome
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.leads.loading.uploader import Bodies, Uploader
from airflow_provider_engagevoice.leads.mapping import Target, flattened
from airflow_provider_engagevoice.models.enums import ListState
from airflow_provider_engagevoice.models.lead import (
    EXTENDED,
    MAPPING_COLUMNS,
    OBJECT_FIELDS,
    PERSONA_PHONES,
    PHONE,
    LeadFilePreview,
)

log = logging.getLogger(__name__)


#: Rows kept to compare with the preview, which is not known to show more.
_COMPARED_ROWS = 100


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A CSV file with a header: UTF-8, commas, double quotes. Each column is there twice, side by side.

    :param columns: what each pair of columns maps to, left to right
    :param first_rows: of the file, header included
    """

    content: bytes
    columns: Sequence[Target]
    first_rows: Sequence[Sequence[str]]

    def mappings(self, preview: LeadFilePreview) -> dict[str, Any]:
        """Return the fields of a ``LeadListProcessingRequest`` that describe the file.

        The vendor documents columns numbered from 0 as well as from 1. The number of the second copy of a
        column is that of the first copy from 1, so it means the same column either way.

        :raises MisreadFileError: if the server reads other rows than the file has
        :raises InvalidInputError: if the server does not know a column
        """
        self._verify(preview)
        names: dict[str, int] = {}
        extended: dict[str, int] = {}
        personas: dict[str, int] = {}
        phone_ids = {phone.phoneLabel: str(phone.phoneId) for phone in preview.personaPhoneConfig}
        for pair, target in enumerate(self.columns):
            at = 2 * pair + 1
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
                    # Only the header: the other rows are a person's data.
                    what = "it reads another value"
                    if number == 1:
                        what = f"{cell!r} is read as {read_cell!r}{difference(cell, read_cell or '')}"
                    raise MisreadFileError(f"row {number}, column {at}: {what}")


def write_lead_file(leads: Sequence[Mapping[str, Any]]) -> LeadFile:
    """Write leads as a file.

    :param leads: entries of ``uploadLeads``; ``leadPhoneE164`` is omitted, since files have no column for it
    """
    columns: dict[Target, int] = {}
    rows: list[dict[int, str]] = []
    for lead in leads:
        rows.append({columns.setdefault(target, len(columns)): str(cell) for target, cell in flattened(lead)})
    table = [
        [name for target in columns for name in (str(target), f"{target} (copy)")],
        *([cells.get(at // 2, "") for at in range(2 * len(columns))] for cells in rows),
    ]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    return LeadFile(text.getvalue().encode(), list(columns), list(islice(table, _COMPARED_ROWS)))


def _collapsed(cell: str | None) -> str:
    """Return a cell with whitespace collapsed, as a server may do."""
    return " ".join((cell or "").split())


#: How long the server may take to load a file, in seconds.
_LOAD_TIMEOUT = 900.0
#: The first and the longest pause between two polls of the lists, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class FileUploader(Uploader):
    """Sends leads as CSV files, which the server loads after it has responded.

    The documented response says nothing about the leads. The list that the server makes of a file does: its
    name includes a digest of the leads, it is ready once its state is no longer LOADING, and it has counts.
    The vendor documents none of this; if a list has no counts, each lead is looked up.
    """

    budget = RATE_LIMITS["lead_loader_preview"]
    default_chunk_size, max_chunk_size = 5_000, 20_000

    _polled_at = float("-inf")
    _polled: Sequence[dict[str, Any]] = ()

    def prepare(self, lead: Mapping[str, Any]) -> Procedure[None]:
        """Preview a file with all fields, so that the server knows each one; see the base class.

        :raises InvalidInputError: if the server does not know one of them
        """
        every = set(self._targets)
        fields = dict.fromkeys((one.field for one in every if one.field not in OBJECT_FIELDS), lead[PHONE])
        labels = dict.fromkeys((one.key for one in every if one.key is not None), lead[PHONE])
        if not fields.keys() <= lead.keys() or labels:
            file = write_lead_file([{**fields, **lead, **({PERSONA_PHONES: labels} if labels else {})}])
            file.mappings((yield from self._preview(file)))

    def _preview(self, file: LeadFile) -> Request[LeadFilePreview]:
        return preview_lead_file(self._campaign_id, file.content, in_e164=self._options.in_e164)

    def _request(self, chunk: Chunk, leads: bytes) -> Procedure[Request[Any]]:
        """Upload a file, and return the request that loads it.

        :raises MisreadFileError: if the server does not read the file as it was written
        """
        file = write_lead_file(json.loads(leads))
        preview = yield from self._preview(file)
        request = self._options.request(self._options.list_name(chunk.index, _digest(leads)))
        return process_lead_file(self._campaign_id, request | file.mappings(preview))

    def _read(self, chunk: Chunk, leads: bytes, count: int, answer: Any) -> Procedure[Outcome]:
        """Return the outcome that the response states, or the list that the server makes of the file."""
        if answer is not None:
            return read_outcome(answer, self._options.list_name(chunk.index, _digest(leads)), leads, count)
        tag = self._options.list_tag(chunk.index, _digest(leads))
        return self._outcome((yield from self._wait_until_loaded(chunk, tag)), count)

    def _look_up(self, step: Step, leads: bytes, bodies: Bodies) -> Procedure[Outcome | None]:
        """Take the outcome from the list of a chunk if there is one; otherwise see the base class."""
        tag = self._options.list_tag(step.chunk.index, _digest(leads))
        lists = yield from self._lists(step.chunk, clock.monotonic())
        if any(is_tagged(one["listDesc"], tag) for one in lists):
            lead_list = yield from self._wait_until_loaded(step.chunk, tag)
            log.info("chunk %d: the server has loaded its file", step.chunk.index + 1)
            return self._outcome(lead_list, len(bodies))
        for other in lists:
            yield from self._wait_until_loaded(step.chunk, str(other["listDesc"]))
        return (yield from super()._look_up(step, leads, bodies))

    def _lists(self, chunk: Chunk, since: float) -> Procedure[list[dict[str, Any]]]:
        """Return the lists of a chunk; one poll that started after ``since`` serves all chunks."""
        if self._polled_at < since:
            now = clock.monotonic()
            self._polled = yield from list_campaign_lists(self._dial_group_id, self._campaign_id)
            self._polled_at = now
        return [one for one in self._polled if self._options.matches(str(one.get("listDesc")), chunk.index)]

    def _wait_until_loaded(self, chunk: Chunk, tag: str) -> Procedure[dict[str, Any]]:
        """Return the list with that tag in its name once it is loaded."""
        since, pause = clock.monotonic(), _FIRST_PAUSE
        deadline = since + _LOAD_TIMEOUT
        while True:
            for one in (yield from self._lists(chunk, since)):
                state = one.get("listState")
                if is_tagged(one["listDesc"], tag) and (
                    state != ListState.LOADING or state == self._options.list_state
                ):
                    return one
            if clock.monotonic() > deadline:
                raise LoadRefusedError(f"the file for list {tag!r} was sent, but the list is not ready")
            yield Pause(pause)
            since = clock.monotonic() - pause
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _outcome(self, lead_list: dict[str, Any], count: int) -> Outcome:
        """Return the outcome that a list states; not final without counts, or if leads were rejected."""
        supplied, accepted, inserted = (
            lead_list.get(name) for name in ("leadsSupplied", "leadsAccepted", "leadsInserted")
        )
        if not (isinstance(supplied, int) and isinstance(accepted, int) and isinstance(inserted, int)):
            return Outcome(Counts(), is_final=False)
        if supplied != count:
            raise MisreadFileError(
                f"it has read {supplied} of {count} leads; check list {lead_list['listDesc']!r}"
            )
        returned = lead_list.get("dncReturnedCount")
        do_not_call = returned if isinstance(returned, int) else 0
        counts = Counts(
            accepted=accepted,
            inserted=inserted,
            rejected=supplied - accepted,
            duplicates=accepted - inserted - do_not_call,
            do_not_call=do_not_call,
        )
        return Outcome(counts, is_final=is_complete(counts, supplied, count) and not counts.rejected)


def _digest(leads: bytes) -> str:
    return hashlib.blake2b(leads, digest_size=4).hexdigest()
