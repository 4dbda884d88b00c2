"""How leads are to be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.models.enums import (
    DialPriority,
    DuplicateHandling,
    ListState,
    TimeZoneOption,
)

E = TypeVar("E", bound=StrEnum)

#: Fields of ``LeadListProcessingRequest`` that are given otherwise, and how.
_OTHERS = {
    "additionalPhoneMappings": "give it as mapping",
    "description": "give it as list_name",
    "dialPriority": "give it as dial_priority",
    "duplicateHandling": "give it as duplicate_handling",
    "extendedLeadDataMappings": "give it as mapping, or as extended",
    "fileContainsHeaders": "it follows from the file, which is written here",
    "fileType": "it follows from the file, which is written here",
    "listState": "give it as list_state",
    "pageColumnMappings": "give it as mapping",
    "pageNumber": "it follows from the file, which is written here",
    "quoteChar": "it follows from the file, which is written here",
    "timeZoneOption": "give it as time_zone_option",
    "transactionId": "it comes from the server",
    "uploadLeads": "give it as source, sql or records",
}
_FURTHER = (
    "dncTags",
    "phoneNumbersI18nEnabled",
    "internationalNumberFormat",
    "numberOriginCountry",
    "scheduleArchiveDts",
)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Everything a request to load leads says beside the leads.

    :param description: what the lists are called
    :param tag: marks the lists of this load, so that its leads can be told from others on the server
    :param more: further fields of ``LeadListProcessingRequest``
    """

    description: str
    tag: str
    dial_priority: DialPriority = DialPriority.NORMAL
    duplicate_handling: DuplicateHandling = DuplicateHandling.REMOVE_ALL_EXISTING
    list_state: ListState = ListState.ACTIVE
    time_zone_option: TimeZoneOption = TimeZoneOption.NPA_NXX
    more: Mapping[str, Any] = field(default_factory=dict)

    def list_name(self, index: int, digest: str = "") -> str:
        """Return what the list of a chunk is called.

        :param digest: of its leads, when the name is to tell them, too
        """
        return f"{self.description} [{self.tag}/{index + 1}{digest and f'-{digest}'}]"

    def is_named(self, text: str, index: int | None = None) -> bool:
        """Tell whether a list of that name is one of this load.

        :param index: of a chunk whose list it has to be
        """
        if index is None:
            return f"[{self.tag}/" in text
        return f"[{self.tag}/{index + 1}]" in text or f"[{self.tag}/{index + 1}-" in text

    def request(self, list_name: str) -> dict[str, Any]:
        """Return the fields of a request that do not tell its leads."""
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
    """Check what a user wrote.

    :raises InvalidInputError: naming the first field that cannot be right
    """
    if not isinstance(list_name, str) or not list_name.strip() or list_name == "None":
        raise InvalidInputError("list_name", list_name, "give the lists a name")
    for name, value in settings.items():
        if name in _OTHERS:
            raise InvalidInputError(f"settings.{name}", value, _OTHERS[name])
        if name not in _FURTHER:
            hint = nearest(name, _FURTHER)
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
    """Return a number of at least 1.

    :raises InvalidInputError: when it is none, or more than ``most``
    """
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise InvalidInputError(field, value, f"write a number from 1 to {most}")


def _one_of(kind: type[E], value: object, field: str) -> E:
    try:
        return kind(str(value))
    except ValueError:
        raise InvalidInputError(field, value, f"write one of {', '.join(kind)}") from None
