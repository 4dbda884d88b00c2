"""Lead actions: the parameters of each, whether it can be undone, and its result.

Parameters are those that the vendor's guide to lead actions describes for ``paramMap``, and ``CALLBACK_DTS``
of AGENT_RESERVATION, which servers require according to users of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.models.lead import Count, LeadAction
from airflow_provider_engagevoice.models.lead_search import read_time
from airflow_provider_engagevoice.models.resource import Resource

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


_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One value of ``paramMap``.

    :param read: returns the JSON value to send; raises ``ValueError`` with what would be right
    """

    read: Callable[[object], Any]
    required: bool = False


def _boolean_or_word(value: object) -> bool:
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


def _stripped_text(value: object) -> str:
    if isinstance(value, str) and value.strip() not in ("", "None"):
        return value.strip()
    raise ValueError("give text; did a template render to None or to an empty text?")


def _addresses(value: object) -> str:
    addresses = [one.strip() for one in _stripped_text(value).split(",")]
    if not all(_ADDRESS.fullmatch(one) for one in addresses):
        raise ValueError("give an address such as 'ops@example.com', or several separated by commas")
    return ",".join(addresses)


def _one_of_words(*allowed: str) -> Callable[[object], str]:
    by_folded = {one.casefold(): one for one in allowed}

    def read(value: object) -> str:
        # A boolean counts as its word, also as a template renders it: True.
        folded = str(value).strip().casefold()
        if isinstance(value, str | bool) and folded in by_folded:
            return by_folded[folded]
        raise ValueError(f"write one of {', '.join(allowed)}")

    return read


_NO_PARAMETERS: Mapping[str, _Parameter] = {}
_PARAMETERS: Mapping[LeadAction, Mapping[str, _Parameter]] = {
    **dict.fromkeys(LeadAction, _NO_PARAMETERS),
    LeadAction.DIALER_REFRESH: {"force_dialer_cache_refresh": _Parameter(_boolean_or_word)},
    LeadAction.MANUAL_LEADS: {
        "PASS_DISPOSITION": _Parameter(_stripped_text, required=True),
        "REQUEUE": _Parameter(_boolean_or_word, required=True),
        "DO_NOT_CALL": _Parameter(_boolean_or_word, required=True),
        "PASS_DELAY": _Parameter(_at_least(0, "minutes, 0 for no delay"), required=True),
        "MERGE_ORIGINAL": _Parameter(_boolean_or_word, required=True),
    },
    LeadAction.EMAIL_LEADS: {"EMAIL_TO": _Parameter(_addresses, required=True)},
    LeadAction.CALLBACK_LEADS: {
        "ACTION_TYPE": _Parameter(_one_of_words("AGENT", "CANCEL", "RESET"), required=True),
        "RESERVATION_AGENT_ID": _Parameter(_at_least(1, "an agent's id")),
        "CALLBACK_DATE": _Parameter(read_time),
    },
    LeadAction.MOVE_TO_CAMPAIGN: {
        "CAMPAIGN_ID": _Parameter(_at_least(1, "the id of the campaign that gets the leads"), required=True),
        "LIST_ID": _Parameter(_at_least(0, "the id of a list, 0 for a new one"), required=True),
        "LIST_NAME": _Parameter(_stripped_text),
        "CREATE_COPY_SETTING": _Parameter(_one_of_words("false", "true", "TRANSITION"), required=True),
        "DUPLICATE_ACTION_SETTING": _Parameter(_one_of_words("MOVE", "IGNORE"), required=True),
    },
    LeadAction.AGENT_RESERVATION: {
        "RESERVATION_AGENT_ID": _Parameter(_at_least(0, "an agent's id, 0 to clear it"), required=True),
        "CALLBACK_DTS": _Parameter(read_time),
    },
}


def read_action(value: object) -> LeadAction:
    """Return the action of a name.

    :raises InvalidInputError: if the name is unknown
    """
    if isinstance(value, str) and value in list(LeadAction):
        return LeadAction(value)
    hint = nearest(str(value), list(LeadAction))
    raise InvalidInputError("action", value, f"write one of {', '.join(LeadAction)}{hint}")


def read_parameters(action: LeadAction, given: object) -> dict[str, Any]:
    """Return an action's parameters as they are sent.

    :param given: a mapping, by the vendor's names; None for none
    :raises InvalidInputError: for the first that is unknown, missing or invalid
    """
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInputError("parameters", given, "give a mapping of the vendor's names to values")
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
        try:
            read[name] = parameter.read(values[name])
        except ValueError as error:
            raise InvalidInputError(f"parameters.{name}", values[name], str(error)) from None
    _check_together(action, read)
    return read


def _check_together(action: LeadAction, read: Mapping[str, Any]) -> None:
    if action is LeadAction.CALLBACK_LEADS:
        for_agent = read["ACTION_TYPE"] == "AGENT"
        if for_agent and "RESERVATION_AGENT_ID" not in read:
            raise InvalidInputError("parameters.RESERVATION_AGENT_ID", None, "ACTION_TYPE AGENT requires it")
        for name in () if for_agent else ("RESERVATION_AGENT_ID", "CALLBACK_DATE"):
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


class LeadActionResult(Resource):
    """The result of an action; ``success`` may be false although the HTTP status is 200."""

    identity = frozenset({"success", "leadUpdateCount", "leadDeleteCount", "redialDeleteCount"})

    success: bool
    errorMessage: str | None = None
    leadUpdateCount: Count = 0
    leadDeleteCount: Count = 0
    redialDeleteCount: Count = 0
    dialerRefreshed: bool | None = None
