"""Routes of campaigns."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from airflow_provider_engagevoice.sandbox.access import Account, Id, backend_of, request_id_of
from airflow_provider_engagevoice.sandbox.campaigns import NOTHING
from airflow_provider_engagevoice.sandbox.errors import HttpError, bad_request
from airflow_provider_engagevoice.sandbox.leads.search import UPLOADED_BY, shown_date
from airflow_provider_engagevoice.sandbox.reading import CampaignPaging, JsonBody, MaxRows, Paging
from airflow_provider_engagevoice.sandbox.store import ALL
from airflow_provider_engagevoice.sandbox.validation import clone_problems

router = APIRouter(prefix="/admin/accounts/{account_id}/dialGroups/{dial_group_id}/campaigns")


def answer(status: int, body: Any) -> Response:
    """Return the answer to a write."""
    if body is NOTHING:
        return Response(status_code=status)
    return JSONResponse(body, status)


@router.get("")
async def list_campaigns(
    request: Request, account: Account, dial_group_id: Id, page: CampaignPaging
) -> JSONResponse:
    """List a page of a dial group's campaigns."""
    return JSONResponse(backend_of(request).campaigns.page(account.account_id, dial_group_id, page))


@router.post("")
async def create_campaign(request: Request, account: Account, dial_group_id: Id, body: JsonBody) -> Response:
    """Create a campaign. Where names are not unique, repeating the request creates another one."""
    backend = backend_of(request)
    status, created = backend.campaigns.create(
        account.account_id, dial_group_id, body, request_id_of(request)
    )
    request.state.breaks = backend.dialect.create_answer == "late, connection broken" and created is NOTHING
    return answer(status, created)


@router.get("/{campaign_id}")
async def get_campaign(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id
) -> JSONResponse:
    """Return a campaign."""
    return JSONResponse(backend_of(request).campaigns.get(account.account_id, dial_group_id, campaign_id))


@router.put("/{campaign_id}")
async def put_campaign(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id, body: JsonBody
) -> Response:
    """Replace a campaign: in most dialects, omitted fields are reset to their defaults or removed."""
    campaigns = backend_of(request).campaigns
    written = campaigns.put(account.account_id, dial_group_id, campaign_id, body, request_id_of(request))
    return answer(*written)


@router.delete("/{campaign_id}")
async def delete_campaign(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id
) -> JSONResponse:
    """Delete a campaign."""
    campaigns = backend_of(request).campaigns
    campaigns.delete(account.account_id, dial_group_id, campaign_id, request_id_of(request))
    return JSONResponse(True)


@router.post("/{campaign_id}/clearCache")
async def clear_cache(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id
) -> PlainTextResponse:
    """Clear the dialer's cache of leads; the sandbox has none."""
    backend_of(request).store.campaign(account.account_id, dial_group_id, campaign_id)
    return PlainTextResponse("true", 201)


@router.post("/{campaign_id}/clone")
async def clone_campaign(
    request: Request,
    account: Account,
    dial_group_id: Id,
    campaign_id: Id,
    name: Annotated[str | None, Query(alias="newCampaignName")] = None,
    country: Annotated[str, Query(alias="newCountryCode")] = "USA",
) -> Response:
    """Copy a campaign in its dial group; in most dialects with its dates and state.

    Not in the vendor's current API files; the status 201 is assumed, as for create.
    """
    campaigns = backend_of(request).campaigns
    campaigns.check_clone_endpoint()
    problems = clone_problems(name, country)
    if name is None or problems:
        raise bad_request(problems)
    written = campaigns.clone(
        account.account_id, dial_group_id, campaign_id, name, country, request_id_of(request)
    )
    return answer(*written)


@router.get("/{campaign_id}/clone")
async def no_clone_by_get(request: Request, account: Account, dial_group_id: Id, campaign_id: Id) -> None:
    """Say that the endpoint takes POST alone, or do as where there is none."""
    backend_of(request).campaigns.check_clone_endpoint()
    raise HttpError(405, "Method not allowed.")


@router.get("/{campaign_id}/lists")
async def lead_lists(
    request: Request,
    account: Account,
    dial_group_id: Id,
    campaign_id: Id,
    page: Paging,
    max_rows: MaxRows = None,
) -> JSONResponse:
    """List the lead lists of a campaign, oldest first, with their load counts and current ``leadCount``.

    Neither fields nor paging are documented: the names follow the vendor's search and load results, and all
    lists are returned if ``maxRows`` is omitted.
    """
    backend = backend_of(request)
    backend.store.campaign(account.account_id, dial_group_id, campaign_id)
    lists = backend.leads.lists(campaign_id, ALL if max_rows is None else page)
    return JSONResponse(
        [{**one, "uploadDate": shown_date(one["uploadDate"]), "uploadedBy": UPLOADED_BY} for one in lists]
    )
