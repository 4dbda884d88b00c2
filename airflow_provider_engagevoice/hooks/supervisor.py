"""Where Airflow finds connections outside of a task's own thread: in an event loop, and in a command.

A task asks its supervisor, another process, which an event loop must not wait for.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, mask_secret

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection


def find_connections_of_database() -> None:
    """Let a command find the connections of Airflow's database, too, as ``airflow connections test`` does.

    Airflow 3.1 and later look only into the environment and the secrets backend otherwise. A process that has
    a supervisor asks that in any case, and one that Airflow has given another role keeps it.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


async def aget_connection(conn_id: str) -> Connection:
    """Return a connection without blocking the event loop.

    :raises AirflowNotFoundException: if there is none
    """
    from airflow.providers.common.compat.connection import get_async_connection

    try:
        return await get_async_connection(conn_id)
    except AirflowNotFoundException:
        if not _takes_sync_calls_only():
            raise
    return await asyncio.to_thread(BaseHook.get_connection, conn_id)


def _takes_sync_calls_only() -> bool:
    """Return whether the supervisor is that of ``airflow dags test``, in the process of the trigger.

    It has no ``asend`` (Airflow 3.3.2). The async way takes that for a connection that does not exist.
    """
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    supervisor = getattr(runner, "SUPERVISOR_COMMS", None)
    return supervisor is not None and not hasattr(supervisor, "asend")


async def amask_secret(secret: str) -> None:
    """Mask a secret without blocking the event loop, as Airflow's ``mask_secret`` would."""
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:
        from asgiref.sync import sync_to_async

        await sync_to_async(mask_secret)(secret)
    else:
        await amask_secret(secret)
