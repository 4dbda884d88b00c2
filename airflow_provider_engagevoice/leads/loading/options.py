"""The options of a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.models.lead import (
    DialPriority,
    DuplicateHandling,
    ListState,
    TimeZoneOption,
)

E = TypeVar("E", bound=StrEnum)

#: Fields of ``LeadListProcessingRequest`` that are set by other arguments, or by the package.
_SET_ELSEWHERE = {
    "additionalPhoneMappings": "give it as mapping",
    "description": "give it as list_name",
    "dialPriority": "give it as dial_priority",
    "duplicateHandling": "give it as duplicate_handling",
    "extendedLeadDataMappings": "give it as mapping, or set send_unmapped",
    "fileContainsHeaders": "the package writes the file and sets it",
    "fileType": "the package writes the file and sets it",
    "listState": "give it as list_state",
    "pageColumnMappings": "give it as mapping",
    "pageNumber": "the package writes the file and sets it",
    "quoteChar": "the package writes the file and sets it",
    "timeZoneOption": "give it as time_zone_option",
    "transactionId": "the server assigns it",
    "uploadLeads": "give it as source, sql or records",
}
_SETTINGS = (
    "dncTags",
    "phoneNumbersI18nEnabled",
    "internationalNumberFormat",
    "numberOriginCountry",
    "scheduleArchiveDts",
)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The fields of a request to load leads, except the leads.

    :param description: name of the lists
    :param tag: part of the lists' names, which identifies those of this load on the server
    :param more: other fields of ``LeadListProcessingRequest``
    """

    description: str
    tag: str
    dial_priority: DialPriority = DialPriority.NORMAL
    duplicate_handling: DuplicateHandling = DuplicateHandling.REMOVE_ALL_EXISTING
    list_state: ListState = ListState.ACTIVE
    time_zone_option: TimeZoneOption = TimeZoneOption.NPA_NXX
    more: Mapping[str, Any] = field(default_factory=dict)

    def list_name(self, index: int, digest: str = "") -> str:
        """Return the name of a chunk's list.

        :param digest: of its leads, if the name shall identify them
        """
        return f"{self.description} [{self.tag}/{index + 1}{digest and f'-{digest}'}]"

    def matches(self, list_name: str, index: int | None = None) -> bool:
        """Return whether a list belongs to this load.

        :param index: of the chunk that it must belong to; default: any
        """
        if index is None:
            return f"[{self.tag}/" in list_name
        return f"[{self.tag}/{index + 1}]" in list_name or f"[{self.tag}/{index + 1}-" in list_name

    def request(self, list_name: str) -> dict[str, Any]:
        """Return the fields of a request without its leads."""
        return {
            **self.more,
            "description": list_name,
            "dialPriority": self.dial_priority,
            "duplicateHandling": self.duplicate_handling,
            "listState": self.list_state,
            "timeZoneOption": self.time_zone_option,
        }


def read_options(
    list_name: object,
    *,
    tag: str,
    dial_priority: object,
    duplicate_handling: object,
    list_state: object,
    time_zone_option: object,
    settings: Mapping[str, Any],
) -> LoadOptions:
    """Read the options as given to the operator.

    :raises InvalidInputError: for the first invalid option
    """
    if not isinstance(list_name, str) or not list_name.strip() or list_name == "None":
        raise InvalidInputError("list_name", list_name, "give a name for the lists")
    for name, value in settings.items():
        if name in _SET_ELSEWHERE:
            raise InvalidInputError(f"settings.{name}", value, _SET_ELSEWHERE[name])
        if name not in _SETTINGS:
            hint = nearest(name, _SETTINGS)
            raise InvalidInputError(f"settings.{name}", value, f"the API has no such field{hint}")
    return LoadOptions(
        list_name.strip(),
        tag,
        _one_of(DialPriority, dial_priority, "dial_priority"),
        _one_of(DuplicateHandling, duplicate_handling, "duplicate_handling"),
        _one_of(ListState, list_state, "list_state"),
        _one_of(TimeZoneOption, time_zone_option, "time_zone_option"),
        dict(settings),
    )


def read_count(value: object, field: str, *, most: int) -> int:
    """Return a number from 1 to ``most``.

    :raises InvalidInputError: if the value is anything else
    """
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise InvalidInputError(field, value, f"write a number from 1 to {most}")


def _one_of(kind: type[E], value: object, field: str) -> E:
    try:
        return kind(str(value))
    except ValueError:
        raise InvalidInputError(field, value, f"write one of {', '.join(kind)}") from None
