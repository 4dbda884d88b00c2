"""People in the vendor's pages, and a server with its moods, in virtual time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from airflow_provider_engagevoice import clock

_CAMPAIGNS = re.compile(r"/dialGroups/\d+/campaigns(/\d+)?$")
Rows = list[dict[str, Any]]


class Days:
    """An ASGI application in front of the sandbox: acts at their time, and changes what lists show.

    :ivar shown: changes the rows of each list of campaigns in one dial group; None leaves them
    :ivar odd: fields of campaigns, by id, that every response shows instead of the stored ones
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._acts: list[tuple[float, Callable[[], object]]] = []
        self._answers: list[tuple[float, float, str, int, str]] = []
        self.shown: Callable[[Rows], Rows] | None = None
        self.odd: dict[int, dict[str, Any]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._acts, self._answers, self.shown, self.odd = [], [], None, {}

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something that many seconds from now: nothing shows it before the next request is served."""
        self._acts.append((clock.time() + seconds, act))
        self._acts.sort(key=lambda one: one[0])

    def answer(self, begin: float, end: float, path: str, status: int, body: str) -> None:
        """Answer requests by ``GET`` between two seconds from now with this; HTML if it begins with ``<``."""
        now = clock.time()
        self._answers.append((now + begin, now + end, path, status, body))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while self._acts and self._acts[0][0] <= clock.time():
            instant, act = self._acts.pop(0)
            with clock.use(SimpleNamespace(time=lambda instant=instant: instant)):
                act()
        path, method = scope["path"], scope["method"]
        for begin, end, pattern, status, body in self._answers:
            if method == "GET" and begin <= clock.time() < end and re.search(pattern, path):
                await _send(send, status, body)
                return
        if not (self.shown or self.odd) or method != "GET" or not _CAMPAIGNS.search(path):
            await self._app(scope, receive, send)
            return
        parts: list[Any] = []

        async def keep(message: Any) -> None:
            parts.append(message)

        await self._app(scope, receive, keep)
        content = json.loads(b"".join(part["body"] for part in parts[1:]))
        if isinstance(content, list):
            content = [self._shown(row) for row in content]
            content = self.shown(content) if self.shown else content
        else:
            content = self._shown(content)
        await _send(send, parts[0]["status"], json.dumps(content))

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        return row | self.odd.get(row.get("campaignId", 0), {})


async def _send(send: Any, status: int, body: str) -> None:
    kind = b"text/html" if body.startswith("<") else b"application/json"
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body.encode()})
