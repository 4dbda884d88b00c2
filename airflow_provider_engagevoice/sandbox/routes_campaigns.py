"""Routes of campaigns."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from airflow_provider_engagevoice.sandbox.access import Account, Id, backend_of, request_id_of
from airflow_provider_engagevoice.sandbox.errors import bad_request, not_found
from airflow_provider_engagevoice.sandbox.leads.search import UPLOADED_BY, shown_date
from airflow_provider_engagevoice.sandbox.reading import JsonBody, MaxRows, Paging
from airflow_provider_engagevoice.sandbox.store import ALL
from airflow_provider_engagevoice.sandbox.validation import campaign_fields, clone_problems

router = APIRouter(prefix="/admin/accounts/{account_id}/dialGroups/{dial_group_id}/campaigns")


@router.get("")
async def list_campaigns(request: Request, account: Account, dial_group_id: Id, page: Paging) -> JSONResponse:
    """List a page of a dial group's campaigns."""
    return JSONResponse(backend_of(request).store.campaigns(account.account_id, dial_group_id, page))


@router.post("")
async def create_campaign(
    request: Request, account: Account, dial_group_id: Id, body: JsonBody
) -> JSONResponse:
    """Create a campaign. Names are not unique: repeating the request creates another one.

    Unless ``activate_on_create`` is set, it is stored inactive, as in the vendor's sample.
    """
    backend = backend_of(request)
    backend.store.dial_group(account.account_id, dial_group_id)
    fields = campaign_fields(body)
    if not backend.settings.activate_on_create:
        fields["isActive"] = 0
    campaign = backend.store.add_campaign(
        account.account_id, dial_group_id, fields, op="create", request_id=request_id_of(request)
    )
    return JSONResponse(campaign, 201)


@router.get("/{campaign_id}")
async def get_campaign(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id
) -> JSONResponse:
    """Return a campaign."""
    return JSONResponse(backend_of(request).store.campaign(account.account_id, dial_group_id, campaign_id))


@router.put("/{campaign_id}")
async def put_campaign(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id, body: JsonBody
) -> JSONResponse:
    """Replace a campaign: omitted fields are reset to their defaults or removed."""
    store = backend_of(request).store
    fields = campaign_fields(body, stored=store.campaign(account.account_id, dial_group_id, campaign_id))
    campaign = store.replace_campaign(
        account.account_id, dial_group_id, campaign_id, fields, request_id=request_id_of(request)
    )
    return JSONResponse(campaign)


@router.delete("/{campaign_id}")
async def delete_campaign(
    request: Request, account: Account, dial_group_id: Id, campaign_id: Id
) -> JSONResponse:
    """Delete a campaign."""
    store = backend_of(request).store
    store.delete_campaign(account.account_id, dial_group_id, campaign_id, request_id=request_id_of(request))
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
) -> JSONResponse:
    """Copy a campaign, including its dates and state, with a new id, name and country.

    Not in the vendor's current API files; the status 201 is assumed, as for create.
    """
    backend = backend_of(request)
    if not backend.settings.clone_endpoint:
        raise not_found(request.url.path)
    source = backend.store.campaign(account.account_id, dial_group_id, campaign_id)
    problems = clone_problems(name, country)
    if problems:
        raise bad_request(problems)
    campaign = backend.store.add_campaign(
        account.account_id,
        dial_group_id,
        {**source, "campaignName": name, "countryId": country},
        op="clone",
        request_id=request_id_of(request),
    )
    return JSONResponse(campaign, 201)


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
