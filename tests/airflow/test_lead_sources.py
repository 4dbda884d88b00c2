"""Where the rows of a load come from: files, folders and globs on object storage, records, SQL files."""

from __future__ import annotations

from pathlib import Path

import pendulum
import pyarrow
import pyarrow.parquet
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.sources.base import ReadOptions
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.utils.lead_sources import QueryError, file_sources, record_source


def read(*source: object) -> list[dict[str, object]]:
    """Return the records of files."""
    paths = [str(one) for one in source]
    return [
        dict(batch.record(at))
        for one in file_sources(paths, conn_id=None, format=None, options=ReadOptions())
        for batch in one.batches(None if one.columns is None else dict.fromkeys(one.columns, "externId"))
        for at in range(len(batch.numbers))
    ]


@pytest.fixture
def hive(tmp_path: Path) -> Path:
    """A folder as Spark writes it."""
    for state, ids in {"CA": ["1", "2"], "NY": ["3"], "TX": []}.items():
        folder = tmp_path / "leads" / f"state={state}"
        folder.mkdir(parents=True)
        table = pyarrow.table({"externId": pyarrow.array(ids, pyarrow.string())})
        pyarrow.parquet.write_table(table, folder / "part-0.parquet")
        (folder / ".part-0.parquet.crc").write_bytes(b"crc")
    (tmp_path / "leads" / "_SUCCESS").touch()
    return tmp_path / "leads"


def test_a_folder_a_glob_of_folders_and_one_of_files_are_the_same(hive: Path) -> None:
    rows = [
        {"externId": "1", "state": "CA"},
        {"externId": "2", "state": "CA"},
        {"externId": "3", "state": "NY"},
    ]
    assert read(hive) == read(hive / "state=*") == read(hive / "*" / "*.parquet") == rows
    assert read(f"{hive}/") == rows
    assert read(hive / "state=NY" / "part-0.parquet") == rows[2:]


def test_hidden_files_are_read_only_by_name(hive: Path) -> None:
    (hive / "_temporary").mkdir()
    (hive / "_temporary" / "part-1.csv").write_text("externId\n9\n")
    (hive / "a.csv").write_text("externId\n8\n")
    for pattern in ("*", "**/*"):
        assert [row["externId"] for row in read(f"{hive}/{pattern}")] == ["8", "1", "2", "3"]
    assert read(hive / "_temp*" / "*.csv") == [{"externId": "9"}]


def test_brackets_in_the_name_of_a_folder_are_no_pattern(tmp_path: Path) -> None:
    for name in ("a [1]", "a 1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.csv").write_text(f"name\n{name}\n")
    for pattern in ("a [1]", "a [1]/", "a [1]/x.csv", "a [1]/*.csv", "a [[]1]/[x].csv"):
        assert [row["name"] for row in read(tmp_path / pattern)] == ["a [1]"]
    # No such folder.
    assert [row["name"] for row in read(tmp_path / "a [12]" / "*")] == ["a 1"]


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c.csv"):
        (tmp_path / name).write_text(f"name\n{name}\n")
    assert [one["name"] for one in read(tmp_path)] == ["a.csv", "b.csv", "c.csv"]
    assert [one["name"] for one in read(tmp_path / "c.csv", tmp_path / "[ab].csv")] == [
        "c.csv",
        "a.csv",
        "b.csv",
    ]


def test_brackets_in_the_names_of_files_are_no_pattern_if_they_match_nothing(tmp_path: Path) -> None:
    (tmp_path / "a [1]").mkdir()
    (tmp_path / "a [1]" / "list [2026] b.csv").write_text("name\nb\n")
    for pattern in ("a [1]/list [2026]*", "a [1]*/*", "*/list [2026] ?.csv", "a [1]/*[2026]*.csv"):
        assert read(tmp_path / pattern) == [{"name": "b"}]
    (tmp_path / "a [1]" / "list 2 c.csv").write_text("name\nc\n")
    assert read(tmp_path / "a [1]" / "list [2026]*") == [{"name": "c"}]
    assert read(tmp_path / "a [1]" / "list [[]2026]*") == [{"name": "b"}]
    with pytest.raises(InvalidInputError, match="no file matches"):
        read(tmp_path / "a [1]" / "list [7]*")


def test_a_workbook_that_is_open_in_excel_is_not_read_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name\na\n")
    (tmp_path / "~$a.xlsx").write_bytes(b"\x03Ada")
    assert read(tmp_path) == read(tmp_path / "*") == [{"name": "a"}]


@pytest.mark.parametrize("name", ["list [1].csv", "list[1].csv", "a?.csv", "b*.csv"])
def test_a_file_may_be_named_like_a_pattern(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a\n1\n")
    (tmp_path / "list1.csv").write_text("a\n2\n")
    assert read(tmp_path / name) == [{"a": "1"}]


def test_one_empty_file_of_several_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").touch()
    (tmp_path / "c.csv").write_text("a\n")
    assert read(tmp_path) == [{"a": "1"}]


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.csv", "file not found"), ("none*.csv", "no file matches"), ("empty", "the folder has no files")],
)
def test_what_matches_no_file_is_an_error(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match=words):
        read(tmp_path / name)


def test_records_of_mapped_tasks_are_flattened() -> None:
    one, two, three = ({"externId": str(number)} for number in range(3))
    (batch,) = record_source([[one, two], [], [three]]).batches(None)
    assert [batch.record(at) for at in range(3)] == [one, two, three]
    for bad in ([[one, 5]], [[[one]]], ["text"]):
        with pytest.raises(InvalidInputError, match=r"records\[1\]"):
            list(record_source(bad).batches(None))


def operator(dag: DAG, **changes: object) -> EngageVoiceLoadLeadsOperator:
    return EngageVoiceLoadLeadsOperator(task_id="load", campaign="Renewals", dag=dag, **changes)  # type: ignore[arg-type]


def test_only_sql_names_a_template_file(tmp_path: Path) -> None:
    (tmp_path / "leads.sql").write_text("SELECT * FROM leads WHERE day = '{{ ds }}'")
    with DAG("sql", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        dag.template_searchpath = [str(tmp_path)]
        task = operator(dag, sql="leads.sql", sql_conn_id="database", list_name="x", rejects_path="x.sql")
    task.render_template_fields({"ds": "2026-11-01"})  # type: ignore[arg-type]
    assert task.sql == "SELECT * FROM leads WHERE day = '2026-11-01'"
    assert task.rejects_path == "x.sql"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            'invalid input syntax for type bigint: "+1 415-555-0123"',
            "invalid input syntax for type bigint: ***",
        ),
        ("Numeric value 'Ada Lovelace' is not recognized", "Numeric value *** is not recognized"),
        ("value out of range: 4155550123", "value out of range: ***"),
        ("DETAIL:  Key (phone)=(4155550123) exists", "DETAIL:  Key (phone)*** exists"),
        ('relation "people" does not exist', 'relation "people" does not exist'),
        ("no such column: mobile", "no such column: mobile"),
    ],
)
def test_an_error_of_a_database_has_no_value_of_a_row(message: str, shown: str) -> None:
    error = QueryError("query on crm", ValueError(message), "SELECT phone::bigint FROM people")
    assert str(error) == f"query on crm: ValueError: {shown}"


def test_an_error_of_a_connection_names_the_server() -> None:
    message = 'connection to server at "127.0.0.1", port 5432 failed'
    assert message in str(QueryError("query on crm", OSError(message)))
