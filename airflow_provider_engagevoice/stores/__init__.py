"""What the processes of a fleet share: tokens, locks, and permits under the rate limits.

This module has the interface of a store.
"""

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
    """Small values, and per key a lock and the permits taken under its rate limits.

    Keys are lower-case hexadecimal digests. Every method raises
    :class:`~airflow_provider_engagevoice.exceptions.TokenStoreError` if the store does not work.
    """

    #: Description for logs, without a password.
    label: str

    @abstractmethod
    def read(self, key: str) -> tuple[bytes, float] | None:
        """Return the value under ``key`` and its age in seconds, or None if there is none."""

    @abstractmethod
    def write(self, key: str, value: bytes, seconds: float) -> None:
        """Store ``value`` under ``key`` for at most ``seconds``."""

    @abstractmethod
    def lock(self, key: str, seconds: float) -> AbstractContextManager[None]:
        """Lock ``key``, after waiting for the lock at most ``seconds``.

        The lock of a process that dies is released within a few seconds.
        """

    @abstractmethod
    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        """Acquire a permit under all ``rates`` and return 0, or return seconds until one may be free."""

    def acquire_nowait(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        """Do as :meth:`acquire`, or return None if that could block on another thread or process."""
        return None

    @abstractmethod
    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        """Give back a permit that was acquired under ``rates`` and not used.

        The oldest one goes, so that one in use counts as long as it would have.
        """

    @abstractmethod
    def pause(self, key: str, seconds: float) -> None:
        """Grant no permit of ``key`` for ``seconds``; a shorter pause does not end a longer one."""
