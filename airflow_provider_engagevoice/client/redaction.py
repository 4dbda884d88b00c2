"""The forms in which a server may repeat a secret: as it is, or escaped for a URL, a page, mail or a log."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable
from html.entities import html5
from urllib.parse import quote, quote_plus, unquote

#: Names of a character in a page, such as ``amp``.
_NAMES: defaultdict[str, set[str]] = defaultdict(set)
for _name, _text in html5.items():
    _NAMES[_text].add(_name.rstrip(";"))

#: Characters of a long secret that tell it from other texts, and what may follow them.
_HEAD = 32
_REST = r"[\w.~+/=:%\\&#;{}-]*"
#: Backslashes before an escape; without a bound a text of backslashes would take the square of its length.
_SLASHES = r"\\{1,8}"
_ESCAPING = r"[amp;#xXu{025]{0,16}"
_SHORTEST_IN_BASE64 = 8

_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_TEXT_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(["'/\\]))""")
_LINE_BREAK = re.compile(r"[ \t]{0,16}=?(?:[\r\n]|\\[rn]|<br\s{0,4}/?>)\s*")
_STANDARD = str.maketrans("-_", "+/")
_BASE64 = re.compile(r"[\w+/-]{12,}={0,2}", re.ASCII)


def forms_of(secret: str) -> list[str]:
    """Return the usual forms of a secret, for a masker that takes exact texts."""
    plain = secret.encode(errors="replace").decode()
    urls = [quote(plain), quote(plain, safe=""), quote_plus(plain)]
    urls += [_ESCAPE.sub(lambda escape: escape[0].lower(), url) for url in urls]
    pages = [html.escape(secret), html.escape(secret, quote=False)]
    texts = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return list(dict.fromkeys([secret, *urls, *pages, *texts]))


def basic_credentials(name: str, password: str) -> list[str]:
    """Return the value of an ``Authorization: Basic`` header (RFC 7617), without its padding."""
    if not password:
        return []
    pairs = [f"{name}:{password}".encode(charset, errors="replace") for charset in ("utf-8", "latin-1")]
    encoded = [
        encode(pair).decode().rstrip("=") for pair in pairs for encode in (b64encode, urlsafe_b64encode)
    ]
    return list(dict.fromkeys(encoded))


def pattern_of(secret: str) -> str:
    """Return a regular expression for a secret: any character may be escaped in any way, or all be in Base64.

    A long one is found by its beginning, too, also if it was cut. Only there letters and digits may be
    escaped: all of a token would take several times as long to compile.
    """
    head = secret[:_HEAD]
    if head == secret:
        forms = ["".join(map(_any_character, secret))]
    else:
        forms = ["".join(map(_character, secret)), "".join(map(_any_character, head)) + _REST]
    return "|".join([*forms, *_base64_of(head), *_hex_of(head)])


def _base64_of(text: str) -> list[str]:
    """Return patterns of a text somewhere in Base64, but for characters that depend on what is around it."""
    encoded = text.encode(errors="replace")
    if len(encoded) < _SHORTEST_IN_BASE64:
        return []
    patterns = []
    for before in range(3):
        whole = b64encode(b"\0" * before + encoded).decode()
        after = (before + len(encoded)) % 3
        core = whole[(0, 2, 3)[before] : len(whole) - (0, 3, 2)[after]]
        patterns.append("".join(map(_base64_character, core)) + "[\\w+/=-]*")
    return patterns


def _hex_of(text: str) -> list[str]:
    """Return patterns of a text as its bytes in hexadecimal."""
    encoded = text.encode(errors="replace")
    if len(encoded) < _SHORTEST_IN_BASE64:
        return []
    return ["".join(_hex(byte, 2) for byte in encoded) + "[0-9a-fA-F]*"]


def _base64_character(character: str) -> str:
    # The second of each is that of URLs (RFC 4648).
    forms = {"+": ("+", "-"), "/": ("/", "_")}.get(character)
    return f"(?:{'|'.join(map(_character, forms))})" if forms else character


def _any_character(character: str) -> str:
    if not (character.isascii() and character.isalnum()):
        return _character(character)
    code, in_hex = ord(character), _hex(ord(character), 2)
    # Of any kind, to keep it short: %41, %2541, =41, \u0041, \x41, \101, &#65; or &amp;#x41;
    return rf"(?:{character}|(?:[%&=]|{_SLASHES}){_ESCAPING}(?:{in_hex}|{code:03o}|{code})[;}}]?)"


def _character(character: str) -> str:
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    code = ord(character)
    # Escaped once or more: %2B, %252B; &amp;, &amp;amp;
    encoded = {character.encode(errors="surrogatepass"), character.encode("latin-1", errors="ignore")} - {b""}
    forms = [
        plain,
        f"&(?:amp;)*#0*{code}(?:;|(?![0-9]))",
        f"&(?:amp;)*#[xX]0*{_hex(code, 1)}(?:;|(?![0-9a-fA-F]))",
        *(f"&(?:amp;)*{name};" for name in _NAMES[character]),
        *("".join(f"%(?:25)*{_hex(byte, 2)}" for byte in one) for one in encoded),
        *("".join(rf"{_SLASHES}x{_hex(byte, 2)}" for byte in one) for one in encoded),
        *("".join(rf"{_SLASHES}{byte:03o}" for byte in one) for one in encoded),
        *("".join(f"={_hex(byte, 2)}" for byte in one) for one in encoded),
        *(
            "".join(rf"{mark}{_hex(unit, 4)}" for unit in _utf16(character))
            for mark in (f"{_SLASHES}u", "%(?:25)*u")
        ),
        rf"{_SLASHES}u\{{0*{_hex(code, 1)}\}}",
    ]
    if not character.isascii():
        # Read in another charset, or replaced.
        forms += [*(re.escape(one.decode("latin-1")) for one in encoded), r"\?", "\ufffd"]
    if character in "\"\\/'":
        forms.append(f"{_SLASHES}{plain}")
    if character == " ":
        forms.append(r"\+")
    if character == "'":
        forms.append("&(?:amp;)*apos;")
    # The longest first, so that nothing of an escape is left.
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True))})"


def _unescape_text(text: str) -> str:
    return _TEXT_ESCAPE.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), text)


def join_lines(text: str) -> str:
    """Return a text without its line breaks and the indents after them."""
    return _LINE_BREAK.sub("", text)


def _open_base64(text: str) -> str:
    def opened(found: re.Match[str]) -> str:
        encoded = found[0].rstrip("=").translate(_STANDARD)
        try:
            decoded = b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except ValueError:
            return found[0]
        return decoded if decoded.isprintable() else found[0]

    return _BASE64.sub(opened, text)


#: What removes one layer of escapes from a whole text, for secrets that are escaped in several ways.
UNESCAPES: tuple[Callable[[str], str], ...] = (
    unquote,
    html.unescape,
    _unescape_text,
    join_lines,
    _open_base64,
)


def _hex(number: int, digits: int) -> str:
    return "".join(
        f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{number:0{digits}x}"
    )


def _utf16(character: str) -> list[int]:
    encoded = character.encode("utf-16-be", errors="surrogatepass")
    return [int.from_bytes(encoded[start : start + 2]) for start in range(0, len(encoded), 2)]
