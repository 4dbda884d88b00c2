"""Arguments of the operator that loads leads: mistakes, templates and old names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from tests.support.load_tasks import CAMPAIGN, load, make_dag, stored

LITERAL_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"duplicate_handling": "KEEP"}, "duplicate_handling='KEEP'.*RETAIN_ALL"),
    ({"time_zone_option": "GUESS"}, "time_zone_option='GUESS'.*ZIPCODE"),
    ({"dial_priority": "HIGH"}, "dial_priority='HIGH'.*IMMEDIATE"),
    ({"list_state": "OPEN"}, "list_state='OPEN'.*ARCHIVED"),
    ({"settings": {"dncTag": ["x"]}}, "settings.dncTag=.*nearest: 'dncTags'"),
    ({"settings": {"numberOriginCountry": "GBR"}}, "settings.numberOriginCountry=.*give it as country"),
    ({"settings": {"listState": "ACTIVE"}}, "give it as list_state"),
    ({"settings": {"extendedLeadDataMappings": {"a": 1}}}, "give it as mapping, or set send_unmapped"),
    ({"settings": {"fileType": "TAB"}}, "the package writes the file"),
    ({"settings": "dncTags"}, "settings='dncTags'.*must be a mapping"),
    ({"method": "fax"}, "method='fax'.*'direct' or 'file'"),
    ({"max_bad_rows": "some"}, "max_bad_rows='some'"),
    ({"max_bad_rows": "101%"}, "max_bad_rows='101%'"),
    ({"chunk_size": 0}, "chunk_size=0"),
    ({"check_existing": "maybe"}, "check_existing='maybe'.*True or False"),
    ({"reconcile_after": 0}, "reconcile_after=0.*at least 1"),
    ({"max_concurrent_requests": 99}, "max_concurrent_requests=99.*from 1 to 32"),
    ({"send_unmapped": "all"}, "send_unmapped='all'.*True or False"),
    ({"validate_only": 1}, "validate_only=1.*True or False"),
    ({"list_name": " "}, "list_name=' '"),
    ({"list_name": None}, "list_name=None"),
    ({"campaign": 2.5}, "campaign=2.5.*must be an id, a name"),
    ({"campaign": {"id": 3}}, "campaign=.*'campaign_id' or 'campaign_name'"),
    ({"campaign": None}, "campaign=None.*one of campaign and campaign_column is required"),
    ({"campaign_column": "name"}, "campaign_column='name'.*one of campaign and campaign_column"),
    ({"campaign": None, "campaign_column": " "}, "campaign_column=' '"),
    ({"country": "US"}, "country='US'.*three letters"),
    ({"rejects_path": "rejects.xlsx"}, "rejects_path='rejects.xlsx'.*no workbooks: use .csv"),
    ({"rejects_path": "rejects.csv.gz"}, "rejects are not compressed"),
    ({"source_format": "xlsx"}, "source_format='xlsx'.*'parquet'"),
    ({"encoding": "utf-9"}, "encoding='utf-9'.*text encoding"),
    ({"source": None}, "one of source, sql and records is required"),
    ({"sql": "SELECT 1", "sql_conn_id": "db"}, "not source and sql"),
    ({"records": []}, "not source and records"),
    ({"source": None, "sql": "SELECT 1"}, "sql_conn_id=None"),
]


@pytest.mark.parametrize(("changes", "message"), LITERAL_MISTAKES)
def test_literal_mistakes_are_import_errors(leads_csv, changes, message) -> None:
    with make_dag("load_input"), pytest.raises(InvalidInputError, match=message):
        load(**({"source": str(leads_csv)} | changes))


@pytest.mark.parametrize(("changes", "message"), LITERAL_MISTAKES)
def test_rendered_mistakes_fail_without_a_retry(sandbox, leads_csv, changes, message) -> None:
    with make_dag("load_rendered"):
        task = load(source=str(leads_csv))
    for name, value in changes.items():
        setattr(task, name, value)
    with pytest.raises(AirflowFailException, match=message):
        task.execute({})
    assert not sandbox.requests()


def test_mapped_mistakes_fail_without_a_retry(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_mapped") as dag:
        EngageVoiceLoadLeadsOperator.partial(task_id="load", campaign=CAMPAIGN, retries=3).expand_kwargs(
            [{"source": str(leads_csv), "records": []}]
        )
    run = run_dag(dag)
    assert run.states == {"load[0]": "failed"}
    with pytest.raises(AirflowFailException, match="not source and records"):
        raise run.errors["load"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "nowhere.csv"}, "source='nowhere.csv'.*file not found"),
        ({"source": "nowhere-*.csv"}, "no file matches this pattern"),
        ({"mapping": {"a": "leedPhone"}}, "leadPhone"),
        ({"method": "file", "chunk_size": 20_001}, "chunk_size=20001.*from 1 to 20000"),
        ({"campaign": "Holiday Renewals 2024"}, "nearest: 'Holiday Renewals 2025'"),
        ({"validate_only": "{{ none }}"}, "validate_only='None'"),
        ({"max_bad_rows": "{{ 'so' + 'me' }}"}, "max_bad_rows='some'"),
    ],
)
@pytest.mark.few(2)
def test_bad_input_is_reported_before_anything_is_sent(sandbox, run_dag, leads_csv, changes, message) -> None:
    with make_dag("load_input") as dag:
        load(**({"source": str(leads_csv)} | changes))
    run = run_dag(dag)
    with pytest.raises(AirflowFailException, match=message):
        raise run.errors["load"]
    assert not [one for one in sandbox.requests() if "leadLoader" in one.path]


@pytest.mark.parametrize(
    ("old", "new"), EngageVoiceLoadLeadsOperator.renamed_arguments.items(), ids=lambda name: name
)
def test_an_old_name_is_reported_with_the_new_one(old, new) -> None:
    with make_dag("load_old"), pytest.raises(TypeError, match=f"'{old}' is now called '{new}'"):
        load(records=[], **{old: 1})


def test_every_argument_takes_a_template(sandbox, run_dag, tmp_path) -> None:
    """Flags and counts are read from the rendered text, such as ``"False"`` and ``"2"``."""
    (tmp_path / "list.txt").write_bytes("customer,mobile,tier\nÄ1,(415) 555-0107,gold\n".encode("cp1252"))
    conf = {
        "source_format": "csv",
        "encoding": "cp1252",
        "send_unmapped": False,
        "validate_only": False,
        "max_bad_rows": 0,
        "chunk_size": 2,
        "max_concurrent_requests": 1,
        "duplicate_handling": "RETAIN_ALL",
        "check_existing": True,
        "reconcile_after": 60,
        "time_zone_option": "NOT_APPLICABLE",
        "dial_priority": "IMMEDIATE",
        "list_state": "PAUSED",
        "country": "USA",
        "method": "direct",
        "rejects_path": f"{tmp_path}/rejects.csv",
    }
    with make_dag("load_templates") as dag:
        load(
            source=f"{tmp_path}/*.txt",
            mapping={"customer": "externId", "mobile": "leadPhone"},
            **{name: f"{{{{ dag_run.conf['{name}'] }}}}" for name in conf},
        )
    run = run_dag(dag, conf=conf)
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["inserted"], run.xcoms["load"]["rejects"]) == (1, conf["rejects_path"])
    (lead,) = stored(sandbox)
    assert (lead["externId"], lead["leadPhone"], lead["extendedLeadData"]) == ("Ä1", "4155550107", None)
    for name, value in (("validate_only", "{{ true }}"), ("send_unmapped", "{{ 1 == 1 }}")):
        with make_dag(f"load_{name}") as dag:
            load(records=[{"externId": "b", "leadPhone": "4155550108", "tier": "x"}], **{name: value})
        assert run_dag(dag).states == {"load": "success"}
    lead, _ = stored(sandbox)
    assert json.loads(lead["extendedLeadData"]) == {"tier": "x"}
