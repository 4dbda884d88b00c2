"""Routes of the internal do-not-call list.

The vendor documents the paths and one sample of adding a number, whose response all numbers follow here. Not
documented, assumed: lists are paged; a deletion returns the count of removed numbers; adding an existing
number updates its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox.access import Account, Id, backend_of
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.defaults import COUNTRY_IDS
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.do_not_call import GLOBAL_TAG
from airflow_provider_engagevoice.sandbox.leads.fields import dialable
from airflow_provider_engagevoice.sandbox.leads.search import UPLOADED_BY, shown_date
from airflow_provider_engagevoice.sandbox.leads.uploads import rows, uploaded_file
from airflow_provider_engagevoice.sandbox.reading import JsonBody, Paging
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount

router = APIRouter(prefix="/admin/accounts/{account_id}")

_PHONE: Final = re.compile(r"\+?\d{4,15}", re.ASCII).fullmatch
_CRITERIA: Final = ("phone", "countryId", "dncTagId", "externId", "reason")

TagId = Annotated[int, Query(alias="dncTagId", ge=0)]
CountryId = Annotated[str, Query(alias="countryId")]


def _view(number: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "phone": number["phone"],
        "tag": number["tag"],
        "countryCode": {"id": number["countryId"], "description": None},
        "addedDate": shown_date(number["addedDate"]),
        "addedBy": UPLOADED_BY,
        "reason": number["reason"],
        "dncTagId": number["dncTagId"],
        "externId": number["externId"],
    }


def _check(backend: Backend, account: SandboxAccount, country_id: Any, tag_id: Any) -> None:
    problems = []
    if country_id not in COUNTRY_IDS:
        problems.append(Problem("countryId", "is not a country of this account", country_id))
    if tag_id not in [tag["dncTagId"] for tag in backend.dnc.tags(account.account_id)]:
        problems.append(Problem("dncTagId", "is not a do-not-call tag of this account", tag_id))
    if problems:
        raise bad_request(problems)


@router.get("/dncLists")
async def list_numbers(request: Request, account: Account, page: Paging) -> JSONResponse:
    """List a page of the numbers."""
    numbers = backend_of(request).dnc.numbers(account.account_id, {}, page)
    return JSONResponse([_view(number) for number in numbers])


@router.post("/dncLists")
async def add_number(request: Request, account: Account, body: JsonBody) -> JSONResponse:
    """Add a number to the list.

    Country and tag are accepted as in both of the vendor's samples: ``countryId`` or ``countryCode.id``,
    ``dncTagId`` or ``dncTag.dncTagId``; default: USA and GLOBAL.
    """
    backend = backend_of(request)
    country_id = body.get("countryId") or _nested(body, "countryCode", "id") or "USA"
    tag_id = body.get("dncTagId")
    if tag_id is None:
        tag_id = _nested(body, "dncTag", "dncTagId") or GLOBAL_TAG
    _check(backend, account, country_id, tag_id)
    phone = body.get("phone")
    problems = [
        Problem(name, "must be text", body[name])
        for name in ("reason", "externId")
        if not isinstance(body.get(name, ""), str | None)
    ]
    if not isinstance(phone, str) or not _PHONE(phone):
        problems.append(Problem("phone", "must be a telephone number", phone))
    if problems:
        raise bad_request(problems)
    phone = dialable(str(phone))
    backend.dnc.add(account.account_id, [phone], country_id, tag_id, body.get("reason"), body.get("externId"))
    identity = {"phone": phone, "countryId": country_id, "dncTagId": tag_id}
    return JSONResponse(_view(backend.dnc.numbers(account.account_id, identity)[0]))


def _nested(body: Mapping[str, Any], name: str, key: str) -> Any:
    value = body.get(name)
    return value.get(key) if isinstance(value, dict) else None


@router.post("/dncLists/advancedSearch")
async def search_numbers(request: Request, account: Account, body: JsonBody, page: Paging) -> JSONResponse:
    """List a page of the numbers that match all criteria.

    Criteria are not documented; assumed: ``phone``, ``countryId``, ``dncTagId``, ``externId``, ``reason``.
    """
    given = {name: value for name, value in body.items() if value is not None}
    problems = [Problem(name, "is not a criterion", given[name]) for name in given if name not in _CRITERIA]
    problems += [
        Problem(name, "must be an integer" if name == "dncTagId" else "must be text", value)
        for name, value in given.items()
        if name in _CRITERIA and type(value) is not (int if name == "dncTagId" else str)
    ]
    if problems:
        raise bad_request(problems)
    if "phone" in given:
        given["phone"] = dialable(given["phone"])
    numbers = backend_of(request).dnc.numbers(account.account_id, given, page)
    return JSONResponse([_view(number) for number in numbers])


@router.post("/dncLists/uploadDncFile")
async def upload_numbers(
    request: Request, account: Account, tag_id: TagId = GLOBAL_TAG, country_id: CountryId = "USA"
) -> JSONResponse:
    """Add the numbers of a file to the list.

    Not documented, assumed: ``dncTagId`` and ``countryId`` in the query; a multipart part ``file`` with
    a number at the start of each line, up to the first comma; a response with counts and ``rejectedRows``, as
    in the lead loader.
    """
    backend = backend_of(request)
    _check(backend, account, country_id, tag_id)
    file = uploaded_file(request.headers.get("content-type", ""), await request.body())
    phones, rejected = [], []
    for row in rows(file.content, ","):
        if _PHONE(row[0].strip()):
            phones.append(dialable(row[0].strip()))
        else:
            rejected.append({"message": "phone: must be a telephone number", "rowData": row})
    backend.dnc.add(account.account_id, phones, country_id, tag_id)
    counts = {"supplied": len(phones) + len(rejected), "uploaded": len(phones)}
    return JSONResponse({**counts, "rejectedRows": rejected})


def _remove(request: Request, account: SandboxAccount, **values: Any) -> JSONResponse:
    return JSONResponse({"deletedCount": backend_of(request).dnc.remove(account.account_id, values)})


@router.delete("/dncLists/tags/{tag_id}")
async def remove_tagged(request: Request, account: Account, tag_id: Id) -> JSONResponse:
    """Remove all numbers with a tag."""
    return _remove(request, account, dncTagId=tag_id)


@router.delete("/dncLists/tags/{tag_id}/countries/{country_id}")
async def remove_of_country(request: Request, account: Account, tag_id: Id, country_id: str) -> JSONResponse:
    """Remove the numbers with a tag and a country."""
    return _remove(request, account, dncTagId=tag_id, countryId=country_id)


@router.delete("/dncLists/tags/{tag_id}/phones/{phone}/countries/{country_id}")
async def remove_number(
    request: Request, account: Account, tag_id: Id, phone: str, country_id: str
) -> JSONResponse:
    """Remove one number."""
    return _remove(request, account, dncTagId=tag_id, phone=dialable(phone), countryId=country_id)


@router.get("/dncTags")
async def list_tags(request: Request, account: Account) -> JSONResponse:
    """List all tags; GLOBAL always exists."""
    return JSONResponse(backend_of(request).dnc.tags(account.account_id))


@router.post("/dncTags")
async def add_tag(request: Request, account: Account, body: JsonBody) -> JSONResponse:
    """Create a tag, with ``dncTagId`` and ``dncTagLabel`` as in the vendor's sample of a number."""
    label = body.get("dncTagLabel")
    if not isinstance(label, str) or not label.strip():
        raise bad_request([Problem("dncTagLabel", "must be text", label)])
    return JSONResponse(backend_of(request).dnc.add_tag(account.account_id, label), 201)


@router.delete("/dncTags/{tag_id}")
async def delete_tag(request: Request, account: Account, tag_id: Id) -> JSONResponse:
    """Delete a tag without numbers."""
    backend_of(request).dnc.delete_tag(account.account_id, tag_id)
    return JSONResponse(True)
