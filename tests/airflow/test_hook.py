"""From an Airflow connection to a signed-in client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, Connection

from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.exceptions import (
    AuthenticationError,
    InvalidConnectionError,
    NoConnectionError,
)
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount, SandboxSettings
from tests.integration.client.certificates import Authority
from tests.integration.client.servers import unused_address
from tests.support.clients import sign_ins
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.flows import FLOWS, connection, connection_fields

every_flow = pytest.mark.parametrize("flow", FLOWS)


Read = Callable[[], Any]


@pytest.fixture(scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _few_certificates(_authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust one authority: loading all public ones takes most of a test's time."""
    monkeypatch.setenv("SSL_CERT_FILE", str(_authority.ca))


@pytest.fixture
def make(monkeypatch):
    """Set the default connection, as JSON or a URI."""
    return lambda text: monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", text)


def accounts_by_hook() -> list[str]:
    hook = EngageVoiceHook()
    try:
        return [account.accountId for account in hook.list_accounts()]
    finally:
        hook.close()


def accounts_by_async_client() -> list[str]:
    async def main() -> list[str]:
        async with await EngageVoiceHook().get_async_conn() as client:
            return [account.accountId for account in await client.list_accounts()]

    return asyncio.run(main())


@pytest.fixture(params=[accounts_by_hook, accounts_by_async_client], ids=["sync", "async"])
def accounts(request: pytest.FixtureRequest) -> Read:
    """List the accounts through the hook, either way."""
    return request.param


def uri(flow: str, url: str, form: str) -> str:
    """Write a connection as a URI; ``form`` selects where the protocol is given."""
    fields = connection_fields(flow, url)
    login, password = quote(fields["login"] or "", safe=""), quote(fields["password"] or "", safe="")
    user = f"{login}:{password}@" if login else ""
    host, port = url.removeprefix("http://").split(":")
    place = {
        "schema": f"{user}{host}:{port}/http",
        "quoted": f"{user}{quote(url, safe='')}/",
        "nested": f"http://{user}{host}:{port}/",
    }[form]
    return f"engagevoice://{place}?{urlencode(fields['extra'])}"


@every_flow
@pytest.mark.few(5)
def test_a_connection_in_json_signs_in(sandbox, make, accounts, flow) -> None:
    make(connection(flow, sandbox.url))
    assert accounts() == [ACCOUNT_ID]
    assert EngageVoiceHook().client.settings.sign_in == flow


@every_flow
@pytest.mark.parametrize("form", ["schema", "quoted", "nested"])
@pytest.mark.few(6)
def test_a_connection_as_a_uri_signs_in(sandbox, make, accounts, flow, form) -> None:
    make(uri(flow, sandbox.url, form))
    assert accounts() == [ACCOUNT_ID]


@every_flow
@pytest.mark.few(5)
def test_a_connection_written_by_airflow_signs_in(sandbox, make, accounts, flow) -> None:
    fields = connection_fields(flow, sandbox.url)
    make(Connection(conn_id="any", **fields | {"extra": json.dumps(fields["extra"])}).get_uri())
    assert accounts() == [ACCOUNT_ID]


def test_host_and_port_may_be_separate(sandbox, make, accounts) -> None:
    host, port = sandbox.url.removeprefix("http://").split(":")
    fields = connection_fields("api_token", sandbox.url) | {"host": host, "port": int(port), "schema": "http"}
    make(json.dumps(fields))
    assert accounts() == [ACCOUNT_ID]


def test_hooks_of_one_process_share_a_token(sandbox) -> None:
    for _ in range(3):
        accounts_by_hook()
        accounts_by_async_client()
    assert sandbox.counters()["exchanges"] == 1


def test_a_closed_hook_opens_again(sandbox) -> None:
    hook = EngageVoiceHook()
    hook.close()
    for _ in range(2):
        assert hook.find_dial_group("Winback").dialGroupName == "Winback"
        assert hook.get_conn() is hook.client
        hook.close()


def test_another_type_of_connection(make, accounts) -> None:
    make(json.dumps({"conn_type": "http", "host": "https://example.com", "login": "x"}))
    with pytest.raises(InvalidConnectionError, match=r"its type is 'http'; make it .* type 'engagevoice'"):
        accounts()


@pytest.mark.parametrize("extra", ["[1, 2]", '"text"', "5"])
def test_an_extra_that_is_not_a_mapping(sandbox, make, accounts, extra) -> None:
    make(json.dumps({"conn_type": "engagevoice", "host": sandbox.url, "extra": extra}))
    with pytest.raises(InvalidConnectionError, match="extra"):
        accounts()
    assert sandbox.requests() == []


def is_one_sentence(text: str) -> bool:
    return 10 < len(text) < 400 and "\n" not in text and "Traceback" not in text


@every_flow
def test_the_test_button_names_the_account(sandbox, make, flow) -> None:
    make(connection(flow, sandbox.url))
    assert EngageVoiceHook().test_connection() == (
        True,
        "signed in to account 99990000 (Demo Sales Floor)",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jwt_token": "wrong"}, "sign-in ringcentral_jwt was refused: status 400: The assertion is invalid"),
        ({"client_secret": "wrong"}, "status 401: Invalid client credentials"),
        (
            {"jwt_token": ""},
            "ringcentral_jwt needs client_id, client_secret, jwt_token; missing: jwt_token",
        ),
        ({"account_id": "1"}, "account_id 1 is not one the user can see: 99990000 (Demo Sales Floor)"),
        ({"timezone": "Mars"}, "Mars"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"rc_server": unused_address()}, "no connection"),
    ],
)
def test_the_test_button_reports_the_error(sandbox, make, changes, message) -> None:
    make(jwt_connection(sandbox.url, **changes))
    good, text = EngageVoiceHook().test_connection()
    assert not good
    assert message in text
    assert is_one_sentence(text)


@pytest.mark.parametrize(
    ("fault", "message"),
    [("html", "is the host right?"), ("drop_answer", "no response"), ("status", "status 503")],
)
def test_the_test_button_with_a_failing_server(sandbox, fault, message) -> None:
    sandbox.add_fault(fault, path="/accounts$", status=503, times=99)
    good, text = EngageVoiceHook().test_connection()
    assert not good
    assert message in text
    assert is_one_sentence(text)


def test_the_test_button_names_a_missing_bundle(sandbox, monkeypatch, tmp_path) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    good, text = EngageVoiceHook().test_connection()
    assert not good
    assert "REQUESTS_CA_BUNDLE" in text


def test_several_accounts_without_a_choice(make) -> None:
    accounts = (SandboxAccount("1001", "North"), SandboxAccount("1002", "South"))
    reset_shared_state()
    with SandboxServer(SandboxSettings(limits=False, accounts=accounts)) as sandbox:
        make(connection("ringcentral_jwt", sandbox.url))
        good, text = EngageVoiceHook().test_connection()
        assert (good, "1001 (North), 1002 (South)" in text) == (False, True)
        make(connection("ringcentral_jwt", sandbox.url, account_id=1002))
        assert EngageVoiceHook().test_connection() == (True, "signed in to account 1002 (South)")


def test_wrong_credentials_raise_a_typed_error(sandbox, make, accounts) -> None:
    make(connection("engage", sandbox.url).replace('"aws80"', '"aws81"'))
    with pytest.raises(AuthenticationError, match="sign-in engage was refused: status 401"):
        accounts()


def test_hosts_with_different_fernet_keys_do_not_replace_each_others_token(
    sandbox, monkeypatch, tmp_path
) -> None:
    from cryptography.fernet import Fernet

    directory = f"file://{tmp_path}/shared"
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url, token_store=directory))
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    for turn in range(6):
        key = keys[turn % 2]
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", key)
        monkeypatch.setattr(
            "airflow_provider_engagevoice.hooks.engagevoice._fernet", lambda key=key: Fernet(key)
        )
        reset_shared_state()
        assert accounts_by_hook() == [ACCOUNT_ID]
    assert sandbox.counters()["exchanges"] == 2


@pytest.mark.parametrize(("plain", "sign_ins_made"), [(None, 2), ("false", 2), ("true", 1), (True, 1)])
def test_tokens_without_a_fernet_key(sandbox, make, accounts, tmp_path, plain, sign_ins_made) -> None:
    extra = {"token_store": f"file://{tmp_path / 'store'}"}
    if plain is not None:
        extra["token_store_plain"] = plain
    make(connection("ringcentral_jwt", sandbox.url, **extra))
    for _ in range(2):
        # As another process does.
        reset_shared_state()
        assert accounts() == [ACCOUNT_ID]
    assert len(sign_ins(sandbox)) == 2 * sign_ins_made
    stored = [path.name for path in (tmp_path / "store").glob("*.value")]
    assert bool(stored) is (sign_ins_made == 1)


def test_flags_of_a_connection(sandbox, make, accounts) -> None:
    make(connection("api_token", "http://sandbox.example:8090"))
    with pytest.raises(InvalidConnectionError, match="allow_http=true"):
        EngageVoiceHook().get_conn()
    for value in (True, "true"):
        make(connection("api_token", "http://sandbox.example:8090", allow_http=value))
        assert EngageVoiceHook().get_conn().settings.base_url == "http://sandbox.example:8090"
    make(connection("api_token", sandbox.url, allow_http="yes"))
    with pytest.raises(InvalidConnectionError, match="allow_http"):
        EngageVoiceHook().get_conn()


class _Supervisor:
    """The supervisor of ``airflow dags test``."""


class _AsyncSupervisor(_Supervisor):
    """The supervisor of a triggerer or a task."""

    async def asend(self, message: object) -> None:
        """Answer nothing."""


@pytest.mark.parametrize("supervisor", [None, _Supervisor(), _AsyncSupervisor()])
@pytest.mark.parametrize("exists", [True, False])
def test_the_sync_way_is_taken_only_where_there_is_no_async_one(sandbox, monkeypatch, supervisor, exists):
    runner = pytest.importorskip("airflow.sdk.execution_time.task_runner")
    monkeypatch.setattr(runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    asked_in: list[int] = []

    async def find_none(conn_id: str) -> Connection:
        raise AirflowNotFoundException(conn_id)

    def get_connection(conn_id: str) -> Connection:
        asked_in.append(threading.get_ident())
        if not exists:
            raise AirflowNotFoundException(conn_id)
        return Connection.from_json(jwt_connection(sandbox.url), conn_id=conn_id)

    monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_connection", find_none)
    monkeypatch.setattr(
        "airflow_provider_engagevoice.hooks.supervisor.BaseHook.get_connection", get_connection
    )
    is_sync = type(supervisor) is _Supervisor
    if is_sync and exists:
        assert accounts_by_async_client() == [ACCOUNT_ID]
    else:
        with pytest.raises(NoConnectionError, match="engagevoice_default"):
            accounts_by_async_client()
    # Never on the event loop, which is this thread's.
    assert len(asked_in) == is_sync
    assert threading.get_ident() not in asked_in
