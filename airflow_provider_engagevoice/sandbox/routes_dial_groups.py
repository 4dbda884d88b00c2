"""Routes of dial groups."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox.access import Account, Id, backend_of
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.campaigns import cut
from airflow_provider_engagevoice.sandbox.reading import CampaignPaging, JsonBody
from airflow_provider_engagevoice.sandbox.store import ALL, JsonObject, Page
from airflow_provider_engagevoice.sandbox.validation import dial_group_fields

router = APIRouter(prefix="/admin/accounts/{account_id}/dialGroups")


@router.get("")
async def list_dial_groups(request: Request, account: Account, page: CampaignPaging) -> JSONResponse:
    """List a page of the dial groups."""
    return JSONResponse(_groups(backend_of(request), account.account_id, page))


@router.post("")
async def create_dial_group(request: Request, account: Account, body: JsonBody) -> JSONResponse:
    """Create a dial group."""
    store = backend_of(request).store
    return JSONResponse(store.add_dial_group(account.account_id, dial_group_fields(body)))


@router.get("/withChildren")
async def list_with_children(request: Request, account: Account, page: CampaignPaging) -> JSONResponse:
    """List a page of the dial groups, each with all its campaigns in ``campaigns``."""
    backend = backend_of(request)
    return JSONResponse(
        [
            {**group, "campaigns": backend.campaigns.page(account.account_id, group["dialGroupId"], ALL)}
            for group in _groups(backend, account.account_id, page)
        ]
    )


def _groups(backend: Backend, account_id: str, page: Page) -> list[JsonObject]:
    return cut(backend.store.dial_groups(account_id), page, backend.dialect, "dialGroupName")


@router.get("/{dial_group_id}")
async def get_dial_group(request: Request, account: Account, dial_group_id: Id) -> JSONResponse:
    """Return a dial group."""
    return JSONResponse(backend_of(request).store.dial_group(account.account_id, dial_group_id))


@router.put("/{dial_group_id}")
async def put_dial_group(
    request: Request, account: Account, dial_group_id: Id, body: JsonBody
) -> JSONResponse:
    """Replace a dial group: omitted fields are reset to their defaults."""
    store = backend_of(request).store
    store.dial_group(account.account_id, dial_group_id)
    fields = dial_group_fields(body)
    return JSONResponse(store.replace_dial_group(account.account_id, dial_group_id, fields))


@router.delete("/{dial_group_id}")
async def delete_dial_group(request: Request, account: Account, dial_group_id: Id) -> JSONResponse:
    """Delete a dial group without campaigns."""
    backend_of(request).store.delete_dial_group(account.account_id, dial_group_id)
    return JSONResponse(True)
