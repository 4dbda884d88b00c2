"""Finding leads, and changing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox.access import Account, Id, backend_of, searching, spending
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.actions import LeadActions
from airflow_provider_engagevoice.sandbox.leads.criteria import conditions
from airflow_provider_engagevoice.sandbox.leads.fields import (
    DUPLICATE_HANDLINGS,
    LEAD_STATES,
    SYSTEM_DISPOSITIONS,
    TIME_ZONE_OPTIONS,
)
from airflow_provider_engagevoice.sandbox.leads.updates import LeadUpdate
from airflow_provider_engagevoice.sandbox.leads.uploads import rows, uploaded_file
from airflow_provider_engagevoice.sandbox.reading import JsonBody, Paging
from airflow_provider_engagevoice.sandbox.settings import ACTIONS, BY_PHONE, LEAD_UPDATE, SandboxAccount

router = APIRouter(prefix="/admin/accounts/{account_id}/campaignLeads")

SearchAccount = Annotated[SandboxAccount, Depends(searching)]
ByPhoneAccount = Annotated[SandboxAccount, Depends(spending(BY_PHONE))]
ActionAccount = Annotated[SandboxAccount, Depends(spending(ACTIONS))]
UpdateAccount = Annotated[SandboxAccount, Depends(spending(LEAD_UPDATE))]


async def update_of(
    request: Request,
    account: UpdateAccount,
    lead_id: Id,
    campaign_id: Annotated[int, Query(alias="campaignId")],
    list_id: Annotated[int | None, Query(alias="listId")] = None,
    option: Annotated[str, Query(alias="timezoneOption")] = "NOT_APPLICABLE",
    handling: Annotated[str, Query(alias="duplicateHandling")] = "RETAIN_ALL",
) -> LeadUpdate:
    """Read the query of an update. ``duplicateHandling`` changes nothing: its meaning is not documented."""
    problems = []
    if option not in TIME_ZONE_OPTIONS:
        problems.append(Problem("timezoneOption", f"must be one of {', '.join(TIME_ZONE_OPTIONS)}", option))
    if handling not in DUPLICATE_HANDLINGS:
        allowed = ", ".join(DUPLICATE_HANDLINGS)
        problems.append(Problem("duplicateHandling", f"must be one of {allowed}", handling))
    if problems:
        raise bad_request(problems)
    backend = backend_of(request)
    campaign = backend.store.campaign_of_account(account.account_id, campaign_id)
    return LeadUpdate(backend, campaign, lead_id, list_id, option)


Update = Annotated[LeadUpdate, Depends(update_of)]


@router.post("/leadSearch")
async def search(
    request: Request, account: SearchAccount, body: JsonBody, page: Paging, count: bool = False
) -> JSONResponse:
    """A page of the leads that meet all criteria, in the order of ``leadId``.

    With ``count=true`` the answer is the number of all leads that meet them, as a bare JSON number: what
    the vendor answers then is not documented.
    """
    leads = backend_of(request).lead_search
    wanted = conditions(account.account_id, body)
    return JSONResponse(leads.count(wanted) if count else leads.page(wanted, page))


@router.post("/leadSearchByPhoneList")
async def search_by_phone_list(request: Request, account: ByPhoneAccount, page: Paging) -> JSONResponse:
    """A page of the leads whose numbers are in a file.

    What the file looks like is not documented. Chosen here: text with a number at the start of each line,
    up to the first comma; lines that start with no number, such as a heading, are passed over.
    """
    file = uploaded_file(request.headers.get("content-type", ""), await request.body())
    first = [row[0].strip() for row in rows(file.content, ",")]
    phones = [one for one in first if one.removeprefix("+").isdecimal()]
    if not phones:
        raise bad_request([Problem("file", "must have a telephone number on each line")])
    wanted = conditions(account.account_id, {"leadPhoneNumbers": phones})
    return JSONResponse(backend_of(request).lead_search.page(wanted, page))


@router.get("/leadStates")
async def lead_states(account: Account) -> JSONResponse:
    """The states a lead can be in."""
    return JSONResponse(LEAD_STATES)


@router.get("/systemDispositions")
async def system_dispositions(account: Account) -> JSONResponse:
    """What can come of a call."""
    return JSONResponse(SYSTEM_DISPOSITIONS)


@router.put("/actions")
async def act(
    request: Request,
    account: ActionAccount,
    action: Annotated[str, Query(alias="leadAction")],
    body: JsonBody,
) -> JSONResponse:
    """Do something to all leads that meet the criteria."""
    known = ("campaignLeadSearchCriteria", "leadActionParams")
    problems = [Problem(name, "is not a field of a lead action") for name in body if name not in known]
    criteria, holder = (_object(body, name, problems) for name in known)
    parameters = _object(holder, "paramMap", problems)
    if problems:
        raise bad_request(problems)
    actions = LeadActions(backend_of(request), account.account_id)
    return JSONResponse(actions.run(action, conditions(account.account_id, criteria), parameters))


def _object(holder: Mapping[str, Any], name: str, problems: list[Problem]) -> dict[str, Any]:
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        problems.append(Problem(name, "must be a JSON object", value))
    return value if isinstance(value, dict) else {}


@router.patch("/{lead_id}")
async def patch_lead(update: Update, body: JsonBody) -> JSONResponse:
    """Change the fields sent."""
    return JSONResponse(update.apply(body, whole=False))


@router.put("/{lead_id}")
async def put_lead(update: Update, body: JsonBody) -> JSONResponse:
    """Replace what was loaded: fields that are not sent are gone."""
    return JSONResponse(update.apply(body, whole=True))
