"""From what a user wrote in ``token_store`` to a place."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import InvalidConnectionError, TokenStoreError
from airflow_provider_engagevoice.stores.base import Rate, Store
from airflow_provider_engagevoice.stores.files import FilePlace, default_directory
from airflow_provider_engagevoice.stores.memory import MemoryPlace

#: Where nobody has chosen: files, and where those cannot be, each process by itself.
DEFAULT_TOKEN_STORE = "file, memory"
_EXPECTED = (
    "write file, file:///directory, memory or a Redis URL (redis://host:6379/0); "
    "several, separated by commas, are tried in order (a comma in a password is %2C)"
)


def choose_place(token_store: str) -> Store:
    """Return the place ``token_store`` names; of several, the first that works.

    :raises InvalidConnectionError: for anything else
    """
    places = [_place(part.strip()) for part in token_store.split(",")]
    return places[0] if len(places) == 1 else FirstThatWorks(places)


def passwords(token_store: str) -> list[str]:
    """Return the passwords of Redis URLs in ``token_store``, as written and decoded, to be masked."""
    found: list[str] = []
    for part in token_store.split(","):
        try:
            url = urlsplit(part.strip())
        except ValueError:
            continue
        if url.password:
            found += [url.password, unquote(url.password)]
        found += parse_qs(url.query).get("password", [])
    return found


def _place(text: str) -> Store:
    scheme, colon, _ = text.partition(":")
    match scheme:
        case "memory" if not colon:
            return MemoryPlace()
        case "file" if not colon:
            return FilePlace(default_directory())
        case "file":
            parts = urlsplit(text)
            directory = Path(unquote(parts.path))
            if not parts.netloc and directory.is_absolute() and directory != Path("/"):
                return FilePlace(directory)
        case "redis" | "rediss" | "unix" if colon:
            from airflow_provider_engagevoice.stores.redis import RedisPlace

            return RedisPlace(text)
    # Parts of a password with a comma in it end up here, too.
    shown = f"{scheme}:***" if colon else "***" if "@" in text else repr(text)
    raise InvalidConnectionError(f"token_store has {shown}: {_EXPECTED}")


log = logging.getLogger(__name__)

T = TypeVar("T")

#: A place that failed is tried again after so many seconds.
_AGAIN_AFTER_SECONDS = 60.0


class FirstThatWorks(Store):
    """The first of ``places`` that works; each change to a later one is told by a warning."""

    def __init__(self, places: list[Store]) -> None:
        self._places = places
        self._failed_at = [float("-inf")] * len(places)
        self.label = ", else ".join(place.label for place in places)

    def read(self, key: str) -> tuple[bytes, float] | None:
        return self._try(lambda place: place.read(key))

    def write(self, key: str, value: bytes, seconds: float) -> None:
        self._try(lambda place: place.write(key, value, seconds))

    @contextmanager
    def hold(self, key: str, seconds: float) -> Iterator[None]:
        with ExitStack() as held:
            self._try(lambda place: held.enter_context(place.hold(key, seconds)))
            yield

    def take(self, key: str, rates: tuple[Rate, ...]) -> float:
        return self._try(lambda place: place.take(key, rates))

    def take_now(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        return self._try(lambda place: place.take_now(key, rates))

    def pause(self, key: str, seconds: float) -> None:
        self._try(lambda place: place.pause(key, seconds))

    def _try(self, operation: Callable[[Store], T]) -> T:
        last = self._places[-1]
        for index, place in enumerate(self._places[:-1]):
            if clock.monotonic() < self._failed_at[index] + _AGAIN_AFTER_SECONDS:
                continue
            try:
                return operation(place)
            except TokenStoreError as error:
                self._failed_at[index] = clock.monotonic()
                log.warning("%s; going on with %s", error, self._places[index + 1].label)
        return operation(last)
