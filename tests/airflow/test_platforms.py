"""What ``docs/platforms.md`` and ``docs/compose.yaml`` tell users to store and to run."""

from __future__ import annotations

import json
import re
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.secrets.local_filesystem import LocalFilesystemBackend

from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.operators import campaigns
from airflow_provider_engagevoice.sandbox import __main__ as sandbox_command
from airflow_provider_engagevoice.sandbox import credentials
from tests.support.documentation import ROOT, blocks

PAGE = "docs/platforms.md"
CONNECTED = (True, "signed in to account 99990000 (Demo Sales Floor)")


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of ``compose.yaml``."""
    return yaml.safe_load((ROOT / "docs/compose.yaml").read_text())["services"]


def to_sandbox(connection: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a connection of the page with the sandbox's address and credentials."""
    assert set(connection["extra"].values()) == {"...", "99990000", "America/Los_Angeles"}
    secrets = {
        "client_id": credentials.CLIENT_ID,
        "client_secret": credentials.CLIENT_SECRET,
        "jwt_token": credentials.JWT,
    }
    return {**connection, "host": url, "extra": {**connection["extra"], **secrets, "rc_server": url}}


def yaml_block(text: str) -> Any:
    """Return the YAML block of the page that contains ``text``."""
    (found,) = (block for block in blocks(PAGE, "yaml") if text in block)
    return yaml.safe_load(found)


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_local_secrets_file_has_the_connection(sandbox, monkeypatch, tmp_path, suffix) -> None:
    (block,) = blocks(PAGE, "json")
    stored = {"json": {"engagevoice_default": json.loads(block)}, "yaml": yaml_block("conn_type:")}[suffix]
    content = {name: to_sandbox(connection, sandbox.url) for name, connection in stored.items()}
    file = tmp_path / f"connections.{suffix}"
    file.write_text({"json": json.dumps, "yaml": yaml.safe_dump}[suffix](content))
    backend = LocalFilesystemBackend(connections_file_path=str(file))
    monkeypatch.setattr(EngageVoiceHook, "get_connection", staticmethod(backend.get_connection))
    assert EngageVoiceHook().test_connection() == CONNECTED


def test_the_connection_of_compose_signs_in(services, sandbox, monkeypatch) -> None:
    environment = services["airflow"]["environment"]
    (published,) = services["sandbox"]["ports"]
    address = f"http://sandbox:{published.rpartition(':')[2]}"
    connection = environment["AIRFLOW_CONN_ENGAGEVOICE_DEFAULT"]
    assert connection.count(address) == 2
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", connection)
    assert EngageVoiceHook().get_conn().settings.base_url == address
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", connection.replace(address, sandbox.url))
    assert EngageVoiceHook().test_connection() == CONNECTED


def test_compose_starts_the_sandbox_for_other_containers(services, monkeypatch) -> None:
    python, option, module = services["sandbox"]["entrypoint"]
    assert (python, option, module) == ("python", "-m", "airflow_provider_engagevoice.sandbox")
    monkeypatch.setattr(sys, "argv", [module, *services["sandbox"]["command"]])
    arguments = sandbox_command._parse_arguments()
    assert (arguments.host, arguments.port) == ("0.0.0.0", 8090)


def test_compose_publishes_ports_to_this_machine_alone(services) -> None:
    ports = [port for service in services.values() for port in service["ports"]]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_escapes_what_the_shell_of_the_build_is_to_expand(services) -> None:
    for service in services.values():
        commands = service["build"]["dockerfile_inline"]
        assert "$$" in commands
        assert "$" not in commands.replace("$$", "")


def test_the_yaml_dag_builds_its_tasks() -> None:
    document = yaml_block("$schema")
    with DAG(document["dag_id"], schedule=None):
        for task in document["tasks"]:
            module, _, name = task["uses"].rpartition(".")
            operator = getattr(__import__(module, fromlist=[name]), name)
            values = {field: _value(value) for field, value in task["with"].items()}
            assert isinstance(operator(task_id=task["id"], **values), BaseOperator)
            markers = {field for field, value in task["with"].items() if values[field] != value}
            assert markers <= set(operator.template_fields)


def _value(value: Any) -> Any:
    """Return what the YAML importer of Airflow 3.4 passes for a template or another task's output."""
    if isinstance(value, dict) and value.keys() <= {"$t", "$x"}:
        return "{{ " + value["$x"] + " }}" if "$x" in value else value["$t"]
    return value


@pytest.mark.parametrize("name", ["Create", "Clone", "Update"])
@pytest.mark.parametrize("argument", ["campaign_start", "campaign_end"])
def test_a_date_of_a_yaml_dag_stays_a_date(name, argument) -> None:
    """If the annotation has datetime, Airflow 3.4 passes the first instant of a date: an end a day early."""
    operator = getattr(campaigns, f"EngageVoice{name}CampaignOperator")
    types = re.findall(r"\w+", str(signature(operator.__init__).parameters[argument].annotation))
    assert "date" in types
    assert not {"datetime", "DateTime"} & set(types)


def test_each_section_begins_with_what_was_run_or_where_it_is_from() -> None:
    page = (ROOT / PAGE).read_text()
    sections = re.findall(r"^## (.+)\n\n((?:.+\n)+)", page, re.MULTILINE)
    assert len(sections) == page.count("\n## ")
    for title, paragraph in sections:
        text = " ".join(paragraph.split())
        is_run = re.match(r"\*Run here[ :]", text) and re.search(r"Airflow \d|Python \d", text)
        is_read = re.match(r"\*Not run here[ ;]", text) and re.search(r"20\d\d-\d\d-\d\d", text)
        assert text.endswith("*"), title
        assert is_run or is_read, title


def test_the_page_names_files_that_exist() -> None:
    for path in re.findall(r"`python -m pytest (\S+?)`", (ROOT / PAGE).read_text()):
        assert Path(ROOT / path).exists(), path
