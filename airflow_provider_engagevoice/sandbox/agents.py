"""The agents and users of the sandbox. They exist only as names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

AGENTS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "agentId": agent_id,
        "username": f"{first.lower()}.{last.lower()}@example.com",
        "email": f"{first.lower()}.{last.lower()}@example.com",
        "firstName": first,
        "lastName": last,
        "agentType": "AGENT",
        "active": True,
    }
    for agent_id, first, last in ((1810001, "Ada", "Example"), (1810002, "Ben", "Example"))
)
"""Agents of each account, with fields of the vendor's ``Agent``."""
