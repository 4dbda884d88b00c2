"""Patterns of the numbers of a region, made of libphonenumber's metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phonenumbers import PhoneMetadata

#: A pattern that matches nothing.
NOTHING = r"(?!)"


def metadata_of(region: str) -> PhoneMetadata:
    """Return what libphonenumber knows of a region."""
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None, region
    return metadata


def prefix_of(metadata: PhoneMetadata) -> re.Pattern[str]:
    """Return the pattern of what is dialed within the region before its numbers."""
    return re.compile(metadata.national_prefix_for_parsing or NOTHING, re.ASCII)


def all_numbers(metadata: PhoneMetadata) -> Any:
    """Return what all kinds of numbers of a region have in common."""
    assert metadata.general_desc is not None, metadata.id
    return metadata.general_desc


#: Kinds of numbers, in the order in which libphonenumber assigns them, and whether they are special: calling
#: them costs more than a call, or reaches no person.
_KINDS = {
    "premium_rate": True,
    "toll_free": False,
    "shared_cost": True,
    "voip": False,
    "personal_number": True,
    "pager": True,
    "uan": False,
    "voicemail": True,
    "fixed_line": False,
    "mobile": False,
}


def valid_pattern(metadata: PhoneMetadata, *, special: bool) -> str:
    """Return the pattern that the national digits of valid numbers of a region match.

    :param special: whether special numbers match, too
    """
    general = all_numbers(metadata)
    kinds = ""
    alternatives: set[str] = set()
    for name, is_special in reversed(_KINDS.items()):
        kind = getattr(metadata, name)
        if kind is None or kind.national_number_pattern is None:
            continue
        pattern = f"(?:{kind.national_number_pattern})"
        if tuple(kind.possible_length) != tuple(general.possible_length):
            pattern = _of_length(kind.possible_length) + pattern
        if is_special and not special:
            kinds, alternatives = rf"(?!(?:{pattern})\Z)(?:{kinds or NOTHING})", set()
        elif pattern not in alternatives:
            # In many regions fixed lines and mobiles are not told apart.
            alternatives.add(pattern)
            kinds = f"{pattern}|{kinds}" if kinds else pattern
    general_pattern = rf"(?=(?:{general.national_number_pattern})\Z)"
    return rf"{_of_length(general.possible_length)}{general_pattern}(?:{kinds})"


def subscriber_lengths(metadata: PhoneMetadata) -> set[int]:
    """Return how many digits fixed lines and mobiles have."""
    return {
        length
        for kind in (metadata.fixed_line, metadata.mobile)
        if kind is not None
        for length in kind.possible_length
    }


def may_begin_with_zero(metadata: PhoneMetadata) -> bool:
    """Return whether numbers of subscribers begin with 0, by examples of all first three digits."""
    for kind in (metadata.fixed_line, metadata.mobile):
        if kind is not None and kind.national_number_pattern is not None:
            matches = re.compile(kind.national_number_pattern).fullmatch
            if any(map(matches, beginning_with_zero(kind.possible_length))):
                return True
    return False


def beginning_with_zero(lengths: Iterable[int]) -> Iterator[str]:
    """Yield digits of each length with all first three digits that begin with 0."""
    for length in lengths:
        for first in range(100):
            yield from (f"0{first:02}{digit * (length - 3)}" for digit in "0123456789")


def _of_length(lengths: Sequence[int]) -> str:
    # A number ends where the text ends, so that a lookahead can check the length.
    counts = "|".join(f"[0-9]{{{length}}}" for length in lengths)
    return rf"(?=(?:{counts})\Z)" if lengths else ""
