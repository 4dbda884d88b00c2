"""Routes of the audit log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, get_args

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox.access import MainAccount
from airflow_provider_engagevoice.sandbox.audit import Action
from airflow_provider_engagevoice.sandbox.errors import Problem, access_denied, bad_request
from airflow_provider_engagevoice.sandbox.reading import JsonBody

router = APIRouter(prefix="/admin/auditLogs")

_OFFSET: Final = re.compile(r"[+-]\d\d:?\d\d$", re.ASCII)
_ENTITIES: Final = ("Campaign",)
_FIELDS: Final = (
    *(
        "accountId",
        "ascOrDesc",
        "auditActions",
        "auditedEntityId",
        "createUserId",
        "orderBy",
        "searchEntities",
    ),
    *("startDateTime", "endDateTime", "startDateTimeAsUnix", "endDateTimeAsUnix"),
)


@router.get("/auditable")
async def auditable(backend: MainAccount) -> JSONResponse:
    """List the kinds of objects whose changes are in the log; in the sandbox, campaigns alone."""
    return JSONResponse([{"name": name, "fullPath": f"com.example.{name}"} for name in _ENTITIES])


@router.put("/search")
async def search(backend: MainAccount, body: JsonBody) -> JSONResponse:
    """Search the log; entries appear five minutes after the change."""
    if backend.dialect.audit_log == "403":
        raise access_denied("Permission Audit log access is required.")
    problems = [
        Problem(name, "is not a field of this search", body[name]) for name in body if name not in _FIELDS
    ]
    account_id = str(body.get("accountId") or "")
    if not account_id:
        problems.append(Problem("accountId", "is required"))
    elif account_id not in {account.account_id for account in backend.settings.accounts}:
        raise access_denied()
    start, end = (_instant(body, name, problems) for name in ("startDateTime", "endDateTime"))
    actions = _texts(body, "auditActions", get_args(Action), problems)
    entities = _texts(body, "searchEntities", None, problems)
    audited = body.get("auditedEntityId")
    if audited is not None and not str(audited).isdecimal():
        problems.append(Problem("auditedEntityId", "must be the id of a campaign", audited))
    if problems:
        raise bad_request(problems)
    if entities and "Campaign" not in entities:
        return JSONResponse([])
    found = backend.store.audit.search(
        account_id, start, end, actions, None if audited is None else int(audited)
    )
    if body.get("ascOrDesc") == "DESCENDING":
        found.reverse()
    return JSONResponse(found)


def _instant(body: Mapping[str, Any], name: str, problems: list[Problem]) -> float:
    """Return an instant in seconds since the epoch; ``Z`` is refused, as by the vendor."""
    unix = body.get(f"{name}AsUnix")
    if type(unix) is int:
        return unix / 1000
    value = body.get(name)
    try:
        if not isinstance(value, str) or not _OFFSET.search(value):
            raise ValueError
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        problems.append(Problem(name, "must be a date with a numeric offset, such as -0700", value))
        return 0.0


def _texts(
    body: Mapping[str, Any], name: str, allowed: tuple[str, ...] | None, problems: list[Problem]
) -> tuple[str, ...]:
    value = body.get(name) or []
    are_texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if are_texts and (allowed is None or set(value) <= set(allowed)):
        return tuple(value)
    problems.append(Problem(name, f"must be a list of {', '.join(allowed or ('text',))}", value))
    return ()
