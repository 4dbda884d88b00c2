"""connection_form.py and get_provider_info.py: what Airflow reads at start-up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest

import airflow_provider_engagevoice
from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.client.settings import Credentials, SignIn
from airflow_provider_engagevoice.connection_form import (
    EXTRA_FIELDS,
    HIDDEN_FIELDS,
    PLACEHOLDERS,
    RELABELING,
    conn_fields,
    ui_field_behaviour,
)
from airflow_provider_engagevoice.get_provider_info import get_provider_info
from tests.support.documentation import read

STANDARD_FIELDS = {"host", "schema", "login", "password", "port", "extra"}


def test_the_page_has_each_field_with_its_label() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \| ", read("docs/connection.md"), re.MULTILINE)
    labels = {
        name: label
        for names, words in rows
        for name, label in zip(re.findall(r"`(\w+)`", names), words.split(", "), strict=True)
    }
    assert labels == {field.name: field.label for field in EXTRA_FIELDS}


def test_the_metadata_fits_the_schema_of_airflow() -> None:
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_metadata_is_plain_json() -> None:
    info = get_provider_info()
    assert json.loads(json.dumps(info)) == info
    assert info["versions"] == [__version__]


def test_the_entry_point_is_the_documented_one() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert "[project.entry-points.apache_airflow_provider]" in pyproject
    assert 'provider_info = "airflow_provider_engagevoice.get_provider_info:get_provider_info"' in pyproject
    for entry in entry_points(group="apache_airflow_provider"):
        if entry.value.startswith("airflow_provider_engagevoice"):
            assert entry.load() is get_provider_info


def test_reading_it_imports_no_airflow_and_little_else() -> None:
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from airflow_provider_engagevoice.get_provider_info import get_provider_info\n"
        "assert get_provider_info()\n"
        "print(' '.join(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "airflow_provider_engagevoice" in loaded
    assert loaded <= {"airflow_provider_engagevoice"} | set(sys.stdlib_module_names)


def test_what_the_metadata_names_exists() -> None:
    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for entry in info[kind]:
            for module in entry["python-modules"]:
                assert import_module(module)
    classes = [entry["hook-class-name"] for entry in info["connection-types"]] + info["extra-links"]
    for name in classes:
        module, _, attribute = name.rpartition(".")
        assert getattr(import_module(module), attribute)


@pytest.mark.parametrize("kind", ["operators", "sensors", "triggers"])
def test_the_metadata_names_every_module(kind: str) -> None:
    root = Path(airflow_provider_engagevoice.__file__).parent
    own = {path.stem for path in (root / kind).glob("*.py")} - {
        "__init__",
        "base",
        "producer",
        "season_applier",
    }
    (entry,) = get_provider_info()[kind]
    assert {module.rpartition(".")[2] for module in entry["python-modules"]} == own


def test_the_connection_type_matches_the_hook() -> None:
    (entry,) = get_provider_info()["connection-types"]
    module, _, name = entry["hook-class-name"].rpartition(".")
    hook: Any = getattr(import_module(module), name)
    assert (hook.conn_type, hook.hook_name) == (entry["connection-type"], entry["hook-name"])
    assert hook.default_conn_name == f"{entry['connection-type']}_default"


def test_every_credential_has_a_field_and_every_secret_is_a_password() -> None:
    fields = {field.name: field for field in EXTRA_FIELDS}
    standard = {"username", "password"}
    assert {item for item in Credentials.__dataclass_fields__ if item not in standard} <= set(fields)
    secrets = {name for name, item in Credentials.__dataclass_fields__.items() if not item.repr} - standard
    # A Redis URL may contain a password.
    secrets.add("token_store")
    assert {name for name, field in fields.items() if field.secret} == secrets
    schemas = {name: field["schema"] for name, field in conn_fields().items()}
    assert {name for name, schema in schemas.items() if schema.get("format") == "password"} == secrets


def test_the_flow_is_a_dropdown_of_every_flow() -> None:
    assert set(conn_fields()["sign_in"]["schema"]["enum"]) - {None} == set(SignIn)


def test_every_field_may_be_empty() -> None:
    assert all("null" in field["schema"]["type"] for field in conn_fields().values())


def test_the_form_mentions_only_existing_fields() -> None:
    known = STANDARD_FIELDS | {field.name for field in EXTRA_FIELDS}
    assert set(HIDDEN_FIELDS) | set(RELABELING) <= STANDARD_FIELDS
    assert set(PLACEHOLDERS) <= known
    assert not set(HIDDEN_FIELDS) & (set(RELABELING) | set(PLACEHOLDERS))
    assert all(field.label and field.description for field in EXTRA_FIELDS)
    assert set(conn_fields()) == {field.name for field in EXTRA_FIELDS}


def test_the_table_cannot_be_changed_by_callers() -> None:
    ui_field_behaviour()["hidden-fields"].clear()
    conn_fields()["jwt_token"]["schema"].clear()
    assert ui_field_behaviour()["hidden-fields"]
    assert conn_fields()["jwt_token"]["schema"]
