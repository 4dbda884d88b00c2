"""The hook: a client made from an Airflow connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowNotFoundException,
    BaseHook,
    conf,
    mask_secret,
)

from airflow_provider_engagevoice.client.auth import Masks
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.methods import SyncMethods
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials, fingerprint
from airflow_provider_engagevoice.client.shared_state import SharedState, open_shared_state
from airflow_provider_engagevoice.connection_form import (
    CONNECTION_TYPE,
    EXTRA_FIELDS,
    HIDDEN_FIELDS,
    HOOK_NAME,
    PLACEHOLDERS,
    RELABELING,
    RENAMED_FIELDS,
)
from airflow_provider_engagevoice.dates import read_zone
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    InvalidConnectionError,
    NoConnectionError,
    PermissionDeniedError,
    ResourceNotFoundError,
    nearest,
)
from airflow_provider_engagevoice.hooks.supervisor import aget_connection, amask_secret
from airflow_provider_engagevoice.inputs import read_flag
from airflow_provider_engagevoice.stores.factory import DEFAULT_TOKEN_STORE, passwords

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_engagevoice.client.request import Procedure, Request
    from airflow_provider_engagevoice.client.shared_state import Cipher

log = logging.getLogger(__name__)

T = TypeVar("T")

_SECRETS = frozenset(field.name for field in EXTRA_FIELDS if field.secret)
_FLAGS = frozenset(field.name for field in EXTRA_FIELDS if "true" in field.choices)


class EngageVoiceHook(BaseHook, SyncMethods):
    """
    Connect to RingCentral Engage Voice (RingCX).

    Each endpoint is a method. ``get_conn`` returns the client behind the methods, ``get_async_conn`` an async
    client with the same methods.

    .. seealso::
        `Engage Voice developer guide <https://developers.ringcentral.com/engage/voice/guide>`__

    All hooks of a host, or with Redis of several hosts, share tokens and rate limits: see ``token_store`` and
    ``budgets`` of the connection and of the ``[engagevoice]`` section of Airflow's configuration.

    :param engagevoice_conn_id: id of a connection of type ``engagevoice``
    :param deadline: instant at which the caller times out, such as the end of the task's
        ``execution_timeout``; a wait that would end later fails at once. Default: none
    """

    conn_name_attr = "engagevoice_conn_id"
    default_conn_name = "engagevoice_default"
    conn_type = CONNECTION_TYPE
    hook_name = HOOK_NAME

    def __init__(
        self, engagevoice_conn_id: str = default_conn_name, *, deadline: datetime | None = None
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.deadline = deadline

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields for Airflow 2.11 to 3.1."""
        from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import PasswordField, StringField
        from wtforms.validators import Optional, any_of

        widgets: dict[str, Any] = {}
        for field in EXTRA_FIELDS:
            label, description = lazy_gettext(field.label), lazy_gettext(field.description)
            if field.choices:
                # Airflow accepts no dropdown field; 3.0 and 3.1 build one from this validator.
                widgets[field.name] = StringField(
                    label,
                    validators=[Optional(), any_of(list(field.choices))],
                    widget=BS3TextFieldWidget(),
                    description=description,
                )
            elif field.secret:
                widgets[field.name] = PasswordField(
                    label, widget=BS3PasswordFieldWidget(), description=description
                )
            else:
                widgets[field.name] = StringField(label, widget=BS3TextFieldWidget(), description=description)
        return widgets

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's behavior for Airflow 2.11 to 3.1."""
        return {
            "hidden_fields": list(HIDDEN_FIELDS),
            "relabeling": dict(RELABELING),
            "placeholders": dict(PLACEHOLDERS),
        }

    @cached_property
    def client(self) -> EngageVoiceClient:
        """The client of this connection."""
        return self._connect(RetryLimits())

    def read(self) -> ReadConnection:
        """Find the connection in Airflow and parse it.

        :raises InvalidConnectionError: if there is none, or fields are missing or invalid
        """
        try:
            connection = self.get_connection(self.engagevoice_conn_id)
        except AirflowNotFoundException:
            raise NoConnectionError(self.engagevoice_conn_id) from None
        return read_connection(connection, connection.extra_dejson)

    def _connect(self, limits: RetryLimits) -> EngageVoiceClient:
        read = self.read()
        for secret in read.secrets:
            mask_secret(secret)
        return EngageVoiceClient(
            read.settings,
            limits=limits,
            shared_state=read.shared_state,
            masks=Masks(mask=mask_secret),
            deadline=self.deadline,
        )

    def get_conn(self) -> EngageVoiceClient:
        """Return the client of this connection.

        :raises InvalidConnectionError: if fields of the connection are missing or invalid
        """
        return self.client

    async def get_async_conn(self) -> AsyncEngageVoiceClient:
        """Return a new async client of this connection; the caller closes it.

        :raises InvalidConnectionError: if fields of the connection are missing or invalid
        """
        from airflow.providers.common.compat.connection import get_async_extra_dejson

        try:
            connection = await aget_connection(self.engagevoice_conn_id)
        except AirflowNotFoundException:
            raise NoConnectionError(self.engagevoice_conn_id) from None
        extra = await get_async_extra_dejson(connection)
        # Reading configuration, certificates and libraries would block the event loop.
        client, secrets = await asyncio.to_thread(self._async_client, connection, extra)
        for secret in secrets:
            await amask_secret(secret)
        return client

    def _async_client(
        self, connection: Connection, extra: object
    ) -> tuple[AsyncEngageVoiceClient, list[str]]:
        read = read_connection(connection, extra)
        masks = Masks(amask=amask_secret)
        client = AsyncEngageVoiceClient(
            read.settings, shared_state=read.shared_state, masks=masks, deadline=self.deadline
        )
        return client, read.secrets

    def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result."""
        try:
            return self.client.run(procedure)
        except EngageVoiceError as error:
            self.explain(error)
            raise

    def close(self) -> None:
        """Close the client's connections, if any."""
        if "client" in self.__dict__:
            self.client.close()
            del self.client

    def test_connection(self) -> tuple[bool, str]:
        """Sign in and return the account's name, or the error; nothing is retried, because a user waits."""
        try:
            with self._connect(RetryLimits(tries=1)) as client:
                names = {one.accountId: one.accountName for one in client.list_accounts()}
                account_id = client.account_id()
        except EngageVoiceError as error:
            return False, str(error)
        if account_id not in names:
            return False, f"signed in, but {_not_seen(account_id, names)}"
        return True, f"signed in to account {account_id} ({names[account_id]})"

    def explain(self, error: EngageVoiceError) -> None:
        """Add to an error of the API which accounts the user can see, if ``account_id`` is none of them."""
        if not isinstance(error, PermissionDeniedError | ResourceNotFoundError):
            return
        account_id = self.client.settings.account_id
        if not account_id or f"/accounts/{account_id}" not in error.path:
            return
        remark = self._account_remark
        if remark and remark not in str(error):
            error.add(remark)

    @cached_property
    def _account_remark(self) -> str:
        """What is wrong with ``account_id``; empty if nothing is, or the accounts cannot be read."""
        account_id = self.client.settings.account_id
        try:
            with self._connect(RetryLimits(tries=1)) as client:
                names = {one.accountId: one.accountName for one in client.list_accounts()}
        except EngageVoiceError:
            return ""
        return "" if account_id in names else _not_seen(account_id, names)


def _not_seen(account_id: str, names: Mapping[str, str | None]) -> str:
    seen = ", ".join(f"{key} ({name})" for key, name in names.items())
    return f"account_id {account_id} is not one the user can see: {seen}"


@dataclass(frozen=True, slots=True)
class ReadConnection:
    """Everything a client needs from a connection.

    :param shared_state: tokens and rate limits that the connection shares with others
    :param secrets: values to mask in logs
    """

    settings: ClientSettings
    shared_state: SharedState
    secrets: list[str]


def read_connection(connection: Connection, extra: object) -> ReadConnection:
    """Parse a connection and open its shared state.

    :param extra: the connection's decoded extra
    :raises InvalidConnectionError: if fields are missing or invalid; the message names the connection too
    """
    try:
        return _read_connection(connection, extra)
    except EngageVoiceError as error:
        raise InvalidConnectionError(f"connection {connection.conn_id!r}: {error}") from None


def _read_connection(connection: Connection, extra: object) -> ReadConnection:
    if connection.conn_type != CONNECTION_TYPE:
        raise InvalidConnectionError(
            f"its type is {connection.conn_type!r}; make it a connection of type {CONNECTION_TYPE!r}"
        )
    if not isinstance(extra, Mapping):
        raise InvalidConnectionError("extra must be a JSON object")
    known = {field.name for field in EXTRA_FIELDS}
    given = {key: value for key, value in extra.items() if value not in (None, "")}
    for old, name in RENAMED_FIELDS.items():
        if old in given:
            # Airflow masks extra fields by their names, and shows this one.
            log.warning(
                "connection %r: rename the extra field %r to %r, since Airflow shows it in clear",
                *(connection.conn_id, old, name),
            )
            given.setdefault(name, given.pop(old))
    for name in given.keys() - known:
        raise InvalidConnectionError(f"extra has an unknown field {name!r}{nearest(name, known)}")
    fields = dict.fromkeys(known, "") | {name: _text_of(name, value) for name, value in given.items()}
    flags = {name: read_flag(fields[name] or "false", name) for name in _FLAGS}
    if fields["timezone"]:
        read_zone(fields["timezone"])
    host = (connection.host or "").strip()
    if host and connection.schema and "://" not in host:
        host = f"{connection.schema}://{host}"
    if host and connection.port:
        host = f"{host.rstrip('/')}:{connection.port}"
    settings = ClientSettings.build(
        host=host,
        sign_in=fields["sign_in"],
        rc_server=fields["rc_server"],
        account_id=fields["account_id"],
        timezone=fields["timezone"],
        credentials=Credentials(
            client_id=fields["client_id"],
            client_secret=fields["client_secret"],
            jwt_token=fields["jwt_token"],
            username=connection.login or "",
            extension=fields["extension"],
            password=connection.password or "",
            platform_id=fields["platform_id"],
            api_token=fields["api_token"],
        ),
        connection_id=connection.conn_id,
        budgets=fields["budgets"] or _configured("budgets"),
        copy_nested=flags["copy_nested"],
        allow_http=flags["allow_http"],
        watch_interval=fields["watch_interval"],
    )
    token_store = fields["token_store"] or _configured("token_store") or DEFAULT_TOKEN_STORE
    shared_state = _shared_state(token_store, plain=flags["token_store_plain"])
    return ReadConnection(settings, shared_state, [*settings.credentials.secrets(), *passwords(token_store)])


def _shared_state(token_store: str, *, plain: bool) -> SharedState:
    """Open the shared state; without a Fernet key it has no tokens, unless they may be stored as they are."""
    if token_store == "memory":
        return open_shared_state(token_store)
    cipher = _fernet()
    if cipher is not None:
        return open_shared_state(token_store, cipher, _fernet_id())
    if not plain:
        _warn_no_key()
    return open_shared_state(token_store, tokens_in_memory=not plain)


@cache
def _warn_no_key() -> None:
    log.warning(
        "Airflow has no Fernet key, so each process signs in for itself: set [core] fernet_key, or "
        "token_store_plain=true in the connection to store tokens without encryption"
    )


def _text_of(name: str, value: object) -> str:
    """Return the text of an extra field, which JSON, YAML or a URI may have made a number or a boolean."""
    if isinstance(value, str):
        return value.strip()
    if name == "budgets" and value is False:
        # YAML reads off as a boolean.
        return "off"
    if (
        name in ("budgets", "watch_interval")
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    ):
        return f"{value:g}"
    if name in _SECRETS and isinstance(value, int | float):
        raise InvalidConnectionError(
            f"extra field {name!r} is a number, which may have lost zeros; write it as JSON text, in quotes"
        )
    if isinstance(value, bool) and name in _FLAGS:
        return str(value).lower()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidConnectionError(f"extra field {name!r} must be text")


def _configured(option: str) -> str:
    return str(conf.get("engagevoice", option, fallback="") or "").strip()


def _fernet() -> Cipher | None:
    """Return Airflow's Fernet, None if it has no key."""
    try:
        from airflow.sdk.crypto import get_fernet
    except ImportError:
        from airflow.models.crypto import get_fernet
    try:
        fernet = get_fernet()
    except AirflowException as error:
        log.warning("Airflow's Fernet key is not usable (%s)", error)
        return None
    return cast("Cipher", fernet) if fernet.is_encrypted else None


def _fernet_id() -> str:
    """Return a digest of the Fernet key that encrypts."""
    key = str(conf.get("core", "fernet_key", fallback="")).partition(",")[0].strip()
    return fingerprint("fernet", key)[:16]
