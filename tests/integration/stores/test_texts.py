"""``token_store`` and ``budgets`` of a connection: every form, and every error."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_provider_engagevoice.client.rate_limits import (
    PROVISIONING,
    RATE_LIMITS,
    TOKEN_EXCHANGE,
    RateLimitShares,
)
from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidConnectionError
from airflow_provider_engagevoice.stores.factory import DEFAULT_TOKEN_STORE, open_store, passwords
from airflow_provider_engagevoice.stores.files import default_directory
from tests.support.watch import texts_of

SECRET = "Q7redisK2"

LABELS = {
    "memory": "memory",
    " memory ": "memory",
    "file:///tmp/a b": "files in /tmp/a b",
    "file:///tmp/a%20b": "files in /tmp/a b",
    "redis://127.0.0.1:6379/0": "redis://127.0.0.1:6379/0",
    "redis://127.0.0.1": "redis://127.0.0.1",
    f"redis://:{SECRET}@127.0.0.1:6379/1": "redis://127.0.0.1:6379/1",
    f"rediss://user:{SECRET}@127.0.0.1:6380": "rediss://127.0.0.1:6380",
    f"unix:///run/redis.sock?password={SECRET}": "unix:///run/redis.sock",
    "redis://127.0.0.1, file:///tmp/a,memory": "redis://127.0.0.1, else files in /tmp/a, else memory",
}


@pytest.mark.parametrize(("text", "label"), LABELS.items())
def test_stores(text, label) -> None:
    store = open_store(text)
    assert store.label == label
    assert SECRET not in repr(store) + str(store) + repr(vars(store))


def test_the_users_own_directory(monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert open_store("file").label == "files in /somewhere/airflow-provider-engagevoice"
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        monkeypatch.setenv("HOME", "/home/one")
        assert str(default_directory()) == "/home/one/.cache/airflow-provider-engagevoice"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "memory,",
        "Memory",
        "memory:",
        "disk",
        "file:",
        "file:///",
        "file://relative",
        "file://host/directory",
        "file:relative",
        "/tmp/directory",
        "http://127.0.0.1",
        "redis",
        "redis://127.0.0.1:port",
        "redis://127.0.0.1:99999",
        "redis://[::1",
        "redis://127.0.0.1?socket_timeout=abc",
        "redis://127.0.0.1?nonsense=1",
        f"redis://:{SECRET}@127.0.0.1:port",
        f"redis//:{SECRET}@127.0.0.1",
        f"sentinel://:{SECRET}@127.0.0.1",
        f"memory, redis://:{SECRET}@[127.0.0.1",
    ],
)
def test_invalid_stores(text) -> None:
    with pytest.raises(InvalidConnectionError, match="token_store") as caught:
        open_store(text)
    assert re.search("redis://", str(caught.value)), "it says what would be right"
    assert not any(SECRET in one for one in texts_of(caught.value))


@pytest.mark.parametrize(
    "text", [f"redis://:12,{SECRET}@127.0.0.1", f"redis://user:12,{SECRET}@127.0.0.1, memory"]
)
def test_a_comma_in_a_password(text) -> None:
    with pytest.raises(InvalidConnectionError) as caught:
        open_store(text)
    assert not any(SECRET in one for one in texts_of(caught.value))


def test_passwords_to_mask() -> None:
    text = f"redis://:{SECRET}%2F1@127.0.0.1, file, rediss://user:two@[::1]:1/0, redis://[bad"
    assert passwords(text) == [f"{SECRET}%2F1", f"{SECRET}/1", "two", "two"]
    assert SECRET in passwords(f"redis://127.0.0.1/0?password={SECRET}")


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid", "nobody.invalid"])
def test_an_invalid_host(host) -> None:
    pytest.importorskip("redis")
    with pytest.raises(EngageVoiceError, match="redis://"):
        open_store(f"redis://{host}").read("0a")


# Rate limits.


def rates(text, limit=PROVISIONING):
    return RateLimitShares.read(text).rates(limit)


def test_empty_means_the_documented_limits_with_a_margin() -> None:
    assert [str(rate) for rate in rates("")] == ["120 in 61.5 s"]
    assert [str(rate) for rate in rates("", TOKEN_EXCHANGE)] == ["5 in 66 s"]
    for limit in RATE_LIMITS.values():
        found = rates("", limit)
        assert [one.permits for one in found] == [one.permits for one in limit.rates]
        assert all(one.seconds > base.seconds for one, base in zip(found, limit.rates, strict=True))


@pytest.mark.parametrize(
    ("text", "provisioning", "exchange"),
    [
        ("50%", 60, 2),
        (" 50% ", 60, 2),
        ("12.5%", 15, 1),
        ("100%", 120, 5),
        ("0.1%", 1, 1),
        ("off", None, None),
        ("provisioning=50%", 60, 5),
        ("provisioning = 50% , token_exchange=off", 60, None),
        ("off, token_exchange=100%", None, 5),
        ("token_exchange=20%, 50%", 60, 1),
        ("50%,", 60, 2),
    ],
)
def test_shares(text, provisioning, exchange) -> None:
    for limit, permits in ((PROVISIONING, provisioning), (TOKEN_EXCHANGE, exchange)):
        assert [one.permits for one in rates(text, limit)] == ([] if permits is None else [permits])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("50", "'50'"),
        ("0%", "'0%'"),
        ("101%", "'101%'"),
        ("-5%", "'-5%'"),
        ("half", "'half'"),
        ("OFF", "'OFF'"),
        ("50 %", "'50 %'"),
        ("nan%", "'nan%'"),
        ("provisioning=", "''"),
        ("provisioning=120", "'120'"),
        ("provisoning=50%", "nearest: 'provisioning'"),
        ("=50%", "no rate limit ''"),
        ("a=b=50%", "no rate limit 'a=b'"),
        ("50%; off", "'50%; off'"),
    ],
)
def test_invalid_shares(text, message) -> None:
    with pytest.raises(InvalidConnectionError, match=re.escape(message)) as caught:
        RateLimitShares.read(text)
    assert "write a share such as 50% or 0.5, or off" in str(caught.value)


@pytest.mark.parametrize(
    "password",
    [
        "Q7,redisK2",
        "Q7,redisK2,x9z",
        "12,redisK2",
        "12,redisK2,x9z",
        "Q7@redisK2",
        "12/redisK2",
        "12#redisK2",
        "12?redisK2",
    ],
)
@pytest.mark.parametrize(
    "url", ["redis://:{}@127.0.0.1:6379/0", "rediss://user:{}@127.0.0.1", "redis://{}@127.0.0.1"]
)
@pytest.mark.parametrize("more", ["", ", file", "memory, "])
def test_no_part_of_a_password_that_is_not_escaped_is_shown(password, url, more) -> None:
    text = url.format(password)
    text = text + more if more.startswith(",") else more + text
    try:
        label = open_store(text).label
    except InvalidConnectionError as error:
        label = "".join(texts_of(error))
        assert "token_store" in label
    assert not [part for part in re.split(r"\W", password) if part in label.replace("127.0.0.1", "")]


def test_without_a_home_directory(monkeypatch, caplog) -> None:
    def no_home(path: object) -> object:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert open_store(DEFAULT_TOKEN_STORE).label == "memory"
    assert f"user id {os.getuid()} has none" in caplog.text
    with pytest.raises(
        InvalidConnectionError, match=r"token_store=file needs a home directory.*XDG_CACHE_HOME"
    ):
        open_store("file")
    assert open_store("file:///tmp/a").label == "files in /tmp/a"
