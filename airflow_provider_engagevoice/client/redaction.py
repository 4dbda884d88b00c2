"""The forms in which a server may repeat a secret: as it is, or escaped for a URL, a page or JSON."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from html.entities import codepoint2name
from urllib.parse import quote, quote_plus

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
    pair = f"{name}:{password}".encode(errors="replace")
    return list(dict.fromkeys(encode(pair).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)))


def pattern_of(secret: str) -> str:
    """Return a regular expression for a secret, any character of which may be escaped in any way."""
    return "".join(map(_character, secret))


def _character(character: str) -> str:
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    code = ord(character)
    # Escaped once or more: %2B, %252B; &amp;, &amp;amp;
    forms = [
        plain,
        "".join(f"%(?:25)*{_hex(byte, 2)}" for byte in character.encode(errors="surrogatepass")),
        f"&(?:amp;)*#0*{code};",
        f"&(?:amp;)*#[xX]0*{_hex(code, 1)};",
        "".join(rf"\\+u{_hex(unit, 4)}" for unit in _utf16(character)),
    ]
    if name := codepoint2name.get(code):
        forms.append(f"&(?:amp;)*{name};")
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
