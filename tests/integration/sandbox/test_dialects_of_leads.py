"""Each value of each point of a dialect that concerns leads: what the server then does over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox.dialects import VALUES
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import CAMPAIGNS, LOAD_OPTIONS, Found, Load, Speak
from tests.support.clocks import ShiftedClock

ONE = {"externId": "a", "leadPhone": "2125550101"}
BAD = {"externId": "b"}


def count(result: dict[str, Any]) -> tuple[Any, ...]:
    names = ("leadsSupplied", "leadsAccepted", "leadsInserted", "processingStatus")
    return *(result[name] for name in names), len(result["rejectedRows"])


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        ("adds up", (2, 1, 1, "DEFAULT_NOT_A_FAILURE", 1)),
        ("fewer accepted than sent", (2, 1, 1, "DEFAULT_NOT_A_FAILURE", 0)),
        ("0 supplied without a status", (0, 0, 0, None, 0)),
    ],
)
def test_answers_to_loads(
    speak: Speak, load: Load, found: Found, value: str, counts: tuple[Any, ...]
) -> None:
    speak(lead_answer=value)
    assert count(load(ONE, BAD).json()) == counts
    assert found() == ["a"]


@pytest.mark.parametrize("leads", [[ONE], [ONE, {**BAD, "leadState": "ASLEEP"}]])
def test_late_load(
    speak: Speak, ahead: ShiftedClock, load: Load, found: Found, leads: list[dict[str, str]]
) -> None:
    speak(lead_answer="late, connection broken")
    with pytest.raises(httpx.RemoteProtocolError):
        load(*leads)
    assert found() == []
    ahead.uptime += 20.1
    # A load with a value that the server does not know is refused: late, too.
    assert found() == (["a"] if len(leads) == 1 else [])


@pytest.mark.parametrize(("value", "seconds"), [("after 2 s", 2.0), ("after a minute", 59.0)])
def test_search_finds_a_lead_later(
    speak: Speak, ahead: ShiftedClock, api: httpx.Client, load: Load, found: Found, value: str, seconds: float
) -> None:
    def found_by_phone() -> int:
        response = api.post("/campaignLeads/leadSearchByPhoneList", json={"phoneList": ["2125550101"]})
        return len(response.json())

    speak(lead_found=value)
    load(ONE)
    assert (found(), found_by_phone()) == ([], 0)
    ahead.wall += seconds + 0.01
    assert (found(), found_by_phone()) == (["a"], 1)


@pytest.mark.parametrize("value", VALUES["remove_all_existing"])
def test_leads_that_remove_all_existing_looks_at(speak: Speak, load: Load, found: Found, value: str) -> None:
    speak(remove_all_existing=value)
    load(ONE)
    for extern_id in ("c", "d"):
        load({**ONE, "externId": extern_id}, duplicateHandling="REMOVE_ALL_EXISTING")
    assert found() == (["a"] if value == "all leads" else ["a", "c"])


@pytest.mark.parametrize(("value", "first"), [("from 0", 0), ("from 1", 1)])
def test_columns_of_files(
    speak: Speak, api: httpx.Client, campaign: int, found: Found, value: str, first: int
) -> None:
    speak(file_columns=value)
    path = f"/campaigns/{campaign}/leadLoader"
    preview = api.post(f"{path}/preview?fileType=COMMA", files={"file": ("a.csv", b"a,2125550101\n")})
    mappings = {"EXTERN_ID": first, "LEAD_PHONE": first + 1}
    request = {"transactionId": preview.json()["transactionId"], "pageColumnMappings": mappings}
    assert api.post(f"{path}/process", json={**LOAD_OPTIONS, **request}).status_code == 202
    assert found() == ["a"]
    assert found("leadPhone") == ["2125550101"]


@pytest.mark.parametrize(("value", "kept"), [("kept", 80), ("cut at 50", 50)])
def test_names_of_lists(
    speak: Speak, api: httpx.Client, campaign: int, load: Load, value: str, kept: int
) -> None:
    speak(list_names=value)
    load(ONE, description="x" * 80)
    (one,) = api.get(f"{CAMPAIGNS}/{campaign}/lists").json()
    assert one["listDesc"] == "x" * kept


@pytest.mark.parametrize("value", VALUES["phone_search"])
def test_phones_in_criteria(
    speak: Speak, sandbox: SandboxServer, load: Load, found: Found, value: str
) -> None:
    speak(phone_search=value)
    load(ONE)
    assert found(leadPhoneNumbers=["2125550101"]) == ["a"]
    assert found(leadPhoneNumbers=["+12125550101"]) == (["a"] if value == "any form" else [])
