"""The documented rate limits, and what a user's settings make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from airflow_provider_engagevoice.exceptions import InvalidConnectionError, nearest
from airflow_provider_engagevoice.stores.base import Rate


@dataclass(frozen=True, slots=True)
class Budget:
    """A documented rate limit, per sub-account: all of ``rates`` hold at once.

    :param margin: part by which the windows are kept longer than documented, because the server sees a
        request later than it was counted here, and not all of them equally late
    """

    name: str
    rates: tuple[Rate, ...]
    margin: float = 0.025

    def __str__(self) -> str:
        return f"{self.name} ({' and '.join(map(str, self.rates))})"


def _table(*budgets: Budget) -> Mapping[str, Budget]:
    return MappingProxyType({budget.name: budget for budget in budgets})


#: The vendor's limits. Those of dial groups and campaigns are not documented; they count as provisioning.
#: The margin of the exchange is wide: the vendor suspends apps that exceed it.
BUDGETS = _table(
    Budget("token_exchange", (Rate(5, 60),), margin=0.1),
    Budget("provisioning", (Rate(120, 60),)),
    Budget("lead_loader_direct", (Rate(30, 10), Rate(120, 60))),
    Budget("lead_loader_preview", (Rate(12, 30), Rate(18, 60))),
    Budget("lead_loader_process", (Rate(9, 3), Rate(30, 30))),
    Budget("lead_search", (Rate(15, 10), Rate(60, 30))),
    Budget("lead_count", (Rate(90, 10), Rate(180, 30))),
    Budget("lead_search_by_number", (Rate(30, 10), Rate(120, 60))),
    Budget("lead_actions", (Rate(30, 10), Rate(120, 60))),
    Budget("lead_update", (Rate(12, 3), Rate(150, 60))),
    Budget("real_time_data", (Rate(120, 60),)),
    Budget("active_calls", (Rate(120, 60),)),
    Budget("audit_logs", (Rate(120, 60),)),
    Budget("users", (Rate(120, 60),)),
    Budget("integration_reports", (Rate(3, 60), Rate(9, 900))),
)
TOKEN_EXCHANGE = BUDGETS["token_exchange"]
PROVISIONING = BUDGETS["provisioning"]

_EXPECTED = (
    "write a share such as 50% or 0.5, or off, for all budgets, or name=50% for some, separated by commas"
)


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """How much of each budget may be used.

    :param shares: per name a part of the documented permits, 0 to 1; 0 switches the limit off
    :param share: the same for those not named
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    share: float = 1.0

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what a user wrote, such as ``50%`` or ``provisioning=50%, token_exchange=off``.

        :raises InvalidConnectionError: naming the part that is wrong
        """
        shares: dict[str, float] = {}
        share = 1.0
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = (word.strip() for word in part.rpartition("="))
            if not equals:
                share = _share(part)
            elif name in BUDGETS:
                shares[name] = _share(value)
            else:
                raise InvalidConnectionError(
                    f"budgets={text!r}: there is no budget {name!r}{nearest(name, BUDGETS)}; {_EXPECTED}"
                )
        return cls(shares, share)

    def rates(self, budget: Budget) -> tuple[Rate, ...]:
        """Return the rates to hold, with their margin; none when the limit is off."""
        share = self.shares.get(budget.name, self.share)
        if share == 0:
            return ()
        return tuple(
            Rate(max(1, int(rate.permits * share)), rate.seconds * (1 + budget.margin))
            for rate in budget.rates
        )


def _share(text: str) -> float:
    if text == "off":
        return 0.0
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text):
        share = float(match[1]) / (100 if match[2] else 1)
        if 0 < share <= 1:
            return share
    raise InvalidConnectionError(f"budgets has {text!r}: a budget can only be lowered; {_EXPECTED}")
