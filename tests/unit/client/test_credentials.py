"""client/credentials.py: the sign-in flow that credentials fit, and redaction of secrets."""

from __future__ import annotations

import html
import itertools
import json
import quopri
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.client.settings import (
    DEFAULT_HOST,
    Credentials,
    Redactor,
    SignIn,
    choose_sign_in,
    fingerprint,
    is_sign_in,
)
from airflow_provider_engagevoice.exceptions import InvalidConnectionError

LEGACY_HOST = "https://portal.vacd.biz"
VALUES = {
    "client_id": "the-client-id",
    "client_secret": "the-client-secret",
    "jwt_token": "the-jwt",
    "username": "the-username",
    "extension": "the-extension",
    "password": "the-password",
    "platform_id": "the-platform-id",
    "api_token": "the-api-token",
}
SECRETS = [VALUES[name] for name in ("client_secret", "jwt_token", "password", "api_token")]


def some(*names: str) -> Credentials:
    return Credentials(**{name: VALUES[name] for name in names})


@pytest.mark.parametrize(
    ("names", "host", "flow"),
    [
        ("client_id client_secret jwt_token", DEFAULT_HOST, SignIn.RINGCENTRAL_JWT),
        ("client_id client_secret jwt_token", LEGACY_HOST, SignIn.RINGCENTRAL_JWT),
        ("client_id client_secret username password", DEFAULT_HOST, SignIn.RINGCENTRAL_PASSWORD),
        ("client_id client_secret username extension password", DEFAULT_HOST, SignIn.RINGCENTRAL_PASSWORD),
        ("username password", DEFAULT_HOST, SignIn.ENGAGE),
        ("username password platform_id", DEFAULT_HOST, SignIn.ENGAGE),
        ("username password", LEGACY_HOST, SignIn.LEGACY),
        ("username password", "https://portal.virtualacd.biz", SignIn.LEGACY),
        ("username password", "https://portal.vacd.biz.example.com", SignIn.ENGAGE),
        ("api_token", DEFAULT_HOST, SignIn.API_TOKEN),
        ("api_token", LEGACY_HOST, SignIn.API_TOKEN),
    ],
)
def test_the_flow_is_inferred_and_may_be_named(names: str, host: str, flow: SignIn) -> None:
    assert choose_sign_in("", some(*names.split()), host) is flow
    assert choose_sign_in(flow.value, some(*names.split()), host) is flow


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ("jwt_token", "missing: client_id, client_secret"),
        ("client_id", "missing: client_secret, jwt_token"),
        ("client_id client_secret", "missing: jwt_token"),
        ("client_id jwt_token", "missing: client_secret"),
        ("username", "missing: password"),
        ("password", "missing: login"),
        ("platform_id", "missing: password, login"),
        ("client_id username password", "missing: client_secret"),
        ("client_id client_secret username", "missing: password"),
        ("username password extension", "missing: client_id, client_secret"),
    ],
)
def test_missing_fields_are_named_as_on_the_form(names: str, missing: str) -> None:
    with pytest.raises(InvalidConnectionError, match=missing):
        choose_sign_in("", some(*names.split()), DEFAULT_HOST)


@pytest.mark.parametrize(
    "names",
    [
        "client_id client_secret jwt_token api_token",
        "client_id client_secret jwt_token username password",
        "username password api_token",
        "username password platform_id client_id client_secret",
        "jwt_token platform_id",
    ],
)
def test_credentials_of_two_flows_are_in_conflict(names: str) -> None:
    with pytest.raises(InvalidConnectionError, match="several sign-in flows") as caught:
        choose_sign_in("", some(*names.split()), DEFAULT_HOST)
    assert "sign_in" in str(caught.value)


def test_a_named_flow_needs_its_own_fields() -> None:
    with pytest.raises(InvalidConnectionError, match="in conflict with it: api_token"):
        choose_sign_in("engage", some("username", "password", "api_token"), DEFAULT_HOST)
    with pytest.raises(InvalidConnectionError, match="missing: api_token"):
        choose_sign_in("api_token", some("username", "password"), DEFAULT_HOST)


@pytest.mark.parametrize("sign_in", ["jwt", "JWT", "RINGCENTRAL_JWT", "None"])
def test_an_unknown_flow_is_rejected_with_the_choices(sign_in: str) -> None:
    with pytest.raises(
        InvalidConnectionError, match="ringcentral_jwt, ringcentral_password, engage, legacy, api_token"
    ):
        choose_sign_in(sign_in, some("api_token"), DEFAULT_HOST)


def test_no_credentials() -> None:
    message = "no credentials: give client_id, client_secret and jwt_token"
    with pytest.raises(InvalidConnectionError, match=message):
        choose_sign_in("", Credentials(), DEFAULT_HOST)


def test_any_set_of_fields_gives_a_flow_or_a_typed_error_without_secrets() -> None:
    for size in range(len(VALUES) + 1):
        for names in itertools.combinations(VALUES, size):
            for sign_in in ("", *SignIn):
                for host in (DEFAULT_HOST, LEGACY_HOST):
                    try:
                        flow = choose_sign_in(sign_in, some(*names), host)
                    except InvalidConnectionError as error:
                        message = str(error)
                        assert not any(secret in message for secret in SECRETS)
                    else:
                        assert not sign_in or flow == sign_in
                        assert choose_sign_in(flow, some(*names), host) is flow


def test_no_secret_in_the_repr() -> None:
    shown = repr(some(*VALUES))
    assert "the-username" in shown
    assert not any(secret in shown for secret in SECRETS)


@given(st.text(min_size=3).filter(lambda text: text not in "***"), st.text(), st.text())
def test_secrets_are_redacted_in_every_encoding(secret: str, before: str, after: str) -> None:
    credentials = Credentials(username="u", password=secret)
    for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
        assert form not in Redactor(credentials)(f"{before}{form}{after}")


ESCAPED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "URL": lambda secret: quote(secret, safe=""),
    "lower-case URL": lambda secret: re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "URL twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "page": html.escape,
    "page without quotes": lambda secret: html.escape(secret, quote=False),
    "page twice": lambda secret: html.escape(html.escape(secret)),
    "decimal entities": lambda secret: "".join(_entity(one, f"&#{ord(one):04};") for one in secret),
    "hexadecimal entities": lambda secret: "".join(_entity(one, f"&#X{ord(one):x};") for one in secret),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in capitals": lambda secret: re.sub(r"u([0-9a-f]{4})", _capitals, json.dumps(secret)[1:-1]),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "entities without an end": lambda secret: "".join(_entity(one, f"&#{ord(one)}") for one in secret),
    "URL in Latin-1": lambda secret: quote(secret, safe="", encoding="latin-1", errors="ignore"),
    "bytes of a log": lambda secret: "".join(
        _entity(one, "".join(f"\\x{byte:02X}" for byte in one.encode())) for one in secret
    ),
    "octal bytes of a log": lambda secret: "".join(
        _entity(one, "".join(f"\\{byte:03o}" for byte in one.encode())) for one in secret
    ),
    "all of it as octal bytes": lambda secret: "".join(map("\\{:03o}".format, secret.encode())),
    "quoted-printable": lambda secret: quopri.encodestring(secret.encode(), quotetabs=True).decode(),
    "all of it as quoted-printable": lambda secret: "".join(map("={:02X}".format, secret.encode())),
    "JavaScript": lambda secret: "".join(_entity(one, f"\\u{{{ord(one):x}}}") for one in secret),
    "named entities": lambda secret: secret.translate(_NAMED),
    "read as Latin-1": lambda secret: secret.encode().decode("latin-1"),
    "without what is not ASCII": lambda secret: secret.encode("ascii", errors="replace").decode(),
    "JSON with slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "all of it as JSON": lambda secret: "".join(map("\\u{:04X}".format, _units(secret))),
    "all of it in a URL": lambda secret: "".join(map("%{:02x}".format, secret.encode())),
    "all of it as decimal entities": lambda secret: "".join(f"&#{ord(one)};" for one in secret),
    "all of it as hexadecimal entities": lambda secret: "".join(f"&#x{ord(one):X};" for one in secret),
    "all of it as bytes": lambda secret: "".join(map("\\x{:02x}".format, secret.encode())),
    "page in a URL": lambda secret: quote(html.escape(secret), safe=""),
    "JSON in a page": lambda secret: html.escape(json.dumps(secret)[1:-1]),
    "JSON in a URL": lambda secret: quote(json.dumps(secret)[1:-1], safe=""),
    "URL in Base64": lambda secret: b64encode(quote(f"Bearer {secret}", safe="").encode()).decode(),
    "Base64 in Base64": lambda secret: b64encode(b64encode(f"Basic {secret}".encode())).decode(),
    "lines": lambda secret: secret.replace("a", "a\r\n\t"),
    "lines of a page": lambda secret: secret.replace("a", "a<br />"),
    "lines in a URL": lambda secret: quote(secret.replace("a", "a\n"), safe=""),
    "lines in JSON": lambda secret: json.dumps(secret.replace("a", "a\n"))[1:-1],
    "some of it in a URL": lambda secret: "".join(
        "".join(map(("%{:02x}", "%{:02X}")[number % 2].format, one.encode())) if number % 3 else quote(one)
        for number, one in enumerate(secret)
    ),
}


def _units(text: str) -> list[int]:
    encoded = text.encode("utf-16-be")
    return [int.from_bytes(encoded[start : start + 2]) for start in range(0, len(encoded), 2)]


_NAMED = str.maketrans({"+": "&plus;", "/": "&sol;", "%": "&percnt;", "=": "&equals;", "&": "&AMP;"})


def _capitals(found: re.Match[str]) -> str:
    return f"u{found[1].upper()}"


def _entity(character: str, entity: str) -> str:
    return character if character.isascii() and character.isalnum() else entity


@pytest.mark.parametrize("escape", ESCAPED)
@pytest.mark.parametrize(
    "secret",
    ["pa+ss/w%rd=", "a&b<c>\"d'e", "tr\u00e8s \u00fcber", "\U0001f511 key\\path", "plain", "r\u20acd;#~"],
)
def test_escaped_secrets_are_redacted(secret: str, escape: str) -> None:
    if escape == "URL in Latin-1" and secret != secret.encode("latin-1", errors="ignore").decode("latin-1"):
        pytest.skip("it has no form in Latin-1")
    redact = Redactor(Credentials(password=secret))
    shown = re.compile(r"before\|[\w+/=% -]{0,20}\*\*\*\|after")
    assert shown.fullmatch(redact(f"before|{ESCAPED[escape](secret)}|after"))
    token = Redactor(Credentials())
    token.add(secret)
    assert shown.fullmatch(token(f"before|{ESCAPED[escape](secret)}|after"))


@pytest.mark.parametrize("escape", ["as it is", "URL", "lower-case URL", "page", "JSON"])
def test_an_echoed_basic_header_is_redacted(escape: str) -> None:
    for credentials, pair in (
        (some("client_id", "client_secret", "jwt_token"), "the-client-id:the-client-secret"),
        (some("username", "password"), "the-username:the-password"),
        (Credentials(client_id="a?>", client_secret="\u00ff\u00fe?"), "a?>:\u00ff\u00fe?"),
    ):
        header = b64encode(pair.encode()).decode()
        shown = Redactor(credentials)(f"Basic {ESCAPED[escape](header)}, not good")
        assert header.rstrip("=") not in shown
        assert re.fullmatch(r"Basic \*\*\*(=|%3D|%3d)*, not good", shown)
        assert header.rstrip("=") in credentials.secrets()


@pytest.mark.parametrize(
    "secret", ["aws80:3f2c-0001", "p\u00e4ss/w\u00f6rd?>", "x" * 31 + "?>?>" + "y" * 900]
)
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_secrets_in_base64_are_redacted(secret: str, encode: Callable[[bytes], bytes]) -> None:
    redact = Redactor(Credentials(api_token=secret))
    for before in ("", "X", "To", "X-Auth-Token: ", "Bearer "):
        for after in ("", "\r", "\r\n", "\nHost: ringcx.example"):
            encoded = encode(f"{before}{secret}{after}".encode()).decode()
            shown = redact(f"was: {encoded}, not good")
            assert re.fullmatch(r"was: [\w+/-]{0,20}\*\*\*, not good", shown), shown
            assert redact(f"was: {quote(encoded, safe='')}, not good").count("***") == 1


@pytest.mark.parametrize("secret", ["aws80:3f2c-0001", "p\u00e4ss/w\u00f6rd?>", "x" * 31 + "?>" + "y" * 900])
def test_secrets_in_hexadecimal_are_redacted(secret: str) -> None:
    redact = Redactor(Credentials(api_token=secret))
    for form in (secret.encode().hex(), secret.encode().hex().upper(), f"Bearer {secret}".encode().hex()):
        assert re.fullmatch(r"was: [0-9a-f]{0,14}\*\*\*, not good", redact(f"was: {form}, not good"))
    assert redact(f"id {secret[:6].encode().hex()}") == f"id {secret[:6].encode().hex()}"


def test_a_long_secret_in_several_lines_is_redacted() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9." + "".join(f"Q7tokenK2-{number:02}" for number in range(60)) + ".c2ln"
    redact = Redactor(Credentials(jwt_token=token))
    for text in (token, b64encode(f"Bearer {token}".encode()).decode()):
        for width in (8, 20, 64, 76):
            for between in ("\n", "\r\n ", "=\n", "<br>"):
                lines = between.join(text[start : start + width] for start in range(0, len(text), width))
                shown = redact(f"was: {lines}, not good")
                assert re.fullmatch(r"was: [\w+/-]{0,20}\*\*\*, not good", shown), shown


def test_of_many_tokens_the_latest_are_redacted_in_short_time() -> None:
    redact = Redactor(Credentials(api_token="given-token"))
    tokens = [f"token-{number:04}" * 60 for number in range(600)]
    for token in tokens:
        redact.add("given-token")
        redact.add("used-token")
        redact.add(token)
    began = time.process_time()
    assert redact(f"given-token|used-token|{'|'.join(tokens[-4:])}") == "***|***|***|***|***|***"
    assert time.process_time() - began < 2


def test_a_long_secret_that_was_cut_is_redacted() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9." + "Q7tokenK2-_" * 60 + ".c2ln"
    redact = Redactor(Credentials(jwt_token=token))
    for length in range(32, len(token) + 1, 7):
        assert redact(f"token {token[:length]}, cut") == "token ***, cut"
    assert redact(f"token {token[:200].replace('7', '%37')}... is bad") == "token *** is bad"
    assert redact(f"'{token}' and \"{token}\" and <{token}>") == "'***' and \"***\" and <***>"
    assert redact("token eyJhbGciOiJSUzI1NiJ9.other") == "token eyJhbGciOiJSUzI1NiJ9.other"


@pytest.mark.parametrize(
    "text", ["\\", "%25", "&amp;", "\\u00", "&#", "%u00", "\\\\x2", "%", "&#x0", " ", "=\n", "QUJD"]
)
def test_no_text_takes_long(text: str) -> None:
    redact = Redactor(Credentials(client_id="app", client_secret='"R&2' + "P4U7" * 5, password="\\" * 9))
    redact.add("R2P4" * 200)
    long = text * ((256 << 10) // len(text))
    began = time.process_time()
    redact(long)
    # A square would take minutes.
    assert time.process_time() - began < 5


def test_what_resembles_a_secret_stays() -> None:
    redact = Redactor(Credentials(password="a+b"))
    assert redact("a%2Cb a&#44;b aab a-b A+B") == "a%2Cb a&#44;b aab a-b A+B"


def test_a_secret_that_contains_another_is_redacted_whole() -> None:
    credentials = Credentials(client_secret="abc", password="abcdef")
    assert Redactor(credentials)("x abcdef y abc z") == "x *** y *** z"
    assert Redactor(Credentials())("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/api/auth/login/rc/accesstoken", True),
        ("/api/auth/login/admin", True),
        ("/api/auth/token/refresh", True),
        ("/api/v1/auth/login", True),
        ("/restapi/oauth/token", True),
        ("/voice/api/v1/admin/accounts", False),
        ("/voice/api/v1/admin/accounts/1/dialGroups/2/campaigns", False),
    ],
)
def test_sign_in_paths(path: str, is_one: bool) -> None:
    assert is_sign_in(path) is is_one


def test_fingerprints_differ_and_reveal_nothing() -> None:
    assert fingerprint("a", "bc") != fingerprint("ab", "c")
    assert fingerprint("a", "") != fingerprint("", "a")
    assert fingerprint("a", "b") == fingerprint("a", "b")
    assert "secret" not in fingerprint("secret")
