"""Routes of agents, users, and the additional telephone numbers of leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from airflow_provider_engagevoice.sandbox.access import Account, Id, MainAccount, backend_of
from airflow_provider_engagevoice.sandbox.agents import AGENTS
from airflow_provider_engagevoice.sandbox.audit import USER
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import Problem, access_denied, bad_request, not_found
from airflow_provider_engagevoice.sandbox.reading import JsonBody, Paging, json_body

router = APIRouter(prefix="/admin")
integration_router = APIRouter(prefix="/voice/api/integration/v1/admin")

_PERSONA_IDS = range(2, 8)
_LABEL_LENGTH = 30


@router.get("/accounts/{account_id}/dialGroups/{dial_group_id}/assignedAgents")
async def assigned_agents(
    request: Request, account: Account, dial_group_id: Id, page: Paging
) -> JSONResponse:
    """List a page of the agents of a dial group."""
    group = backend_of(request).store.dial_group(account.account_id, dial_group_id)
    return JSONResponse(page.of(_agents_of(group)))


@router.put("/accounts/{account_id}/dialGroups/{dial_group_id}/assignAgents")
async def assign_agents(request: Request, account: Account, dial_group_id: Id) -> JSONResponse:
    """Replace the agents of a dial group; return them."""
    store = backend_of(request).store
    store.dial_group(account.account_id, dial_group_id)
    given = await json_body(request)
    known = {agent["agentId"] for agent in AGENTS}
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_request([Problem("body", "must be a JSON array of agents")])
    problems = [
        Problem("agentId", f"must be one of {', '.join(map(str, sorted(known)))}", one.get("agentId"))
        for one in given
        if one.get("agentId") not in known
    ]
    if problems:
        raise bad_request(problems)
    members = [
        {
            "agentId": one["agentId"],
            "dialGroupId": dial_group_id,
            "hciClicker": bool(one.get("hciClicker", False)),
        }
        for one in given
    ]
    store.assign_agents(account.account_id, dial_group_id, members)
    return JSONResponse(_agents_of({"agentDialGroupMembers": members}))


def _agents_of(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    members = {member["agentId"] for member in group["agentDialGroupMembers"]}
    return [dict(agent) for agent in AGENTS if agent["agentId"] in members]


@router.get("/accounts/{account_id}/dialGroups/{dial_group_id}/campaigns/{campaign_id}/campaignDispositions")
async def campaign_dispositions(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id
) -> JSONResponse:
    """List the dispositions that agents can choose in a campaign."""
    campaign = backend_of(request).store.campaign(account.account_id, dial_group_id, campaign_id)
    return JSONResponse(campaign.get("campaignDispositions") or [])


@router.get("/accounts/{account_id}/persona-phone-config")
async def persona_phones(request: Request, account: Account) -> JSONResponse:
    """List the labels of the additional telephone numbers of leads."""
    return _persona_phones(backend_of(request), account.account_id)


@router.post("/accounts/{account_id}/persona-phone-config")
@router.put("/accounts/{account_id}/persona-phone-config")
async def write_persona_phone(request: Request, account: Account, body: JsonBody) -> JSONResponse:
    """Add a label, or change one; return all."""
    backend = backend_of(request)
    phone_id, label = body.get("phoneId"), body.get("phoneLabel")
    existing = backend.personas.labels(account.account_id)
    problems = []
    if type(phone_id) is not int or phone_id not in _PERSONA_IDS:
        problems.append(Problem("phoneId", "must be 2 to 7; 1 is the primary number", phone_id))
    elif request.method == "POST" and phone_id in existing:
        problems.append(Problem("phoneId", "has a label already", phone_id))
    elif request.method == "PUT" and phone_id not in existing:
        problems.append(Problem("phoneId", "has no label yet", phone_id))
    if not isinstance(label, str) or not 0 < len(label.strip()) <= len(label) <= _LABEL_LENGTH:
        problems.append(Problem("phoneLabel", f"must be text of 1 to {_LABEL_LENGTH} characters", label))
    if problems:
        raise bad_request(problems)
    backend.personas.write(account.account_id, int(phone_id or 0), str(label))
    return _persona_phones(backend, account.account_id)


@router.delete("/accounts/{account_id}/persona-phone-config/{phone_id}")
async def delete_persona_phone(request: Request, account: Account, phone_id: Id) -> Response:
    """Delete a label."""
    if not backend_of(request).personas.delete(account.account_id, phone_id):
        raise not_found(f"Phone {phone_id}")
    return Response(status_code=204)


@router.get("/accounts/{account_id}/persona-phone-config/active-campaigns/{phone_id}")
async def campaigns_of_persona_phone(request: Request, account: Account, phone_id: Id) -> JSONResponse:
    """List the names of the campaigns whose call schedules use a phone id."""
    store = backend_of(request).store
    return JSONResponse(
        [
            campaign["campaignName"]
            for group in store.dial_groups(account.account_id)
            for campaign in store.campaigns(account.account_id, group["dialGroupId"])
            if phone_id in _phone_ids(campaign)
        ]
    )


def _phone_ids(campaign: Mapping[str, Any]) -> set[Any]:
    schedules = campaign.get("personaCallSchedules") or []
    return {
        preference.get("phoneId")
        for schedule in schedules
        if isinstance(schedule, dict)
        for preference in schedule.get("callPreferences") or []
        if isinstance(preference, dict)
    }


def _persona_phones(backend: Backend, account_id: str) -> JSONResponse:
    labels = backend.personas.labels(account_id)
    return JSONResponse(
        [
            {"accountId": account_id, "phoneId": phone_id, "phoneLabel": label}
            for phone_id, label in labels.items()
        ]
    )


@router.get("/users")
async def users(backend: MainAccount) -> JSONResponse:
    """List the users of the main account."""
    return JSONResponse([{**USER, "fullName": f"{USER['firstName']} {USER['lastName']}", "enabled": True}])


@integration_router.get("/users/{main_account_id}")
async def integration_users(backend: MainAccount, main_account_id: str) -> JSONResponse:
    """List the users of the main account, as the integration API does."""
    if main_account_id != backend.settings.main_account.account_id:
        raise access_denied()
    user = {**USER, "userId": int(USER["userId"]), "email": USER["userName"], "rcUserId": 1009}
    return JSONResponse([{**user, "engageUserName": USER["userName"]}])


@integration_router.get("/accounts/{main_account_id}/subaccounts")
async def subaccounts(backend: MainAccount, main_account_id: str) -> JSONResponse:
    """List the sub-accounts of the main account."""
    if main_account_id != backend.settings.main_account.account_id:
        raise access_denied()
    return JSONResponse(
        [
            {"subAccountId": account.account_id, "subAccountName": account.name, "isActive": True}
            for account in backend.settings.accounts
        ]
    )
