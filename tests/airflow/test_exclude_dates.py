"""Dates on which nobody is called, in DAGs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.schedule import CLOSED, SCHEDULE_FIELDS
from airflow_provider_engagevoice.operators.exclude_dates import (
    EngageVoiceExcludeDatesOperator,
    EngageVoiceExcludeSeasonDatesOperator,
)
from airflow_provider_engagevoice.operators.seasons import EngageVoiceVerifySeasonOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.airflow.test_seasons import SEASON, campaigns, edit, season_dag
from tests.support.connections import ACCOUNT_ID

#: In three days, and in a month.
SOON, LATER = (datetime.now(UTC).date() + timedelta(days=days) for days in (3, 30))
FIELD = SCHEDULE_FIELDS[SOON.weekday()]
USUAL = "08002100"
EXCLUDED: dict[str, Any] = {
    "campaign": "Holiday Renewals 2025",
    "schedule": {"mon-sun": USUAL},
    "timezone": "America/Los_Angeles",
}


def exclude_dag(name: str = "parsed", **arguments: Any) -> DAG:
    """Return a DAG; runs of one name know of each other."""
    with DAG(name, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceExcludeDatesOperator(task_id="it", **{**EXCLUDED, **arguments})
    return dag


def set_hours(sandbox: Any, hours: str, *fields: str) -> None:
    """Change hours of the campaign as a person does."""
    row = campaigns(sandbox)["Holiday Renewals 2025"]
    ids = ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID, row["campaignId"]
    sandbox.store.replace_campaign(*ids, {**row, **dict.fromkeys(fields, hours)}, request_id="person")


def hours(sandbox: Any) -> str:
    return str(campaigns(sandbox)["Holiday Renewals 2025"][FIELD])


def test_a_day_is_closed_and_the_next_run_opens_it_again(sandbox, run_dag) -> None:
    set_hours(sandbox, USUAL, *SCHEDULE_FIELDS)
    state = campaigns(sandbox)["Holiday Renewals 2025"]["isActive"]
    run = run_dag(exclude_dag("opened", dates=[SOON.isoformat()]))
    assert (run.xcoms["it"]["outcome"], hours(sandbox)) == ("updated", CLOSED)
    again = run_dag(exclude_dag("opened", dates=[SOON]))
    assert (again.xcoms["it"]["outcome"], hours(sandbox)) == ("unchanged", CLOSED)
    # As after the date.
    after = run_dag(exclude_dag("opened", dates=[LATER]))
    assert (after.xcoms["it"]["outcome"], hours(sandbox)) == ("updated", USUAL)
    assert campaigns(sandbox)["Holiday Renewals 2025"]["isActive"] == state


@pytest.mark.slow
def test_what_a_person_has_set_stays_and_the_task_fails(sandbox, run_dag) -> None:
    set_hours(sandbox, USUAL, *SCHEDULE_FIELDS)
    run_dag(exclude_dag("set", dates=[SOON]))
    set_hours(sandbox, USUAL, FIELD)
    run = run_dag(exclude_dag("set", dates=[SOON]))
    assert (run.states, hours(sandbox)) == ({"it": "failed"}, USUAL)
    assert "is open on dates without calls: " in str(run.errors["it"])
    assert f"{FIELD} for {SOON}" in str(run.errors["it"])


@pytest.mark.slow
def test_what_a_person_has_closed_is_not_opened(sandbox, run_dag) -> None:
    set_hours(sandbox, USUAL, *SCHEDULE_FIELDS)
    set_hours(sandbox, CLOSED, FIELD)
    run_dag(exclude_dag("closed", dates=[SOON]))
    run_dag(exclude_dag("closed", dates=[LATER]))
    assert hours(sandbox) == CLOSED


@pytest.mark.slow
def test_what_was_closed_of_another_campaign_is_not_opened(sandbox, run_dag) -> None:
    set_hours(sandbox, USUAL, *SCHEDULE_FIELDS)
    run_dag(exclude_dag("another", dates=[SOON]))
    row = campaigns(sandbox)["Holiday Renewals 2025"]
    other = {**row, "campaignName": "Other", **dict.fromkeys(SCHEDULE_FIELDS, USUAL), FIELD: CLOSED}
    sandbox.store.seed_campaign(ACCOUNT_ID, seed.WINBACK_ID, other, 136_999)
    run = run_dag(exclude_dag("another", campaign="Other", dates=[LATER]))
    assert run.xcoms["it"]["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dates": []}, "write a list"),
        ({"dates": ["2027-02-30"]}, "dates[0]='2027-02-30' is not usable"),
        ({"dates": [{"holidays": "US", "subdivision": "per_region"}]}, "a campaign has no region"),
        ({"dates": ["2027-02-28"], "schedule": {"mon": "8"}}, "schedule['mon']='8' is not usable"),
        ({"dates": ["2027-02-28"], "timezone": "PST"}, "nearest: 'America/Los_Angeles'"),
    ],
)
def test_mistakes_are_found_when_the_file_is_parsed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        exclude_dag(**arguments)
    assert message in str(caught.value)


@pytest.mark.slow
def test_dates_from_a_template_and_from_holidays(sandbox, run_dag) -> None:
    set_hours(sandbox, USUAL, *SCHEDULE_FIELDS)
    run = run_dag(exclude_dag("rendered", dates="{{ params.dates }}"), conf={"dates": [SOON.isoformat()]})
    assert run.states == {"it": "failed"}
    dag = exclude_dag("rendered", dates="{{ params.dates | tojson }}")
    dag.params["dates"] = [SOON.isoformat(), {"holidays": "US", "subdivision": "CA"}]
    run = run_dag(dag)
    assert run.states == {"it": "success"}, run.errors
    assert hours(sandbox) == CLOSED


@pytest.mark.slow
def test_a_season_is_kept_free(sandbox, run_dag, tmp_path) -> None:
    season = {
        **SEASON,
        "defaults": {**SEASON["defaults"], "hours": {"mon-sun": USUAL}},
        "campaigns": [{"name": "Renewals {region}", "window": [str(SOON - timedelta(days=2)), str(LATER)]}],
    }
    run_dag(season_dag("free", tmp_path, {**season, "exclude": [str(LATER)]}))
    edit(sandbox, "Renewals east", callerId="4155550188")
    # As when the day comes nearer.
    path = next(one for one in (tmp_path / "seasons" / "spring").glob("0001-*.json"))
    path.write_text(path.read_text().replace(f'"{LATER}"', f'"{SOON}"'))
    with DAG("days", schedule=None) as dag:
        EngageVoiceExcludeSeasonDatesOperator(task_id="it", record=f"{tmp_path}/seasons/spring")
    run = run_dag(dag)
    assert run.xcoms["it"]["outcomes"] == {"updated": 2}, run.errors
    rows = campaigns(sandbox)
    assert {rows[name][FIELD] for name in ("Renewals west", "Renewals east")} == {CLOSED}
    assert rows["Renewals east"]["callerId"] == "4155550188"
    assert run_dag(dag).xcoms["it"]["outcomes"] == {}
    with DAG("verify", schedule=None) as dag:
        EngageVoiceVerifySeasonOperator(task_id="it", record=f"{tmp_path}/seasons/spring")
    assert "callerId '4155550123' → '4155550188'" in str(run_dag(dag).errors["it"])
