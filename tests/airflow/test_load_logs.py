"""What the log of a load ends with: if it fails, nothing in it says that it has succeeded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.sandbox import seed
from tests.support.clocks import FakeClock
from tests.support.connections import ACCOUNT_ID
from tests.support.load_tasks import CAMPAIGN, load, make_dag, reject_one

LOADER = "leadLoader/direct"


def rejects_one(sandbox: Any, after_each: Any) -> None:
    reject_one(sandbox)


def loses_each_answer(sandbox: Any, after_each: Any) -> None:
    sandbox.add_fault("status", path=LOADER, status=503, times=1000)


def deletes_the_campaign(sandbox: Any, after_each: Any) -> None:
    loads: list[None] = []

    def delete_after_the_last() -> None:
        loads.append(None)
        if len(loads) == 3:
            sandbox.store.delete_campaign(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID, CAMPAIGN, request_id="")

    after_each("POST", LOADER, delete_after_the_last)


def does_nothing(sandbox: Any, after_each: Any) -> None:
    pass


BAD = {"source": None, "records": [{"externId": "a", "leadPhone": "12"}]}


@pytest.mark.parametrize(
    ("server", "arguments", "error", "counted"),
    [
        (rejects_one, {}, "1 of them rejected by the server", {"inserted": 119, "rejected": 1}),
        (does_nothing, BAD | {"max_bad_rows": "100%"}, "no lead is loaded", {"inserted": 0, "rejected": 1}),
        (does_nothing, BAD, "max_bad_rows='fail' allows 0", None),
        (loses_each_answer, {}, "in doubt", None),
        (deletes_the_campaign, {}, "404", None),
    ],
)
def test_no_failure_is_logged_as_a_load(
    sandbox, after_each, leads_csv, caplog, server, arguments, error, counted
) -> None:
    caplog.set_level("INFO")
    server(sandbox, after_each)
    with pytest.raises((AirflowFailException, EngageVoiceError), match=error):
        run({"source": str(leads_csv)} | arguments)
    messages = [one.getMessage() for one in caplog.records]
    assert not [text for text in messages if "'loaded'" in text or "'unchanged'" in text]
    if counted is None:
        assert not [text for text in messages if "outcome" in text]
    else:
        (result,) = [text for text in messages if "'outcome': 'failed'" in text]
        people = messages[messages.index(result) + 1]
        assert all(f"{name!r}: {count}" in result for name, count in counted.items())
        assert "1 of" in people
        assert "people are not called" in people


def test_a_success_is(sandbox, leads_csv, caplog) -> None:
    caplog.set_level("INFO")
    assert run({"source": str(leads_csv)})["outcome"] == "loaded"
    assert "'outcome': 'loaded'" in caplog.text
    assert run({"source": str(leads_csv)})["outcome"] == "unchanged"
    assert "'outcome': 'unchanged'" in caplog.text


def run(arguments: dict[str, Any]) -> dict[str, Any]:
    with make_dag("load_logs"):
        task = load(max_concurrent_requests=1, **arguments)
    names = {"dag_id": "load_logs", "task_id": "load", "run_id": "r", "map_index": -1}
    ti = SimpleNamespace(**names, try_number=1, max_tries=0, xcom_push=lambda **values: None)
    with clock.use(FakeClock()):
        result: dict[str, Any] = task.execute({"ti": ti, "outlet_events": {}})
    return result
