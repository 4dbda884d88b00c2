"""Routes of lead search, lead actions and lead updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.access import Account, Id, backend_of, rate_limited, search_account
from airflow_provider_engagevoice.sandbox.errors import HttpError, Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.actions import LeadActions
from airflow_provider_engagevoice.sandbox.leads.criteria import Conditions, conditions
from airflow_provider_engagevoice.sandbox.leads.fields import (
    DUPLICATE_HANDLINGS,
    LEAD_STATES,
    SYSTEM_DISPOSITIONS,
    TIME_ZONE_OPTIONS,
)
from airflow_provider_engagevoice.sandbox.leads.updates import LeadUpdate
from airflow_provider_engagevoice.sandbox.leads.uploads import rows, uploaded_file
from airflow_provider_engagevoice.sandbox.reading import JsonBody, PagingOrBody, json_object
from airflow_provider_engagevoice.sandbox.settings import ACTIONS, BY_PHONE, LEAD_UPDATE, SandboxAccount

router = APIRouter(prefix="/admin/accounts/{account_id}/campaignLeads")

_SEARCH_LAGS: Final = {"at once": 0.0, "after 2 s": 2.0, "after a minute": 59.0}
"""Seconds until a search finds a loaded lead."""

SearchAccount = Annotated[SandboxAccount, Depends(search_account)]
ByPhoneAccount = Annotated[SandboxAccount, Depends(rate_limited(BY_PHONE))]
ActionAccount = Annotated[SandboxAccount, Depends(rate_limited(ACTIONS))]
UpdateAccount = Annotated[SandboxAccount, Depends(rate_limited(LEAD_UPDATE))]


async def update_of(
    request: Request,
    account: UpdateAccount,
    lead_id: Id,
    campaign_id: Annotated[int, Query(alias="campaignId")],
    list_id: Annotated[int | None, Query(alias="listId")] = None,
    option: Annotated[str, Query(alias="timezoneOption")] = "NOT_APPLICABLE",
    handling: Annotated[str, Query(alias="duplicateHandling")] = "RETAIN_ALL",
) -> LeadUpdate:
    """Parse the query of an update. ``duplicateHandling`` has no effect: its meaning is not documented."""
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
    request: Request, account: SearchAccount, body: JsonBody, page: PagingOrBody, count: bool = False
) -> JSONResponse:
    """List a page of the leads that match all criteria, in the order of ``leadId``.

    With ``count=true`` return their number as a JSON number; the vendor does not document this response.
    """
    leads = backend_of(request).lead_search
    criteria = {name: value for name, value in body.items() if name not in ("page", "maxRows")}
    matching = _found_by_now(request, account, criteria)
    return JSONResponse(leads.count(matching) if count else leads.page(matching, page))


@router.post("/leadSearchByPhoneList")
async def search_by_phone_list(request: Request, account: ByPhoneAccount, page: PagingOrBody) -> JSONResponse:
    """List a page of the leads whose numbers are in a file, or in ``phoneList`` of a JSON body.

    The vendor's documents show JSON and its OpenAPI file multipart; the dialect may have one of them alone.
    Not documented, assumed for a file: text with a number at the start of each line, up to the first comma.
    Other lines, such as a header, are ignored.
    """
    content_type = request.headers.get("content-type", "")
    reads, is_json = backend_of(request).dialect.phone_list, "json" in content_type
    if reads != "both" and is_json != (reads == "JSON"):
        raise HttpError(
            415, f"The media type must be {'JSON' if reads == 'JSON' else 'multipart/form-data'}."
        )
    criteria: dict[str, Any] = {}
    if is_json:
        body = await json_object(request)
        problems = [
            Problem(name, "is not a field of this search")
            for name in body
            if name not in ("phoneList", "campaignIds", "campaignId", "page", "maxRows")
        ]
        if not isinstance(body.get("phoneList"), list) or not body["phoneList"]:
            problems.append(Problem("phoneList", "must be a list of telephone numbers"))
        if problems:
            raise bad_request(problems)
        phones = [str(one) for one in body["phoneList"]]
        criteria = {name: body[name] for name in ("campaignId", "campaignIds") if name in body}
    else:
        file = uploaded_file(content_type, await request.body())
        cells = [row[0].strip() for row in rows(file.content, ",")]
        phones = [one for one in cells if one.removeprefix("+").isdecimal()]
        if not phones:
            raise bad_request([Problem("file", "must have a telephone number on each line")])
    matching = _found_by_now(request, account, {**criteria, "leadPhoneNumbers": phones})
    return JSONResponse(backend_of(request).lead_search.page(matching, page))


@router.get("/leadStates")
async def lead_states(account: Account) -> JSONResponse:
    """List the lead states."""
    return JSONResponse(LEAD_STATES)


@router.get("/systemDispositions")
async def system_dispositions(account: Account) -> JSONResponse:
    """List the system dispositions."""
    return JSONResponse(SYSTEM_DISPOSITIONS)


@router.put("/actions")
async def run_action(
    request: Request,
    account: ActionAccount,
    action: Annotated[str, Query(alias="leadAction")],
    body: JsonBody,
) -> JSONResponse:
    """Run an action on all leads that match the criteria."""
    known = ("campaignLeadSearchCriteria", "leadActionParams")
    problems = [Problem(name, "is not a field of a lead action") for name in body if name not in known]
    criteria, action_parameters = (_json_object(body, name, problems) for name in known)
    parameters = _json_object(action_parameters, "paramMap", problems)
    if problems:
        raise bad_request(problems)
    actions = LeadActions(backend_of(request), account.account_id)
    return JSONResponse(actions.run(action, _conditions(request, account, criteria), parameters))


def _conditions(request: Request, account: SandboxAccount, criteria: Mapping[str, Any]) -> Conditions:
    exact = backend_of(request).dialect.phone_search == "exact text"
    return conditions(account.account_id, criteria, exact_phones=exact)


def _found_by_now(request: Request, account: SandboxAccount, criteria: Mapping[str, Any]) -> Conditions:
    """Return the conditions of a search, which finds a lead some time after it was loaded."""
    found = _conditions(request, account, criteria)
    if lag := _SEARCH_LAGS[backend_of(request).dialect.lead_found]:
        found.add("leads.loadedDts <= ?", int((clock.time() - lag) * 1000))
    return found


def _json_object(parent: Mapping[str, Any], name: str, problems: list[Problem]) -> dict[str, Any]:
    value = parent.get(name)
    if value is not None and not isinstance(value, dict):
        problems.append(Problem(name, "must be a JSON object", value))
    return value if isinstance(value, dict) else {}


@router.patch("/{lead_id}")
async def patch_lead(update: Update, body: JsonBody) -> JSONResponse:
    """Update the fields sent."""
    return JSONResponse(update.apply(body, whole=False))


@router.put("/{lead_id}")
async def put_lead(update: Update, body: JsonBody) -> JSONResponse:
    """Replace the loaded fields; omitted fields are cleared."""
    return JSONResponse(update.apply(body, whole=True))
