"""Load one list into many campaigns from a DAG."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AssetAlias

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.clocks import FakeClock

RENEWALS = "Holiday Renewals 2025"
#: Its name could be an id.
SEASON = "20270101"
WINBACK = "Winback Spring"
HEADER = "campaign,externId,leadPhone\n"
FIELDS = {"startDate": "2026-01-01T08:00:00.000+0000", "endDate": "2099-01-01T08:00:00.000+0000"}
state_store = pytest.mark.skipif(
    airflow_version.startswith("2."), reason="Airflow 3.3 has a task's state store"
)


@pytest.fixture
def campaigns(sandbox: SandboxServer, client_settings) -> dict[str, int]:
    """Three campaigns in two dial groups: their ids by name."""
    ids = {RENEWALS: seed.HOLIDAY_RENEWALS_2025_ID}
    with EngageVoiceClient(client_settings) as client:
        for group, name in ((seed.WINBACK_ID, WINBACK), (seed.OUTBOUND_RENEWALS_ID, SEASON)):
            body = {"campaignName": name, "callerId": "4155550123", **FIELDS}
            ids[name] = client.create_campaign(group, body).campaignId
    return ids


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A list of 120 people: 60, 40 and 20 for each campaign, one after the other."""
    path = tmp_path / "mixed.csv"
    names = [RENEWALS, WINBACK, RENEWALS, SEASON, RENEWALS, WINBACK]
    rows = [f"{names[n % 6]},P{n},415{2000000 + n}\n" for n in range(120)]
    path.write_text(HEADER + "".join(rows))
    return path


def route(dag_id: str = "route", **changes: Any) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        arguments: dict[str, Any] = {"campaign_column": "campaign", "chunk_size": 15, "list_name": "Mixed"}
        EngageVoiceLoadLeadsOperator(task_id="load", **(arguments | changes))
    return dag


def stored(sandbox: SandboxServer) -> Counter[tuple[int, str]]:
    """Count campaign and externId of each lead."""
    rows = sandbox.backend.database.rows("SELECT campaignId, externId FROM leads")
    return Counter((row["campaignId"], row["externId"]) for row in rows)


def sent(sandbox: SandboxServer) -> int:
    return sum("leadLoader" in one.path for one in sandbox.requests())


def expected(path: Path, campaigns: dict[str, int]) -> Counter[tuple[int, str]]:
    with path.open(newline="") as file:
        return Counter((campaigns[row["campaign"]], row["externId"]) for row in csv.DictReader(file))


@pytest.mark.parametrize("method", ["direct", "file"])
@pytest.mark.few(1)
def test_each_row_goes_to_its_campaign_once(sandbox, run_dag, campaigns, mixed, method) -> None:
    run = run_dag(route(source=str(mixed), method=method, campaign_column="{{ 'cam' + 'paign' }}"))
    assert run.states == {"load": "success"}
    assert stored(sandbox) == expected(mixed, campaigns)
    result = run.xcoms["load"]
    assert (result["outcome"], result["supplied"], result["inserted"]) == ("loaded", 120, 120)
    assert not {"campaign_id", "list_id", "lists"} & result.keys()
    found = {one["campaign_id"]: (one["campaign_name"], one["inserted"]) for one in result["campaigns"]}
    counts = {RENEWALS: 60, WINBACK: 40, SEASON: 20}
    assert found == {campaigns[name]: (name, count) for name, count in counts.items()}
    # Chunks of 15, and what is left of each campaign.
    assert sent(sandbox) == (4 + 3 + 2) * (1 if method == "direct" else 2)


def test_ids_and_a_dial_group_are_taken_and_duplicates_are_judged_per_campaign(
    sandbox, run_dag, campaigns
) -> None:
    records = [
        {"campaign": name, "externId": "1", "leadPhone": "4155550101"}
        for name in (RENEWALS, str(campaigns[RENEWALS]), campaigns[SEASON], SEASON)
    ]
    run = run_dag(route(records=records, dial_group="Outbound Renewals"))
    assert stored(sandbox) == {(campaigns[RENEWALS], "1"): 1, (campaigns[SEASON], "1"): 1}
    result = run.xcoms["load"]
    assert (result["supplied"], result["inserted"], result["duplicates"]) == (4, 2, 2)
    assert [(one["inserted"], one["duplicates"]) for one in result["campaigns"]] == [(1, 1), (1, 1)]


def test_unknown_names_are_one_error_before_anything_is_sent(sandbox, run_dag, campaigns) -> None:
    people = [(RENEWALS, 1), ("Holiday Renewal 2025", 2), ("Nowhere", 3), (WINBACK, 4)]
    records = [{"campaign": name, "externId": str(n), "leadPhone": f"415555010{n}"} for name, n in people]
    run = run_dag(route(records=records, dial_group="Outbound Renewals"))
    assert run.states == {"load": "failed"}
    with pytest.raises(AirflowFailException) as caught:
        raise run.errors["load"]
    text = str(caught.value)
    assert "3 rows name 3 campaigns that are not found; nothing is sent" in text
    assert (
        "'Holiday Renewal 2025' (1 rows, the first: records, row 2); nearest: 'Holiday Renewals 2025'" in text
    )
    assert f"'{WINBACK}' (1 rows, the first: records, row 4)" in text
    assert sent(sandbox) == 0


def test_a_name_that_several_campaigns_have_needs_the_id(
    sandbox, run_dag, campaigns, client_settings
) -> None:
    with EngageVoiceClient(client_settings) as client:
        twin = client.create_campaign(
            seed.WINBACK_ID, {"campaignName": SEASON, "callerId": "4155550123", **FIELDS}
        )
    record = {"externId": "1", "leadPhone": "4155550101"}
    run = run_dag(route(records=[{"campaign": SEASON, **record}]))
    ids = f"{campaigns[SEASON]}, {twin.campaignId}"
    assert f"it means several campaigns: {ids}; use the id" in str(run.errors["load"])
    run = run_dag(route(records=[{"campaign": twin.campaignId, **record}]))
    assert stored(sandbox) == {(twin.campaignId, "1"): 1}


def test_a_campaign_that_the_list_shows_late_is_awaited(sandbox, run_dag, campaigns, monkeypatch) -> None:
    """Another task has created it a moment ago."""
    from airflow_provider_engagevoice.leads import routing

    late, listed = routing.list_candidates, []

    def list_candidates(group_id: int | None) -> Any:
        found = yield from late(group_id)
        listed.append(group_id)
        return [one for one in found if one[1].campaignName != SEASON] if len(listed) < 4 else found

    monkeypatch.setattr(routing, "list_candidates", list_candidates)
    record = {"campaign": SEASON, "externId": "1", "leadPhone": "4155550101"}
    run = run_dag(route(records=[record], dial_group="Outbound Renewals"))
    assert run.xcoms["load"]["inserted"] == 1
    assert len(listed) == 4


def test_bad_rows_are_counted_by_campaign_and_written_with_it(sandbox, run_dag, campaigns, tmp_path) -> None:
    path, rejects = tmp_path / "list.csv", tmp_path / "rejects.csv"
    path.write_text(
        f"{HEADER}{RENEWALS},1,4155550101\n{SEASON},2,12\n,3,4155550103\n{WINBACK},4,4152000004\n"
        f"{WINBACK},5,4152000005\n"
    )
    refusal = {
        **{"leadsSupplied": 2, "leadsAccepted": 1, "leadsInserted": 1},
        "rejectedRows": [{"message": "not in service", "rowData": ["5", "4152000005"]}],
    }
    sandbox.add_fault(
        "status", path=f"campaigns/{campaigns[WINBACK]}/leadLoader", status=200, body=json.dumps(refusal)
    )
    run = run_dag(
        route(source=str(path), max_bad_rows=3, rejects_path=str(rejects), max_concurrent_requests=1)
    )
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    assert (result["supplied"], result["inserted"], result["rejected"]) == (5, 2, 3)
    by_name = {one["campaign_name"]: (one["supplied"], one["rejected"]) for one in result["campaigns"]}
    assert by_name == {RENEWALS: (1, 0), SEASON: (1, 1), WINBACK: (2, 1)}
    with rejects.open(newline="") as file:
        rows = [(row["campaign"], row["externId"], row["reject_reason"]) for row in csv.DictReader(file)]
    assert rows == [
        (SEASON, "2", "leadPhone: '12': the number is too short; write it whole, with the area code"),
        ("", "3", "campaign: the campaign is missing"),
        (WINBACK, "5", "not in service"),
    ]


def test_an_empty_list_succeeds(sandbox, run_dag, campaigns) -> None:
    run = run_dag(route(records=[]))
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["supplied"], run.xcoms["load"]["campaigns"]) == (0, [])


def test_too_many_bad_rows_in_all_load_nothing(sandbox, run_dag, campaigns, mixed) -> None:
    with mixed.open("a") as file:
        file.write(f"{SEASON},x,12\n")
    run = run_dag(route(source=str(mixed)))
    assert "1 of 121 rows are bad; max_bad_rows='fail'" in str(run.errors["load"])
    assert sent(sandbox) == 0


def test_validate_only_counts_by_campaign(sandbox, run_dag, campaigns, mixed) -> None:
    result = run_dag(route(source=str(mixed), validate_only=True)).xcoms["load"]
    assert (result["rows"], result["leads"]) == (120, 120)
    assert [(one["campaign_name"], one["leads"]) for one in result["campaigns"]] == [
        *[(RENEWALS, 60), (WINBACK, 40), (SEASON, 20)]
    ]
    assert sent(sandbox) == 0


class StateStore(dict[str, Any]):
    """The state store of a task; ``kill_at`` is the save at which its process is killed.

    :param is_before: whether it is killed before the save, or after it
    """

    saves, kill_at, is_before = 0, 0, False

    def set(self, key: str, value: Any) -> None:
        self.saves += 1
        is_last = self.saves == self.kill_at
        if not (is_last and self.is_before):
            self[key] = json.loads(json.dumps(value))
        if is_last:
            raise Killed


class Killed(BaseException):
    pass


def execute(dag: DAG, store: StateStore) -> dict[str, Any]:
    """Run one attempt."""
    names = {"dag_id": dag.dag_id, "task_id": "load", "run_id": "r", "map_index": -1}
    ti: Any = SimpleNamespace(**names, try_number=1, max_tries=0, xcom_push=lambda **values: None)
    context: Any = {"task_state_store": store, "ti": ti, "outlet_events": {}}
    with clock.use(FakeClock()):
        result: dict[str, Any] = dag.get_task("load").execute(context)
    return result


def undisturbed(sandbox: SandboxServer, dag: DAG) -> tuple[dict[str, Any], int]:
    """Load once, delete what was loaded, and return the result and the number of saves."""
    store = StateStore()
    result = execute(dag, store)
    forget(sandbox)
    return result, store.saves


def forget(sandbox: SandboxServer) -> None:
    """Delete all leads and lists."""
    for table in ("leads", "lead_lists"):
        sandbox.backend.database.change(f"DELETE FROM {table}")


@state_store
@pytest.mark.parametrize("method", ["direct", "file"])
@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.few(1)
def test_a_load_that_is_killed_at_any_save_is_resumed(sandbox, campaigns, mixed, is_before, method) -> None:
    """Within a campaign and between two: each lead is loaded once, and counted once."""
    dag = route(source=str(mixed), max_concurrent_requests=1, duplicate_handling="RETAIN_ALL", method=method)
    usual, saves = undisturbed(sandbox, dag)
    assert saves > 9
    for kill_at in range(1, saves + 1):
        store = StateStore()
        store.kill_at, store.is_before = kill_at, is_before
        with pytest.raises(Killed):
            execute(dag, store)
        before = sent(sandbox)
        result = execute(dag, store)
        assert stored(sandbox) == expected(mixed, campaigns), kill_at
        for name in ("supplied", "accepted", "inserted", "rejected"):
            assert result[name] == usual[name], kill_at
            assert [one[name] for one in result["campaigns"]] == [one[name] for one in usual["campaigns"]]
        assert len(store) == 1
        # What was sent before is not sent again.
        assert sent(sandbox) - before <= (9 if method == "direct" else 18)
        sent_again = sent(sandbox)
        assert execute(dag, store)["outcome"] == "unchanged"
        assert sent(sandbox) == sent_again
        forget(sandbox)


@pytest.mark.parametrize("fault", ["drop_answer", "reset", "truncate"])
def test_lost_answers_are_settled_in_their_campaign(sandbox, run_dag, campaigns, mixed, fault) -> None:
    for name in (WINBACK, SEASON):
        sandbox.add_fault(fault, path=f"campaigns/{campaigns[name]}/leadLoader/direct")
    run = run_dag(route(source=str(mixed), duplicate_handling="RETAIN_ALL"))
    assert stored(sandbox) == expected(mixed, campaigns)
    result = run.xcoms["load"]
    assert result["settled_chunks"] == 2
    by_name = {one["campaign_name"]: one["settled_chunks"] for one in result["campaigns"]}
    assert by_name == {RENEWALS: 0, WINBACK: 1, SEASON: 1}


@state_store
def test_rows_that_change_their_campaign_between_attempts_are_not_taken_for_loaded(
    sandbox, campaigns, mixed
) -> None:
    dag = route(source=str(mixed), max_concurrent_requests=1, duplicate_handling="RETAIN_ALL")
    store = StateStore()
    store.kill_at = 6
    with pytest.raises(Killed):
        execute(dag, store)
    text = mixed.read_text()
    mixed.write_text(text.replace(WINBACK, "x").replace(RENEWALS, WINBACK).replace("x,", f"{RENEWALS},"))
    result = execute(dag, store)
    wanted = expected(mixed, campaigns)
    assert result["inserted"] == 120
    assert wanted & stored(sandbox) == wanted
    assert stored(sandbox).most_common(1)[0][1] == 1


def test_an_error_names_the_campaign(sandbox, run_dag, campaigns, mixed) -> None:
    sandbox.add_fault("status", path=f"campaigns/{campaigns[SEASON]}/leadLoader", status=403, times=9)
    run = run_dag(route(source=str(mixed)))
    assert f"campaign {campaigns[SEASON]}" in str(run.errors["load"])


@pytest.mark.skipif(airflow_version.startswith("2."), reason="an alias must be stored before")
def test_each_campaign_makes_an_asset_event(sandbox, run_dag, campaigns, mixed) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    run = run_dag(route("route_events", source=str(mixed), outlets=[AssetAlias("routed")]))
    assert run.states == {"load": "success"}
    with create_session() as session:
        events = session.query(AssetEvent).filter(AssetEvent.source_dag_id == "route_events").all()
        extras = [dict(event.extra) for event in events]
    found = {extra["campaign_id"]: (extra["campaign_name"], extra["inserted"]) for extra in extras}
    assert found == {
        campaigns[RENEWALS]: (RENEWALS, 60),
        campaigns[WINBACK]: (WINBACK, 40),
        campaigns[SEASON]: (SEASON, 20),
    }
    assert len(events) == 3
