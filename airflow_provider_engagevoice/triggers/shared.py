"""What the triggers of one triggerer share: one client and its pollers per connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.polling.hub import PollerHub


@dataclass(slots=True)
class _Shared:
    hub: PollerHub
    users: int = 0


_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_hub(engagevoice_conn_id: str) -> AsyncIterator[PollerHub]:
    """Use the hub of all triggers of this event loop on a connection; the last user closes it."""
    known = _SHARED.setdefault(asyncio.get_running_loop(), {})
    shared = known.get(engagevoice_conn_id)
    if shared is None:
        hook = EngageVoiceHook(engagevoice_conn_id)
        shared = known[engagevoice_conn_id] = _Shared(PollerHub(hook.get_async_conn))
    shared.users += 1
    try:
        yield shared.hub
    finally:
        shared.users -= 1
        if not shared.users:
            # A trigger that starts while it closes opens another.
            del known[engagevoice_conn_id]
            await shared.hub.close()
