"""Upload validated leads, each exactly once. Here are the options of a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import read_dict
from airflow_provider_engagevoice.models.enums import (
    DialPriority,
    DuplicateHandling,
    ListState,
    TimeZoneOption,
)

#: Fields of ``LeadListProcessingRequest`` that are set by other arguments, or by the package.
_SET_ELSEWHERE = {
    "additionalPhoneMappings": "give it as mapping",
    "description": "give it as list_name",
    "dialPriority": "give it as dial_priority",
    "duplicateHandling": "give it as duplicate_handling",
    "extendedLeadDataMappings": "give it as mapping, or set send_unmapped",
    "fileContainsHeaders": "the package writes the file and sets it",
    "fileType": "the package writes the file and sets it",
    "internationalNumberFormat": "the package writes the numbers of the country and sets it",
    "listState": "give it as list_state",
    "pageColumnMappings": "give it as mapping",
    "numberOriginCountry": "give it as country",
    "pageNumber": "the package writes the file and sets it",
    "phoneNumbersI18nEnabled": "the package writes the numbers of the country and sets it",
    "quoteChar": "the package writes the file and sets it",
    "timeZoneOption": "give it as time_zone_option",
    "transactionId": "the server assigns it",
    "uploadLeads": "give it as source, sql or records",
}
_SETTINGS = ("dncTags", "scheduleArchiveDts")
#: What tells the server that numbers are in E.164, as clients outside of the USA and Canada send it.
_IN_E164: Mapping[str, Any] = {
    "phoneNumbersI18nEnabled": True,
    "internationalNumberFormat": True,
    "numberOriginCountry": "e164",
}


class UploadMethod(StrEnum):
    """How leads are sent: as JSON, or as CSV files that the server loads in the background."""

    DIRECT = "direct"
    FILE = "file"


def is_tagged(list_name: object, tag: str) -> bool:
    """Return whether the name of a list has a tag, also if the server folds its case."""
    return tag.casefold() in str(list_name).casefold()


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The fields of a request to load leads, except the leads.

    :param description: name of the lists
    :param tag: part of the lists' names, which identifies those of this load on the server
    :param more: other fields of ``LeadListProcessingRequest``
    :param in_e164: whether ``leadPhone`` is in E.164, not ten digits
    :param check_existing: whether leads whose ``externId`` the campaign has are not sent
    """

    description: str
    tag: str
    dial_priority: DialPriority = DialPriority.NORMAL
    duplicate_handling: DuplicateHandling = DuplicateHandling.REMOVE_ALL_EXISTING
    list_state: ListState = ListState.ACTIVE
    time_zone_option: TimeZoneOption = TimeZoneOption.NPA_NXX
    more: Mapping[str, Any] = field(default_factory=dict)
    in_e164: bool = False
    check_existing: bool = False

    def list_name(self, index: int, digest: str = "") -> str:
        """Return the name of a chunk's list.

        The tag, of 30 characters at most, is in front: a server may cut the end of a name.

        :param digest: of its leads, if the name shall identify them
        """
        return f"{self.list_tag(index, digest)} {self.description}"

    def list_tag(self, index: int, digest: str = "") -> str:
        """Return the part of a list's name that identifies it, whatever the server does to the rest."""
        return f"[{self.tag}/{index + 1}{digest and f'-{digest}'}]"

    def matches(self, list_name: str, index: int | None = None) -> bool:
        """Return whether a list belongs to this load. Releases before 0.4 put the tag at the end.

        :param index: of the chunk that it must belong to; default: any
        """
        if index is None:
            return is_tagged(list_name, f"[{self.tag}/")
        return any(is_tagged(list_name, f"[{self.tag}/{index + 1}{end}") for end in "]-")

    def request(self, list_name: str) -> dict[str, Any]:
        """Return the fields of a request without its leads."""
        return {
            **self.more,
            **(_IN_E164 if self.in_e164 else {}),
            "description": list_name,
            "dialPriority": self.dial_priority,
            "duplicateHandling": self.duplicate_handling,
            "listState": self.list_state,
            "timeZoneOption": self.time_zone_option,
        }


def read_list_settings(value: object, field: str = "settings") -> dict[str, Any]:
    """Return further fields of the request.

    :raises InvalidInputError: for the first that is unknown, or has a separate argument
    """
    settings = read_dict(value, field)
    for name, one in settings.items():
        if name in _SET_ELSEWHERE:
            raise InvalidInputError(f"{field}.{name}", one, _SET_ELSEWHERE[name])
        if name not in _SETTINGS:
            hint = nearest(str(name), _SETTINGS)
            raise InvalidInputError(f"{field}.{name}", one, f"the API has no such field{hint}")
    return settings
