"""The vendor's value lists."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class CampaignState(IntEnum):
    """``isActive`` of a campaign."""

    INACTIVE = 0
    ACTIVE = 1
    CALLBACKS_ONLY = 2


class CampaignPriority(IntEnum):
    """``campaignPriority``: 1 is average, each step up is one level higher."""

    AVERAGE = 1
    RAISED = 2
    ELEVATED = 3
    VERY_ELEVATED = 4
    HIGH = 5


class DialLoadedOrder(IntEnum):
    """``dialLoadedOrder``: the order in which leads are dialed, after all other rules."""

    NATURAL = 0
    NATURAL_RANDOMIZED = 1
    ASCENDING = 2
    DESCENDING = 3
    LEAD_PRIORITY = 4


class DncScrubOption(StrEnum):
    """``dncScrubOption``: the do-not-call lists against which leads are checked."""

    DO_NOT_SCRUB = "DO_NOT_SCRUB"
    INTERNAL_AND_NATIONAL = "INTERNAL_AND_NATIONAL"
    INTERNAL_ONLY = "INTERNAL_ONLY"
    CELLULAR_AND_INTERNAL = "CELLULAR_AND_INTERNAL"
    CELLULAR_ONLY = "CELLULAR_ONLY"


class CallingConfiguration(StrEnum):
    """``callingConfiguration``: set when the campaign is created, and fixed from then on."""

    SIMPLE = "SIMPLE"
    STRATEGIC = "STRATEGIC"


class DialMode(StrEnum):
    """``dialMode`` of a dial group and of all campaigns in it."""

    PREVIEW = "PREVIEW"
    CLICK_TO_TALK = "CLICK_TO_TALK"
    PREDICTIVE = "PREDICTIVE"
    POWER = "POWER"
    TCPA_SAFE_MODE = "TCPA_SAFE_MODE"


class DuplicateHandling(StrEnum):
    """``duplicateHandling``: how to handle a lead whose phone is already loaded."""

    RETAIN_ALL = "RETAIN_ALL"
    REMOVE_ALL_EXISTING = "REMOVE_ALL_EXISTING"
    REMOVE_FROM_LIST = "REMOVE_FROM_LIST"


class TimeZoneOption(StrEnum):
    """``timeZoneOption``: what a lead's time zone follows from."""

    NPA_NXX = "NPA_NXX"
    ZIPCODE = "ZIPCODE"
    EXPLICIT = "EXPLICIT"
    COUNTRY = "COUNTRY"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class DialPriority(StrEnum):
    """``dialPriority``: whether leads go to the top of the dialer's queue."""

    IMMEDIATE = "IMMEDIATE"
    NORMAL = "NORMAL"


class ListState(StrEnum):
    """``listState`` of a list of leads."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    PENDING_DNC = "PENDING_DNC"
    LOADING = "LOADING"
    DELETED = "DELETED"
    READY = "READY"
    CALLBACKS = "CALLBACKS"
    CALLBACKS_AGENT = "CALLBACKS_AGENT"
    DUPLICATES_NOT_MERGED = "DUPLICATES_NOT_MERGED"
    DUPLICATES_NOT_MOVED = "DUPLICATES_NOT_MOVED"
    ARCHIVED = "ARCHIVED"


#: What the vendor's lead search names time zones by; its own ``leadTimezone`` format is not documented.
# fmt: off
VENDOR_TIME_ZONES = frozenset((
    "ADT", "AKDT", "AKST", "AST", "CDT", "CST", "EDT", "EST", "HADT", "HAST", "MDT", "MST", "NDT", "NST",
    "PDT", "PMDT", "PMST", "PST", "WSDT", "WSST",
))
# fmt: on
