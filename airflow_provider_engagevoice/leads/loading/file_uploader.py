"""Leads in a file: ``leadLoader/preview`` takes it, ``leadLoader/process`` has it loaded."""

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
from airflow_provider_engagevoice.exceptions import InvalidInputError, LoadRefusedError, nearest
from airflow_provider_engagevoice.leads.errors import MisreadFileError
from airflow_provider_engagevoice.leads.loading.checkpoint import Counts, Outcome, read_outcome
from airflow_provider_engagevoice.leads.loading.options import LoadOptions
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.leads.loading.uploader import Uploader
from airflow_provider_engagevoice.leads.mapping import Target, flattened
from airflow_provider_engagevoice.models.lead import (
    EXTENDED,
    EXTERN_ID,
    MAPPING_COLUMNS,
    PHONE,
    PHONE_E164,
    LeadFilePreview,
    ListState,
)

log = logging.getLogger(__name__)


#: More rows than this nobody has seen in a preview.
_COMPARED = 100


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A CSV file with a header: UTF-8, commas, double quotes.

    :param columns: what they are for, left to right
    :param first_rows: of the file, the header included
    """

    content: bytes
    columns: Sequence[Target]
    first_rows: Sequence[Sequence[str]]

    def mappings(self, preview: LeadFilePreview) -> dict[str, Any]:
        """Return the fields of a ``LeadListProcessingRequest`` that say what the file is.

        Columns are counted from 0: the vendor documents ``column indexes`` without saying from what.

        :raises MisreadFileError: when the server reads other rows than the file has
        :raises InvalidInputError: when it does not know a column
        """
        self._verify(preview)
        names: dict[str, int] = {}
        extended: dict[str, int] = {}
        personas: dict[str, int] = {}
        phone_ids = {phone.phoneLabel: str(phone.phoneId) for phone in preview.personaPhoneConfig}
        for at, target in enumerate(self.columns):
            if target.key is None:
                names[self._known(target.field, preview)] = at
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
    def _known(field: str, preview: LeadFilePreview) -> str:
        name = MAPPING_COLUMNS[field]
        if name not in preview.mappingColumns:
            raise InvalidInputError(
                f"mapping: {field}", name, 'the server has no such column for files; use method="direct"'
            )
        return name

    def _verify(self, preview: LeadFilePreview) -> None:
        shown = preview.pagePreviews[0].rowData if preview.pagePreviews else []
        if len(shown) < min(2, len(self.first_rows)):
            raise MisreadFileError("nothing of it")
        for number, (ours, theirs) in enumerate(zip(self.first_rows, shown, strict=False), 1):
            for at, (cell, shown_cell) in enumerate(zip_longest(ours, theirs, fillvalue=""), 1):
                if _plain(cell) != _plain(shown_cell):
                    raise MisreadFileError(f"row {number}, column {at}, {cell!r} as {shown_cell!r}")


def write_lead_file(leads: Sequence[Mapping[str, Any]]) -> LeadFile:
    """Write leads as a file.

    :param leads: entries of ``uploadLeads``; those with ``leadPhone`` do without ``leadPhoneE164``, for
        which files have no column
    :raises InvalidInputError: when one of them has no ``leadPhone``
    """
    columns: dict[Target, int] = {}
    rows: list[dict[int, str]] = []
    for lead in leads:
        if PHONE not in lead:
            raise InvalidInputError("method", "file", f"files have no column for {PHONE_E164}; use direct")
        rows.append({columns.setdefault(target, len(columns)): str(cell) for target, cell in flattened(lead)})
    table = [list(map(str, columns)), *([cells.get(at, "") for at in range(len(columns))] for cells in rows)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    return LeadFile(text.getvalue().encode(), list(columns), list(islice(table, _COMPARED)))


def _plain(cell: str | None) -> str:
    """Return a cell without the spaces that a server may leave out."""
    return " ".join((cell or "").split())


#: How long the server may take to load a file, in seconds, before the attempt looks elsewhere.
_LOADED_WITHIN = 900.0
#: The first pause between two looks whether a file is loaded, and the longest one, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_UNTOLD = "the server did not load it from the file, and does not say why"


class FileUploader(Uploader):
    """Sends leads as CSV files, which the server loads after it has answered.

    The documented answer says nothing of the leads. What tells of them is the list that the server makes of a
    file: its name has a digest of the leads, it is ready when its state is no longer LOADING, and it has
    counts. The vendor documents none of this; where a list has no counts the leads are looked for one by one.
    """

    reconcile_after = 30.0
    budget = RATE_LIMITS["lead_loader_preview"]
    usual_chunk, largest_chunk = 5_000, 20_000

    def __init__(
        self, client: EngageVoiceClient, dial_group_id: int, campaign_id: int, options: LoadOptions
    ) -> None:
        super().__init__(client, dial_group_id, campaign_id, options)
        self._looking = threading.Lock()
        self._looked = 0.0
        self._seen: list[dict[str, Any]] = []

    def send(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Load leads, see the base class.

        :raises MisreadFileError: when the server reads the file otherwise
        """
        bodies = json.loads(leads)
        file = write_lead_file(bodies)
        preview = self._client.run(preview_lead_file(self._campaign_id, file.content))
        name = self._name(chunk, leads)
        request = self._options.request(name) | file.mappings(preview)
        answer = self._client.run(process_lead_file(self._campaign_id, request))
        if answer is not None:
            return read_outcome(answer, name, leads)
        return self._outcome(self._loaded(chunk, name), bodies)

    def reconcile(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Look whether the list of a chunk is there; where it is not, see the base class."""
        name = self._name(chunk, leads)
        lists = self._lists(chunk, clock.monotonic())
        if any(name in str(one["listDesc"]) for one in lists):
            outcome = self._outcome(self._loaded(chunk, name), json.loads(leads))
            outcome.counts.settled += 1
            log.info("chunk %d is in", chunk.index + 1)
            return outcome
        for other in lists:
            self._loaded(chunk, str(other["listDesc"]))
        return super().reconcile(chunk, leads)

    def _name(self, chunk: Chunk, leads: bytes) -> str:
        return self._options.list_name(chunk.index, hashlib.blake2b(leads, digest_size=4).hexdigest())

    def _lists(self, chunk: Chunk, since: float) -> list[dict[str, Any]]:
        """Return the lists of a chunk; a look that began since then serves all that are on their way."""
        with self._looking:
            if self._looked < since:
                now = clock.monotonic()
                self._seen = self._client.run(list_campaign_lists(self._dial_group_id, self._campaign_id))
                self._looked = now
            lists = self._seen
        return [one for one in lists if self._options.is_named(str(one.get("listDesc")), chunk.index)]

    def _loaded(self, chunk: Chunk, name: str) -> dict[str, Any]:
        """Return the list of that name once it is loaded."""
        since, pause = clock.monotonic(), _FIRST_PAUSE
        until = since + _LOADED_WITHIN
        while True:
            for one in self._lists(chunk, since):
                state = one.get("listState")
                if name in str(one["listDesc"]) and (
                    state != ListState.LOADING or state == self._options.list_state
                ):
                    return one
            if clock.monotonic() > until or self._stopped.wait(pause):
                raise LoadRefusedError(f"the file of list {name!r} was sent, and its list is not ready")
            since = clock.monotonic() - pause
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _outcome(self, loaded: dict[str, Any], bodies: list[dict[str, Any]]) -> Outcome:
        supplied, accepted, inserted = (
            loaded.get(name) for name in ("leadsSupplied", "leadsAccepted", "leadsInserted")
        )
        if not (isinstance(supplied, int) and isinstance(accepted, int) and isinstance(inserted, int)):
            refused = self._missing(bodies)
            found = len(bodies) - len(refused)
            return Outcome(Counts(accepted=found, inserted=found, rejected=len(refused)), refused)
        if supplied != len(bodies):
            raise MisreadFileError(f"{supplied} leads of {len(bodies)}; look at list {loaded['listDesc']!r}")
        returned = loaded.get("dncReturnedCount")
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
        there = self.there([body[EXTERN_ID] for body in bodies])
        return {at: _UNTOLD for at, body in enumerate(bodies) if body[EXTERN_ID] not in there}
