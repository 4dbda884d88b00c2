"""Endpoints of leads, the do-not-call list and real-time statistics, and their responses."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints import do_not_call, leads
from airflow_provider_engagevoice.client.endpoints.campaigns import list_outbound_statistics
from airflow_provider_engagevoice.client.endpoints.do_not_call import (
    add_dnc_number,
    create_dnc_tag,
    delete_dnc_tag,
    find_dnc_tag,
    list_dnc_numbers,
    list_dnc_tags,
    remove_dnc_number,
    search_dnc_numbers,
    search_dnc_numbers_page,
    upload_dnc_file,
)
from airflow_provider_engagevoice.client.endpoints.leads import (
    act_on_leads,
    count_leads,
    list_lead_states,
    list_system_dispositions,
    load_leads,
    preview_lead_file,
    process_lead_file,
    search_leads,
    search_leads_by_phones,
    search_leads_page,
    update_lead,
)
from airflow_provider_engagevoice.client.lookup import find_outbound_statistics
from airflow_provider_engagevoice.client.methods import AsyncMethods, SyncMethods
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request
from airflow_provider_engagevoice.client.responses import read_response
from airflow_provider_engagevoice.exceptions import OutcomeUnknownError, UnexpectedAnswerError
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import load

ACCOUNT = "admin/accounts/{accountId}"
LEADS = f"{ACCOUNT}/campaignLeads"
DNC = f"{ACCOUNT}/dncLists"
SAFE, IDEMPOTENT, UNSAFE = Idempotency.SAFE, Idempotency.IDEMPOTENT, Idempotency.UNSAFE
CRITERIA = {"campaignIds": [1]}

ENDPOINTS: dict[str, tuple[Request[Any] | Procedure[Any], str, str, Idempotency, str]] = {
    "load_leads": (
        load_leads(1, b"{}"),
        "POST",
        f"{ACCOUNT}/campaigns/1/leadLoader/direct",
        UNSAFE,
        "lead_loader_direct",
    ),
    "preview_lead_file": (
        preview_lead_file(1, b"a,b"),
        "POST",
        f"{ACCOUNT}/campaigns/1/leadLoader/preview",
        SAFE,
        "lead_loader_preview",
    ),
    "process_lead_file": (
        process_lead_file(1, {}),
        "POST",
        f"{ACCOUNT}/campaigns/1/leadLoader/process",
        UNSAFE,
        "lead_loader_process",
    ),
    "search_leads_by_phones": (
        search_leads_by_phones(["4155550100"]),
        "POST",
        f"{LEADS}/leadSearchByPhoneList",
        SAFE,
        "lead_search_by_number",
    ),
    "update_lead": (
        update_lead(5, 1, {"city": "Oakland"}),
        "PATCH",
        f"{LEADS}/5",
        IDEMPOTENT,
        "lead_update",
    ),
    "search_leads": (search_leads(CRITERIA), "POST", f"{LEADS}/leadSearch", SAFE, "lead_search"),
    "search_leads_page": (
        search_leads_page(CRITERIA),
        "POST",
        f"{LEADS}/leadSearch",
        SAFE,
        "lead_search",
    ),
    "count_leads": (count_leads(CRITERIA), "POST", f"{LEADS}/leadSearch", SAFE, "lead_count"),
    "act_on_leads": (
        act_on_leads(LeadAction.SUPPRESS_LEADS, CRITERIA),
        "PUT",
        f"{LEADS}/actions",
        IDEMPOTENT,
        "lead_actions",
    ),
    "list_lead_states": (list_lead_states(), "GET", f"{LEADS}/leadStates", SAFE, "provisioning"),
    "list_system_dispositions": (
        list_system_dispositions(),
        "GET",
        f"{LEADS}/systemDispositions",
        SAFE,
        "provisioning",
    ),
    "list_dnc_numbers": (list_dnc_numbers(), "GET", DNC, SAFE, "provisioning"),
    "search_dnc_numbers": (
        search_dnc_numbers({}),
        "POST",
        f"{DNC}/advancedSearch",
        SAFE,
        "provisioning",
    ),
    "search_dnc_numbers_page": (
        search_dnc_numbers_page({}),
        "POST",
        f"{DNC}/advancedSearch",
        SAFE,
        "provisioning",
    ),
    "add_dnc_number": (
        add_dnc_number("4155550100", 0),
        "POST",
        DNC,
        IDEMPOTENT,
        "provisioning",
    ),
    "remove_dnc_number": (
        remove_dnc_number("+442071838750", 7, "GBR"),
        "DELETE",
        f"{DNC}/tags/7/phones/%2B442071838750/countries/GBR",
        IDEMPOTENT,
        "provisioning",
    ),
    "upload_dnc_file": (
        upload_dnc_file(b"4155550100\n", 0),
        "POST",
        f"{DNC}/uploadDncFile",
        IDEMPOTENT,
        "provisioning",
    ),
    "list_dnc_tags": (list_dnc_tags(), "GET", f"{ACCOUNT}/dncTags", SAFE, "provisioning"),
    "create_dnc_tag": (
        create_dnc_tag("web"),
        "POST",
        f"{ACCOUNT}/dncTags",
        UNSAFE,
        "provisioning",
    ),
    "delete_dnc_tag": (
        delete_dnc_tag(7),
        "DELETE",
        f"{ACCOUNT}/dncTags/7",
        IDEMPOTENT,
        "provisioning",
    ),
    "find_dnc_tag": (
        find_dnc_tag("web"),
        "GET",
        f"{ACCOUNT}/dncTags",
        SAFE,
        "provisioning",
    ),
    "find_outbound_statistics": (
        find_outbound_statistics([1]),
        "GET",
        f"{ACCOUNT}/realTimeData/outbound",
        SAFE,
        "real_time_data",
    ),
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoints(name: str) -> None:
    made, method, path, idempotency, rate_limit = ENDPOINTS[name]
    request = made if isinstance(made, Request) else next(made)
    assert (request.method, request.path, request.idempotency) == (method, path, idempotency)
    assert request.rate_limit.name == rate_limit


def test_every_endpoint_is_in_the_table_and_a_method_of_both_clients() -> None:
    public = {
        name
        for module in (leads, do_not_call)
        for name, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
    }
    assert public - {"number_key"} | {"find_outbound_statistics"} == set(ENDPOINTS)
    for name in ENDPOINTS:
        assert callable(getattr(SyncMethods, name))
        assert callable(getattr(AsyncMethods, name))


@pytest.mark.parametrize("action", LeadAction)
def test_an_action_that_may_call_a_lead_twice_is_not_idempotent(action: LeadAction) -> None:
    request = act_on_leads(action, CRITERIA, {"A": 1})
    repeatable = {
        "CANCEL_LEADS",
        "PAUSE_LEADS",
        "SUPPRESS_LEADS",
        "UNSUPPRESS_LEADS",
        "DELETE_LEADS",
        "DIALER_REFRESH",
        "AGENT_RESERVATION",
    }
    assert (request.idempotency is IDEMPOTENT) is (action.value in repeatable)
    assert request.query == {"leadAction": action.value}
    assert request.body == {
        "campaignLeadSearchCriteria": CRITERIA,
        "leadActionParams": {"paramMap": {"A": 1}},
    }


def read(request: Request[Any], data: object) -> Any:
    return read_response(request, httpx.Response(200, json=data), request.path, str)


@pytest.mark.parametrize(("data", "count"), [(0, 0), (12, 12), ({"count": 3}, 3)])
def test_a_count_is_a_number_or_an_object_with_one(data: object, count: int) -> None:
    assert read(count_leads(CRITERIA), data) == count


@pytest.mark.parametrize("data", [None, "12", True, [], {}, {"a": 1, "b": 2}, {"count": "3"}, 1.5])
def test_an_invalid_count_is_an_error(data: object) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read(count_leads(CRITERIA), data)


ROW = {
    "campaignId": 5,
    "ready": 3,
    "pending": None,
    "connects": 200,
    "answer": 93,
    "abandon": 7,
    "machine": "many",
    "new": 1,
}


def test_statistics_are_kept_whole() -> None:
    (row,) = read(list_outbound_statistics(), [ROW])
    assert (row.campaignId, row.undialed) == (5, 3)
    assert (row.abandon_rate, row.live_abandon_rate) == (0.035, 0.07)
    assert row.raw == ROW
    (idle,) = read(list_outbound_statistics(), [ROW | {"connects": 0, "abandon": 0, "answer": 0}])
    assert (idle.abandon_rate, idle.live_abandon_rate) == (0, 0)


@pytest.mark.parametrize("name", ["campaignId", "ready", "pending", "connects", "answer", "abandon"])
@pytest.mark.parametrize("value", [..., "many", {}])
def test_statistics_without_a_required_value_are_an_error(name: str, value: object) -> None:
    row = {key: one for key, one in (ROW | {name: value}).items() if one is not ...}
    with pytest.raises(UnexpectedAnswerError):
        read(list_outbound_statistics(), [row])


@pytest.mark.parametrize("data", [{}, [3], None])
def test_an_invalid_list_of_campaigns_is_an_error(data: object) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read(list_outbound_statistics(), data)


def test_the_do_not_call_list_against_the_sandbox(sandbox, client_settings) -> None:
    async def main() -> None:
        async with AsyncEngageVoiceClient(client_settings) as client:
            tag = (await client.create_dnc_tag("web"))["dncTagId"]
            assert await client.find_dnc_tag("web") == await client.find_dnc_tag(str(tag)) == tag
            added = await client.add_dnc_number("4155550100", tag, extern_id="L1", reason="asked")
            assert (added["phone"], added["reason"]) == ("4155550100", "asked")
            await client.upload_dnc_file(b"4155550101\n4155550102\n", tag)
            phones = [row["phone"] for row in await client.search_dnc_numbers({"dncTagId": tag})]
            assert phones == ["4155550100", "4155550101", "4155550102"]
            await client.remove_dnc_number("4155550101", tag)
            assert len(await client.list_dnc_numbers()) == 2
            for phone in ("4155550100", "4155550102"):
                await client.remove_dnc_number(phone, tag)
            await client.delete_dnc_tag(tag)
            assert [one["dncTagLabel"] for one in await client.list_dnc_tags()] == ["GLOBAL"]

    asyncio.run(main())


def test_leads_against_the_sandbox(sandbox, client_settings) -> None:
    async def main() -> None:
        async with AsyncEngageVoiceClient(client_settings) as client:
            campaign = seed.HOLIDAY_RENEWALS_2025_ID
            preview = await client.preview_lead_file(campaign, b"a,4155550100\nb,4155550101\n")
            assert preview.pagePreviews[0].rowData == [["a", "4155550100"], ["b", "4155550101"]]
            request = {
                "transactionId": preview.transactionId,
                "pageColumnMappings": {"EXTERN_ID": 0, "LEAD_PHONE": 1},
                "dialPriority": "NORMAL",
                "duplicateHandling": "RETAIN_ALL",
                "timeZoneOption": "NPA_NXX",
            }
            assert await client.process_lead_file(campaign, request) is None
            (found,) = await client.search_leads_by_phones(["4155550101", "4155550199"])
            assert (found["externId"], found["campaignId"]) == ("b", campaign)
            changed = await client.update_lead(found["leadId"], campaign, {"city": "Oakland"})
            assert changed is not None
            assert (changed["city"], changed["externId"]) == ("Oakland", "b")

    asyncio.run(main())


@pytest.mark.parametrize(("takes", "refused"), [("both", []), ("JSON", []), ("multipart", [415])])
def test_a_list_of_phones_is_sent_as_the_server_takes_it(
    sandbox, client_settings, takes: str, refused: list[int]
) -> None:
    sandbox.set_dialect(phone_list=takes)
    with EngageVoiceClient(client_settings) as client:
        load(client, seed.HOLIDAY_RENEWALS_2025_ID, 3)
        (found,) = client.search_leads_by_phones(iter(["4152000001", "4155550199"]))
    assert found["externId"] == "L1"
    statuses = [one.status for one in sandbox.requests() if "PhoneList" in one.path]
    assert [one for one in statuses if one != 200] == refused


@pytest.mark.parametrize(("content", "row"), [(b"", None), (b'{"leadId": 5}', {"leadId": 5})])
def test_an_update_may_return_the_lead(content: bytes, row: object) -> None:
    request = update_lead(5, 1, {"city": "Oakland"})
    assert read_response(request, httpx.Response(200, content=content), request.path, str) == row


@pytest.mark.parametrize("content", [b"[]", b"<html>"])
def test_an_invalid_lead_is_an_error(content: bytes) -> None:
    request = update_lead(5, 1, {"city": "Oakland"})
    with pytest.raises(UnexpectedAnswerError):
        read_response(request, httpx.Response(200, content=content), request.path, str)


def test_setting_a_state_is_not_idempotent() -> None:
    assert update_lead(5, 1, {"leadState": "READY"}).idempotency is UNSAFE


@pytest.mark.parametrize("content", [b"<html>", b"[1]", b"{", b'{"a": 1}'])
def test_an_unreadable_response_to_a_file_is_an_unknown_outcome(content: bytes) -> None:
    request = process_lead_file(1, {})
    with pytest.raises(OutcomeUnknownError):
        read_response(request, httpx.Response(202, content=content), request.path, str)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"transactionId": ""},
        {"transactionId": "t", "pagePreviews": 5},
        {"transactionId": "t", "mappingColumns": "LEAD_PHONE"},
        {"transactionId": "t", "personaPhoneConfig": [{"phoneLabel": "Work"}]},
        [],
    ],
)
def test_an_invalid_preview_is_an_error(data: object) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read(preview_lead_file(1, b""), data)


def test_a_preview_may_omit_empty_fields() -> None:
    preview = read(preview_lead_file(1, b""), {"transactionId": "t", "pagePreviews": None})
    assert (preview.pagePreviews, preview.mappingColumns, preview.personaPhoneConfig) == ([], [], [])
