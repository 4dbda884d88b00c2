"""The documented rate limits, and the share of them that a connection may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from airflow_provider_engagevoice.exceptions import InvalidConnectionError, nearest
from airflow_provider_engagevoice.stores import Rate


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A documented rate limit per sub-account; all of its ``rates`` hold at once.

    :param margin: fraction by which windows are longer than documented, because the server receives each
        request some time after it was counted here, and that delay varies
    """

    name: str
    rates: tuple[Rate, ...]
    margin: float = 0.025

    def __str__(self) -> str:
        return f"{self.name} ({' and '.join(map(str, self.rates))})"


def _table(*limits: RateLimit) -> Mapping[str, RateLimit]:
    return MappingProxyType({limit.name: limit for limit in limits})


#: The vendor's rate limits. None is documented for dial groups and campaigns; they count as provisioning.
#: The token exchange has a wide margin: the vendor suspends apps that exceed it.
RATE_LIMITS = _table(
    RateLimit("token_exchange", (Rate(5, 60),), margin=0.1),
    RateLimit("provisioning", (Rate(120, 60),)),
    RateLimit("lead_loader_direct", (Rate(30, 10), Rate(120, 60))),
    RateLimit("lead_loader_preview", (Rate(12, 30), Rate(18, 60))),
    RateLimit("lead_loader_process", (Rate(9, 3), Rate(30, 30))),
    RateLimit("lead_search", (Rate(15, 10), Rate(60, 30))),
    RateLimit("lead_count", (Rate(90, 10), Rate(180, 30))),
    RateLimit("lead_search_by_number", (Rate(30, 10), Rate(120, 60))),
    RateLimit("lead_actions", (Rate(30, 10), Rate(120, 60))),
    RateLimit("lead_update", (Rate(12, 3), Rate(150, 60))),
    RateLimit("real_time_data", (Rate(120, 60),)),
    RateLimit("active_calls", (Rate(120, 60),)),
    RateLimit("audit_logs", (Rate(120, 60),)),
    RateLimit("users", (Rate(120, 60),)),
    RateLimit("integration_reports", (Rate(3, 60), Rate(9, 900))),
)
TOKEN_EXCHANGE = RATE_LIMITS["token_exchange"]
PROVISIONING = RATE_LIMITS["provisioning"]

_EXPECTED = (
    "write a share such as 50% or 0.5, or off, for all rate limits, or name=50% for some, separated by commas"
)


@dataclass(frozen=True, slots=True)
class RateLimitShares:
    """The share of each rate limit that may be used.

    :param shares: by name of the rate limit, a fraction of its permits, 0 to 1; 0 switches the limit off
    :param share: the fraction for all other rate limits
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    share: float = 1.0

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse the ``budgets`` of a connection: ``50%`` or ``provisioning=50%, token_exchange=off``.

        :raises InvalidConnectionError: if a part is invalid; the message names it
        """
        shares: dict[str, float] = {}
        share = 1.0
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = (word.strip() for word in part.rpartition("="))
            if not equals:
                share = _share(part)
            elif name in RATE_LIMITS:
                shares[name] = _share(value)
            else:
                raise InvalidConnectionError(
                    f"budgets={text!r}: no rate limit {name!r}{nearest(name, RATE_LIMITS)}; {_EXPECTED}"
                )
        return cls(shares, share)

    def rates(self, limit: RateLimit) -> tuple[Rate, ...]:
        """Return the rates to keep, with their margin; none if the limit is off."""
        share = self.shares.get(limit.name, self.share)
        if share == 0:
            return ()
        return tuple(
            Rate(max(1, int(rate.permits * share)), rate.seconds * (1 + limit.margin)) for rate in limit.rates
        )


def _share(text: str) -> float:
    if text == "off":
        return 0.0
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text):
        share = float(match[1]) / (100 if match[2] else 1)
        if 0 < share <= 1:
            return share
    raise InvalidConnectionError(f"budgets has {text!r}: a rate limit can only be lowered; {_EXPECTED}")
