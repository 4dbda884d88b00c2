"""Characters that nobody sees, and texts that look alike."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.characters import alike, difference, nearest, without_invisible


@pytest.mark.parametrize("char", list("\x00\x7f\u00ad\u200b\u200e\u202a\u2060\ufeff\ufe0f\u3164\u2800"))
def test_invisible_characters_are_removed(char: str) -> None:
    assert without_invisible(f"{char}a{char}b \t\n\u00a0{char}") == "ab \t\n\u00a0"


@pytest.mark.parametrize("text", ["", "Ada", "Müller", "Иван", "a\u0308", "\u00a0", "\t"])
def test_what_is_seen_is_kept(text: str) -> None:
    assert without_invisible(text) == text


@pytest.mark.parametrize(
    ("given", "other", "words"),
    [
        ("mobile", "m\u043ebile", "U+043E CYRILLIC SMALL LETTER O in place of U+006F LATIN SMALL LETTER O"),
        ("mobile", "mobile\u200b", "U+200B ZERO WIDTH SPACE in place of nothing"),
        ("first name", "first\u00a0name", "U+00A0 NO-BREAK SPACE in place of U+0020 SPACE"),
        ("M\u00fcller", "Mu\u0308ller", "U+0308 COMBINING DIAERESIS in place of U+00FC"),
        ("Campaign 1", "Campaign l", "U+006C LATIN SMALL LETTER L in place of U+0031 DIGIT ONE"),
        ("BLOCK O", "BLOCK 0", "U+0030 DIGIT ZERO in place of U+004F"),
        ("a b", "a  b", "U+0020 SPACE in place of nothing"),
    ],
)
def test_texts_that_look_alike(given: str, other: str, words: str) -> None:
    assert words in difference(given, other)
    assert f"{other!r} (with U+" in nearest(given, [other, "something else"])


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ("cop", "\u0441\u043e\u0440"),
        ("A", "\u0391"),
        ("A1", "\u200bAl"),
        ("100", "lOO"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("a b", "a\u2007 b"),
    ],
)
def test_texts_that_look_alike_are_the_nearest_however_much_differs(given: str, other: str) -> None:
    others = [f"{given}{at}" for at in range(2, 9)]
    assert alike(given, [given, *others, other]) == [other]
    assert nearest(given, [*others, other]).startswith(f"; nearest: {other!r} (with ")


@pytest.mark.parametrize(
    ("given", "other"),
    [("externid", "externId"), ("mobil", "mobile"), ("a", "a"), ("Sale 2025", "Sale 2025, again")],
)
def test_a_difference_that_is_seen_is_not_named(given: str, other: str) -> None:
    assert difference(given, other) == ""
    assert nearest(given, [other]) == f"; nearest: {other!r}"
