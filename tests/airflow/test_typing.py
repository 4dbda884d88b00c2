"""Type checkers see every argument: mypy reports the mistakes in a DAG file, and nothing else."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_engagevoice.get_provider_info import get_provider_info
from tests.support.documentation import PAGES, ROOT, blocks

pytestmark = pytest.mark.skipif(
    airflow_version.startswith("2."), reason="the types are those of Airflow 3's operators"
)

#: Modules whose operators and sensors spell out their arguments.
MODULES = [
    module.removeprefix("airflow_provider_engagevoice.")
    for kind in ("operators", "sensors")
    for entry in get_provider_info()[kind]
    for module in entry["python-modules"]
]

MISTAKES = """
from airflow.sdk import DAG, task

from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
    EngageVoiceDeleteCampaignOperator,
)
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

with DAG("mistakes", schedule=None):
    EngageVoiceCreateCampaignOperator(  # "if_exist"
        task_id="create",
        dial_group="Outbound Renewals",
        campaign_name="Renewals",
        campaign_start="2026-12-01",
        campaign_end="2026-12-31",
        caller_id="4155550123",
        if_exist="skip",
    )
    EngageVoiceCloneCampaignOperator(
        task_id="clone",
        source_campaign=7,
        campaign_name=3.5,  # "campaign_name"
        campaign_start="2026-12-01",
        campaign_end="2026-12-31",
    )
    EngageVoiceDeleteCampaignOperator(task_id="delete", campaign=7, retrys=3)  # "retrys"
    EngageVoiceDeleteCampaignOperator(task_id="delete", campaign=7, retries="3")  # "retries"
    EngageVoiceDeleteCampaignOperator(task_id="delete", dial_group=7)  # "campaign"
    EngageVoiceCampaignWindowSensor(task_id="wait", campaign=7, use_daily_hours=3.5)  # "use_daily_hours"
    EngageVoiceCampaignWindowSensor(task_id="wait", campaign=7, soft_fail="no")  # "soft_fail"
    EngageVoiceCampaignWindowSensor(campaign=7)  # "task_id"
"""


def operators() -> Iterator[type[BaseOperator]]:
    for name in MODULES:
        module = importlib.import_module(f"airflow_provider_engagevoice.{name}")
        for operator in vars(module).values():
            if (
                inspect.isclass(operator)
                and issubclass(operator, BaseOperator)
                and operator.__module__ == module.__name__
                and operator.__name__.startswith("EngageVoice")
            ):
                yield operator


def results_for_every_template_field() -> str:
    """Return a DAG file that sets each template field of each operator to the result of another task."""
    lines = ["from airflow.sdk import task", "", "@task", "def made() -> str:", "    return ''", ""]
    for number, operator in enumerate(operators()):
        given = dict.fromkeys(operator.template_fields, "made()")
        for name, parameter in inspect.signature(operator.__init__).parameters.items():
            if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY:
                given.setdefault(name, "''")
        arguments = ", ".join(f"{name}={value}" for name, value in given.items())
        lines += [
            f"from {operator.__module__} import {operator.__name__}",
            f"task_{number} = {operator.__name__}(task_id='task_{number}', {arguments})",
            f"{operator.__name__}(task_id='after', {arguments.replace('made()', f'task_{number}.output')})",
        ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, str]]:
    """The reports of one run of mypy on all files, by file name and line."""
    folder = tmp_path_factory.mktemp("dags")
    sources = {
        f"page_{Path(page).stem.replace('-', '_')}_{number}.py": source
        for page in PAGES
        for number, source in enumerate(blocks(page, "python"))
    }
    sources |= {"mistakes.py": MISTAKES, "results.py": results_for_every_template_field()}
    examples = (ROOT / "example_dags").glob("*.py")
    sources |= {f"example_{example.name}": example.read_text() for example in examples}
    for name, source in sources.items():
        used = re.findall(r"airflow_provider_engagevoice\.((?:operators|sensors)\.\w+)", source)
        assert set(used) <= set(MODULES), name
        (folder / name).write_text(source)
    # The cache is kept, because reading all that Airflow imports takes most of the time.
    options = ["--cache-dir=.mypy_cache/dags", "--config-file=", "--ignore-missing-imports"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, folder.glob("*.py"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "errors in" in done.stdout, done.stdout + done.stderr
    found: dict[str, dict[int, str]] = {path.name: {} for path in folder.glob("*.py")}
    for path, line, text in re.findall(r"^(.*?):(\d+): error: (.*)$", done.stdout, re.MULTILINE):
        lines = found.setdefault(Path(path).name, {})
        lines[int(line)] = lines.get(int(line), "") + text
    return found


def test_each_mistake_is_reported_at_its_line(reports: dict[str, dict[int, str]]) -> None:
    expected = {
        number: line.partition("# ")[2]
        for number, line in enumerate(MISTAKES.splitlines(), 1)
        if "# " in line
    }
    found = reports["mistakes.py"]
    assert found.keys() == expected.keys(), found
    for line, name in expected.items():
        assert name in found[line]


def test_the_documentation_and_the_examples_are_clean(reports: dict[str, dict[int, str]]) -> None:
    clean = {name: found for name, found in reports.items() if name.startswith(("page", "example"))}
    assert {name.partition("_")[0] for name in clean} == {"page", "example"}
    assert not any(clean.values()), clean


def test_every_template_field_takes_the_result_of_a_task(reports: dict[str, dict[int, str]]) -> None:
    assert reports["results.py"] == {}


def test_every_argument_is_spelled_out_and_documented() -> None:
    for operator in operators():
        parameters: dict[str, Any] = dict(inspect.signature(operator.__init__).parameters)
        assert str(parameters.pop("kwargs").annotation).startswith("Unpack["), operator
        documented = re.findall(r"^ *:param (\w+):", operator.__doc__ or "", re.MULTILINE)
        assert documented == [name for name in parameters if name != "self"], operator
        assert set(operator.template_fields) <= parameters.keys(), operator


def test_an_argument_that_is_no_template_field_refuses_templates() -> None:
    for operator in operators():
        parameters = [
            one
            for one in inspect.signature(operator.__init__).parameters.values()
            if one.kind is one.KEYWORD_ONLY
        ]
        required = {one.name: "{{ params.given }}" for one in parameters if one.default is one.empty}
        for name in {one.name for one in parameters} - set(operator.template_fields):
            with pytest.raises(ValueError, match=name):
                operator(task_id="one", **{**required, name: "{{ params.given }}"})
