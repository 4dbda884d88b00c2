"""What the clients of a fleet have in common, opened once in each process."""

from __future__ import annotations

import os

from airflow_provider_engagevoice.client.tokens import Seal, TokenStore
from airflow_provider_engagevoice.client.turns import Turns
from airflow_provider_engagevoice.sharing.choose import choose_place


class Commons:
    """Tokens and budgets at one place.

    :param token_store: see :func:`~airflow_provider_engagevoice.sharing.choose.choose_place`
    :param seal: encrypts tokens kept outside of the process
    """

    def __init__(self, token_store: str = "memory", seal: Seal | None = None) -> None:
        place = choose_place(token_store)
        self.place = place
        self.label = place.label
        self.tokens = TokenStore(place, seal)
        self.turns = Turns(place)


_OPENED: dict[tuple[str, int], Commons] = {}


def open_commons(token_store: str = "memory", seal: Seal | None = None) -> Commons:
    """Return the commons of this process at ``token_store``.

    :raises InvalidConnectionError: when ``token_store`` cannot be read
    """
    key = (token_store, id(seal))
    if key not in _OPENED:
        _OPENED[key] = Commons(token_store, seal)
    return _OPENED[key]


def forget() -> None:
    """Close nothing, but open everything anew: connections and locks do not survive a fork."""
    _OPENED.clear()


os.register_at_fork(after_in_child=forget)
