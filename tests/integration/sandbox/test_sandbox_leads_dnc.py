"""The do-not-call list."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import attributes


def phones(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [number["phone"] for number in response.json()]


def tag(api: httpx.Client, label: str) -> int:
    return int(api.post("/dncTags", json={"dncTagLabel": label}).json()["dncTagId"])


def test_samples_of_the_vendor(api: httpx.Client) -> None:
    sample = {
        "dncTag": {"dncTagId": 0, "dncTagLabel": "GLOBAL"},
        "countryCode": {"id": "USA"},
        "phone": "5105550100",
        "reason": "Did not want to be called",
        "tag": "GLOBAL",
        "dncTagId": 0,
    }
    result = api.post("/dncLists", json=sample).json()
    added = result.pop("addedDate")
    assert added.endswith("+0000")
    assert result == {
        "phone": "5105550100",
        "tag": "GLOBAL",
        "countryCode": {"id": "USA", "description": None},
        "addedBy": "Sandbox Admin",
        "reason": "Did not want to be called",
        "dncTagId": 0,
        "externId": None,
    }
    tag_id = tag(api, "Winback")
    with_tag = {"phone": "4155550100", "countryId": "USA", "dncTagId": tag_id, "externId": "lead-1001"}
    result = api.post("/dncLists", json=with_tag).json()
    assert (result["tag"], result["dncTagId"], result["externId"]) == ("Winback", tag_id, "lead-1001")


def test_search_and_pages(api: httpx.Client) -> None:
    for number in range(3):
        api.post("/dncLists", json={"phone": f"+1415555010{number}", "reason": f"r{number % 2}"})
    api.post("/dncLists", json={"phone": "4155550100", "reason": "again"})
    assert phones(api.get("/dncLists")) == ["4155550100", "4155550101", "4155550102"]
    assert phones(api.get("/dncLists", params={"maxRows": 2, "page": 2})) == ["4155550102"]
    search = "/dncLists/advancedSearch"
    assert phones(api.post(search, json={"phone": "+14155550101"})) == ["4155550101"]
    assert phones(api.post(search, json={"reason": "again", "dncTagId": 0})) == ["4155550100"]
    assert phones(api.post(search, json={"countryId": "CAN"})) == []
    assert phones(api.post(search, json={})) == phones(api.get("/dncLists"))
    assert api.post(search, json={"number": "1"}).status_code == 400
    assert api.post(search, json={"dncTagId": "0"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        ({}, "phone"),
        ({"phone": "x"}, "phone"),
        ({"phone": 4155550100}, "phone"),
        ({"phone": "4155550100", "countryId": "XXX"}, "countryId"),
        ({"phone": "4155550100", "dncTagId": 9}, "dncTagId"),
        ({"phone": "4155550100", "reason": 1}, "reason"),
    ],
)
def test_rejected_numbers(api: httpx.Client, body: dict[str, Any], attribute: str) -> None:
    response = api.post("/dncLists", json=body)
    assert attributes(response) == [attribute]


def test_upload(api: httpx.Client) -> None:
    file = {"file": ("dnc.csv", b"4155550101,moved\n\nphone\n+14155550100\n")}
    tag_id = tag(api, "Upload")
    response = api.post("/dncLists/uploadDncFile", params={"dncTagId": tag_id}, files=file)
    assert response.json() == {
        "supplied": 3,
        "uploaded": 2,
        "rejectedRows": [{"message": "phone: must be a telephone number", "rowData": ["phone"]}],
    }
    assert phones(api.post("/dncLists/advancedSearch", json={"dncTagId": tag_id})) == [
        "4155550100",
        "4155550101",
    ]
    assert api.post("/dncLists/uploadDncFile", params={"dncTagId": 99}, files=file).status_code == 400


def test_deletions(api: httpx.Client) -> None:
    tag_id = tag(api, "Holidays")
    for phone, country, tag_of in (
        ("4155550100", "USA", 0),
        ("4155550101", "USA", tag_id),
        ("4155550102", "CAN", tag_id),
        ("4155550103", "USA", tag_id),
    ):
        api.post("/dncLists", json={"phone": phone, "countryId": country, "dncTagId": tag_of})
    path = f"/dncLists/tags/{tag_id}"
    assert api.delete(f"{path}/phones/4155550103/countries/USA").json() == {"deletedCount": 1}
    assert api.delete(f"{path}/countries/CAN").json() == {"deletedCount": 1}
    assert phones(api.get("/dncLists")) == ["4155550100", "4155550101"]
    assert api.delete(f"/dncTags/{tag_id}").status_code == 409
    assert api.delete(path).json() == {"deletedCount": 1}
    assert api.delete(path).json() == {"deletedCount": 0}
    assert api.delete(f"/dncTags/{tag_id}").status_code == 200
    assert phones(api.get("/dncLists")) == ["4155550100"]


def test_tags(api: httpx.Client, sandbox: SandboxServer) -> None:
    created = api.post("/dncTags", json={"dncTagLabel": "Winback"})
    assert created.status_code == 201
    assert api.get("/dncTags").json() == [{"dncTagId": 0, "dncTagLabel": "GLOBAL"}, created.json()]
    assert api.post("/dncTags", json={"dncTagLabel": "Winback"}).status_code == 409
    assert api.post("/dncTags", json={"dncTagLabel": " "}).status_code == 400
    assert api.delete("/dncTags/0").status_code == 409
    assert api.delete("/dncTags/99").status_code == 404
    sandbox.reset()
    assert api.get("/dncTags").json() == [{"dncTagId": 0, "dncTagLabel": "GLOBAL"}]
