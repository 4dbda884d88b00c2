"""What triggers share: a client and its pollers per connection, one event at the end, old argument names."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub

T = TypeVar("T", bound=type)


@dataclass(slots=True)
class _Shared:
    hub: PollerHub
    users: int = 0


_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_hub(engagevoice_conn_id: str) -> AsyncIterator[PollerHub]:
    """Use the hub of all triggers of this event loop on a connection; the last user closes it."""
    # Importing these on the event loop would block every other trigger.
    await asyncio.to_thread(import_module, "airflow_provider_engagevoice.hooks.engagevoice")
    await asyncio.to_thread(import_module, "airflow_provider_engagevoice.polling.hub")
    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
    from airflow_provider_engagevoice.polling.hub import PollerHub

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


class WaitTrigger(BaseTrigger):
    """A trigger that shares polls with the other waits on its connection."""

    engagevoice_conn_id: str
    #: Whether the task ends here when its goal is reached, without another worker slot.
    end_from_trigger: bool

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        try:
            async with shared_hub(self.engagevoice_conn_id) as hub:
                event = await self._wait(hub)
        except EngageVoiceError as error:
            from airflow_provider_engagevoice.polling.awaited import may_poll_again

            event = {"status": "failed", "message": str(error), "retryable": may_poll_again(error)}
        if event["status"] == "reached" and self.end_from_trigger:
            yield TaskSuccessEvent()
        else:
            yield TriggerEvent(event)

    @abstractmethod
    async def _wait(self, hub: PollerHub) -> dict[str, Any]:
        """Wait; return the event: ``status`` (``reached``, ``unreachable``, ``timeout``) and ``message``."""


def accept_old_names(**new_names: str) -> Callable[[T], T]:
    """Let a trigger class accept arguments, and template fields, by the names they had before."""

    # Waits that a triggerer has stored, and DAGs that start from one, keep the arguments of the version that
    # wrote them (0.3.0 or older). Airflow also renders template fields as attributes of the trigger.
    def decorate(cls: T) -> T:
        init = cls.__init__  # type: ignore[misc]

        @wraps(init)
        def renaming_init(self: Any, **arguments: Any) -> None:
            init(self, **{new_names.get(name, name): value for name, value in arguments.items()})

        cls.__init__ = renaming_init  # type: ignore[misc]
        for old, new in new_names.items():
            setattr(cls, old, _alias(new))
        return cls

    return decorate


def _alias(name: str) -> property:
    return property(lambda self: getattr(self, name), lambda self, value: setattr(self, name, value))
