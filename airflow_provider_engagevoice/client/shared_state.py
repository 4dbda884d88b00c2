"""What the clients of a fleet have in common, opened once in each process."""

from __future__ import annotations

import os

from airflow_provider_engagevoice.client.rate_limiter import RateLimiter
from airflow_provider_engagevoice.client.tokens import Cipher, TokenStore
from airflow_provider_engagevoice.stores.factory import choose_place


class SharedState:
    """Tokens and budgets at one place.

    :param token_store: see :func:`~airflow_provider_engagevoice.stores.factory.choose_place`
    :param cipher: encrypts tokens kept outside of the process
    """

    def __init__(self, token_store: str = "memory", cipher: Cipher | None = None) -> None:
        place = choose_place(token_store)
        self.place = place
        self.label = place.label
        self.tokens = TokenStore(place, cipher)
        self.rate_limiter = RateLimiter(place)


_OPENED: dict[tuple[str, int], SharedState] = {}


def open_shared_state(token_store: str = "memory", cipher: Cipher | None = None) -> SharedState:
    """Return the shared_state of this process at ``token_store``.

    :raises InvalidConnectionError: when ``token_store`` cannot be read
    """
    key = (token_store, id(cipher))
    if key not in _OPENED:
        _OPENED[key] = SharedState(token_store, cipher)
    return _OPENED[key]


def forget() -> None:
    """Close nothing, but open everything anew: connections and locks do not survive a fork."""
    _OPENED.clear()


os.register_at_fork(after_in_child=forget)
