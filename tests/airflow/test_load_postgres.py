"""Load leads from PostgreSQL, through Airflow's own hook and both drivers that it supports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pendulum
import pytest
import wrapt
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.utils.lead_sources import QueryError, table_source
from tests.airflow.test_load_leads import load, make_dag, stored
from tests.faults.lead_world import row
from tests.support.services import PostgresServer, missing_programs, postgres_server

psycopg2 = pytest.importorskip("psycopg2")
provider = pytest.importorskip("airflow.providers.postgres.hooks.postgres")

pytestmark = pytest.mark.slow

ROWS = 5000
MAPPING = {"id": "externId", "mobile": "leadPhone"}
#: Advisory locks of the database; a session that has acquired one keeps it until it ends.
ROW_LOCK, SESSION_LOCK = 1, 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server with a table of customers, and a sequence that counts attempts."""
    if "postgresql" in missing_programs():
        pytest.skip("postgresql is not installed")
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        with closing(psycopg2.connect(server.dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE customers (n int, id text, mobile text, first_name text)")
            cursor.execute("CREATE SEQUENCE attempts")
            cells = (row(number).split(",")[:3] for number in range(ROWS))
            cursor.executemany(
                "INSERT INTO customers VALUES (%s, %s, %s, %s)",
                [(number, *one) for number, one in enumerate(cells, 1)],
            )
        yield server


@pytest.fixture
def other(server: PostgresServer) -> Iterator[Callable[..., Any]]:
    """Run a query on another connection than the one under test, and return its value."""
    options = "-c statement_timeout=20s"
    with closing(psycopg2.connect(server.dsn, options=options)) as connection:
        connection.autocommit = True

        def ask(sql: str, *parameters: object) -> Any:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                (value,) = cursor.fetchone()
                return value

        yield ask


@pytest.fixture(params=["psycopg", "psycopg2"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The driver of the hook; without SQLAlchemy 2 it supports only the older one."""
    if request.param == "psycopg" and not provider.USE_PSYCOPG3:
        pytest.skip("with this SQLAlchemy the hook supports only psycopg2")
    monkeypatch.setattr(provider, "USE_PSYCOPG3", request.param == "psycopg")
    return request.param


@pytest.fixture
def connect(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the connection ``crm``."""

    def set_connection(*, extra: dict[str, object] | None = None, **changes: object) -> None:
        password = server.dsn.split(":")[2].split("@")[0]
        fields = {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": server.port,
            "login": "airflow",
            "password": password,
            "schema": "postgres",
            # A query that waits for the test fails instead of waiting forever.
            "extra": {
                "application_name": "crm",
                "options": "-c statement_timeout=20s -c timezone=UTC",
                **(extra or {}),
            },
        }
        monkeypatch.setenv("AIRFLOW_CONN_CRM", json.dumps(fields | changes))

    set_connection()
    return set_connection


@pytest.fixture
def crm(connect: Callable[..., None], driver: str) -> str:
    """The connection, with each driver."""
    return "crm"


def sent(sandbox: Any) -> list[Any]:
    return [one for one in sandbox.requests() if "leadLoader" in one.path]


@pytest.mark.parametrize(
    ("where", "parameters"),
    [
        ("n <= %s AND first_name LIKE %s", [4500, "Ada%"]),
        ("n <= %(most)s AND first_name LIKE %(name)s", {"most": 4500, "name": "Ada%"}),
        ("n <= 4500 AND first_name LIKE 'Ada%'", None),
    ],
    ids=["by place", "by name", "none"],
)
def test_rows_are_loaded_and_the_session_ends(sandbox, run_dag, crm, other, where, parameters) -> None:
    query = (
        "SELECT id, mobile, first_name,"
        f" CASE n WHEN 1 THEN pg_advisory_lock_shared({SESSION_LOCK}) END AS held"
        f" FROM customers WHERE {where} ORDER BY n;"
    )
    with make_dag("load_rows") as dag:
        load(sql=query, sql_conn_id=crm, sql_parameters=parameters, mapping=MAPPING, chunk_size=1500)
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["supplied"], run.xcoms["load"]["inserted"]) == (4500, 4500)
    found = stored(sandbox)
    assert [one["externId"] for one in found] == [row(number).split(",")[0] for number in range(4500)]
    assert (found[4321]["leadPhone"], found[4321]["firstName"]) == ("4152104321", "Ada4321")
    # Waits until the session has ended: such locks outlive the transaction.
    other("SELECT pg_advisory_lock(%s)", SESSION_LOCK)


def test_every_type_becomes_text_or_a_reject(sandbox, run_dag, crm, tmp_path) -> None:
    query = """
        SELECT
            n::bigint + 12345678900 AS id,
            (4155550100 + n)::numeric(12, 2) AS mobile,
            CASE n WHEN 1 THEN 'Zoë' END AS first_name,
            CASE WHEN n < 3 THEN '"gold"' ELSE '{"tier": "gold"}' END::jsonb AS "auxData1",
            1234.50::numeric(10, 2) AS balance,
            'NaN'::numeric AS score,
            0.1::float8 AS share,
            date '2026-11-30' AS renews,
            timestamp '2026-01-02 03:04:05.6' AS seen,
            timestamptz '2026-01-02 03:04:05+02' AS called,
            '6f1d9c7e-0000-4000-8000-00000000000a'::uuid AS account,
            n = 1 AS premium,
            jsonb_build_object('n', n, 'tags', '["a", 1.5]'::jsonb) AS profile,
            array['a', 'b'] AS groups,
            NULL::text AS nothing
        FROM generate_series(1, 3) AS n ORDER BY n
    """
    rejects = tmp_path / "rejects.jsonl"
    with make_dag("load_types") as dag:
        load(
            sql=query,
            sql_conn_id=crm,
            mapping=MAPPING,
            send_unmapped=True,
            max_bad_rows=1,
            rejects_path=str(rejects),
        )
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    first, second = stored(sandbox)
    assert (first["externId"], first["leadPhone"]) == ("12345678901", "4155550101")
    assert (first["firstName"], first["auxData1"], second["firstName"]) == ("Zoë", "gold", None)
    assert json.loads(first["extendedLeadData"]) == {
        "balance": "1234.50",
        "share": "0.1",
        "renews": "2026-11-30",
        "seen": "2026-01-02T03:04:05.600000",
        "called": "2026-01-02T01:04:05+00:00",
        "account": "6f1d9c7e-0000-4000-8000-00000000000a",
        "premium": "true",
        "profile": '{"n":1,"tags":["a",1.5]}',
        "groups": '["a","b"]',
    }
    assert json.loads(second["extendedLeadData"])["premium"] == "false"
    (reject,) = map(json.loads, rejects.read_text().splitlines())
    assert (reject["reject_source"], reject["reject_row"]) == ("query on crm", 3)
    assert "auxData1" in reject["reject_reason"]
    assert "expected text, got dict" in reject["reject_reason"]
    assert (reject["id"], reject["auxData1"]) == (12345678903, {"tier": "gold"})


@pytest.mark.parametrize("traced", [False, True], ids=["plain", "traced"])
def test_rows_are_streamed(crm, other, monkeypatch, traced) -> None:
    """Row 3000 waits for a lock: waiting for all rows would never end."""
    if traced:
        get_conn = provider.PostgresHook.get_conn
        monkeypatch.setattr(provider.PostgresHook, "get_conn", lambda hook: wrapt.ObjectProxy(get_conn(hook)))
    query = (
        "SELECT n, CASE n WHEN 3000 THEN pg_advisory_lock_shared(%s) END FROM generate_series(1, 5000) AS n"
    )
    other("SELECT pg_advisory_lock(%s)", ROW_LOCK)
    with closing(table_source(query, crm, [ROW_LOCK])) as sources:
        source = next(sources)
        assert source.columns == ("n", "case")
        batches = source.batches(None)
        assert list(next(batches).cells("n")) == list(range(1, 2001))
        assert other("SELECT pg_advisory_unlock(%s)", ROW_LOCK)
        assert [len(batch.cells("n")) for batch in batches] == [2000, 1000]
        assert next(sources, None) is None


def test_a_connection_that_is_terminated(crm, other) -> None:
    query = "SELECT pg_backend_pid() AS pid FROM generate_series(1, 5000)"
    with closing(table_source(query, crm)) as sources:
        batches = next(sources).batches(None)
        pid = next(batches).cells("pid")[0]
        assert other("SELECT pg_terminate_backend(%s, 10000)", pid)
        with pytest.raises(QueryError, match=r"(?s)^query on crm: .*terminat") as raised:
            next(batches)
    assert raised.value.retryable


@pytest.mark.parametrize("retries", [0, 1])
def test_a_connection_that_breaks_is_retried(sandbox, run_dag, crm, other, retries) -> None:
    """Nothing is sent before all rows are read; the next attempt reads all of them."""
    other("SELECT setval('attempts', 1, false)")
    query = (
        "SELECT id, mobile, CASE WHEN n = 3000 AND nextval('attempts') = 1"
        " THEN pg_terminate_backend(pg_backend_pid()) END AS broken FROM customers ORDER BY n"
    )
    with make_dag(f"load_broken_{retries}") as dag:
        load(
            sql=query,
            sql_conn_id=crm,
            mapping=MAPPING,
            chunk_size=1000,
            retries=retries,
            retry_delay=pendulum.duration(seconds=0),
        )
    run = run_dag(dag)
    if retries:
        assert run.states == {"load": "success"}
        assert len(stored(sandbox)) == ROWS
        assert len(sent(sandbox)) == 5
    else:
        assert run.states == {"load": "failed"}
        with pytest.raises(QueryError, match=r"(?s)^query on crm: .*terminat"):
            raise run.errors["load"]
        assert sent(sandbox) == []


@pytest.mark.parametrize(
    ("query", "parameters", "message"),
    [
        ("SELECT id mobile FORM customers", None, 'SyntaxError: syntax error at or near "FORM"'),
        ("SELECT id, mobile FROM clients", None, 'UndefinedTable: relation "clients" does not exist'),
        ("UPDATE customers SET id = 'x'", None, 'SyntaxError: syntax error at or near "UPDATE"'),
        ("SELECT id, mobile, 1 / (n - 3000) FROM customers ORDER BY n", None, "DivisionByZero: division by"),
        ("SELECT id, mobile, date '20000-01-01' FROM customers", None, "Error: .*year"),
        ("SELECT id, mobile FROM customers WHERE n = %s", [], "Error: "),
        ("SELECT id, mobile::boolean FROM customers", None, r"invalid input syntax for type boolean: \*\*\*"),
        ("SELECT id, id FROM customers", None, "column 'id': columns 1 and 2 have the same name"),
    ],
    ids=["syntax", "no such table", "no rows", "midway", "year", "parameters", "cast", "names"],
)
def test_a_query_that_fails_is_reported_and_nothing_is_sent(
    sandbox, run_dag, crm, other, query, parameters, message
) -> None:
    with make_dag("load_failing") as dag:
        load(sql=query, sql_conn_id=crm, sql_parameters=parameters, mapping=MAPPING)
    run = run_dag(dag)
    assert run.states == {"load": "failed"}
    with pytest.raises(AirflowFailException, match=f"query on crm.*{message}"):
        raise run.errors["load"]
    assert sent(sandbox) == []
    assert other("SELECT count(*) FROM customers WHERE id = 'x'") == 0


@pytest.mark.parametrize("changes", [{"port": 9}, {"password": "Q7wrongK2"}], ids=["port", "password"])
def test_a_database_that_refuses_the_connection(sandbox, run_dag, connect, driver, changes) -> None:
    connect(**changes)
    with make_dag("load_refused") as dag:
        load(sql="SELECT 1", sql_conn_id="crm")
    run = run_dag(dag)
    with pytest.raises(QueryError, match=r"^query on crm: OperationalError: .*127\.0\.0\.1") as raised:
        raise run.errors["load"]
    assert "Q7wrongK2" not in str(raised.value)
    assert sent(sandbox) == []


@pytest.mark.parametrize("kind", ["dictcursor", "namedtuplecursor", "realdictcursor"])
def test_cursors_that_a_connection_sets(sandbox, run_dag, connect, driver, kind) -> None:
    if (driver, kind) == ("psycopg", "realdictcursor"):
        pytest.skip("psycopg has no such cursor")
    connect(extra={"cursor": kind})
    with make_dag("load_by_cursor") as dag:
        load(sql="SELECT mobile, id FROM customers ORDER BY n LIMIT 3", sql_conn_id="crm", mapping=MAPPING)
    assert run_dag(dag).states == {"load": "success"}
    assert [(one["externId"], one["leadPhone"]) for one in stored(sandbox)] == [
        tuple(row(number).split(",")[:2]) for number in range(3)
    ]


def test_a_statement_without_rows_that_the_cursor_accepts(tmp_path, monkeypatch) -> None:
    """SQLite runs it and reports no columns."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_FILE", json.dumps({"conn_type": "sqlite", "host": f"{tmp_path}/file.sqlite"})
    )
    with pytest.raises(ValueError, match=r"^sql='CREATE TABLE .* give a query that returns rows"):
        next(table_source("CREATE TABLE customers (id text)", "file"))
