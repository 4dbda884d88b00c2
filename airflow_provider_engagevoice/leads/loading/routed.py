"""Load one list into many campaigns: all chunks are of one load, and each is sent to its campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.leads.loading.decisions import Step
from airflow_provider_engagevoice.leads.loading.outcomes import Outcome
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.loading.uploader import Uploader
from airflow_provider_engagevoice.leads.temporary import TemporaryFile, writing_temporary_files

#: Characters of leads in memory, and leads of a block, which is read as a whole.
_IN_MEMORY, _BLOCK = 1 << 23, 2000


class CampaignSpool(TemporaryFile):
    """A temporary file of leads by campaign, while the rows are read.

    :raises NoRoomError: if the file cannot be written
    """

    def __init__(self) -> None:
        super().__init__("engagevoice-leads-")
        self._lines: dict[int, list[str]] = {}
        self._length = 0
        #: Offset and size of the blocks of each campaign, in bytes.
        self._blocks: dict[int, list[tuple[int, int]]] = {}

    def add(self, campaign_id: int, rows: Iterable[int], leads: Iterable[str]) -> None:
        """Add leads for a campaign.

        :param rows: the row number of each in its source
        :param leads: JSON of entries of ``uploadLeads``, in ASCII
        """
        lines = [f"{row} {lead}\n" for row, lead in zip(rows, leads, strict=True)]
        self._lines.setdefault(campaign_id, []).extend(lines)
        self._length += sum(map(len, lines))
        if self._length > _IN_MEMORY:
            self._write()

    @writing_temporary_files()
    def _write(self) -> None:
        for campaign_id, lines in self._lines.items():
            for at in range(0, len(lines), _BLOCK):
                block = "".join(lines[at : at + _BLOCK]).encode()
                self._blocks.setdefault(campaign_id, []).append((self._file.tell(), len(block)))
                self._file.write(block)
        self._file.flush()
        self._lines.clear()
        self._length = 0

    def fill(self, spool: Spool) -> None:
        """Move all leads to a spool, campaign by campaign in the order of their ids.

        This order does not depend on that of the rows, so that a retry has the same chunks.
        """
        self._write()
        for campaign_id, blocks in sorted(self._blocks.items()):
            spool.begin(campaign_id)
            for offset, size in blocks:
                self._file.seek(offset)
                lines = self._file.read(size).decode().split("\n")[:-1]
                pairs = [line.split(" ", 1) for line in lines]
                spool.add([int(row) for row, _ in pairs], [lead for _, lead in pairs])
        spool.finish()


class RoutedUploader:
    """Sends each chunk to its campaign.

    :param uploaders: by the id of the campaign
    """

    def __init__(self, uploaders: Mapping[int, Uploader]) -> None:
        self._uploaders = uploaders

    def prepare(self, lead: Mapping[str, Any]) -> Procedure[None]:
        """See :meth:`Uploader.prepare`."""
        for uploader in self._uploaders.values():
            yield from uploader.prepare(lead)

    def carry_out(self, step: Step, leads: bytes) -> Procedure[Outcome | None]:
        """See :meth:`Uploader.carry_out`; errors name the campaign."""
        campaign_id = step.chunk.campaign_id
        try:
            return (yield from self._uploaders[campaign_id].carry_out(step, leads))
        except EngageVoiceError as error:
            error.add(f"campaign {campaign_id}")
            raise
