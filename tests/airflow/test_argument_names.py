"""What a wrong or a missing name of an argument is answered with, and that it can be looked up."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_engagevoice.arguments import REQUIRED, CheckedArguments, own_arguments
from airflow_provider_engagevoice.get_provider_info import get_provider_info
from airflow_provider_engagevoice.inputs import InvalidInputError

pytestmark = pytest.mark.filterwarnings("ignore:Task .* was never mapped")

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"


def _operators() -> Iterator[type[CheckedArguments]]:
    info = get_provider_info()
    for group in (*info["operators"], *info["sensors"]):
        for name in group["python-modules"]:
            for kind in vars(import_module(name)).values():
                if inspect.isclass(kind) and issubclass(kind, CheckedArguments) and kind.__module__ == name:
                    yield kind


OPERATORS = [one for one in _operators() if not inspect.isabstract(one)]
every_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)


def _arguments(operator: type[CheckedArguments], *, required: bool) -> list[str]:
    return [name for name, default in own_arguments(operator).items() if (default is REQUIRED) is required]


def _misspelled(name: str) -> str:
    return name[:-2] + name[-1] + name[-2]


def _error(make: Callable[..., Any], **arguments: Any) -> str:
    # Airflow 2.11 raises AirflowException for one that is missing.
    with pytest.raises((TypeError, AirflowException)) as caught:
        make(**arguments)
    return str(caught.value)


def _is_on_the_page(error: str, operator: type[CheckedArguments]) -> bool:
    """Return whether the page has what the error begins with, up to the first name."""
    beginning = re.split(r"['(]\w|\*\*", error.replace(operator.__name__, "…"))[0].strip(" (")
    assert len(beginning.split()) > 2
    return beginning in " ".join(PAGE.read_text().split())


@every_operator
def test_a_required_argument(operator: type[CheckedArguments]) -> None:
    required = dict.fromkeys(_arguments(operator, required=True), "{{ x }}")
    for name in required:
        others = {one: value for one, value in required.items() if one != name}
        missing = _error(operator, task_id="it", **others)
        assert missing == f"missing keyword argument {name!r}"
        wrong = _misspelled(name)
        misspelled = _error(operator, task_id="it", **others, **{wrong: "x"})
        assert misspelled.startswith(
            f"{missing}; {operator.__name__} has no argument {wrong!r}; nearest: {name!r}"
        )
        assert _is_on_the_page(missing, operator)
    if len(required) > 1:
        assert _is_on_the_page(_error(operator, task_id="it"), operator)


@every_operator
def test_an_optional_argument(operator: type[CheckedArguments]) -> None:
    required = dict.fromkeys(_arguments(operator, required=True), "{{ x }}")
    for name in _arguments(operator, required=False):
        wrong = _misspelled(name)
        expected = rf"; {operator.__name__} has no argument '{wrong}'; nearest: .*'{name}'"
        for make in (operator, operator.partial):
            error = _error(make, task_id="it", **required, **{wrong: "x"})
            assert re.search(expected, error)
            assert _is_on_the_page(error, operator)
        mapped = operator.partial(task_id="it", engagevoice_conn_id="{{ x }}")
        error = _error(mapped.expand, **{wrong: ["x"]})
        assert re.search(expected, error)
        assert _is_on_the_page(error, operator)


@every_operator
def test_a_task_id(operator: type[CheckedArguments]) -> None:
    required = dict.fromkeys(_arguments(operator, required=True), "{{ x }}")
    for make in (operator, operator.partial):
        error = _error(make, **required)
        assert "task_id" in error
        assert _is_on_the_page(error, operator)


def test_they_are_all_operators() -> None:
    assert len(OPERATORS) > 20


@pytest.mark.parametrize(
    "line",
    [
        "EngageVoiceDeleteCampaignOperator(task_id='t', campaign='', dial_group=1)",
        "EngageVoiceDeleteCampaignOperator.partial(task_id='t', dial_group=1).expand(campaign=[1, ''])",
        "EngageVoiceCampaignWindowSensor(task_id='t', campaign=1, dial_group=1, wait_for='opn')",
        "EngageVoiceCampaignWindowSensor(task_id='t', campaign=1, dial_group=1, deferrable='maybe')",
    ],
)
def test_a_wrong_value_shows_the_line_of_the_dag_file(tmp_path: Path, line: str) -> None:
    dag_file = tmp_path / "dag.py"
    dag_file.write_text(
        "from airflow_provider_engagevoice.operators.campaigns import EngageVoiceDeleteCampaignOperator\n"
        "from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor\n"
        f"{line}\n"
    )
    code = compile(dag_file.read_text(), str(dag_file), "exec")
    with pytest.raises(InvalidInputError) as caught:
        exec(code)
    # As Airflow cuts import errors, see dagbag_import_error_traceback_depth.
    shown = "".join(traceback.format_exception(caught.value, limit=-2))
    assert f'File "{dag_file}", line 3' in shown
    assert line in shown
    assert shown.splitlines()[-1].startswith("airflow_provider_engagevoice.inputs.InvalidInputError: ")
