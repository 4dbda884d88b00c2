"""Tokens of every sign-in flow, kept in the database so that they outlive a restart, as the vendor's do."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from typing import Final, Literal

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.errors import token_expired, unauthorized

TokenKind = Literal["ringcentral", "access", "refresh", "legacy", "permanent"]

RINGCENTRAL_SECONDS: Final = 3600.0
LEGACY_SECONDS: Final = 3600.0
STAY_LOGGED_IN_SECONDS: Final = 14 * 86400.0


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwt_like(seconds: float) -> str:
    now = int(time.time())
    claims = {"iss": "engage-voice-sandbox", "iat": now, "exp": now + int(seconds), "jti": uuid.uuid4().hex}
    parts = (json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(claims).encode())
    return ".".join((*map(_base64url, parts), _base64url(secrets.token_bytes(32))))


class Tokens:
    """Issues tokens, knows them again, and ends their lives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # issue

    def ringcentral(self) -> str:
        """Return a new RingCentral access token, good for one hour."""
        return self._keep(secrets.token_urlsafe(48), "ringcentral", RINGCENTRAL_SECONDS)

    def access(self, seconds: float) -> str:
        """Return a new access token."""
        return self._keep(_jwt_like(seconds), "access", seconds)

    def refresh(self) -> str:
        """Return a new refresh token. It lives until it is used: the vendor documents no life for it."""
        return self._keep(secrets.token_urlsafe(48), "refresh")

    def legacy(self, *, stay_logged_in: bool) -> str:
        """Return a new token of the legacy login: an hour, or two weeks, from its last use."""
        seconds = STAY_LOGGED_IN_SECONDS if stay_logged_in else LEGACY_SECONDS
        return self._keep(str(uuid.uuid4()), "legacy", seconds, slide=seconds)

    def permanent(self, token: str | None = None) -> str:
        """Return another permanent token, or keep the one given."""
        return self._keep(token or f"aws80:{uuid.uuid4()}", "permanent")

    # use

    def check(self, token: str, kinds: tuple[TokenKind, ...]) -> None:
        """Raise the 401 the API answers unless the token is alive and of one of these kinds."""
        rows = self._database.rows("SELECT kind, expires, slide FROM tokens WHERE token = ?", (token,))
        if not rows or rows[0]["kind"] not in kinds:
            raise unauthorized("The token is not known.")
        kind, expires, slide = rows[0]
        now = time.time()
        if expires is not None and expires <= now:
            raise token_expired() if kind == "access" else unauthorized("The token is no longer valid.")
        if slide is not None:
            self._database.change("UPDATE tokens SET expires = ? WHERE token = ?", (now + slide, token))

    def use_up_refresh(self, token: str) -> None:
        """End a refresh token's life, or raise 401 if it had none: each is good for one refresh."""
        if not self._database.change("DELETE FROM tokens WHERE kind = 'refresh' AND token = ?", (token,)):
            raise unauthorized("The refresh token is not valid or has been used.")

    def permanent_tokens(self) -> list[str]:
        """Return the permanent tokens, oldest first."""
        rows = self._database.rows("SELECT token FROM tokens WHERE kind = 'permanent' ORDER BY rowid")
        return [str(row["token"]) for row in rows]

    def delete_permanent(self, token: str) -> bool:
        """Remove a permanent token; False if there was none."""
        return (
            self._database.change("DELETE FROM tokens WHERE kind = 'permanent' AND token = ?", (token,)) > 0
        )

    # faults

    def expire(self, token: str) -> None:
        """End the life of a token at once; it stays known."""
        self._database.change("UPDATE tokens SET expires = 0 WHERE token = ?", (token,))

    def revoke_refresh(self) -> None:
        """End the lives of all refresh tokens."""
        self._database.change("DELETE FROM tokens WHERE kind = 'refresh'")

    def _keep(
        self, token: str, kind: TokenKind, seconds: float | None = None, slide: float | None = None
    ) -> str:
        expires = None if seconds is None else time.time() + seconds
        self._database.change(
            "INSERT OR REPLACE INTO tokens (token, kind, expires, slide) VALUES (?, ?, ?, ?)",
            (token, kind, expires, slide),
        )
        return token
