"""Change and search the do-not-call list from a DAG."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads import dnc_numbers
from airflow_provider_engagevoice.operators.do_not_call import EngageVoiceDncOperator
from airflow_provider_engagevoice.sandbox import routes_dnc
from tests.support.connections import ACCOUNT_ID
from tests.support.lead_lists import request_times


@pytest.fixture
def client(sandbox, client_settings):
    with EngageVoiceClient(client_settings) as client:
        yield client


def dnc(dag_id: str, action: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceDncOperator(task_id="it", action=action, **arguments)
    return dag


def listed(sandbox) -> dict[str, tuple[str, int, str]]:
    rows = sandbox.backend.dnc.numbers(ACCOUNT_ID, {})
    return {row["phone"]: (row["countryId"], row["dncTagId"], row["reason"]) for row in rows}


def written(sandbox) -> int:
    return sum(
        one.method in ("POST", "DELETE") and "dncLists" in one.path and "advancedSearch" not in one.path
        for one in sandbox.requests()
    )


def test_numbers_are_normalized_and_added(sandbox, run_dag) -> None:
    given = ["(415) 200-0001", 4152000002, "+1 415 200 0001"]
    run = run_dag(dnc("add", "add", numbers=given, reason="asked"))
    assert run.xcoms["it"] == {"action": "add", "numbers": 2}
    assert listed(sandbox) == {"4152000001": ("USA", 0, "asked"), "4152000002": ("USA", 0, "asked")}


def test_the_output_of_another_task_is_added_and_may_be_added_again(sandbox, run_dag) -> None:
    from airflow.providers.common.compat.sdk import task

    with DAG("chain", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:

        @task
        def complaints() -> list[str]:
            return ["4152000001", "4152000002"]

        EngageVoiceDncOperator(task_id="it", action="add", numbers=complaints())
    for _ in range(2):
        assert run_dag(dag).xcoms["it"]["numbers"] == 2
    assert len(listed(sandbox)) == 2


def test_tags_and_countries(client, sandbox, run_dag) -> None:
    tag_id = client.create_dnc_tag("web")["dncTagId"]
    for tag in ("web", tag_id, str(tag_id)):
        run = run_dag(dnc("abroad", "add", numbers="020 7183 8750", country="gbr", tag=tag))
        assert run.states == {"it": "success"}
    assert listed(sandbox) == {"+442071838750": ("GBR", tag_id, None)}


def test_numbers_are_removed_and_may_be_absent(client, sandbox, run_dag) -> None:
    for number in ("4152000001", "4152000002"):
        client.add_dnc_number(number, 0)
    dag = dnc("remove", "remove", numbers=["415-200-0001"])
    assert run_dag(dag).xcoms["it"]["numbers"] == 1
    assert list(listed(sandbox)) == ["4152000002"]
    assert run_dag(dag).states == {"it": "success"}
    sandbox.add_fault("status", method="DELETE", status=404, times=3)
    assert run_dag(dag).xcoms["it"] == {"action": "remove", "numbers": 1, "absent": 1}


@pytest.mark.parametrize("form", ["4152000001", "+14152000001", "14152000001"])
@pytest.mark.few(1)
def test_numbers_are_found_and_removed_in_each_form(client, sandbox, run_dag, form, monkeypatch) -> None:
    monkeypatch.setattr(routes_dnc, "dialable", lambda phone: phone)
    sandbox.backend.dnc.add(ACCOUNT_ID, [form, "4152000002"], "USA", 0)
    run = run_dag(dnc("search", "search", numbers="(415) 200-0001"))
    assert [row["phone"] for row in run.xcoms["it"]["rows"]] == ["***01"]
    run = run_dag(dnc("remove", "remove", numbers="(415) 200-0001"))
    assert run.states == {"it": "success"}
    assert list(listed(sandbox)) == ["4152000002"]


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
def test_a_lost_response_is_retried(client, sandbox, run_dag, fault) -> None:
    sandbox.add_fault(fault, path="dncLists$", method="POST")
    assert run_dag(dnc("lost", "add", numbers="4152000001")).states == {"it": "success"}
    assert list(listed(sandbox)) == ["4152000001"]


def test_files_are_uploaded_in_parts(client, sandbox, run_dag, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(dnc_numbers, "_PART", 100)
    one = tmp_path / "one.csv"
    one.write_text("id,Phone\n" + "".join(f"{n},(415) 200-{n:04}\n" for n in range(100)) + "x,\n")
    two = tmp_path / "two.jsonl"
    two.write_text("".join(json.dumps({"Phone": f"+1415300{n:04}"}) + "\n" for n in range(50)))
    run = run_dag(dnc("upload", "upload", source=f"file://{tmp_path}/*.*", column="Phone"))
    assert run.xcoms["it"] == {"action": "upload", "numbers": 150, "rejected": 0, "rejects": None}
    assert set(listed(sandbox)) == {f"4152{n:06}" for n in range(100)} | {f"415300{n:04}" for n in range(50)}
    assert 15 < written(sandbox) <= 18


def test_a_column_without_a_name_does_not_matter(sandbox, run_dag, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text(",phone\n0,4152000001\n1,4152000002\n")
    run = run_dag(dnc("index", "upload", source=f"file://{tmp_path}/index.csv"))
    assert run.xcoms["it"]["numbers"] == 2


@pytest.fixture
def ftc(tmp_path: Path) -> str:
    """A list in the format of the FTC, with two bad numbers."""
    path = tmp_path / "ftc.txt"
    path.write_text("415,2000001\r\n415,200\r\n415,2000002\r\nx,2000003\r\n")
    return f"file://{path}"


@pytest.mark.parametrize(("allowed", "state"), [("fail", "failed"), (1, "failed"), ("{{ 2 }}", "success")])
def test_bad_numbers_stop_no_others_and_are_written_out(
    sandbox, run_dag, ftc, tmp_path: Path, allowed, state
) -> None:
    rejects = tmp_path / "rejects.csv"
    arguments: dict[str, Any] = {"source": ftc, "rejects_path": f"file://{rejects}", "max_bad_rows": allowed}
    run = run_dag(dnc("ftc", "upload", columns=[1, "{{ 2 }}"], header="{{ False }}", **arguments))
    assert run.states == {"it": state}
    assert list(listed(sandbox)) == ["4152000001", "4152000002"]
    with rejects.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["1"], row["2"], row["reject_row"]) for row in rows] == [
        ("415", "200", "2"),
        ("x", "2000003", "4"),
    ]
    if state == "success":
        assert run.xcoms["it"] == {
            "action": "upload",
            "numbers": 2,
            "rejected": 2,
            "rejects": f"file://{rejects}",
        }
    else:
        assert "2 of 4 rows are bad; max_bad_rows=" in str(run.errors["it"])
        assert "row 2, column '1': the number is too short; write it whole, with the area code" in str(
            run.errors["it"]
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phone\n123\n415 CALL\n", "none of 2 numbers can be dialed"),
        ("phone\n4152000001|4152000002\n", "several numbers"),
        (
            "id,mobile\n1,4152000001\n",
            "written exactly like this; it has: '1', '2'; without",
        ),
        ("phone,name\n,Ada\n", "the column has no numbers"),
    ],
)
def test_a_file_without_usable_numbers_is_reported_and_nothing_is_sent(
    sandbox, run_dag, tmp_path: Path, text, message
) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text(text)
    run = run_dag(dnc("bad_file", "upload", source=f"file://{path}", max_bad_rows="100%"))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not written(sandbox)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"processingStatus": "DNC_UPLOAD_FAILED"}', "DNC_UPLOAD_FAILED"),
        ('{"rejectedRows": [{"message": "no"}]}', "rejected 1 numbers of the upload"),
    ],
)
def test_a_response_that_reports_failure_fails_the_task(sandbox, run_dag, tmp_path, body, message) -> None:
    (tmp_path / "numbers.csv").write_text("phone\n4152000001\n")
    sandbox.add_fault("status", path="uploadDncFile", status=200, content_type="application/json", body=body)
    run = run_dag(dnc("refused", "upload", source=f"file://{tmp_path}/numbers.csv"))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])


@pytest.fixture
def many(sandbox) -> int:
    """Twelve hundred numbers on the list."""
    sandbox.backend.dnc.add(ACCOUNT_ID, [f"4152{n:06}" for n in range(1200)], "USA", 0, "asked")
    return 1200


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"numbers": ["+1 415 200 0005", "415 300 0005"]}, ["4152000005"]),
        ({"numbers": 4152000006, "tag": "GLOBAL", "country": "usa"}, ["4152000006"]),
        ({"numbers": "416 200 0006", "country": "CAN"}, []),
        ({"criteria": {"reason": "unknown"}}, []),
    ],
)
@pytest.mark.few(1)
def test_search_results_are_an_xcom(many, sandbox, run_dag, arguments: Any, found: list[str]) -> None:
    result = run_dag(dnc("search", "search", **arguments)).xcoms["it"]
    assert result["numbers"] == len(found)
    assert [row["phone"] for row in result["rows"]] == [f"***{phone[-2:]}" for phone in found]


def test_many_results_are_written_to_a_file(many, sandbox, run_dag, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    run = run_dag(dnc("all", "search", output_path=f"file://{path}"))
    assert run.xcoms["it"] == {"action": "search", "numbers": many, "path": f"file://{path}"}
    phones = [json.loads(line)["phone"] for line in path.read_text().splitlines()]
    assert phones == [f"4152{n:06}" for n in range(many)]


def test_too_many_results_for_an_xcom_fail_the_task(many, sandbox, run_dag) -> None:
    run = run_dag(dnc("too_many", "search"))
    assert run.states == {"it": "failed"}
    assert "more than 1000 numbers" in str(run.errors["it"])


LITERAL_MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("block", {"numbers": "4152000001"}, "must be 'add', 'remove', 'upload' or 'search'"),
    ("add", {}, "numbers=None"),
    ("add", {"numbers": "4152000001", "country": "US"}, "country='US'"),
    ("add", {"numbers": "4152000001", "output_path": "x"}, "it is not for action 'add'"),
    ("add", {"numbers": "4152000001", "tag": " "}, "tag=' '"),
    ("remove", {"numbers": "4152000001", "reason": "x"}, "it is not for action 'remove'"),
    ("upload", {"numbers": "4152000001", "source": "x"}, "it is not for action 'upload'"),
    ("upload", {"source": "x", "column": ""}, "column=''"),
    ("upload", {"source": "x", "column": "a", "columns": ["b"]}, "give one of column and columns"),
    ("upload", {"source": "x", "header": "first"}, "header='first'"),
    ("upload", {"source": "x", "encoding": "utf-9"}, "encoding='utf-9'"),
    ("upload", {"source": "x", "delimiter": ";;"}, "delimiter=';;'"),
    (
        "upload",
        {"source": "x", "rejects_path": "x.xls"},
        "rejects_path='x.xls' is not usable: rejects are not compressed, and no workbooks",
    ),
    ("upload", {"source": "x", "max_bad_rows": "some"}, "max_bad_rows='some'"),
    ("add", {"numbers": "4152000001", "rejects_path": "x"}, "it is not for action 'add'"),
    ("add", {"numbers": []}, "at least one"),
    ("add", {"numbers": ["4152000001", "123"]}, "numbers[1]=***"),
    ("add", {"numbers": [None]}, "the number is missing"),
    ("add", {"numbers": "4152000001|4152000002"}, "several numbers"),
    ("add", {"numbers": "+442071838750"}, "numbers[0]=***"),
    ("add", {"numbers": "4152000001", "country": "USB"}, "country"),
    ("upload", {"source": "x", "column": 0}, "columns are counted from 1"),
    ("upload", {"source": "x", "columns": [0, 1]}, "columns are counted from 1"),
    ("search", {"output_path": "x.xlsx"}, "it gets lines of JSON"),
    ("search", {"source": "x"}, "it is not for action 'search'"),
    ("search", {"criteria": ["phone"]}, "must be a mapping"),
    ("search", {"criteria": {"phone": "4155550123"}}, "criteria.phone=***"),
]


@pytest.mark.parametrize(("action", "arguments", "message"), LITERAL_MISTAKES)
def test_literal_mistakes_are_import_errors(action, arguments, message) -> None:
    with pytest.raises(InvalidInputError) as caught:
        dnc("bad", action, **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(("action", "arguments", "message"), LITERAL_MISTAKES)
def test_rendered_mistakes_fail_without_a_retry(assert_not_retried, action, arguments, message) -> None:
    assert_not_retried(dnc("bad", "search").get_task("it"), {"action": action} | arguments, message)


@pytest.mark.parametrize("old", ["path", "path_conn_id"])
def test_an_old_name_is_reported_with_the_new_one(old) -> None:
    with pytest.raises(TypeError, match=f"'{old}' is now called 'output"):
        dnc("old", "search", **{old: "x"})


@pytest.mark.parametrize(
    ("action", "arguments", "message"),
    [
        ("{{ 'block' }}", {"numbers": "4152000001"}, "action='block'"),
        ("add", {"numbers": ["{{ none }}"]}, "the number contains letters; write digits alone"),
        ("add", {"numbers": "4152000001", "tag": "GLOBEL"}, "nearest: 'GLOBAL'; known: 'GLOBAL'"),
        ("upload", {"source": "file:///nowhere/numbers.csv"}, "file not found"),
    ],
)
@pytest.mark.few(2)
def test_bad_input_is_reported_and_nothing_is_written(sandbox, run_dag, action, arguments, message) -> None:
    run = run_dag(dnc("bad", action, **arguments))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not written(sandbox)
    assert not request_times(sandbox, "advancedSearch")
