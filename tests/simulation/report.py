"""Print a history: its plan, then each thing that happened, with its time and its actor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from tests.simulation.answers import Answer
from tests.simulation.history import Kind, kinds_of, run_plan
from tests.simulation.plans import Plan

_LONGEST = 400
_SHOWN = (
    "campaignId",
    "campaignName",
    "isActive",
    "startDate",
    "endDate",
    "maxRingTime",
    "campaignPriority",
    "generalMessage",
    "newCampaignName",
    "page",
)


def show(plan: Plan) -> list[Kind]:
    """Run a plan and print its history; return what it breaks."""
    print(f"  dialect: {plan.dialect.differing() or 'friendly'}")
    for one in (*plan.campaigns, *plan.tasks, *plan.people, *plan.faults):
        print(f"  {plain(one)}")
    for name in ("maintenance", "other_use", "fillers"):
        if getattr(plan, name):
            print(f"  {name}: {getattr(plan, name)}")

    def log(at: float, actor: object, *what: object) -> None:
        texts = [text(one) for one in what if one not in ("", None, {})]
        print(f"  {at:9.2f} {actor}: {' '.join(texts)}")

    return kinds_of(run_plan(plan, log).promises)


def plain(one: Any) -> str:
    """Return a part of a plan, without what is as usual."""
    parts: list[str] = []
    for field in fields(one):
        value = getattr(one, field.name)
        if field.default is not MISSING and value == field.default:
            continue
        if isinstance(value, tuple) and value and hasattr(value[0], "pace"):
            value = "[" + "; ".join(plain(attempt) for attempt in value) + "]"
        parts.append(f"{field.name}={value if isinstance(value, str) else repr(value)}")
    return _short(f"{type(one).__name__} {', '.join(parts)}", 900)


def text(value: object) -> str:
    """Return something that an actor does, or an answer, in short."""
    if isinstance(value, Answer):
        content = value.content.decode()
        try:
            data = json.loads(content)
        except ValueError:
            return f"-> {value.status_code} {_short(content, 60)}"
        return f"-> {value.status_code} {_short(_campaigns(data))}"
    if isinstance(value, Mapping):
        return _short(_campaigns(value))
    if isinstance(value, float):
        return f"{value:.2f}"
    return _short(str(value).replace("admin/accounts/{accountId}/dialGroups", "…"))


def _campaigns(data: Any) -> str:
    if isinstance(data, list):
        return "[" + ", ".join(_campaigns(one) for one in data) + "]"
    if not isinstance(data, Mapping):
        return str(data)
    shown = [f"{name}={_short(str(data[name]), 50)}" for name in _SHOWN if name in data]
    return "{" + " ".join(shown) + "}"


def _short(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-longest // 2 :]}"
