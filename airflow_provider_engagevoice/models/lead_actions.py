"""Lead actions: the parameters of each, and whether it can be undone.

Parameters are those that the vendor's guide to lead actions describes for ``paramMap``, and ``CALLBACK_DTS``
of AGENT_RESERVATION, which servers require according to users of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from airflow_provider_engagevoice.dates import read_vendor_date
from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import read_choice, read_count, read_flag, read_text


class LeadAction(StrEnum):
    """``leadAction``: an action on the leads of a search."""

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


#: Actions that cannot be undone, since they overwrite a state or a pass count or delete a lead, and therefore
#: require ``max_leads``. The vendor describes PAUSE_LEADS as another name of CANCEL_LEADS.
IRREVERSIBLE = frozenset(
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
#: Irreversible actions that only stop dialing, as SUPPRESS_LEADS does reversibly.
STOPPING = frozenset({LeadAction.CANCEL_LEADS, LeadAction.PAUSE_LEADS})
#: Actions after which no lead may be called any more.
ENDING = STOPPING | {LeadAction.SUPPRESS_LEADS, LeadAction.DELETE_LEADS}


_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One value of ``paramMap``.

    :param read: returns the JSON value to send, given the value and its name
    """

    read: Callable[[object, str], Any]
    required: bool = False


def _at_least(least: int, meaning: str) -> Callable[[object, str], int]:
    return partial(read_count, least=least, meaning=meaning)


def _addresses(value: object, field: str) -> str:
    addresses = [one.strip() for one in read_text(value, field).split(",")]
    if not all(_ADDRESS.fullmatch(one) for one in addresses):
        expected = "must be an address such as 'ops@example.com', or several separated by commas"
        raise InvalidInputError(field, value, expected)
    return ",".join(addresses)


def _one_of_words(*allowed: str) -> Callable[[object, str], str]:
    by_folded = {one.casefold(): one for one in allowed}

    def read(value: object, field: str) -> str:
        # A flag counts as the word for it, also as a template renders it: True.
        word = by_folded.get(str(value).strip().casefold()) if isinstance(value, str | bool) else None
        return read_choice(value if word is None else word, field, allowed)

    return read


_NO_PARAMETERS: Mapping[str, _Parameter] = {}
_PARAMETERS: Mapping[LeadAction, Mapping[str, _Parameter]] = {
    **dict.fromkeys(LeadAction, _NO_PARAMETERS),
    LeadAction.DIALER_REFRESH: {"force_dialer_cache_refresh": _Parameter(read_flag)},
    LeadAction.MANUAL_LEADS: {
        "PASS_DISPOSITION": _Parameter(read_text, required=True),
        "REQUEUE": _Parameter(read_flag, required=True),
        "DO_NOT_CALL": _Parameter(read_flag, required=True),
        "PASS_DELAY": _Parameter(_at_least(0, "minutes, 0 for no delay"), required=True),
        "MERGE_ORIGINAL": _Parameter(read_flag, required=True),
    },
    LeadAction.EMAIL_LEADS: {"EMAIL_TO": _Parameter(_addresses, required=True)},
    LeadAction.CALLBACK_LEADS: {
        "ACTION_TYPE": _Parameter(_one_of_words("AGENT", "CANCEL", "RESET"), required=True),
        "RESERVATION_AGENT_ID": _Parameter(_at_least(1, "an agent's id")),
        "CALLBACK_DATE": _Parameter(read_vendor_date),
    },
    LeadAction.MOVE_TO_CAMPAIGN: {
        "CAMPAIGN_ID": _Parameter(_at_least(1, "the id of the campaign that gets the leads"), required=True),
        "LIST_ID": _Parameter(_at_least(0, "the id of a list, 0 for a new one"), required=True),
        "LIST_NAME": _Parameter(read_text),
        "CREATE_COPY_SETTING": _Parameter(_one_of_words("false", "true", "TRANSITION"), required=True),
        "DUPLICATE_ACTION_SETTING": _Parameter(_one_of_words("MOVE", "IGNORE"), required=True),
    },
    LeadAction.AGENT_RESERVATION: {
        "RESERVATION_AGENT_ID": _Parameter(_at_least(0, "an agent's id, 0 to clear it"), required=True),
        "CALLBACK_DTS": _Parameter(read_vendor_date),
    },
}


def read_action(value: object, field: str = "action") -> LeadAction:
    """Return the action.

    :raises InvalidInputError: with the nearest names, if there is no such action
    """
    return read_choice(value, field, LeadAction)


def check_bound(action: LeadAction, most: object) -> None:
    """Check that an action that cannot be undone has a limit.

    :param most: largest number of leads that it may change; None for any
    :raises InvalidInputError: if it has none
    """
    if most is None and action in IRREVERSIBLE:
        raise InvalidInputError("max_leads", None, f"{action} cannot be undone, so it needs a limit")


def read_parameters(action: LeadAction, given: object) -> dict[str, Any]:
    """Return an action's parameters as they are sent.

    :param given: a mapping, by the vendor's names; None for none
    :raises InvalidInputError: for the first that is unknown, missing or invalid
    """
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInputError("parameters", given, "must be a mapping of the vendor's names to values")
    values = dict(given or {})
    known = _PARAMETERS[action]
    for name in values:
        if name not in known:
            allowed = f"it has {', '.join(known)}" if known else "it has no parameters"
            hint = nearest(str(name), known)
            raise InvalidInputError(
                f"parameters.{name}", values[name], f"not a parameter of {action}: {allowed}{hint}"
            )
    read: dict[str, Any] = {}
    for name, parameter in known.items():
        if name not in values:
            if parameter.required:
                raise InvalidInputError(f"parameters.{name}", None, f"{action} requires it")
            continue
        read[name] = parameter.read(values[name], f"parameters.{name}")
    _check_together(action, read)
    return read


def _check_together(action: LeadAction, read: Mapping[str, Any]) -> None:
    if action is LeadAction.CALLBACK_LEADS:
        needs_agent = read["ACTION_TYPE"] == "AGENT"
        if needs_agent and "RESERVATION_AGENT_ID" not in read:
            raise InvalidInputError("parameters.RESERVATION_AGENT_ID", None, "ACTION_TYPE AGENT requires it")
        for name in () if needs_agent else ("RESERVATION_AGENT_ID", "CALLBACK_DATE"):
            if name in read:
                raise InvalidInputError(f"parameters.{name}", read[name], "only for ACTION_TYPE AGENT")
    if action is LeadAction.AGENT_RESERVATION and not read["RESERVATION_AGENT_ID"] and "CALLBACK_DTS" in read:
        raise InvalidInputError("parameters.CALLBACK_DTS", read["CALLBACK_DTS"], "only with an agent")
    if action is LeadAction.MOVE_TO_CAMPAIGN:
        is_new = read["LIST_ID"] == 0
        if is_new and "LIST_NAME" not in read:
            raise InvalidInputError("parameters.LIST_NAME", None, "give the name of the new list, or LIST_ID")
        if not is_new and "LIST_NAME" in read:
            raise InvalidInputError(
                "parameters.LIST_NAME", read["LIST_NAME"], "only for a new list, with LIST_ID 0"
            )
