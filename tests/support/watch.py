"""Credentials that are easy to recognize, and detection of leaks of them and of issued tokens."""

from __future__ import annotations

import base64
import logging
import secrets
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_engagevoice.sandbox.credentials import Credentials as SandboxCredentials
from airflow_provider_engagevoice.sandbox.server import SandboxServer

#: Part of each secret that is the same in every encoding.
CORES = ("Q7clientK2", "Q7jwtK2", "Q7passwordK2", "Q7directK2", "Q7tokenK2")
MARKED = SandboxCredentials(
    client_secret='"cs &Q7clientK2+/%',
    jwt="eyJhbGciOi.Q7jwtK2.c2ln",
    password="pw é&Q7passwordK2=/%41",
    direct_password="d&?#Q7directK2 'x\"<",
    api_token="aws80:Q7tokenK2-0000",
)
LOGGERS = (
    "",
    "httpx",
    "httpcore",
    "httpcore.http11",
    "httpcore.connection",
    "httpcore.proxy",
    "asyncio",
    "airflow",
)
OURS = "airflow_provider_engagevoice"


@dataclass
class Watch:
    """The tokens issued and the records logged while watching."""

    issued: list[str] = field(default_factory=list)
    records: list[logging.LogRecord] = field(default_factory=list)

    def leaks(self, *texts: str) -> list[str]:
        """Return the parts of the texts that contain a secret."""
        basic = base64.b64encode(f"{MARKED.client_id}:{MARKED.client_secret}".encode()).decode()
        return [
            text[max(0, text.index(secret) - 60) : text.index(secret) + 60]
            for secret in (*CORES, basic, *self.issued)
            for text in texts
            if secret in text
        ]

    def logged(self) -> list[str]:
        """Return every log record as text, including exceptions."""
        formatter = logging.Formatter("%(name)s %(message)s")
        return [formatter.format(record) for record in self.records]


SECRETS_OF = {
    "ringcentral_jwt": ("client_secret", "jwt_token"),
    "ringcentral_password": ("client_secret", "password"),
    "engage": ("password",),
    "legacy": ("password",),
    "api_token": ("api_token",),
}


@contextmanager
def watching_tokens(sandbox: SandboxServer) -> Iterator[Watch]:
    """Collect every token issued in the block."""
    watch, monkeypatch = Watch(), pytest.MonkeyPatch()
    tokens = sandbox.backend.tokens
    store, make_text = tokens._store, secrets.token_urlsafe

    def record_token(token: str, *rest: Any, **more: Any) -> str:
        watch.issued.append(store(token, *rest, **more))
        return watch.issued[-1]

    def record_text(*size: int) -> str:
        watch.issued.append(make_text(*size))
        return watch.issued[-1]

    monkeypatch.setattr(tokens, "_store", record_token)
    monkeypatch.setattr(secrets, "token_urlsafe", record_text)
    try:
        yield watch
    finally:
        monkeypatch.undo()


@contextmanager
def watching(sandbox: SandboxServer) -> Iterator[Watch]:
    """Collect every token issued and every record logged in the block, at the DEBUG level."""
    monkeypatch, make_record = pytest.MonkeyPatch(), logging.getLogRecordFactory()

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        watch.records.append(make_record(*args, **more))
        return watch.records[-1]

    for name in (*LOGGERS, OURS):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    logging.Logger.manager._clear_cache()
    logging.setLogRecordFactory(record)
    try:
        with watching_tokens(sandbox) as watch:
            yield watch
    finally:
        logging.setLogRecordFactory(make_record)
        monkeypatch.undo()
        logging.Logger.manager._clear_cache()


def texts_of(error: BaseException) -> list[str]:
    """Return every printable text of an exception, its causes and contexts."""
    texts = ["".join(traceback.format_exception(error))]
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        texts += [str(current), repr(current), repr(current.args), repr(getattr(current, "__notes__", ""))]
        pending += [current.__cause__, current.__context__]
    return texts
