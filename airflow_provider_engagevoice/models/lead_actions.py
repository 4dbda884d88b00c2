"""What can be done with leads: the parameters of each action, and what it loses.

Parameters are those of the vendor's text on lead actions, where ``paramMap`` is described. ``CALLBACK_DTS``
of AGENT_RESERVATION is not among them: users of the API report that servers ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.models.vendor_dates import format_vendor_date, parse_vendor_date


class LeadAction(StrEnum):
    """``leadAction``: what can be done with leads that a search finds."""

    RESET_LEADS = "RESET_LEADS"
    CANCEL_LEADS = "CANCEL_LEADS"
    DELETE_LEADS = "DELETE_LEADS"
    PAUSE_LEADS = "PAUSE_LEADS"
    DIALER_REFRESH = "DIALER_REFRESH"
    READY_LEADS = "READY_LEADS"
    MANUAL_LEADS = "MANUAL_LEADS"
    EMAIL_LEADS = "EMAIL_LEADS"
    CALLBACK_LEADS = "CALLBACK_LEADS"
    MOVE_TO_CAMPAIGN = "MOVE_TO_CAMPAIGN"
    AGENT_RESERVATION = "AGENT_RESERVATION"
    SUPPRESS_LEADS = "SUPPRESS_LEADS"
    UNSUPPRESS_LEADS = "UNSUPPRESS_LEADS"


#: What these change cannot be got back, so they ask for a bound: an earlier state, a pass count, a lead.
#: PAUSE_LEADS is, by the vendor's words, CANCEL_LEADS under another name.
LOSING = frozenset(
    {
        LeadAction.RESET_LEADS,
        LeadAction.CANCEL_LEADS,
        LeadAction.DELETE_LEADS,
        LeadAction.PAUSE_LEADS,
        LeadAction.READY_LEADS,
        LeadAction.MANUAL_LEADS,
        LeadAction.CALLBACK_LEADS,
        LeadAction.MOVE_TO_CAMPAIGN,
    }
)
#: Those that only stop dialing, which SUPPRESS_LEADS does without losing anything.
STOPPING = frozenset({LeadAction.CANCEL_LEADS, LeadAction.PAUSE_LEADS})


_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One value of ``paramMap``.

    :param read: returns the JSON value that is sent; raises ``ValueError`` with what would be right
    """

    read: Callable[[object], Any]
    needed: bool = False


def _flag(value: object) -> bool:
    flags: dict[object, bool] = {True: True, False: False, "true": True, "false": False}
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, bool | str) and key in flags:
        return flags[key]
    raise ValueError("write True or False")


def _at_least(least: int, meaning: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        raise ValueError(f"give {meaning}")

    return read


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip() not in ("", "None"):
        return value.strip()
    raise ValueError("give text; did a template render to None or to nothing?")


def _addresses(value: object) -> str:
    addresses = [one.strip() for one in _text(value).split(",")]
    if not all(_ADDRESS.fullmatch(one) for one in addresses):
        raise ValueError("give an address such as 'ops@example.com', or several with commas between them")
    return ",".join(addresses)


def _instant(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("give an instant with an offset, such as 2026-07-24T16:00:00+00:00")
    return format_vendor_date(parse_vendor_date(value))


def _one_of(*allowed: str) -> Callable[[object], str]:
    by_folded = {one.casefold(): one for one in allowed}

    def read(value: object) -> str:
        # A flag counts as the word for it, also as a template renders it: True.
        folded = str(value).strip().casefold()
        if isinstance(value, str | bool) and folded in by_folded:
            return by_folded[folded]
        raise ValueError(f"write one of {', '.join(allowed)}")

    return read


_NO_PARAMETERS: Mapping[str, _Parameter] = {}
_PARAMETERS: Mapping[LeadAction, Mapping[str, _Parameter]] = {
    **dict.fromkeys(LeadAction, _NO_PARAMETERS),
    LeadAction.DIALER_REFRESH: {"force_dialer_cache_refresh": _Parameter(_flag)},
    LeadAction.MANUAL_LEADS: {
        "PASS_DISPOSITION": _Parameter(_text, needed=True),
        "REQUEUE": _Parameter(_flag, needed=True),
        "DO_NOT_CALL": _Parameter(_flag, needed=True),
        "PASS_DELAY": _Parameter(_at_least(0, "minutes, 0 for no delay"), needed=True),
        "MERGE_ORIGINAL": _Parameter(_flag, needed=True),
    },
    LeadAction.EMAIL_LEADS: {"EMAIL_TO": _Parameter(_addresses, needed=True)},
    LeadAction.CALLBACK_LEADS: {
        "ACTION_TYPE": _Parameter(_one_of("AGENT", "CANCEL", "RESET"), needed=True),
        "RESERVATION_AGENT_ID": _Parameter(_at_least(1, "an agent's id")),
        "CALLBACK_DATE": _Parameter(_instant),
    },
    LeadAction.MOVE_TO_CAMPAIGN: {
        "CAMPAIGN_ID": _Parameter(_at_least(1, "the id of the campaign that gets the leads"), needed=True),
        "LIST_ID": _Parameter(_at_least(0, "the id of a list, 0 for a new one"), needed=True),
        "LIST_NAME": _Parameter(_text),
        "CREATE_COPY_SETTING": _Parameter(_one_of("false", "true", "TRANSITION"), needed=True),
        "DUPLICATE_ACTION_SETTING": _Parameter(_one_of("MOVE", "IGNORE"), needed=True),
    },
    LeadAction.AGENT_RESERVATION: {
        "RESERVATION_AGENT_ID": _Parameter(_at_least(0, "an agent's id, 0 to clear it"), needed=True),
        "CALLBACK_DTS": _Parameter(_instant),
    },
}


def read_action(value: object) -> LeadAction:
    """Return the action that is meant.

    :raises InvalidInputError: naming the nearest ones
    """
    if isinstance(value, str) and value in list(LeadAction):
        return LeadAction(value)
    hint = nearest(str(value), list(LeadAction))
    raise InvalidInputError("action", value, f"write one of {', '.join(LeadAction)}{hint}")


def read_parameters(action: LeadAction, given: object) -> dict[str, Any]:
    """Check an action's parameters and return them as they are sent.

    :param given: a mapping, by the vendor's names; None for none
    :raises InvalidInputError: for the first that is unknown, missing or cannot be right
    """
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInputError("parameters", given, "write a mapping of the vendor's names to values")
    values = dict(given or {})
    known = _PARAMETERS[action]
    for name in values:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            hint = nearest(str(name), known)
            raise InvalidInputError(f"parameters.{name}", values[name], f"not for {action}: {takes}{hint}")
    read: dict[str, Any] = {}
    for name, parameter in known.items():
        if name not in values:
            if parameter.needed:
                raise InvalidInputError(f"parameters.{name}", None, f"{action} needs it")
            continue
        try:
            read[name] = parameter.read(values[name])
        except ValueError as error:
            raise InvalidInputError(f"parameters.{name}", values[name], str(error)) from None
    _check_together(action, read)
    return read


def _check_together(action: LeadAction, read: Mapping[str, Any]) -> None:
    if action is LeadAction.CALLBACK_LEADS:
        needs_agent = read["ACTION_TYPE"] == "AGENT"
        if needs_agent and "RESERVATION_AGENT_ID" not in read:
            raise InvalidInputError("parameters.RESERVATION_AGENT_ID", None, "ACTION_TYPE AGENT needs it")
        for name in () if needs_agent else ("RESERVATION_AGENT_ID", "CALLBACK_DATE"):
            if name in read:
                raise InvalidInputError(f"parameters.{name}", read[name], "only for ACTION_TYPE AGENT")
    if action is LeadAction.AGENT_RESERVATION and not read["RESERVATION_AGENT_ID"] and "CALLBACK_DTS" in read:
        raise InvalidInputError(
            "parameters.CALLBACK_DTS", read["CALLBACK_DTS"], "only where an agent is named"
        )
    if action is LeadAction.MOVE_TO_CAMPAIGN:
        is_new = read["LIST_ID"] == 0
        if is_new and "LIST_NAME" not in read:
            raise InvalidInputError("parameters.LIST_NAME", None, "name the new list, or give LIST_ID")
        if not is_new and "LIST_NAME" in read:
            raise InvalidInputError(
                "parameters.LIST_NAME", read["LIST_NAME"], "only for a new list, with LIST_ID 0"
            )
