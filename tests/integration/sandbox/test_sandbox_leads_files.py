"""Loading leads from files."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import API, Found, Start

Json = dict[str, Any]
COMMA = b'phone,id,first,last\n4155550100,a,Ada,"King, Countess"\n4155550101,b,,\n\n1,c,Bad,Number\n'
MAPPING = {"LEAD_PHONE": 0, "EXTERN_ID": 1, "FIRST_NAME": 2, "LAST_NAME": 3}
LISTS = f"/dialGroups/{seed.MY_NEW_DIAL_GROUP_ID}/campaigns/{{}}/lists"


def client_of(server: SandboxServer) -> httpx.Client:
    return httpx.Client(base_url=server.url + API, headers={"X-Auth-Token": API_TOKEN}, timeout=5)


@pytest.fixture
def loader(api: httpx.Client, campaign: int) -> Loader:
    return Loader(api, campaign)


class Loader:
    """Previews and processes files of one campaign."""

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
            "transactionId": transaction_id,
            "description": "From a file",
            "dialPriority": "NORMAL",
            "duplicateHandling": "RETAIN_ALL",
            "timeZoneOption": "NOT_APPLICABLE",
            "fileContainsHeaders": True,
            "pageNumber": 1,
            "pageColumnMappings": MAPPING,
            **changed,
        }
        return self._api.post(f"{self._path}/process", json=request)

    def load(self, content: bytes, file_type: str = "COMMA", **changed: Any) -> httpx.Response:
        return self.process(self.preview(content, file_type).json()["transactionId"], **changed)


def test_preview(loader: Loader) -> None:
    answer = loader.preview(COMMA)
    assert answer.status_code == 201
    told = answer.json()
    assert told["pagePreviews"] == [
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
    assert {"LEAD_PHONE", "EXTERN_ID", "AUX_DATA5", "COUNTRY"} < set(told["mappingColumns"])
    assert told["personaPhoneConfig"] == []
    many = loader.preview(COMMA * 10).json()
    assert len(many["pagePreviews"][0]["rowData"]) == 10


def test_process(loader: Loader, api: httpx.Client, campaign: int) -> None:
    answer = loader.load(COMMA)
    assert (answer.status_code, answer.content) == (202, b"")
    rows = api.post("/campaignLeads/leadSearch", json={"campaignIds": [campaign]}).json()
    assert [(row["externId"], row["firstName"], row["lastName"]) for row in rows] == [
        ("a", "Ada", "King, Countess"),
        ("b", None, None),
    ]
    (made,) = api.get(LISTS.format(campaign)).json()
    assert (made["listDesc"], made["uploadFileName"]) == ("From a file", "leads.csv")
    assert (made["leadsSupplied"], made["leadsAccepted"], made["leadsInserted"]) == (3, 2, 2)


@pytest.mark.parametrize(
    ("content", "file_type", "changed"),
    [
        (b"4155550100|a|Ada|King, Countess", "PIPE", {"fileContainsHeaders": False}),
        (b"4155550100\ta\tAda\tKing, Countess\r\n", "TAB", {"fileContainsHeaders": None}),
        (b"\xef\xbb\xbf4155550100,a,Ada,'King, Countess'", "COMMA", {"quoteChar": "'"}),
        (b"4155550100|a|Ada|King, Countess", "TAB", {"fileType": "PIPE"}),
    ],
)
def test_kinds_of_files(
    loader: Loader, api: httpx.Client, content: bytes, file_type: str, changed: Json
) -> None:
    assert loader.load(content, file_type, **{"fileContainsHeaders": False, **changed}).status_code == 202
    (row,) = api.post("/campaignLeads/leadSearch", json={}).json()
    shown = (row["leadPhone"], row["externId"], row["firstName"], row["lastName"])
    assert shown == ("4155550100", "a", "Ada", "King, Countess")


def test_other_columns(loader: Loader, api: httpx.Client, sandbox: SandboxServer) -> None:
    content = b"4155550100,a,5,USA,blue,4155550199\n4155550101,b,high,USA,,\n4155550102,c\n"
    answer = loader.load(
        content,
        fileContainsHeaders=False,
        pageColumnMappings={"LEAD_PHONE": 0, "EXTERN_ID": 1, "LEAD_PRIORITY": 2, "COUNTRY": 3},
        extendedLeadDataMappings={"colour": 4},
    )
    assert answer.status_code == 202
    rows = sandbox.backend.database.rows("SELECT externId, leadPriority, extendedLeadData FROM leads")
    assert [tuple(row) for row in rows] == [("a", 5, '{"colour": "blue"}'), ("c", None, None)]


def test_persona_phones(start: Start) -> None:
    server = start(persona_phones={2: "Work Phone", 5: "Cabin"})
    with client_of(server) as api:
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
        refused = loader.process(preview["transactionId"], **changed)
        assert refused.status_code == 400
        assert "is not the id of a persona phone" in refused.text
        changed["additionalPhoneMappings"] = {"2": 2}
        assert loader.process(preview["transactionId"], **changed).status_code == 202
    (row,) = server.backend.database.rows("SELECT personaPhoneConfig FROM leads")
    assert row["personaPhoneConfig"] == '{"Work Phone": "4155550199"}'


def test_file_is_loaded_later(start: Start) -> None:
    server = start(limits=False, process_seconds=0.3)
    lists = f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}/campaigns/{seed.HOLIDAY_RENEWALS_2025_ID}/lists"
    with client_of(server) as api:
        assert Loader(api, seed.HOLIDAY_RENEWALS_2025_ID).load(COMMA).status_code == 202
        (made,) = api.get(lists).json()
        assert (made["listState"], made["leadsSupplied"], made["leadCount"]) == ("LOADING", 0, 0)
        while made["listState"] == "LOADING":
            (made,) = api.get(lists).json()
        assert (made["listState"], made["leadsSupplied"], made["leadCount"]) == ("ACTIVE", 3, 2)
        server.reset()
        assert Loader(api, seed.HOLIDAY_RENEWALS_2025_ID).load(COMMA).status_code == 202
        server.reset()
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert api.get(lists).json() == []
    assert server.backend.database.rows("SELECT * FROM leads") == []


def test_large_file_is_one_list(loader: Loader, api: httpx.Client, campaign: int) -> None:
    content = b"".join(b"%d,%d\n" % (2_000_000_000 + number % 11_000, number) for number in range(12_000))
    mapping = {"LEAD_PHONE": 0, "EXTERN_ID": 1}
    for handling in ("REMOVE_FROM_LIST", "REMOVE_ALL_EXISTING", "REMOVE_ALL_EXISTING"):
        answer = loader.load(
            content, fileContainsHeaders=False, pageColumnMappings=mapping, duplicateHandling=handling
        )
        assert answer.status_code == 202
    lists = api.get(LISTS.format(campaign)).json()
    assert [(one["leadsSupplied"], one["leadsInserted"], one["leadCount"]) for one in lists] == [
        (12_000, 11_000, 11_000),
        (12_000, 11_000, 11_000),
        (12_000, 0, 0),
    ]


def test_file_without_good_rows_leaves_an_empty_list(
    loader: Loader, api: httpx.Client, campaign: int
) -> None:
    assert loader.load(b"phone,id\n1,a\n").status_code == 202
    (made,) = api.get(LISTS.format(campaign)).json()
    assert (made["leadsSupplied"], made["leadsAccepted"]) == (1, 0)


def test_file_is_processed_once_and_for_its_campaign(loader: Loader, api: httpx.Client, found: Found) -> None:
    transaction_id = loader.preview(COMMA).json()["transactionId"]
    assert Loader(api, seed.HOLIDAY_RENEWALS_2025_ID).process(transaction_id).status_code == 400
    assert loader.process(transaction_id).status_code == 202
    again = loader.process(transaction_id)
    assert again.status_code == 400
    assert again.json()["validationErrors"][0]["attributeName"] == "transactionId"
    assert found() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "file_type", "query", "says"),
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
def test_refused_previews(loader: Loader, content: bytes, file_type: str, query: Json, says: str) -> None:
    answer = loader.preview(content, file_type, **query)
    assert answer.status_code == 400
    assert says in str(answer.json())


@pytest.mark.parametrize(
    ("changed", "says"),
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
def test_refused_processes(loader: Loader, found: Found, changed: Json, says: str) -> None:
    answer = loader.load(COMMA, **changed)
    assert answer.status_code == 400
    assert says in str(answer.json())
    assert found() == []


def test_nothing_is_stored_of_a_file_that_breaks_off(loader: Loader, found: Found) -> None:
    good = b"".join(b"4155550100,%d\n" % number for number in range(6_000))
    mapping = {"LEAD_PHONE": 0, "EXTERN_ID": 1}
    answer = loader.load(good + b"\xff\n", pageColumnMappings=mapping)
    assert answer.status_code == 400
    assert found() == []


def test_multipart_is_needed(api: httpx.Client, campaign: int) -> None:
    path = f"/campaigns/{campaign}/leadLoader/preview?fileType=COMMA"
    assert api.post(path, content=COMMA, headers={"content-type": "text/csv"}).status_code == 400
    assert api.post(path, files={"leads": ("leads.csv", COMMA)}).status_code == 400
