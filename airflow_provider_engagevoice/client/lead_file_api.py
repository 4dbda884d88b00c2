"""The two requests that load leads from a file: preview takes it, process loads it.

Paths, parameters and budgets are those of the vendor's OpenAPI file. How long a previewed file is kept, and
when the leads of a processed one are in, is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.client.budgets import BUDGETS
from airflow_provider_engagevoice.client.forms import file_form
from airflow_provider_engagevoice.client.request import Replay, Request
from airflow_provider_engagevoice.models.lead import LoadAnswer
from airflow_provider_engagevoice.models.lead_file import LeadFilePreview


def preview_lead_file(campaign_id: int, content: bytes) -> Request[LeadFilePreview]:
    """Bring a file to the server, and learn how it reads its first rows. It loads nothing.

    :param content: CSV, with commas and double quotes
    """
    body, content_type = file_form(content, "leads.csv")
    return Request(
        "POST",
        f"{_path(campaign_id)}/preview",
        LeadFilePreview.from_server,
        Replay.SAFE,
        query={"fileType": "COMMA", "quoteCharacter": '"'},
        content=body,
        content_type=content_type,
        budget=BUDGETS["lead_loader_preview"],
    )


def process_lead_file(campaign_id: int, request: Mapping[str, Any]) -> Request[LoadAnswer | None]:
    """Have a previewed file loaded. Sent twice, its leads may be in twice.

    The documented answer, 201 or 202, has no body; one that tells of the leads is read as that of
    ``leadLoader/direct``.

    :param request: a ``LeadListProcessingRequest``
    """
    return Request(
        "POST",
        f"{_path(campaign_id)}/process",
        _answer,
        Replay.UNSAFE,
        body=request,
        budget=BUDGETS["lead_loader_process"],
        may_be_empty=True,
    )


def _path(campaign_id: int) -> str:
    return f"admin/accounts/{{accountId}}/campaigns/{campaign_id}/leadLoader"


def _answer(data: Any) -> LoadAnswer | None:
    return LoadAnswer.from_server(data) if data else None
