"""Loading leads."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from airflow_provider_engagevoice.sandbox.access import Id, backend_of, spending
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.checks import MOST_LEADS, request_fields
from airflow_provider_engagevoice.sandbox.leads.loader import LeadLoader
from airflow_provider_engagevoice.sandbox.leads.mapping import MAPPING_COLUMNS, ColumnMapping
from airflow_provider_engagevoice.sandbox.leads.uploads import Upload, check_file_settings, uploaded_file
from airflow_provider_engagevoice.sandbox.reading import JsonBody
from airflow_provider_engagevoice.sandbox.settings import DIRECT, PREVIEW, PROCESS, SandboxAccount

router = APIRouter(prefix="/admin/accounts/{account_id}/campaigns/{campaign_id}/leadLoader")

_PREVIEWED_ROWS: Final = 10

DirectAccount = Annotated[SandboxAccount, Depends(spending(DIRECT))]
PreviewAccount = Annotated[SandboxAccount, Depends(spending(PREVIEW))]
ProcessAccount = Annotated[SandboxAccount, Depends(spending(PROCESS))]


@router.post("/direct")
async def load_direct(
    request: Request, account: DirectAccount, campaign_id: Id, body: JsonBody
) -> JSONResponse:
    """Load the leads of the body into a new list of the campaign; the answer counts them.

    A call that loads nothing because every lead is rejected is answered 200 too, with
    ``processingStatus`` NO_LEADS_PASSED_VALIDATION.
    """
    backend = backend_of(request)
    campaign = backend.store.campaign_of_account(account.account_id, campaign_id)
    fields = request_fields(body, "uploadLeads")
    leads = fields["uploadLeads"]
    if not 1 <= len(leads) <= MOST_LEADS:
        raise bad_request([Problem("uploadLeads", f"must be 1 to {MOST_LEADS:,} leads", len(leads))])
    return JSONResponse(LeadLoader(backend, account.account_id, campaign, fields).load([leads]))


@router.post("/preview")
async def preview(
    request: Request,
    account: PreviewAccount,
    campaign_id: Id,
    file_type: Annotated[str, Query(alias="fileType")],
    quote: Annotated[str, Query(alias="quoteCharacter")] = '"',
) -> JSONResponse:
    """Take a file of leads, and answer its first rows and the names its columns can be mapped to."""
    backend = backend_of(request)
    backend.store.campaign_of_account(account.account_id, campaign_id)
    check_file_settings(file_type, quote)
    file = uploaded_file(request.headers.get("content-type", ""), await request.body())
    upload = Upload(account.account_id, campaign_id, file, file_type, quote)
    first = list(islice(upload.rows(), _PREVIEWED_ROWS))
    return JSONResponse(
        {
            "transactionId": backend.uploads.keep(upload),
            "mappingColumns": MAPPING_COLUMNS,
            "pagePreviews": [{"pageNumber": 1, "pageName": file.name, "rowData": first}],
            "personaPhoneConfig": [
                {"phoneId": phone_id, "phoneLabel": label}
                for phone_id, label in backend.settings.persona_phones.items()
            ],
        },
        201,
    )


@router.post("/process")
async def process(request: Request, account: ProcessAccount, campaign_id: Id, body: JsonBody) -> Response:
    """Load a previewed file; the answer is 202 without a body, whatever came of the rows.

    The work is done before the answer is sent, or as long after it as the settings say. The counts are those
    of the new list; which rows were rejected is told nowhere, as nothing in the vendor's documents tells it.
    A file can be processed once.
    """
    backend = backend_of(request)
    campaign = backend.store.campaign_of_account(account.account_id, campaign_id)
    fields = request_fields(body, "transactionId", "pageColumnMappings")
    transaction_id = fields["transactionId"]
    upload = backend.uploads.of(transaction_id, account.account_id, campaign_id)
    upload = replace(
        upload,
        file_type=fields.get("fileType", upload.file_type),
        quote=fields.get("quoteChar", upload.quote),
    )
    check_file_settings(upload.file_type, upload.quote)
    mapping = ColumnMapping(fields, backend.settings.persona_phones)
    rows = upload.rows()
    if fields.get("fileContainsHeaders", False):
        next(rows, None)
    loader = LeadLoader(backend, account.account_id, campaign, fields, upload.file.name)
    if seconds := backend.settings.process_seconds:
        batches = list(mapping.batches(rows))
        asyncio.get_running_loop().call_later(seconds, loader.load, batches, loader.announce())
    else:
        loader.load(mapping.batches(rows))
    backend.uploads.forget(transaction_id)
    return Response(status_code=202)
