"""The forms in which a server may repeat a secret: as it is, or escaped for a URL, a page or JSON."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from html.entities import html5
from urllib.parse import quote, quote_plus

#: Names of a character in a page, such as ``amp``.
_NAMES: defaultdict[str, set[str]] = defaultdict(set)
for _name, _text in html5.items():
    _NAMES[_text].add(_name.rstrip(";"))

_ESCAPE = re.compile(r"%[0-9A-F]{2}")


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
    """Return a regular expression for a secret, any character of which may be escaped in any way."""
    return "".join(map(_character, secret))


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
        *("".join(rf"\\+x{_hex(byte, 2)}" for byte in one) for one in encoded),
        *(
            "".join(rf"{mark}{_hex(unit, 4)}" for unit in _utf16(character))
            for mark in (r"\\+u", "%(?:25)*u")
        ),
        rf"\\+u\{{0*{_hex(code, 1)}\}}",
    ]
    if not character.isascii():
        # Read in another charset, or replaced.
        forms += [*(re.escape(one.decode("latin-1")) for one in encoded), r"\?", "\ufffd"]
    if character in "\"\\/'":
        forms.append(rf"\\+{plain}")
    if character == " ":
        forms.append(r"\+")
    if character == "'":
        forms.append("&(?:amp;)*apos;")
    # The longest first, so that nothing of an escape is left.
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True))})"


def _hex(number: int, digits: int) -> str:
    return "".join(
        f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{number:0{digits}x}"
    )


def _utf16(character: str) -> list[int]:
    encoded = character.encode("utf-16-be", errors="surrogatepass")
    return [int.from_bytes(encoded[start : start + 2]) for start in range(0, len(encoded), 2)]
