"""How leads are to be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.models.enums import (
    DialPriority,
    DuplicateHandling,
    ListState,
    TimeZoneOption,
)

#: Fields of ``LeadListProcessingRequest`` that are given otherwise, and how.
_OTHERS = {
    "additionalPhoneMappings": "give it as mapping",
    "description": "give it as list_name",
    "dialPriority": "give it as dial_priority",
    "duplicateHandling": "give it as duplicate_handling",
    "extendedLeadDataMappings": "give it as mapping, or as send_unmapped",
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


class UploadMethod(StrEnum):
    """How leads are sent: as JSON, or as CSV files that the server loads in the background."""

    DIRECT = "direct"
    FILE = "file"


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


def read_settings(value: object, field: str = "settings") -> dict[str, Any]:
    """Return further fields of the request.

    :raises InvalidInputError: for the first that is unknown, or has an argument of its own
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(field, value, 'must be a mapping such as {"dncTags": ["web"]}')
    for name, one in value.items():
        if name in _OTHERS:
            raise InvalidInputError(f"{field}.{name}", one, _OTHERS[name])
        if name not in _FURTHER:
            hint = nearest(str(name), _FURTHER)
            raise InvalidInputError(f"{field}.{name}", one, f"the API has no such field{hint}")
    return dict(value)
