"""Places tried in order, so that a fleet goes on when the best of them is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.sharing.place import Place, Rate

log = logging.getLogger(__name__)

T = TypeVar("T")

#: A place that failed is tried again after so many seconds.
_AGAIN_AFTER_SECONDS = 60.0


class FirstThatWorks(Place):
    """The first of ``places`` that works; each change to a later one is told by a warning."""

    def __init__(self, places: list[Place]) -> None:
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

    def _try(self, operation: Callable[[Place], T]) -> T:
        last = self._places[-1]
        for index, place in enumerate(self._places[:-1]):
            if time.monotonic() < self._failed_at[index] + _AGAIN_AFTER_SECONDS:
                continue
            try:
                return operation(place)
            except TokenStoreError as error:
                self._failed_at[index] = time.monotonic()
                log.warning("%s; going on with %s", error, self._places[index + 1].label)
        return operation(last)
