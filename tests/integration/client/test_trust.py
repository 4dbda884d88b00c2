"""Certificates, proxies and the User-Agent."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.transport import proxy_for
from airflow_provider_engagevoice.exceptions import EngageVoiceError, UnreachableError
from tests.integration.client.certificates import Authority
from tests.integration.client.servers import accounts_server, proxy, unused_address
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import FLOWS, settings_of

ONCE = RetryLimits(tries=1)
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_bundle_from_the_environment_is_trusted(authority, run, monkeypatch, variable) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(variable, str(authority.ca))
    with accounts_server(authority.server_context()) as server:
        (account,) = run(settings_of("api_token", server.url), list_accounts())
    assert account.accountId == ACCOUNT_ID


def test_openssls_variable_takes_precedence(authority, run, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority.make(tmp_path).ca))
    with accounts_server(authority.server_context()) as server:
        assert run(settings_of("api_token", server.url), list_accounts())


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_server_of_another_authority_is_not_trusted(
    authority, run, monkeypatch, tmp_path, variable
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(variable, str(Authority.make(tmp_path).ca))
    with accounts_server(authority.server_context()) as server:
        with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
            run(settings_of("api_token", server.url), list_accounts(), limits=ONCE)
        assert server.requests == []


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_missing_bundle_is_named(sandbox, run, monkeypatch, tmp_path, variable) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    with pytest.raises(EngageVoiceError, match=variable):
        run(settings_of("api_token", sandbox.url), list_accounts())


@pytest.mark.parametrize(
    ("flow", "variable"),
    [*((flow, "HTTP_PROXY") for flow in FLOWS), ("engage", "http_proxy"), ("engage", "ALL_PROXY")],
)
@pytest.mark.few(3)
def test_all_requests_go_through_the_proxy(sandbox, run, monkeypatch, flow, variable) -> None:
    with proxy() as middle:
        monkeypatch.setenv(variable, middle.url)
        run(settings_of(flow, sandbox.url), list_accounts())
    lines = [line for line, _ in middle.requests]
    assert len(lines) == len(sandbox.requests())
    assert all(line.split()[1].startswith(f"{sandbox.url}/") for line in lines)
    assert {headers["User-Agent"] for _, headers in middle.requests} == {
        f"airflow-provider-engagevoice/{__version__}"
    }


def test_no_proxy_is_honoured(sandbox, run, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", unused_address())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert run(settings_of("api_token", sandbox.url), list_accounts())


def test_a_missing_proxy_is_reported(sandbox, run, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", unused_address())
    with pytest.raises(UnreachableError, match="no connection"):
        run(settings_of("api_token", sandbox.url), list_accounts(), limits=ONCE)
    assert sandbox.requests() == []


@pytest.mark.parametrize("address", ["gopher://127.0.0.1:1", "http://127.0.0.1:port"])
def test_an_invalid_proxy_address_is_reported(sandbox, run, monkeypatch, address) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    with pytest.raises(EngageVoiceError, match=r"(?i)proxy"):
        run(settings_of("api_token", sandbox.url), list_accounts(), limits=ONCE)


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("HTTP_PROXY", "gopher://127.0.0.1:1"),
        ("http_proxy", "http://user:hush@127.0.0.1:port"),
        ("ALL_PROXY", "http://[::1"),
        ("HTTP_PROXY", "socks5://127.0.0.1:1"),
    ],
)
def test_the_variable_at_fault_is_named(sandbox, run, monkeypatch, variable, address) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(EngageVoiceError, match=f"^{variable}( is|: a SOCKS)") as caught:
        run(settings_of("api_token", sandbox.url), list_accounts(), limits=ONCE)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "entry", ["fd00::/8", "[::1]", "[fd00::]/8", "[::1]:8080", "fe80::1%eth0", "a b", ",,"]
)
def test_entries_of_no_proxy_for_others_change_nothing(sandbox, run, monkeypatch, entry) -> None:
    with proxy() as middle:
        monkeypatch.setenv("HTTP_PROXY", middle.url)
        monkeypatch.setenv("NO_PROXY", f"example.com,{entry}")
        assert run(settings_of("api_token", sandbox.url), list_accounts())
    assert middle.requests


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("url", "proxy", "is_used"),
    [
        ("http://127.0.0.1:8090", "http://proxy.example:3128", False),
        ("http://localhost", "proxy.example", False),
        ("http://[::1]:8090", "http://proxy.example:3128", False),
        ("http://127.0.0.1:8090", "http://localhost:3128", True),
        ("http://ringcx.example", "http://proxy.example:3128", True),
        ("https://127.0.0.1:8090", "http://proxy.example:3128", True),
    ],
)
def test_secrets_for_this_machine_do_not_leave_it_in_clear(
    monkeypatch, variable: str, url: str, proxy: str, is_used: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY" if url.startswith("https") else variable, proxy)
    assert (proxy_for(url) is not None) is is_used


@pytest.mark.parametrize(
    ("host", "no_proxy", "exempt"),
    [
        ("[::1]", "::1", True),
        ("[::1]", "[::1]", True),
        ("[::1]", "[::1]:8443", True),
        ("[::1]", "::/0", True),
        ("[fd12::7]", "fd00::/8", True),
        ("[fd12::7]", "[fd00::]/8", True),
        ("[fd12::7]", "fe80::/10, [::1]", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.0.0.0/16", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("ringcx.ringcentral.com", "ringcentral.com", True),
        ("ringcx.ringcentral.com", ".ringcentral.com", True),
        ("ringcx.ringcentral.com", "*.RingCentral.com", True),
        ("ringcx.ringcentral.com", "central.com", False),
        ("ringcx.ringcentral.com", "https://ringcx.ringcentral.com:443", True),
        ("ringcx.ringcentral.com", "localhost, *", True),
        ("ringcx.ringcentral.com", "[::1], fd00::/8", False),
    ],
)
def test_whom_no_proxy_names(monkeypatch, host, no_proxy, exempt) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    found = proxy_for(f"https://{host}")
    assert (found is None) is exempt
    assert exempt or str(found.url) == "http://proxy.example.com:3128"
