"""client/settings.py: hosts and defaults."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.client.settings import (
    USER_AGENT,
    ClientSettings,
    Credentials,
    SignIn,
    Timeouts,
)
from airflow_provider_engagevoice.exceptions import InvalidConnectionError

TOKEN = Credentials(api_token="the-api-token")
PASSWORD = Credentials(username="me", password="the-password")
JWT = Credentials(client_id="id", client_secret="the-secret", jwt_token="the-jwt")


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("", "https://ringcx.ringcentral.com"),
        ("ringcx.ringcentral.com", "https://ringcx.ringcentral.com"),
        (" https://RingCX.ringcentral.com/ ", "https://ringcx.ringcentral.com"),
        ("https://engage.ringcentral.com/voice", "https://engage.ringcentral.com"),
        ("https://ringcx.ringcentral.com/voice/api/v1/", "https://ringcx.ringcentral.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("localhost:8000", "https://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("[::1]", "https://[::1]"),
    ],
)
def test_hosts(host: str, base_url: str) -> None:
    settings = ClientSettings.build(credentials=TOKEN, host=host)
    assert (settings.base_url, settings.api_root) == (base_url, "/voice/api/v1")


@pytest.mark.parametrize(
    "host",
    [
        " ", "/", "http://", "https:///voice", "ftp://ringcx.ringcentral.com", "file:///etc/passwd",
        "https://ringcx.ringcentral.com/other", "https://ringcx.ringcentral.com/voice/api", "host:port",
        "host:99999",
        "host:-1", "ring cx.com", "https://h%6fst", "a_b.com", "https://ringcx.ringcentral.com?x=1",
        "https://ringcx.ringcentral.com#x", "https://[::1", "javascript:alert(1)", "back\\slash",
        "0\x1f?",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["host", "rc_server"])
def test_bad_hosts(host: str, field: str) -> None:
    with pytest.raises(InvalidConnectionError, match=rf"^{field}=.*write a host such as https://"):
        ClientSettings.build(credentials=JWT, **{field: host})


@pytest.mark.parametrize(
    "host",
    [
        "https://me:hunter2@ringcx.ringcentral.com",
        "me:hunter2@ringcx.ringcentral.com",
        "https://me:hunter2/x@ringcx.ringcentral.com",
        "https://hunter2@ringcx.ringcentral.com:99999",
        "https://me:hunter2@",
        "https://me:hunter2@[::1",
    ],
)
def test_a_password_in_a_host_is_rejected_and_not_repeated(host: str) -> None:
    with pytest.raises(InvalidConnectionError) as caught:
        ClientSettings.build(credentials=TOKEN, host=host)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error!r}"
        error = error.__cause__ or error.__context__


@given(st.text(max_size=30))
def test_any_host_gives_a_url_or_a_typed_error(host: str) -> None:
    try:
        settings = ClientSettings.build(credentials=TOKEN, host=host)
    except InvalidConnectionError:
        return
    assert settings.base_url.startswith(("http://", "https://"))
    assert ClientSettings.build(credentials=TOKEN, host=settings.base_url).base_url == settings.base_url


@pytest.mark.parametrize(
    ("credentials", "options", "flow", "base_url", "root"),
    [
        (JWT, {}, SignIn.RINGCENTRAL_JWT, "https://ringcx.ringcentral.com", "/voice/api/v1"),
        (PASSWORD, {}, SignIn.ENGAGE, "https://ringcx.ringcentral.com", "/voice/api/v1"),
        (PASSWORD, {"sign_in": "legacy"}, SignIn.LEGACY, "https://portal.vacd.biz", "/api/v1"),
        (PASSWORD, {"host": "portal.vacd.biz"}, SignIn.LEGACY, "https://portal.vacd.biz", "/api/v1"),
        (PASSWORD, {"host": "https://portal.virtualacd.biz/api/v1"}, SignIn.LEGACY,
         "https://portal.virtualacd.biz", "/api/v1"),
        (PASSWORD, {"host": "http://127.0.0.1:1", "sign_in": "legacy"}, SignIn.LEGACY,
        "http://127.0.0.1:1", "/api/v1"),
        (TOKEN, {"host": "portal.vacd.biz"}, SignIn.API_TOKEN, "https://portal.vacd.biz", "/api/v1"),
    ],
)  # fmt: skip
def test_the_path_of_the_api_follows_from_host_and_flow(
    credentials: Credentials, options: dict[str, str], flow: SignIn, base_url: str, root: str
) -> None:
    settings = ClientSettings.build(credentials=credentials, **options)  # type: ignore[arg-type]
    assert (settings.sign_in, settings.base_url, settings.api_root) == (flow, base_url, root)
    assert settings.rc_server == "https://platform.ringcentral.com"


def test_no_secret_in_the_repr() -> None:
    assert "the-" not in repr(ClientSettings.build(credentials=JWT))


def test_the_token_key_changes_with_each_part_of_the_credentials() -> None:
    settings = ClientSettings.build(credentials=JWT)
    keys = {settings.token_key}
    keys.add(ClientSettings.build(credentials=JWT, host="engage.ringcentral.com").token_key)
    keys.add(ClientSettings.build(credentials=JWT, rc_server="platform.devtest.ringcentral.com").token_key)
    keys.add(replace(settings, sign_in=SignIn.ENGAGE).token_key)
    for field in fields(Credentials):
        keys.add(replace(settings, credentials=replace(JWT, **{field.name: "another"})).token_key)
    assert len(keys) == 4 + len(fields(Credentials))
    assert ClientSettings.build(credentials=JWT, account_id="1").token_key == settings.token_key
    assert not any(secret in settings.token_key for secret in ("the-secret", "the-jwt"))


def test_timeouts_and_the_user_agent() -> None:
    timeout = Timeouts(connect=1, read=2, call=3).for_httpx()
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (1, 2, 2, 2)
    assert f"airflow-provider-engagevoice/{__version__}" == USER_AGENT


@pytest.mark.parametrize("field", ["host", "rc_server"])
@pytest.mark.parametrize(
    "url",
    ["http://ringcx.ringcentral.com", "http://10.0.0.7:8080", "http://sandbox:8090", "http://[2001:db8::1]"],
)
def test_plain_http_needs_consent(field: str, url: str) -> None:
    token = Credentials(api_token="aws80:token")
    with pytest.raises(InvalidConnectionError, match=rf"{field}=.*allow_http=true"):
        ClientSettings.build(credentials=token, **{field: url})
    settings = ClientSettings.build(credentials=token, allow_http=True, **{field: url})
    assert url in (settings.base_url, settings.rc_server)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8090",
        "http://127.0.0.1:8090",
        "http://127.9.9.9",
        "http://[::1]:1",
        "http://a.localhost",
    ],
)
def test_plain_http_to_this_machine(url: str) -> None:
    settings = ClientSettings.build(credentials=Credentials(api_token="x"), host=url, rc_server=url)
    assert settings.base_url == url
