"""The control API under ``/sandbox/``, the page, and redirects from links to the vendor's admin UI."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from airflow_provider_engagevoice.sandbox.access import backend_of
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.faults import Fault, PlannedFault
from airflow_provider_engagevoice.sandbox.page import render
from airflow_provider_engagevoice.sandbox.reading import JsonBody, Number, Paging, json_body

router = APIRouter()

CampaignId = Annotated[int | None, Query(alias="campaignId", ge=0, le=2**31 - 1)]

Seconds = Annotated[float | None, Query(gt=0, le=86_400)]


def _fault_json(planned: PlannedFault) -> dict[str, Any]:
    return {**asdict(planned.fault), "seen": planned.seen, "struck": planned.struck}


@router.get("/sandbox/requests")
async def requests(request: Request, limit: Number = 100) -> JSONResponse:
    """List the most recent requests."""
    return JSONResponse([asdict(record) for record in backend_of(request).log.last(limit)])


@router.get("/sandbox/history")
async def history(request: Request, campaign_id: CampaignId = None) -> JSONResponse:
    """List the writes to campaigns."""
    backend = backend_of(request)
    backend.later.run_due()
    return JSONResponse([asdict(entry) for entry in backend.store.history.entries(campaign_id)])


@router.get("/sandbox/counters")
async def counters(request: Request) -> JSONResponse:
    """Return the counters."""
    return JSONResponse(backend_of(request).counters())


@router.get("/sandbox/faults")
async def list_faults(request: Request) -> JSONResponse:
    """List the configured faults."""
    return JSONResponse([_fault_json(planned) for planned in backend_of(request).faults.planned()])


@router.post("/sandbox/faults")
async def add_fault(request: Request) -> JSONResponse:
    """Add a fault."""
    try:
        fault = Fault.from_json(await json_body(request))
    except ValueError as error:
        raise bad_request([Problem("fault", str(error))]) from error
    backend_of(request).faults.add(fault)
    return JSONResponse(asdict(fault), 201)


@router.delete("/sandbox/faults")
async def clear_faults(request: Request) -> JSONResponse:
    """Remove all faults."""
    backend_of(request).faults.clear()
    return JSONResponse(True)


@router.get("/sandbox/dialer")
async def dialer(request: Request) -> JSONResponse:
    """Return the dialer settings."""
    return JSONResponse(asdict(backend_of(request).dialer.settings))


@router.post("/sandbox/dialer")
async def set_dialer(request: Request, body: JsonBody) -> JSONResponse:
    """Change dialer settings; omitted ones are unchanged."""
    backend = backend_of(request)
    try:
        settings = replace(backend.dialer.settings, **body)
    except (TypeError, ValueError) as error:
        raise bad_request([Problem("dialer", str(error))]) from error
    backend.dialer.configure(settings)
    return JSONResponse(asdict(settings))


@router.get("/sandbox/dialect")
async def dialect(request: Request) -> JSONResponse:
    """Return the dialect."""
    return JSONResponse(asdict(backend_of(request).dialect))


@router.post("/sandbox/dialect")
async def set_dialect(request: Request, body: JsonBody) -> JSONResponse:
    """Change points of the dialect; omitted ones are unchanged."""
    backend = backend_of(request)
    try:
        backend.dialect = backend.dialect.with_values(body)
    except ValueError as error:
        raise bad_request([Problem("dialect", str(error))]) from error
    return JSONResponse(asdict(backend.dialect))


@router.post("/sandbox/maintenance")
async def begin_maintenance(request: Request, seconds: Seconds = None) -> JSONResponse:
    """Begin a maintenance, in which requests are answered as the dialect says."""
    backend = backend_of(request)
    backend.maintenance.begin(backend.dialect, seconds)
    return JSONResponse(True)


@router.delete("/sandbox/maintenance")
async def end_maintenance(request: Request) -> JSONResponse:
    """End the maintenance."""
    backend_of(request).maintenance.end()
    return JSONResponse(True)


@router.get("/sandbox/passes")
async def passes(request: Request, page: Paging, campaign_id: CampaignId = None) -> JSONResponse:
    """List completed calls."""
    return JSONResponse(backend_of(request).leads.passes(campaign_id, page))


@router.post("/sandbox/reset")
async def reset(request: Request) -> JSONResponse:
    """Restore the initial data."""
    backend_of(request).reset()
    return JSONResponse(True)


@router.get("/")
async def page(request: Request) -> HTMLResponse:
    """Show the HTML page."""
    backend_of(request).later.run_due()
    return HTMLResponse(render(backend_of(request), str(request.base_url).rstrip("/")))


@router.get("/voice/admin")
@router.get("/voice/admin/{rest:path}")
async def administration(rest: str = "") -> RedirectResponse:
    """Redirect links to the vendor's admin UI to the page."""
    return RedirectResponse("/")
