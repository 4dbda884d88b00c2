"""Routes of the lead loader."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from airflow_provider_engagevoice.sandbox.access import Id, backend_of, rate_limited
from airflow_provider_engagevoice.sandbox.campaigns import LATE_SECONDS
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.checks import MAX_LEADS, request_fields
from airflow_provider_engagevoice.sandbox.leads.loader import LeadLoader, answered
from airflow_provider_engagevoice.sandbox.leads.mapping import MAPPING_COLUMNS, ColumnMapping
from airflow_provider_engagevoice.sandbox.leads.uploads import Upload, check_file_settings, uploaded_file
from airflow_provider_engagevoice.sandbox.reading import JsonBody
from airflow_provider_engagevoice.sandbox.settings import DIRECT, PREVIEW, PROCESS, SandboxAccount

router = APIRouter(prefix="/admin/accounts/{account_id}/campaigns/{campaign_id}/leadLoader")

_PREVIEW_ROWS: Final = 10

DirectAccount = Annotated[SandboxAccount, Depends(rate_limited(DIRECT))]
PreviewAccount = Annotated[SandboxAccount, Depends(rate_limited(PREVIEW))]
ProcessAccount = Annotated[SandboxAccount, Depends(rate_limited(PROCESS))]


@router.post("/direct")
async def load_direct(request: Request, account: DirectAccount, campaign_id: Id, body: JsonBody) -> Response:
    """Load the leads of the body into a new list of the campaign; return their counts.

    If every lead is rejected, the status is still 200, with ``processingStatus`` NO_LEADS_PASSED_VALIDATION.
    A dialect may answer with other counts, or load the leads after the connection broke.
    """
    backend = backend_of(request)
    campaign = backend.store.campaign_of_account(account.account_id, campaign_id)
    fields = request_fields(body, "uploadLeads")
    leads = fields["uploadLeads"]
    if not 1 <= len(leads) <= MAX_LEADS:
        raise bad_request([Problem("uploadLeads", f"must be 1 to {MAX_LEADS:,} leads", len(leads))])
    loader = LeadLoader(backend, account.account_id, campaign, fields)
    answer = backend.dialect.lead_answer
    if answer == "late, connection broken":
        backend.later.after(LATE_SECONDS, lambda: loader.load([leads]))
        request.state.breaks = True
        return Response(status_code=202)
    return JSONResponse(answered(loader.load([leads]), answer))


@router.post("/preview")
async def preview(
    request: Request,
    account: PreviewAccount,
    campaign_id: Id,
    file_type: Annotated[str, Query(alias="fileType")],
    quote: Annotated[str, Query(alias="quoteCharacter")] = '"',
) -> JSONResponse:
    """Store a lead file; return its first rows and the available mapping columns."""
    backend = backend_of(request)
    backend.store.campaign_of_account(account.account_id, campaign_id)
    check_file_settings(file_type, quote)
    file = uploaded_file(request.headers.get("content-type", ""), await request.body())
    upload = Upload(account.account_id, campaign_id, file, file_type, quote)
    first = list(islice(upload.rows(), _PREVIEW_ROWS))
    return JSONResponse(
        {
            "transactionId": backend.uploads.add(upload),
            "mappingColumns": MAPPING_COLUMNS,
            "pagePreviews": [{"pageNumber": 1, "pageName": file.name, "rowData": first}],
            "personaPhoneConfig": [
                {"phoneId": phone_id, "phoneLabel": label}
                for phone_id, label in backend.personas.labels(account.account_id).items()
            ],
        },
        201,
    )


@router.post("/process")
async def process(request: Request, account: ProcessAccount, campaign_id: Id, body: JsonBody) -> Response:
    """Load a previewed file; return 202 without a body, regardless of the result.

    The file is loaded before the response, or after ``process_seconds``. The new list has the counts.
    Rejected rows are not reported: the vendor documents no way to get them. A file can be processed once.
    """
    backend = backend_of(request)
    campaign = backend.store.campaign_of_account(account.account_id, campaign_id)
    fields = request_fields(body, "transactionId", "pageColumnMappings")
    transaction_id = fields["transactionId"]
    upload = backend.uploads.get(transaction_id, account.account_id, campaign_id)
    upload = replace(
        upload,
        file_type=fields.get("fileType", upload.file_type),
        quote=fields.get("quoteChar", upload.quote),
    )
    check_file_settings(upload.file_type, upload.quote)
    labels = backend.personas.labels(account.account_id)
    mapping = ColumnMapping(fields, labels, int(backend.dialect.file_columns == "from 1"))
    rows = upload.rows()
    if fields.get("fileContainsHeaders", False):
        next(rows, None)
    loader = LeadLoader(backend, account.account_id, campaign, fields, upload.file.name)
    if seconds := backend.settings.process_seconds:
        batches = list(mapping.batches(rows))
        asyncio.get_running_loop().call_later(seconds, loader.load, batches, loader.add_pending_list())
    else:
        loader.load(mapping.batches(rows))
    backend.uploads.remove(transaction_id)
    return Response(status_code=202)
