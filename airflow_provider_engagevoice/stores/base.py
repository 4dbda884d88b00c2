"""A place where processes meet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``permits`` in any window of ``seconds``."""

    permits: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.permits} in {self.seconds:g} s"


class Store(ABC):
    """Small values, a lock for each key, and a count of requests; all of it outlives the process or not.

    Keys are digests: lower-case hexadecimal. Every method raises
    :class:`~airflow_provider_engagevoice.exceptions.TokenStoreError` when the place does not work.
    """

    #: The place in words, for logs; without a password.
    label: str

    @abstractmethod
    def read(self, key: str) -> tuple[bytes, float] | None:
        """Return the value under ``key`` and its age in seconds; None when there is none."""

    @abstractmethod
    def write(self, key: str, value: bytes, seconds: float) -> None:
        """Keep ``value`` under ``key`` for at most so many seconds."""

    @abstractmethod
    def hold(self, key: str, seconds: float) -> AbstractContextManager[None]:
        """Hold the lock of ``key``, after waiting for it at most so many seconds.

        The lock of a process that dies is free within a few seconds.
        """

    @abstractmethod
    def take(self, key: str, rates: tuple[Rate, ...]) -> float:
        """Take a permit under all ``rates`` at once and return 0, or return seconds until one may be free."""

    def take_now(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        """As :meth:`take`, without waiting for anybody; None when that cannot be done."""
        return None

    @abstractmethod
    def pause(self, key: str, seconds: float) -> None:
        """Let nobody take a permit of ``key`` for so many seconds."""
