"""Tokens of all sign-in flows, stored in the database so that they survive a restart."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from typing import Final, Literal

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.errors import token_expired, unauthorized

TokenKind = Literal["ringcentral", "ringcentral_refresh", "access", "refresh", "legacy", "permanent"]

RINGCENTRAL_SECONDS: Final = 3600.0
LEGACY_SECONDS: Final = 3600.0
STAY_LOGGED_IN_SECONDS: Final = 14 * 86400.0


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _fake_jwt(seconds: float) -> str:
    now = int(time.time())
    claims = {"iss": "engage-voice-sandbox", "iat": now, "exp": now + int(seconds), "jti": uuid.uuid4().hex}
    parts = (json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(claims).encode())
    return ".".join((*map(_base64url, parts), _base64url(secrets.token_bytes(32))))


class Tokens:
    """Issues, checks and revokes tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # issue

    def ringcentral(self) -> str:
        """Return a new RingCentral access token, valid for one hour."""
        return self._store(secrets.token_urlsafe(48), "ringcentral", RINGCENTRAL_SECONDS)

    def ringcentral_refresh(self, seconds: float) -> str:
        """Return a new RingCentral refresh token."""
        return self._store(secrets.token_urlsafe(48), "ringcentral_refresh", seconds)

    def access(self, seconds: float) -> str:
        """Return a new access token."""
        return self._store(_fake_jwt(seconds), "access", seconds)

    def refresh(self, seconds: float | None = None) -> str:
        """Return a new refresh token, valid until used; the vendor does not document a lifetime.

        :param seconds: lifetime; None for no end
        """
        return self._store(secrets.token_urlsafe(48), "refresh", seconds)

    def legacy(self, *, stay_logged_in: bool) -> str:
        """Return a new token of the legacy login, valid for one hour, or two weeks, after its last use."""
        seconds = STAY_LOGGED_IN_SECONDS if stay_logged_in else LEGACY_SECONDS
        return self._store(str(uuid.uuid4()), "legacy", seconds, slide=seconds)

    def permanent(self, token: str | None = None) -> str:
        """Return a new permanent token, or store the given one."""
        return self._store(token or f"aws80:{uuid.uuid4()}", "permanent")

    # use

    def check(self, token: str, kinds: tuple[TokenKind, ...]) -> None:
        """Raise 401 unless the token is valid and of one of these kinds."""
        rows = self._database.rows("SELECT kind, expires, slide FROM tokens WHERE token = ?", (token,))
        if not rows or rows[0]["kind"] not in kinds:
            raise unauthorized("Unknown token.")
        kind, expires, slide = rows[0]
        now = time.time()
        if expires is not None and expires <= now:
            raise token_expired() if kind == "access" else unauthorized("The token is no longer valid.")
        if slide is not None:
            self._database.change("UPDATE tokens SET expires = ? WHERE token = ?", (now + slide, token))

    def use_up_refresh(self, token: str) -> None:
        """Invalidate a refresh token; raise 401 if it is unknown or already used."""
        if not self._use_up(token, "refresh"):
            raise unauthorized("The refresh token is not valid or has been used.")

    def use_up_ringcentral_refresh(self, token: str) -> bool:
        """Invalidate a RingCentral refresh token; return False if it is unknown or already used."""
        return self._use_up(token, "ringcentral_refresh")

    def _use_up(self, token: str, kind: TokenKind) -> bool:
        statement = "DELETE FROM tokens WHERE kind = ? AND token = ? AND (expires IS NULL OR expires > ?)"
        return self._database.change(statement, (kind, token, time.time())) > 0

    def permanent_tokens(self) -> list[str]:
        """Return the permanent tokens, oldest first."""
        rows = self._database.rows("SELECT token FROM tokens WHERE kind = 'permanent' ORDER BY rowid")
        return [str(row["token"]) for row in rows]

    def delete_permanent(self, token: str) -> bool:
        """Delete a permanent token; return False if it does not exist."""
        return (
            self._database.change("DELETE FROM tokens WHERE kind = 'permanent' AND token = ?", (token,)) > 0
        )

    # faults

    def expire(self, token: str) -> None:
        """Expire a token; it is still recognized as expired."""
        self._database.change("UPDATE tokens SET expires = 0 WHERE token = ?", (token,))

    def revoke_refresh(self) -> None:
        """Revoke all refresh tokens."""
        self._database.change("DELETE FROM tokens WHERE kind = 'refresh'")

    def _store(
        self, token: str, kind: TokenKind, seconds: float | None = None, slide: float | None = None
    ) -> str:
        expires = None if seconds is None else time.time() + seconds
        self._database.change(
            "INSERT OR REPLACE INTO tokens (token, kind, expires, slide) VALUES (?, ?, ?, ?)",
            (token, kind, expires, slide),
        )
        return token
