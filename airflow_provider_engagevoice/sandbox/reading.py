"""Request parsing: JSON objects, sign-in parameters and paging."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import parse_qsl

from fastapi import Depends, Query, Request

from airflow_provider_engagevoice.sandbox.access import backend_of
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.store import Page

CAPS: Final = {"100": 100, "16": 16, "99": 99, "any": 7, "filtered after the cut": 7}
"""Rows of a page by the dialect's ``cap``."""

Number = Annotated[int | None, Query(ge=0, le=2**31 - 1)]
MaxRows = Annotated[int | None, Query(alias="maxRows", ge=0, le=2**31 - 1)]


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def json_body(request: Request) -> Any:
    """Return the parsed JSON body; 400 if it is not JSON."""
    try:
        return json.loads(await request.body(), parse_constant=_reject_constant)
    except ValueError as error:
        raise bad_request([Problem("body", f"must be JSON: {error}")]) from error


async def json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of the body; 400 if it is not one."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise bad_request([Problem("body", "must be a JSON object")])
    return body


async def sign_in_parameters(request: Request) -> dict[str, str]:
    """Return query and form parameters merged: the vendor accepts sign-in parameters in both."""
    body = (await request.body()).decode("utf-8", "replace")
    is_form = "x-www-form-urlencoded" in request.headers.get("content-type", "")
    form = parse_qsl(body, keep_blank_values=True) if is_form else []
    return {**dict(request.query_params), **dict(form)}


async def page_of(request: Request, page: Number = None, max_rows: MaxRows = None) -> Page:
    """Return the slice requested by ``page`` and ``maxRows``, limited by the settings."""
    backend = backend_of(request)
    limit = min(max_rows or backend.settings.default_max_rows, backend.settings.max_rows_cap)
    return Page.numbered(page, limit, backend.dialect)


async def page_of_body(request: Request, page: Number = None, max_rows: MaxRows = None) -> Page:
    """Do as :func:`page_of`; without them in the query, those of a JSON body apply."""
    if "json" in request.headers.get("content-type", ""):
        body = await json_object(request)
        given = (body.get(name) for name in ("page", "maxRows"))
        in_body = (one if type(one) is int and one >= 0 else None for one in given)
        page, max_rows = (
            of_body if of_query is None else of_query
            for of_query, of_body in zip((page, max_rows), in_body, strict=True)
        )
    return await page_of(request, page, max_rows)


async def campaign_page_of(request: Request, page: Number = None, max_rows: MaxRows = None) -> Page:
    """Do as :func:`page_of`, for lists of dial groups and campaigns, which the dialect's cap limits."""
    backend = backend_of(request)
    cap = CAPS.get(backend.dialect.cap, backend.settings.max_rows_cap)
    limit = min(max_rows or backend.settings.default_max_rows, backend.settings.max_rows_cap, cap)
    return Page.numbered(page, limit, backend.dialect)


JsonBody = Annotated[dict[str, Any], Depends(json_object)]
SignInParameters = Annotated[dict[str, str], Depends(sign_in_parameters)]
Paging = Annotated[Page, Depends(page_of)]
PagingOrBody = Annotated[Page, Depends(page_of_body)]
CampaignPaging = Annotated[Page, Depends(campaign_page_of)]
