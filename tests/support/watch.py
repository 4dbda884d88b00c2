"""Credentials that are easily found again, and a watch for where they and their tokens come out."""

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

#: The inner part of each is the same in every encoding it may come out in.
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
    """What must not come out, and what has come out."""

    issued: list[str] = field(default_factory=list)
    records: list[logging.LogRecord] = field(default_factory=list)

    def leaks(self, *texts: str) -> list[str]:
        """Return the parts of the texts around everything that must not be in them."""
        basic = base64.b64encode(f"{MARKED.client_id}:{MARKED.client_secret}".encode()).decode()
        return [
            one[max(0, one.index(secret) - 60) : one.index(secret) + 60]
            for secret in (*CORES, basic, *self.issued)
            for one in texts
            if secret in one
        ]

    def logged(self) -> list[str]:
        """Return every log record as text, its exception included."""
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
    """Collect every token issued from now on."""
    watch, monkeypatch = Watch(), pytest.MonkeyPatch()
    tokens = sandbox.backend.tokens
    keep, make_text = tokens._keep, secrets.token_urlsafe

    def kept(token: str, *rest: Any, **more: Any) -> str:
        watch.issued.append(keep(token, *rest, **more))
        return watch.issued[-1]

    def made(*size: int) -> str:
        watch.issued.append(make_text(*size))
        return watch.issued[-1]

    monkeypatch.setattr(tokens, "_keep", kept)
    monkeypatch.setattr(secrets, "token_urlsafe", made)
    try:
        yield watch
    finally:
        monkeypatch.undo()


@contextmanager
def watching(sandbox: SandboxServer) -> Iterator[Watch]:
    """Collect every token issued and every record logged from now on, at the lowest level."""
    monkeypatch, make_record = pytest.MonkeyPatch(), logging.getLogRecordFactory()

    def recorded(*args: Any, **more: Any) -> logging.LogRecord:
        watch.records.append(make_record(*args, **more))
        return watch.records[-1]

    for name in (*LOGGERS, OURS):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    logging.Logger.manager._clear_cache()
    logging.setLogRecordFactory(recorded)
    try:
        with watching_tokens(sandbox) as watch:
            yield watch
    finally:
        logging.setLogRecordFactory(make_record)
        monkeypatch.undo()
        logging.Logger.manager._clear_cache()


def texts_of(error: BaseException) -> list[str]:
    """Return all that can be printed of an exception and of those behind it."""
    texts = ["".join(traceback.format_exception(error))]
    seen: set[int] = set()
    behind: list[BaseException | None] = [error]
    while behind:
        one = behind.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        texts += [str(one), repr(one), repr(one.args), repr(getattr(one, "__notes__", ""))]
        behind += [one.__cause__, one.__context__]
    return texts
