"""Upload leads as files: ``leadLoader/preview`` takes a file, ``leadLoader/process`` loads it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaign_lists
from airflow_provider_engagevoice.client.endpoints.leads import preview_lead_file, process_lead_file
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.exceptions import (
    InvalidInputError,
    LoadRefusedError,
    MisreadFileError,
    nearest,
)
from airflow_provider_engagevoice.leads.loading.checkpoint import Counts, Outcome, read_outcome
from airflow_provider_engagevoice.leads.loading.options import LoadOptions
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.leads.loading.uploader import Uploader
from airflow_provider_engagevoice.leads.mapping import Target, flattened
from airflow_provider_engagevoice.models.enums import ListState
from airflow_provider_engagevoice.models.lead import (
    EXTENDED,
    EXTERN_ID,
    MAPPING_COLUMNS,
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
                    what = f"{cell!r} is read as {read_cell!r}" if number == 1 else "it reads another value"
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
_UNKNOWN_REASON = "the server did not load it from the file and gave no reason"


class FileUploader(Uploader):
    """Sends leads as CSV files, which the server loads after it has responded.

    The documented response says nothing about the leads. The list that the server makes of a file does: its
    name includes a digest of the leads, it is ready once its state is no longer LOADING, and it has counts.
    The vendor documents none of this; if a list has no counts, each lead is looked up.
    """

    reconcile_after = 30.0
    budget = RATE_LIMITS["lead_loader_preview"]
    default_chunk_size, max_chunk_size = 5_000, 20_000

    def __init__(
        self, client: EngageVoiceClient, dial_group_id: int, campaign_id: int, options: LoadOptions
    ) -> None:
        super().__init__(client, dial_group_id, campaign_id, options)
        self._polling = threading.Lock()
        self._polled_at = 0.0
        self._polled: list[dict[str, Any]] = []

    def send(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Load leads, see the base class.

        :raises MisreadFileError: if the server does not read the file as it was written
        """
        bodies = json.loads(leads)
        file = write_lead_file(bodies)
        in_e164 = self._options.in_e164
        preview = self._client.run(preview_lead_file(self._campaign_id, file.content, in_e164=in_e164))
        name = self._name(chunk, leads)
        request = self._options.request(name) | file.mappings(preview)
        result = self._client.run(process_lead_file(self._campaign_id, request))
        if result is not None:
            return read_outcome(result, name, leads)
        return self._outcome(self._wait_until_loaded(chunk, name), bodies)

    def reconcile(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Take the outcome from the list of a chunk if there is one; otherwise see the base class."""
        name = self._name(chunk, leads)
        lists = self._lists(chunk, clock.monotonic())
        if any(name in str(one["listDesc"]) for one in lists):
            outcome = self._outcome(self._wait_until_loaded(chunk, name), json.loads(leads))
            outcome.counts.reconciled += 1
            log.info("chunk %d is already loaded", chunk.index + 1)
            return outcome
        for other in lists:
            self._wait_until_loaded(chunk, str(other["listDesc"]))
        return super().reconcile(chunk, leads)

    def _name(self, chunk: Chunk, leads: bytes) -> str:
        return self._options.list_name(chunk.index, hashlib.blake2b(leads, digest_size=4).hexdigest())

    def _lists(self, chunk: Chunk, since: float) -> list[dict[str, Any]]:
        """Return the lists of a chunk; one poll that started after ``since`` serves all threads."""
        with self._polling:
            if self._polled_at < since:
                now = clock.monotonic()
                self._polled = self._client.run(list_campaign_lists(self._dial_group_id, self._campaign_id))
                self._polled_at = now
            lists = self._polled
        return [one for one in lists if self._options.matches(str(one.get("listDesc")), chunk.index)]

    def _wait_until_loaded(self, chunk: Chunk, name: str) -> dict[str, Any]:
        """Return the list of that name once it is loaded."""
        since, pause = clock.monotonic(), _FIRST_PAUSE
        deadline = since + _LOAD_TIMEOUT
        while True:
            for one in self._lists(chunk, since):
                state = one.get("listState")
                if name in str(one["listDesc"]) and (
                    state != ListState.LOADING or state == self._options.list_state
                ):
                    return one
            if clock.monotonic() > deadline or clock.wait(self._stopped, pause):
                raise LoadRefusedError(f"the file for list {name!r} was sent, but the list is not ready")
            since = clock.monotonic() - pause
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _outcome(self, lead_list: dict[str, Any], bodies: list[dict[str, Any]]) -> Outcome:
        supplied, accepted, inserted = (
            lead_list.get(name) for name in ("leadsSupplied", "leadsAccepted", "leadsInserted")
        )
        if not (isinstance(supplied, int) and isinstance(accepted, int) and isinstance(inserted, int)):
            missing = self._missing(bodies)
            count = len(bodies) - len(missing)
            return Outcome(Counts(accepted=count, inserted=count, rejected=len(missing)), missing)
        if supplied != len(bodies):
            raise MisreadFileError(
                f"it has read {supplied} of {len(bodies)} leads; check list {lead_list['listDesc']!r}"
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
        return Outcome(counts, self._missing(bodies) if counts.rejected else {})

    def _missing(self, bodies: list[dict[str, Any]]) -> dict[int, str]:
        loaded = self.find_loaded([body[EXTERN_ID] for body in bodies])
        return {at: _UNKNOWN_REASON for at, body in enumerate(bodies) if body[EXTERN_ID] not in loaded}
