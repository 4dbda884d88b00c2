"""The ASGI application."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from airflow_provider_engagevoice.sandbox import (
    routes_accounts,
    routes_agents,
    routes_audit,
    routes_auth,
    routes_campaigns,
    routes_control,
    routes_dial_groups,
    routes_dnc,
    routes_leads,
    routes_loader,
    routes_real_time,
)
from airflow_provider_engagevoice.sandbox.access import backend_of
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import (
    PAGE,
    HttpError,
    NotFoundError,
    PageError,
    Problem,
    access_denied,
    bad_request,
    not_found,
)
from airflow_provider_engagevoice.sandbox.gate import App, Gate

API_PREFIXES = ("/voice/api/v1", "/api/v1")
"""Path prefixes of the API: current and legacy."""
_API_PATHS = ("/voice/api/", "/api/", "/restapi/")


def _response(request: Request, error: HttpError) -> Response:
    if isinstance(error, NotFoundError) and request.url.path.startswith(_API_PATHS):
        error = _of_dialect(error, backend_of(request).dialect.unknown)
    if isinstance(error, PageError):
        return HTMLResponse(PAGE, error.status)
    if error.plain is not None:
        return PlainTextResponse(error.plain, error.status, error.headers)
    return JSONResponse(error.body(request.url.path), error.status, error.headers)


def _of_dialect(error: NotFoundError, unknown: str) -> HttpError:
    """Return what the dialect answers for an unknown path or id."""
    if unknown.endswith("HTML"):
        return PageError(int(unknown[:3]))
    return access_denied() if unknown == "403" else error


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return _response(request, error)


async def _on_invalid_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [Problem(str(one["loc"][-1]), one["msg"], one.get("input")) for one in error.errors()]
    return _response(request, bad_request(problems))


async def _on_starlette_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _response(request, not_found(request.url.path))
    return _response(request, HttpError(error.status_code, error.detail, headers=error.headers))


async def _on_failure(request: Request, error: Exception) -> Response:
    return _response(request, HttpError(500, "Internal error of the sandbox; see its log."))


def create_app(backend: Backend) -> App:
    """Return the ASGI application for a backend."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.backend = backend
    app.add_exception_handler(HttpError, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameter)
    app.add_exception_handler(HTTPException, _on_starlette_error)
    app.add_exception_handler(Exception, _on_failure)
    app.include_router(routes_auth.router)
    for prefix in API_PREFIXES:
        app.include_router(routes_auth.legacy_router, prefix=prefix)
        app.include_router(routes_accounts.router, prefix=prefix)
        app.include_router(routes_dial_groups.router, prefix=prefix)
        app.include_router(routes_campaigns.router, prefix=prefix)
        app.include_router(routes_loader.router, prefix=prefix)
        app.include_router(routes_leads.router, prefix=prefix)
        app.include_router(routes_dnc.router, prefix=prefix)
        app.include_router(routes_real_time.router, prefix=prefix)
        app.include_router(routes_agents.router, prefix=prefix)
        app.include_router(routes_audit.router, prefix=prefix)
    app.include_router(routes_agents.integration_router)
    app.include_router(routes_control.router)
    return Gate(app, backend)
