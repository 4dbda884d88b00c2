"""The poll loop that watchers share on Airflow 3.3."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from airflow_provider_engagevoice.triggers.base import shared_hub

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.snapshots import Snapshot


class SnapshotProducer(SharedStreamProducer):
    """Snapshots of a connection's campaigns; each is saved once Airflow has stored its events."""

    def __init__(self, engagevoice_conn_id: str) -> None:
        self._conn_id = engagevoice_conn_id

    async def open_stream(self) -> AsyncIterator[tuple[Snapshot, Snapshot]]:
        """Yield snapshots forever."""
        async with shared_hub(self._conn_id) as hub:
            async for snapshot in hub.stream().snapshots():
                yield snapshot, snapshot

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Save the snapshots; an event that was not stored is sent again after a restart."""
        for item in batch:
            if item.outcome.is_clean:
                for save in item.broker_payload.on_stored:
                    await save()
