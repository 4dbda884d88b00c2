"""What triggers of waits share: their connection's pollers, one event at the end, and old argument names."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub

T = TypeVar("T", bound=type)


class WaitTrigger(BaseTrigger):
    """A trigger that shares polls with the other waits on its connection."""

    engagevoice_conn_id: str
    #: Whether the task ends here when its goal is reached, without another worker slot.
    end_from_trigger: bool

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        # Importing this on the event loop would block every other trigger.
        await asyncio.to_thread(import_module, "airflow_provider_engagevoice.triggers.shared")
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.polling.awaited import may_poll_again
        from airflow_provider_engagevoice.triggers.shared import shared_hub

        try:
            async with shared_hub(self.engagevoice_conn_id) as hub:
                event = await self._wait(hub)
        except EngageVoiceError as error:
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
