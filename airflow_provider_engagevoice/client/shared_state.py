"""State that clients of all processes share, opened once in each process."""

from __future__ import annotations

import os

from airflow_provider_engagevoice.client.rate_limiter import RateLimiter
from airflow_provider_engagevoice.client.tokens import Cipher, TokenStore
from airflow_provider_engagevoice.stores.factory import open_store


class SharedState:
    """Tokens and rate limits in one store.

    :param token_store: see :func:`~airflow_provider_engagevoice.stores.factory.open_store`
    :param cipher: encrypts stored tokens
    :param cipher_id: digest of its key, hexadecimal
    :param tokens_in_memory: share rate limits, but keep tokens in this process
    """

    def __init__(
        self,
        token_store: str = "memory",
        cipher: Cipher | None = None,
        cipher_id: str = "",
        *,
        tokens_in_memory: bool = False,
    ) -> None:
        store = open_store(token_store)
        self.store = store
        self.label = store.label
        self.tokens = TokenStore(store, cipher, cipher_id, in_memory=tokens_in_memory)
        self.rate_limiter = RateLimiter(store)


_OPENED: dict[tuple[str, int, bool], SharedState] = {}


def open_shared_state(
    token_store: str = "memory",
    cipher: Cipher | None = None,
    cipher_id: str = "",
    *,
    tokens_in_memory: bool = False,
) -> SharedState:
    """Return this process's state for ``token_store``.

    :raises InvalidConnectionError: if ``token_store`` is invalid
    """
    key = (token_store, id(cipher), tokens_in_memory)
    if key not in _OPENED:
        _OPENED[key] = SharedState(token_store, cipher, cipher_id, tokens_in_memory=tokens_in_memory)
    return _OPENED[key]


def reset_shared_state() -> None:
    """Open each state again when it is next needed: connections and locks do not survive a fork."""
    _OPENED.clear()


os.register_at_fork(after_in_child=reset_shared_state)
