"""The connection form, from metadata (Airflow 3.2 and later) and from the hook, based on one table."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import airflow
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import Connection
from airflow.providers_manager import ProvidersManager
from packaging.version import Version

from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.client.settings import SignIn
from airflow_provider_engagevoice.connection_form import EXTRA_FIELDS
from airflow_provider_engagevoice.get_provider_info import get_provider_info
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook, read_connection

AIRFLOW = Version(Version(airflow_version).base_version)
TYPE = "engagevoice"
SECRETS = {"client_secret", "jwt_token", "api_token", "token_store"}

from_metadata = pytest.mark.skipif(Version("3.2") > AIRFLOW, reason="the form comes from metadata since 3.2")
from_hook = pytest.mark.skipif(Version("3.0") <= AIRFLOW, reason="Airflow 2's form is made of widgets")

_SHOW_FORM = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
(form,) = [one for one in HookMetaService.hook_meta_data() if one.connection_type == "engagevoice"]
print(json.dumps(form.model_dump(mode="json", by_alias=True)))
"""


@pytest.fixture(scope="module")
def manager() -> ProvidersManager:
    return ProvidersManager()


def field_of(manager: ProvidersManager, name: str):
    return manager.connection_form_widgets[f"extra__{TYPE}__{name}"].field


def test_airflow_knows_the_connection_type(manager) -> None:
    hook = manager.hooks[TYPE]
    assert hook is not None
    assert (hook.hook_name, hook.connection_type) == ("RingCentral Engage Voice", TYPE)
    assert hook.hook_class_name == f"{EngageVoiceHook.__module__}.{EngageVoiceHook.__qualname__}"
    assert hook.connection_id_attribute_name == "engagevoice_conn_id"
    assert hook.package_name == "airflow-provider-engagevoice"
    assert manager.providers["airflow-provider-engagevoice"].version == __version__


def test_the_metadata_fits_airflows_schema() -> None:
    import jsonschema

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_entry_point_leads_to_the_metadata() -> None:
    (found,) = importlib.metadata.entry_points(
        group="apache_airflow_provider", module="airflow_provider_engagevoice.get_provider_info"
    )
    assert found.load() is get_provider_info


@pytest.mark.skipif(
    Version("3.0") <= AIRFLOW < Version("3.2"), reason="these make widgets in the web server alone"
)
def test_the_form_has_the_fields_of_the_table(manager) -> None:
    prefix = f"extra__{TYPE}__"
    shown = {name.removeprefix(prefix) for name in manager.connection_form_widgets if name.startswith(prefix)}
    assert shown == {field.name for field in EXTRA_FIELDS}
    behaviour = manager.field_behaviours[TYPE]
    assert set(behaviour["hidden_fields"]) == {"schema", "extra"}
    assert behaviour["relabeling"]["host"] == "Engage Voice host"
    placeholders = behaviour["placeholders"]
    assert placeholders["host"] == "https://ringcx.ringcentral.com"
    assert any(placeholders.get(name) == "America/Los_Angeles" for name in ("timezone", f"{prefix}timezone"))


@from_metadata
def test_metadata_and_hook_have_the_same_fields() -> None:
    (declared,) = get_provider_info()["connection-types"]
    assert list(declared["conn-fields"]) == [field.name for field in EXTRA_FIELDS]


@from_metadata
def test_the_flow_is_a_dropdown(manager) -> None:
    schema = field_of(manager, "sign_in")["schema"]
    assert schema["enum"] == [str(flow) for flow in SignIn]


@from_metadata
def test_only_secrets_are_passwords(manager) -> None:
    for field in EXTRA_FIELDS:
        schema = field_of(manager, field.name)["schema"]
        assert (schema.get("format") == "password") == (field.name in SECRETS), field.name
        assert "null" in schema["type"]


def masks_by_name(name: str) -> bool:
    """Return whether Airflow's secrets masker masks a value of this name; the module moved twice."""
    modules = (
        "airflow._shared.secrets_masker",
        "airflow.sdk.execution_time.secrets_masker",
        "airflow.utils.log.secrets_masker",
    )
    for module in modules:
        try:
            masker = import_module(module)
        except ImportError:
            continue
        return masker.should_hide_value_for_key(name)
    raise AssertionError(f"no secrets masker among {modules}")


def test_airflow_masks_every_secret_of_the_extra_by_its_name() -> None:
    assert not masks_by_name("jwt")
    for field in EXTRA_FIELDS:
        if field.secret:
            assert masks_by_name(field.name), field.name


def test_airflow_redacts_every_secret_of_a_connection_it_shows() -> None:
    """The text of an extra, as the API and ``airflow connections`` redact it."""
    extra = {field.name: f"{field.name}-is-known" for field in EXTRA_FIELDS}
    shown = json.loads(json.dumps(redacted(extra)))
    clear = {name for name, value in shown.items() if value != "***"}
    # Airflow redacts by name, also this flag.
    assert clear == {field.name for field in EXTRA_FIELDS} - SECRETS - {"token_store_plain"}
    if Version("3.0") <= AIRFLOW:
        from airflow.api_fastapi.core_api.datamodels.connections import ConnectionResponse

        text = ConnectionResponse.redact_extra(json.dumps(extra))
        assert not [name for name in SECRETS if f"{name}-is-known" in text]


def test_secrets_are_masked_in_logs_before_a_hook_has_run(monkeypatch) -> None:
    extra = {name: f"{name}-is-known" for name in SECRETS}
    fields = {"conn_type": TYPE, "login": "me", "password": "password-is-known", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MASKED", json.dumps(fields))
    EngageVoiceHook.get_connection("masked")
    line = f"sent {' and '.join([*extra.values(), 'password-is-known'])}"
    assert redacted(line) == f"sent {' and '.join(['***'] * (len(SECRETS) + 1))}"


def test_a_field_that_airflow_shows_in_clear_is_named(caplog) -> None:
    fields = {"client_id": "a", "client_secret": "b", "jwt": "clear-to-everybody"}
    made = Connection(conn_id="old", conn_type=TYPE, extra=json.dumps(fields))
    read_connection(made, made.extra_dejson)
    assert "connection 'old': rename the extra field 'jwt' to 'jwt_token'" in caplog.text
    assert "clear-to-everybody" not in caplog.text


def redacted(value: Any) -> Any:
    """Return a value as Airflow logs it."""
    try:
        from airflow.sdk.log import redact
    except ImportError:
        try:
            from airflow.sdk.execution_time.secrets_masker import redact
        except ImportError:
            from airflow.utils.log.secrets_masker import redact
    return redact(value)


@pytest.mark.skipif(Version("3.1") > AIRFLOW, reason="before 3.1 a form without Flask-AppBuilder is empty")
def test_the_form_of_the_user_interface_is_complete() -> None:
    if Version("3.2") > AIRFLOW:
        # In a separate process: Airflow 3.1 replaces modules to read the widgets.
        done = subprocess.run([sys.executable, "-c", _SHOW_FORM], capture_output=True, text=True, check=True)
        shown = json.loads(done.stdout.splitlines()[-1])
    else:
        namespace: dict[str, str] = {}
        exec(_SHOW_FORM.replace("print(", "shown = ("), namespace)
        shown = json.loads(namespace["shown"])
    assert shown["hook_name"] == "RingCentral Engage Voice"
    assert set(shown["extra_fields"]) == {field.name for field in EXTRA_FIELDS}
    assert shown["extra_fields"]["sign_in"]["schema"]["enum"] == [str(flow) for flow in SignIn]
    for name, field in shown["extra_fields"].items():
        assert (field["schema"].get("format") == "password") == (name in SECRETS), name
    assert shown["standard_fields"]["url_schema"]["hidden"] is True
    assert shown["standard_fields"]["host"]["title"] == "Engage Voice host"


@from_hook
def test_the_widgets_of_the_hook_match_the_metadata() -> None:
    from wtforms import PasswordField

    widgets = EngageVoiceHook.get_connection_form_widgets()
    (declared,) = get_provider_info()["connection-types"]
    assert list(widgets) == list(declared["conn-fields"])
    for name, widget in widgets.items():
        schema = declared["conn-fields"][name]["schema"]
        assert (widget.field_class is PasswordField) == (schema.get("format") == "password")
    behaviour = EngageVoiceHook.get_ui_field_behaviour()
    assert {name.replace("_", "-"): value for name, value in behaviour.items()} == declared[
        "ui-field-behaviour"
    ]


@from_hook
@pytest.mark.parametrize(("chosen", "errors"), [("", False), ("engage", False), ("jwt", True)])
def test_the_form_of_airflow_2_accepts_a_flow_or_none(chosen, errors) -> None:
    from flask import Flask
    from werkzeug.datastructures import MultiDict
    from wtforms import Form

    app = Flask("form")
    with app.test_request_context():
        form = type("ConnectionForm", (Form,), EngageVoiceHook.get_connection_form_widgets())(
            MultiDict({"sign_in": chosen, "client_id": "me"})
        )
        assert form.validate() is not errors
        assert ("sign_in" in form.errors) is errors


@from_hook
def test_a_connection_saved_by_the_form_is_read(sandbox, monkeypatch) -> None:
    from tests.support.flows import connection_fields

    fields = connection_fields("ringcentral_jwt", sandbox.url)
    empty = {field.name: "" for field in EXTRA_FIELDS}
    monkeypatch.setenv(
        "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", json.dumps(fields | {"extra": empty | fields["extra"]})
    )
    assert EngageVoiceHook().test_connection()[0]
