"""Loading leads from files."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import (
    CAMPAIGNS,
    LOAD_OPTIONS,
    Found,
    Json,
    Start,
    api_client,
    attributes,
)

COMMA = b'phone,id,first,last\n4155550100,a,Ada,"King, Countess"\n4155550101,b,,\n\n1,c,Bad,Number\n'
MAPPING = {"LEAD_PHONE": 0, "EXTERN_ID": 1, "FIRST_NAME": 2, "LAST_NAME": 3}
LISTS = f"{CAMPAIGNS}/{{}}/lists"


@pytest.fixture
def loader(api: httpx.Client, campaign: int) -> Loader:
    return Loader(api, campaign)


class Loader:
    """Previews and processes files for one campaign."""

    def __init__(self, api: httpx.Client, campaign: int) -> None:
        self._api = api
        self._path = f"/campaigns/{campaign}/leadLoader"

    def preview(self, content: bytes, file_type: str = "COMMA", **query: str) -> httpx.Response:
        return self._api.post(
            f"{self._path}/preview",
            params={"fileType": file_type, **query},
            files={"file": ("leads.csv", content)},
        )

    def process(self, transaction_id: str, **changed: Any) -> httpx.Response:
        request = {
            **LOAD_OPTIONS,
            "transactionId": transaction_id,
            "description": "From a file",
            "fileContainsHeaders": True,
            "pageNumber": 1,
            "pageColumnMappings": MAPPING,
            **changed,
        }
        return self._api.post(f"{self._path}/process", json=request)

    def load(self, content: bytes, file_type: str = "COMMA", **changed: Any) -> httpx.Response:
        return self.process(self.preview(content, file_type).json()["transactionId"], **changed)


def test_preview(loader: Loader) -> None:
    response = loader.preview(COMMA)
    assert response.status_code == 201
    preview = response.json()
    assert preview["pagePreviews"] == [
        {
            "pageNumber": 1,
            "pageName": "leads.csv",
            "rowData": [
                ["phone", "id", "first", "last"],
                ["4155550100", "a", "Ada", "King, Countess"],
                ["4155550101", "b", "", ""],
                ["1", "c", "Bad", "Number"],
            ],
        }
    ]
    assert {"LEAD_PHONE", "EXTERN_ID", "AUX_DATA5", "COUNTRY"} < set(preview["mappingColumns"])
    assert preview["personaPhoneConfig"] == []
    long_file = loader.preview(COMMA * 10).json()
    assert len(long_file["pagePreviews"][0]["rowData"]) == 10


def test_process(loader: Loader, api: httpx.Client, campaign: int) -> None:
    response = loader.load(COMMA)
    assert (response.status_code, response.content) == (202, b"")
    rows = api.post("/campaignLeads/leadSearch", json={"campaignIds": [campaign]}).json()
    assert [(row["externId"], row["firstName"], row["lastName"]) for row in rows] == [
        ("a", "Ada", "King, Countess"),
        ("b", None, None),
    ]
    (loaded,) = api.get(LISTS.format(campaign)).json()
    assert (loaded["listDesc"], loaded["uploadFileName"]) == ("From a file", "leads.csv")
    assert (loaded["leadsSupplied"], loaded["leadsAccepted"], loaded["leadsInserted"]) == (3, 2, 2)


@pytest.mark.parametrize(
    ("content", "file_type", "changed"),
    [
        (b"4155550100|a|Ada|King, Countess", "PIPE", {"fileContainsHeaders": False}),
        (b"4155550100\ta\tAda\tKing, Countess\r\n", "TAB", {"fileContainsHeaders": None}),
        (b"\xef\xbb\xbf4155550100,a,Ada,'King, Countess'", "COMMA", {"quoteChar": "'"}),
        (b"4155550100|a|Ada|King, Countess", "TAB", {"fileType": "PIPE"}),
    ],
)
def test_file_types(loader: Loader, api: httpx.Client, content: bytes, file_type: str, changed: Json) -> None:
    assert loader.load(content, file_type, **{"fileContainsHeaders": False, **changed}).status_code == 202
    (row,) = api.post("/campaignLeads/leadSearch", json={}).json()
    shown = (row["leadPhone"], row["externId"], row["firstName"], row["lastName"])
    assert shown == ("4155550100", "a", "Ada", "King, Countess")


def test_other_columns(loader: Loader, api: httpx.Client, sandbox: SandboxServer) -> None:
    content = b"4155550100,a,5,USA,blue,4155550199\n4155550101,b,high,USA,,\n4155550102,c\n"
    response = loader.load(
        content,
        fileContainsHeaders=False,
        pageColumnMappings={"LEAD_PHONE": 0, "EXTERN_ID": 1, "LEAD_PRIORITY": 2, "COUNTRY": 3},
        extendedLeadDataMappings={"colour": 4},
    )
    assert response.status_code == 202
    rows = sandbox.backend.database.rows("SELECT externId, leadPriority, extendedLeadData FROM leads")
    assert [tuple(row) for row in rows] == [("a", 5, '{"colour": "blue"}'), ("c", None, None)]


def test_persona_phones(start: Start) -> None:
    server = start(persona_phones={2: "Work Phone", 5: "Cabin"})
    with api_client(server) as api:
        loader = Loader(api, seed.HOLIDAY_RENEWALS_2025_ID)
        preview = loader.preview(b"4155550100,a,4155550199\n").json()
        assert preview["personaPhoneConfig"] == [
            {"phoneId": 2, "phoneLabel": "Work Phone"},
            {"phoneId": 5, "phoneLabel": "Cabin"},
        ]
        changed = {
            "fileContainsHeaders": False,
            "pageColumnMappings": {"LEAD_PHONE": 0, "EXTERN_ID": 1},
            "additionalPhoneMappings": {"3": 2},
        }
        rejected = loader.process(preview["transactionId"], **changed)
        assert rejected.status_code == 400
        assert "is not the id of a persona phone" in rejected.text
        changed["additionalPhoneMappings"] = {"2": 2}
        assert loader.process(preview["transactionId"], **changed).status_code == 202
    (row,) = server.backend.database.rows("SELECT personaPhoneConfig FROM leads")
    assert row["personaPhoneConfig"] == '{"Work Phone": "4155550199"}'


def test_delayed_load(start: Start) -> None:
    server = start(limits=False, process_seconds=0.3)
    lists = f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}/campaigns/{seed.HOLIDAY_RENEWALS_2025_ID}/lists"
    with api_client(server) as api:
        assert Loader(api, seed.HOLIDAY_RENEWALS_2025_ID).load(COMMA).status_code == 202
        (loaded,) = api.get(lists).json()
        assert (loaded["listState"], loaded["leadsSupplied"], loaded["leadCount"]) == (
            "LOADING",
            0,
            0,
        )
        while loaded["listState"] == "LOADING":
            (loaded,) = api.get(lists).json()
        assert (loaded["listState"], loaded["leadsSupplied"], loaded["leadCount"]) == (
            "ACTIVE",
            3,
            2,
        )
        server.reset()
        assert Loader(api, seed.HOLIDAY_RENEWALS_2025_ID).load(COMMA).status_code == 202
        server.reset()
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            assert api.get(lists).json() == []
    assert server.backend.database.rows("SELECT * FROM leads") == []


def test_large_file_is_one_list(loader: Loader, api: httpx.Client, campaign: int) -> None:
    content = b"".join(b"%d,%d\n" % (2_000_000_000 + number % 11_000, number) for number in range(12_000))
    mapping = {"LEAD_PHONE": 0, "EXTERN_ID": 1}
    for handling in ("REMOVE_FROM_LIST", "REMOVE_ALL_EXISTING", "REMOVE_ALL_EXISTING"):
        response = loader.load(
            content, fileContainsHeaders=False, pageColumnMappings=mapping, duplicateHandling=handling
        )
        assert response.status_code == 202
    lists = api.get(LISTS.format(campaign)).json()
    assert [(one["leadsSupplied"], one["leadsInserted"], one["leadCount"]) for one in lists] == [
        (12_000, 11_000, 11_000),
        (12_000, 11_000, 11_000),
        (12_000, 0, 0),
    ]


def test_file_without_valid_rows_creates_an_empty_list(
    loader: Loader, api: httpx.Client, campaign: int
) -> None:
    assert loader.load(b"phone,id\n1,a\n").status_code == 202
    (loaded,) = api.get(LISTS.format(campaign)).json()
    assert (loaded["leadsSupplied"], loaded["leadsAccepted"]) == (1, 0)


def test_file_is_processed_once_for_its_campaign(loader: Loader, api: httpx.Client, found: Found) -> None:
    transaction_id = loader.preview(COMMA).json()["transactionId"]
    assert Loader(api, seed.HOLIDAY_RENEWALS_2025_ID).process(transaction_id).status_code == 400
    assert loader.process(transaction_id).status_code == 202
    again = loader.process(transaction_id)
    assert attributes(again) == ["transactionId"]
    assert found() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "file_type", "query", "message"),
    [
        (COMMA, "EXCEL", {}, "EXCEL is not supported by the sandbox"),
        (COMMA, "CSV", {}, "fileType must be one of"),
        (COMMA, "COMMA", {"quoteCharacter": ","}, "quoteCharacter must be one character"),
        (COMMA, "COMMA", {"quoteCharacter": ""}, "quoteCharacter must be one character"),
        ("Zoë".encode("latin-1"), "COMMA", {}, "file must be UTF-8 text"),
        (b'1,"a', "COMMA", {}, "file cannot be read at line 1"),
        (b"x" * 200_000, "COMMA", {}, "file cannot be read at line 1"),
    ],
)
def test_rejected_previews(loader: Loader, content: bytes, file_type: str, query: Json, message: str) -> None:
    response = loader.preview(content, file_type, **query)
    assert response.status_code == 400
    assert message in str(response.json())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pageColumnMappings": {"LEAD_PHONE": 0}}, "must map EXTERN_ID"),
        ({"pageColumnMappings": {**MAPPING, "SHOE": 4}}, "is not a mapping column"),
        ({"pageColumnMappings": {**MAPPING, "CITY": -1}}, "must be an object of column numbers"),
        ({"pageColumnMappings": None}, "pageColumnMappings is required"),
        ({"pageNumber": 2}, "pageNumber must be 1"),
        ({"fileType": "EXCEL"}, "not supported"),
        ({"dialPriority": None}, "dialPriority is required"),
    ],
)
def test_rejected_processes(loader: Loader, found: Found, changed: Json, message: str) -> None:
    response = loader.load(COMMA, **changed)
    assert response.status_code == 400
    assert message in str(response.json())
    assert found() == []


def test_nothing_is_stored_if_a_file_cannot_be_read(loader: Loader, found: Found) -> None:
    valid = b"".join(b"4155550100,%d\n" % number for number in range(6_000))
    mapping = {"LEAD_PHONE": 0, "EXTERN_ID": 1}
    response = loader.load(valid + b"\xff\n", pageColumnMappings=mapping)
    assert response.status_code == 400
    assert found() == []


def test_multipart_is_required(api: httpx.Client, campaign: int) -> None:
    path = f"/campaigns/{campaign}/leadLoader/preview?fileType=COMMA"
    assert api.post(path, content=COMMA, headers={"content-type": "text/csv"}).status_code == 400
    assert api.post(path, files={"leads": ("leads.csv", COMMA)}).status_code == 400
