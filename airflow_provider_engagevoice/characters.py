"""Invisible characters, and texts that look alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

#: Invisible characters of other categories: joiners, fillers, variation selectors and the blank of Braille.
_FILLERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
)
#: ASCII characters that look alike in many fonts.
_ALIKE = str.maketrans("OoIl|", "00111")
#: Letters of Cyrillic and Greek that look like those of Latin.
_LIKE_LATIN = str.maketrans(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u0501\u04bb"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd",
    "ABESIJKMHOPCTYXaeopcyxsijdhABEZHIKMNOPTYXov",
)
#: Characters of a difference that are named.
_NAMED = 3


def without_invisible(text: str) -> str:
    """Return text without control and format characters and fillers; white space is kept."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if not is_invisible(char))


def stripped(text: str) -> str:
    """Return text without white space and invisible characters around it."""
    if text.isascii() and text.isprintable():
        return text.strip()
    seen = [at for at, char in enumerate(text) if not (char.isspace() or is_invisible(char))]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def is_invisible(char: str) -> bool:
    """Return whether a character is not shown and is no white space."""
    return char in _FILLERS or (unicodedata.category(char) in ("Cc", "Cf") and not char.isspace())


def alike(text: str, known: Iterable[str]) -> list[str]:
    """Return the known texts that look like ``text`` and are others."""
    looks = _looks(text)
    return [one for one in known if one != text and _looks(one) == looks]


def _looks(text: str) -> str:
    """Return what texts that look alike have in common."""
    plain = unicodedata.normalize("NFKC", without_invisible(text)).translate(_LIKE_LATIN)
    return " ".join(plain.translate(_ALIKE).split())


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; nearest: 'a', 'b'`` with the known names most similar to ``name``, or an empty string.

    Those that look like ``name`` are the first, and come with the characters that differ.
    """
    import difflib

    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    found = dict.fromkeys([*alike(name, names), *map(folded.__getitem__, close)])
    shown = [f"{one!r}{difference(name, one)}" for one in list(found)[:3]]
    return f"; nearest: {', '.join(shown)}" if shown else ""


def listed(names: Iterable[str], most: int = 20) -> str:
    """Return names in quotes, separated by commas; if there are more than ``most``, how many more."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(map(repr, known[:most])) + more


def shown_lines(lines: Sequence[str], most: int, hint: str = "") -> list[str]:
    """Return lines; of more than ``most`` the first, and how many more there are, followed by a hint."""
    more = len(lines) - most
    return [*lines[:most], f"and {more} more{hint}"] if more > 0 else [*lines]


def difference(given: str, other: str) -> str:
    """Return in parentheses which characters of ``other`` differ, if a reader may not see that.

    Such are other alphabets, accents, white space, invisible characters, and ``O`` and ``0``.
    """
    import difflib

    matcher = difflib.SequenceMatcher(None, given, other, autojunk=False)
    for _, start, end, other_start, other_end in matcher.get_opcodes():
        mine, theirs = given[start:end], other[other_start:other_end]
        if mine != theirs and _is_hardly_seen(mine, theirs):
            return f" (with {_names(theirs)} in place of {_names(mine)})"
    return ""


def text_difference(given: object, other: object) -> str:
    """Return :func:`difference` of two texts, and nothing for other values."""
    return difference(given, other) if isinstance(given, str) and isinstance(other, str) else ""


def _is_hardly_seen(one: str, other: str) -> bool:
    text = one + other
    if not text.isascii() or not text.isprintable() or text.isspace():
        return True
    return one.translate(_ALIKE) == other.translate(_ALIKE)


def _names(text: str) -> str:
    if not text:
        return "nothing"
    names = [f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip() for char in text[:_NAMED]]
    return ", ".join([*names, "…"] if len(text) > _NAMED else names)
