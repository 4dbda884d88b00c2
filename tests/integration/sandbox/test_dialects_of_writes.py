"""Each value of the points that concern writes: what the server then does over HTTP."""

from __future__ import annotations

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import (
    VALUES,
)
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import (
    CAMPAIGNS,
    Json,
    Speak,
    attributes,
    create,
    names,
    path_of,
    stored,
)
from tests.support.clocks import ShiftedClock

HOLIDAY = f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}/campaigns/{seed.HOLIDAY_RENEWALS_2025_ID}"
CLONE = f"{HOLIDAY}/clone?newCampaignName=Copy"


@pytest.mark.parametrize(
    ("value", "status", "answer"),
    [
        ("stored", 200, {"campaignId": 136785, "monSched": "08002100"}),
        ("echo", 200, {"campaignId": 136785, "monSched": None}),
        ("echo without id", 200, {"campaignId": None, "campaignName": "My Predictive Campaign"}),
        ("id", 200, {"campaignId": 136785, "campaignName": None}),
        ("201 empty", 201, None),
        ("202 empty", 202, None),
    ],
)
def test_answers_to_create(
    api: httpx.Client,
    speak: Speak,
    sandbox: SandboxServer,
    body: Json,
    value: str,
    status: int,
    answer: Json | None,
) -> None:
    speak(create_answer=value)
    response = create(api, body)
    assert response.status_code == status
    if answer is None:
        assert response.content == b""
    else:
        assert {name: response.json().get(name) for name in answer} == answer
    assert [one["campaignId"] for one in stored(sandbox)] == [136785]


@pytest.mark.parametrize("value", ["late", "late, connection broken"])
def test_a_create_is_carried_out_late(
    api: httpx.Client, speak: Speak, sandbox: SandboxServer, body: Json, ahead: ShiftedClock, value: str
) -> None:
    speak(create_answer=value)
    if value == "late":
        response = create(api, body)
        assert (response.status_code, response.content) == (202, b"")
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            create(api, body)
    ahead.uptime += 19
    assert names(api.get(CAMPAIGNS)) == []
    assert sandbox.history() == []
    ahead.uptime += 1.1
    assert [entry.op for entry in sandbox.history()] == ["create"]
    assert names(api.get(CAMPAIGNS)) == [body["campaignName"]]


def test_an_existing_row_is_answered(api: httpx.Client, speak: Speak, body: Json) -> None:
    speak(create_answer="existing row of that name")
    first = create(api, body)
    again = create(api, body, maxRingTime=45)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert create(api, body, body["campaignName"].upper()).status_code == 200
    assert len(api.get(CAMPAIGNS).json()) == 2


@pytest.mark.parametrize(
    ("value", "other_case"), [("409 for that name", 200), ("409 whatever the case", 409)]
)
def test_a_taken_name_is_refused(
    api: httpx.Client, speak: Speak, body: Json, value: str, other_case: int
) -> None:
    speak(create_answer=value)
    first = create(api, body).json()
    assert create(api, body).status_code == 409
    assert create(api, body, body["campaignName"].upper()).status_code == other_case
    other = create(api, body, "Other").json()
    assert api.put(path_of(other), json={**other, "campaignName": body["campaignName"]}).status_code == 409
    assert api.put(path_of(first), json={**first, "maxRingTime": 45}).status_code == 200


@pytest.mark.parametrize(("value", "state"), [("as sent", 1), ("0", 0)])
def test_state_of_a_new_campaign(api: httpx.Client, speak: Speak, body: Json, value: str, state: int) -> None:
    speak(create_state=value)
    assert create(api, body).json()["isActive"] == state


@pytest.mark.parametrize(
    ("value", "status", "answer"),
    [
        ("copy", 201, {"campaignId": 136785, "campaignName": "Copy"}),
        (
            "source",
            200,
            {"campaignId": seed.HOLIDAY_RENEWALS_2025_ID, "campaignName": "Holiday Renewals 2025"},
        ),
        ("id", 201, {"campaignId": 136785, "campaignName": None}),
        ("empty", 200, None),
    ],
)
def test_answers_to_clone(
    api: httpx.Client, speak: Speak, value: str, status: int, answer: Json | None
) -> None:
    speak(clone_answer=value)
    response = api.post(CLONE)
    assert response.status_code == status
    if answer is None:
        assert response.content == b""
    else:
        assert {name: response.json().get(name) for name in answer} == answer
    assert names(api.get(HOLIDAY.rpartition("/")[0])) == ["Holiday Renewals 2025", "Copy"]


@pytest.mark.parametrize(
    ("value", "unknown", "status", "page"),
    [
        ("403", "404 JSON", 403, False),
        ("404", "404 JSON", 404, False),
        ("404", "404 HTML", 404, True),
        ("405", "404 JSON", 405, False),
        ("200 HTML", "404 JSON", 200, True),
    ],
)
def test_no_clone_endpoint(
    api: httpx.Client, speak: Speak, sandbox: SandboxServer, value: str, unknown: str, status: int, page: bool
) -> None:
    speak(clone_answer=value, unknown=unknown)
    response = api.post(CLONE)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html" if page else "application/json")
    assert sandbox.history() == []


def test_what_a_clone_copies(api: httpx.Client, speak: Speak) -> None:
    source = api.get(HOLIDAY).json()
    speak()
    copied = api.post(CLONE).json()
    assert {name: copied[name] for name in ("startDate", "isActive")} == {
        name: source[name] for name in ("startDate", "isActive")
    }
    speak(clone_copies="settings")
    settings = api.post(CLONE).json()
    assert (settings["startDate"], settings["endDate"], settings["isActive"]) == (None, None, 0)
    assert settings["maxRingTime"] == source["maxRingTime"]
    speak(clone_copies="nested rows")
    nested = api.post(CLONE).json()
    assert nested["campaignDispositions"] == [
        {"dispositionId": 7, "campaignId": seed.HOLIDAY_RENEWALS_2025_ID}
    ]
    assert nested["startDate"] == source["startDate"]


def test_answers_to_put(api: httpx.Client, speak: Speak, body: Json) -> None:
    speak()
    created = create(api, body).json()
    sent = {"campaignName": "New", "startDate": body["startDate"], "endDate": body["endDate"]}
    assert api.put(path_of(created), json=sent).json()["monSched"] == "08002100"
    speak(put_answer="echo")
    assert api.put(path_of(created), json=sent).json() == {**sent, "campaignId": created["campaignId"]}
    speak(put_answer="empty")
    response = api.put(path_of(created), json={**sent, "campaignName": "Last"})
    assert (response.status_code, response.content) == (200, b"")
    assert api.get(path_of(created)).json()["campaignName"] == "Last"


@pytest.mark.parametrize(
    ("value", "sent", "kept"),
    [
        ("as sent", "  Two spaces ", "  Two spaces "),
        ("trimmed", "  Two spaces ", "Two spaces"),
        ("cut", "Winter " * 10, ("Winter " * 10)[:50]),
        ("case folded", "Straße", "strasse"),
        ("NFC", "Cafe\u0301", "Caf\u00e9"),
    ],
)
def test_names(api: httpx.Client, speak: Speak, body: Json, value: str, sent: str, kept: str) -> None:
    speak(names=value)
    created = create(api, body, sent).json()
    assert created["campaignName"] == kept
    assert api.put(path_of(created), json={**created, "campaignName": sent}).json()["campaignName"] == kept
    clone = api.post(f"{path_of(created)}/clone", params={"newCampaignName": sent}).json()
    assert clone["campaignName"] == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("milliseconds", "2026-07-01T07:30:15.250+0000"),
        ("seconds", "2026-07-01T07:30:15.000+0000"),
        ("minutes", "2026-07-01T07:30:00.000+0000"),
        ("days", "2026-07-01T00:00:00.000+0000"),
    ],
)
def test_date_precision(api: httpx.Client, speak: Speak, body: Json, value: str, kept: str) -> None:
    speak(date_precision=value)
    dates = {"startDate": "2026-07-01T00:30:15.250-0700", "endDate": "2027-07-01T07:30:15.250+0000"}
    created = create(api, {**body, **dates}).json()
    assert (created["startDate"], created["endDate"]) == (kept, kept.replace("2026", "2027"))
    assert api.put(path_of(created), json={**created, **dates}).json()["startDate"] == kept


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("documented", "2020-05-26T07:00:00.000+0000"),
        ("Z", "2020-05-26T07:00:00.000Z"),
        ("+0530", "2020-05-26T12:30:00.000+0530"),
        ("no milliseconds", "2020-05-26T07:00:00+0000"),
    ],
)
def test_date_format(api: httpx.Client, speak: Speak, body: Json, value: str, written: str) -> None:
    speak(date_format=value, z_dates="refused")
    created = create(api, body).json()
    (row,) = api.get(CAMPAIGNS).json()
    read = api.get(path_of(created)).json()
    assert {created["startDate"], row["startDate"], read["startDate"]} == {written}
    # It reads what it writes.
    assert api.put(path_of(created), json=read).json() == read
    far = {"endDate": "9999-12-31T23:59:59.000+0000"}
    assert api.put(path_of(created), json={**read, **far}).status_code == 200


def test_dates_with_z(api: httpx.Client, speak: Speak, body: Json) -> None:
    dates = {"startDate": "2026-07-01T07:00:00.000Z", "endDate": "2026-12-31T07:00:00.000Z"}
    speak(z_dates="accepted")
    assert create(api, {**body, **dates}).json()["startDate"] == "2026-07-01T07:00:00.000+0000"
    speak(z_dates="refused")
    assert attributes(create(api, {**body, **dates})) == ["startDate", "endDate"]


def test_numbers(api: httpx.Client, speak: Speak, body: Json) -> None:
    speak(numbers="text")
    created = create(api, body).json()
    assert (created["isActive"], created["maxRingTime"], created["maxDialLimit"]) == ("1", "30", "-1")
    assert created["campaignId"] == "136785"
    assert api.put(path_of(created), json={**created, "maxRingTime": "45"}).json() == {
        **created,
        "maxRingTime": "45",
    }
    assert attributes(create(api, body, maxRingTime="many")) == ["maxRingTime"]
    speak(numbers="boolean isActive")
    (row,) = api.get(CAMPAIGNS).json()
    assert (row["isActive"], row["maxRingTime"]) == (True, 45)
    assert api.put(path_of(row), json={**row, "isActive": False}).json()["isActive"] is False


def test_list_rows(api: httpx.Client, speak: Speak, body: Json) -> None:
    speak(list_rows="without dates")
    created = create(api, body).json()
    (row,) = api.get(CAMPAIGNS).json()
    assert row == {name: value for name, value in created.items() if name not in ("startDate", "endDate")}
    assert api.get(path_of(created)).json() == created
    speak(list_rows="nulls in other rows")
    odd, row = api.get(CAMPAIGNS).json()
    assert [odd[name] for name in ("campaignName", "startDate", "endDate")] == [None] * 3
    assert row == created


@pytest.mark.parametrize(
    ("value", "status", "page"),
    [("404 JSON", 404, False), ("404 HTML", 404, True), ("403", 403, False), ("200 HTML", 200, True)],
)
@pytest.mark.parametrize(
    "path", [f"{CAMPAIGNS}/7", "/dialGroups/7", "/nothing/here", "/campaigns/7/leadLoader/direct"]
)
def test_unknown_paths_and_ids(
    api: httpx.Client, web: httpx.Client, speak: Speak, value: str, status: int, page: bool, path: str
) -> None:
    speak(unknown=value)
    response = api.post(path, json={"uploadLeads": [{}]}) if path.endswith("direct") else api.get(path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html" if page else "application/json")
    assert web.get("/sandbox/nothing").status_code == 404


@pytest.mark.parametrize("value", VALUES["delete"])
def test_delete(api: httpx.Client, speak: Speak, body: Json, ahead: ShiftedClock, value: str) -> None:
    speak(delete=value)
    created = create(api, body).json()
    response = api.delete(path_of(created))
    assert response.status_code == (405 if value == "405" else 200)
    at_once = api.get(path_of(created)).status_code
    ahead.uptime += 5.1
    later = api.get(path_of(created)).status_code
    expected = {"gone": (404, 404), "gone later": (200, 404)}
    assert (at_once, later) == expected.get(value, (200, 200))


def test_sparse_put(api: httpx.Client, speak: Speak, body: Json) -> None:
    speak()
    created = create(api, body, monSched="10001200").json()
    sparse = {
        "campaignId": created["campaignId"],
        "campaignName": "Renewal Outreach",
        "campaignDesc": "Renewal and win-back reminders",
        "isActive": 1,
    }
    speak(sparse_put="refused")
    refused = api.put(path_of(created), json=sparse)
    assert {"startDate", "callerId", "monSched"} <= set(attributes(refused))
    assert api.put(path_of(created), json=created).status_code == 200
    speak(sparse_put="merged")
    assert api.put(path_of(created), json=sparse).json() == {**created, **sparse}
    speak(sparse_put="dropped")
    dropped = api.put(path_of(created), json=sparse).json()
    assert (dropped["campaignName"], dropped["monSched"]) == ("Renewal Outreach", "08002100")
    assert (dropped["startDate"], dropped["endDate"], dropped["callerId"]) == (None, None, None)
