"""Loading leads from a DAG."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, task
from airflow.providers.sqlite.hooks.sqlite import SqliteHook

from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.faults.lead_world import HEADER, row
from tests.support.customers import write_customers

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID


def make_dag(dag_id: str, **options: object) -> DAG:
    return DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1), **options)


def load(**changes: Any) -> EngageVoiceLoadLeadsOperator:
    arguments: dict[str, Any] = {
        "task_id": "load",
        "campaign": "Holiday Renewals 2025",
        "dial_group": "Outbound Renewals",
        "list_name": "Autumn",
        "chunk_size": 50,
    }
    return EngageVoiceLoadLeadsOperator(**(arguments | changes))


def stored(sandbox: SandboxServer) -> list[dict[str, Any]]:
    rows = sandbox.backend.database.rows(
        "SELECT * FROM leads WHERE campaignId = ? ORDER BY externId", (CAMPAIGN,)
    )
    return [dict(row) for row in rows]


@pytest.fixture
def leads_csv(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text("\n".join([HEADER, *map(row, range(120))]) + "\n")
    return path


def test_a_file_is_loaded_once(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_file") as dag:
        load(source=str(leads_csv))
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    counts = {name: result[name] for name in ("supplied", "accepted", "inserted", "rejected", "duplicates")}
    assert counts == {"supplied": 120, "accepted": 120, "inserted": 120, "rejected": 0, "duplicates": 0}
    assert (result["list_name"], result["list_id"], result["lists"]) == ("Autumn", None, 3)
    assert result["campaign_id"] == CAMPAIGN
    found = stored(sandbox)
    assert len(found) == 120
    assert (found[7]["externId"], found[7]["firstName"], found[7]["city"]) == (
        "C-0000007",
        "Ada7",
        "San Francisco",
    )


def test_leads_by_file(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_by_file") as dag:
        load(source=str(leads_csv), method="{{ 'fi' + 'le' }}", chunk_size=None)
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    counts = {name: result[name] for name in ("supplied", "accepted", "inserted", "rejected", "duplicates")}
    assert counts == {"supplied": 120, "accepted": 120, "inserted": 120, "rejected": 0, "duplicates": 0}
    assert result["list_id"] is not None
    assert [one["externId"] for one in stored(sandbox)] == [row(number)[:9] for number in range(120)]
    paths = [one.path.partition("leadLoader/")[2] for one in sandbox.requests()]
    assert [path.partition("?")[0] for path in paths if path] == ["preview", "process"]


def test_files_of_a_glob_and_a_mapping(sandbox, run_dag, tmp_path) -> None:
    for number in range(3):
        (tmp_path / f"part-{number}.csv").write_text(
            f"customer,mobile,tier\nc{number},(415) 555-01{number}7,gold\n"
        )
    with make_dag("load_glob") as dag:
        load(
            source=f"{tmp_path}/part-*.csv",
            mapping={"customer": "externId", "mobile": "leadPhone"},
            extended=True,
        )
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert [(one["externId"], one["leadPhone"]) for one in stored(sandbox)] == [
        ("c0", "4155550107"),
        ("c1", "4155550117"),
        ("c2", "4155550127"),
    ]
    assert json.loads(stored(sandbox)[0]["extendedLeadData"]) == {"tier": "gold"}
    assert run.xcoms["load"]["list_id"] is not None


def test_what_another_task_returns(sandbox, run_dag) -> None:
    with make_dag("load_records") as dag:

        @task
        def extract() -> list[dict[str, str]]:
            return [
                {"externId": "a", "leadPhone": "4155550100"},
                {"externId": "b", "leadPhone": "4155550101"},
            ]

        load(records=extract())
    assert run_dag(dag).states == {"extract": "success", "load": "success"}
    assert [one["externId"] for one in stored(sandbox)] == ["a", "b"]


def test_bad_rows_load_nobody_and_are_written_down(sandbox, run_dag, leads_csv, tmp_path) -> None:
    with leads_csv.open("a") as file:
        file.write("C-x,12,Bad,Phone,,,,\n")
        file.write(",4155550100,No,Id,,,,\n")
    rejects = tmp_path / "out" / "rejects.csv"
    with make_dag("load_bad") as dag:
        load(source=str(leads_csv), rejects=str(rejects))
    run = run_dag(dag)
    assert run.states == {"load": "failed"}
    assert isinstance(run.errors["load"], AirflowFailException)
    assert stored(sandbox) == []
    with rejects.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(one["externId"], one["leadPhone"], one["reject_row"]) for one in found] == [
        ("C-x", "12", "122"),
        ("", "4155550100", "123"),
    ]


def test_bad_rows_within_the_limit_are_left_out(sandbox, run_dag, leads_csv, tmp_path) -> None:
    with leads_csv.open("a") as file:
        file.write("C-x,12,Bad,Phone,,,,\n")
    with make_dag("load_some") as dag:
        load(source=str(leads_csv), on_reject="2%")
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["supplied"], run.xcoms["load"]["rejected"]) == (121, 1)
    assert len(stored(sandbox)) == 120


def test_a_dry_run_sends_nothing(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_dry") as dag:
        load(source=str(leads_csv), dry_run=True)
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert run.xcoms["load"]["rows"] == 120
    assert not [one for one in sandbox.requests() if "leadLoader" in one.path]


def test_what_the_server_refuses_is_written_down_and_fails_the_task(
    sandbox, run_dag, leads_csv, tmp_path
) -> None:
    """The check and the server may disagree."""
    refusal = {
        "processingStatus": "DEFAULT_NOT_A_FAILURE",
        "leadsSupplied": 50,
        "leadsAccepted": 49,
        "leadsInserted": 49,
        "rejectedRows": [{"message": "leadPhone: not in service", "rowData": ["C-0000003", "4152100003"]}],
    }
    sandbox.add_fault(
        "status",
        path="leadLoader/direct",
        status=200,
        body=json.dumps(refusal),
        content_type="application/json",
    )
    rejects = tmp_path / "rejects.csv"
    with make_dag("load_refused") as dag:
        load(source=str(leads_csv), rejects=str(rejects), in_flight=1)
    run = run_dag(dag)
    assert run.states == {"load": "failed"}
    assert "1 of them rejected by the server" in str(run.errors["load"])
    with rejects.open(newline="") as file:
        (found,) = csv.DictReader(file)
    assert (found["externId"], found["reject_row"]) == ("C-0000003", "5")
    assert "not in service" in found["reject_reason"]
    assert not (tmp_path / "rejects.csv.parts").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "nowhere.csv"}, "source='nowhere.csv'.*file not found"),
        ({"source": "nowhere-*.csv"}, "no file matches"),
        ({"duplicate_handling": "KEEP"}, "duplicate_handling='KEEP'.*RETAIN_ALL"),
        ({"time_zone_option": "GUESS"}, "time_zone_option='GUESS'"),
        ({"mapping": {"a": "leedPhone"}}, "leadPhone"),
        ({"settings": {"dncTag": ["x"]}}, "settings.dncTag=.*nearest: 'dncTags'"),
        ({"settings": {"listState": "ACTIVE"}}, "give it as list_state"),
        ({"settings": {"extendedLeadDataMappings": {"a": 1}}}, "give it as mapping, or set send_unmapped"),
        ({"settings": {"fileType": "TAB"}}, "the package writes the file"),
        ({"method": "fax"}, "method='fax'.*direct or file"),
        ({"method": "file", "country": "GBR"}, "method='file'.*GBR need method='direct'"),
        ({"method": "file", "chunk_size": 20_001}, "chunk_size=20001.*from 1 to 20000"),
        ({"on_reject": "some"}, "max_bad_rows='some'"),
        ({"chunk_size": 0}, "chunk_size=0"),
        ({"in_flight": 99}, "in_flight=99"),
        ({"list_name": " "}, "list_name=' '"),
        ({"campaign": "Holiday Renewals 2024"}, "nearest: 'Holiday Renewals 2025'"),
    ],
)
def test_bad_input_is_told_before_anything_is_sent(sandbox, run_dag, leads_csv, changes, message) -> None:
    with make_dag("load_input") as dag:
        load(**({"source": str(leads_csv)} | changes))
    run = run_dag(dag)
    with pytest.raises(AirflowFailException, match=message):
        raise run.errors["load"]
    assert not [one for one in sandbox.requests() if "leadLoader" in one.path]


@pytest.mark.parametrize(
    "given", [{}, {"source": "a.csv", "sql": "SELECT 1"}, {"sql": "SELECT 1"}, {"records": [], "source": "a"}]
)
def test_one_source_is_needed(given) -> None:
    with pytest.raises(ValueError, match=r"give one of source|sql needs sql_conn_id"):
        load(**given)


def test_a_retry_goes_on_where_the_first_attempt_stopped(sandbox, run_dag, leads_csv) -> None:
    sandbox.add_fault(
        "status", path="leadLoader/direct", after=1, status=429, body="rate", headers={"Retry-After": "9999"}
    )
    with make_dag("load_retry") as dag:
        load(
            source=str(leads_csv),
            in_flight=1,
            duplicate_handling="RETAIN_ALL",
            retries=1,
            retry_delay=pendulum.duration(seconds=0),
        )
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    assert (result["accepted"], result["settled_chunks"]) == (120, 1)
    assert len(stored(sandbox)) == 120
    # Three chunks, of which the second was tried twice; the first was not sent again.
    assert sum("leadLoader" in one.path for one in sandbox.requests()) == 4


def test_a_query_is_read_as_it_comes(sandbox, run_dag, tmp_path, monkeypatch) -> None:
    database = write_customers(tmp_path, 30)
    connection = {"conn_type": "sqlite", "host": str(database)}
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS_DB", json.dumps(connection))
    query = "SELECT id, phone, first_name, renews FROM customers WHERE id < ? ORDER BY id"
    with make_dag("load_query") as dag:
        load(
            sql=query.replace("renews", "city AS home"),
            sql_conn_id="customers_db",
            sql_parameters=["C-00020"],
            mapping={"id": "externId", "phone": "leadPhone", "home": None},
            chunk_size=8,
        )
        load(task_id="wrong", sql=query, sql_conn_id="engagevoice_default")
    run = run_dag(dag)
    assert run.states == {"load": "success", "wrong": "failed"}
    assert [one["externId"] for one in stored(sandbox)] == [f"C-{number:05d}" for number in range(20)]
    assert "give a connection of a SQL database" in str(run.errors["wrong"])


class _Complaining(sqlite3.Connection):
    """A connection whose cursors, as those of MySQL's connector, want to be read to the end."""

    def cursor(self, factory: Any = None) -> Any:
        class Cursor(sqlite3.Cursor):
            def close(self) -> None:
                raise sqlite3.InternalError("unread result found")

        return super().cursor(Cursor)


def test_an_error_amid_the_rows_is_told_and_not_that_rows_are_left(
    sandbox, run_dag, tmp_path, monkeypatch
) -> None:
    database = write_customers(tmp_path, 5000)
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))
    opened = sqlite3.connect(database, factory=_Complaining)
    monkeypatch.setattr(SqliteHook, "get_conn", lambda hook: opened)
    # The smallest number has no absolute value.
    broken = "CASE id WHEN 'C-03000' THEN abs(-9223372036854775808) ELSE id END"
    query = f"SELECT {broken} AS id, phone FROM customers ORDER BY rowid"
    with make_dag("load_complaining") as dag:
        load(sql=query, sql_conn_id="db", mapping={"id": "externId", "phone": "leadPhone"})
    run = run_dag(dag)
    assert "integer overflow" in str(run.errors["load"])
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened.execute("SELECT 1")
