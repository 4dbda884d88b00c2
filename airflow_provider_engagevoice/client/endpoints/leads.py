"""Endpoints of leads.

Paths, parameters and rate limits are those of the vendor's OpenAPI file and its document on rate limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from airflow_provider_engagevoice.client.endpoints import every_page, page_query
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request, file_form
from airflow_provider_engagevoice.exceptions import ApiError
from airflow_provider_engagevoice.models.lead import LeadActionResult, LeadFilePreview, LoadResult
from airflow_provider_engagevoice.models.lead_actions import LeadAction

Row = dict[str, Any]

_ACCOUNT = "admin/accounts/{accountId}"
_LEADS = f"{_ACCOUNT}/campaignLeads"
#: Requested rows per page of a search. The vendor documents neither a default nor a cap.
SEARCH_ROWS = 500
#: Idempotent actions. Not idempotent are RESET_LEADS, READY_LEADS and CALLBACK_LEADS, after which leads
#: called in between would be called again, MANUAL_LEADS, which adds a pass each time, EMAIL_LEADS, which
#: sends another message, and MOVE_TO_CAMPAIGN, which may copy.
_IDEMPOTENT = frozenset(
    {
        LeadAction.CANCEL_LEADS,
        LeadAction.PAUSE_LEADS,
        LeadAction.SUPPRESS_LEADS,
        LeadAction.UNSUPPRESS_LEADS,
        LeadAction.DELETE_LEADS,
        LeadAction.DIALER_REFRESH,
        LeadAction.AGENT_RESERVATION,
    }
)


#: Seconds that loading may take: servers need more than half a minute for large lists.
_LOAD_SECONDS = 120.0


def load_leads(campaign_id: int, content: bytes) -> Request[LoadResult]:
    """Load leads into a campaign. There is no idempotency key: sending it twice may create duplicates.

    :param content: encoded JSON of a ``LeadListProcessingRequest``
    """
    return Request(
        "POST",
        f"{_ACCOUNT}/campaigns/{campaign_id}/leadLoader/direct",
        LoadResult.from_server,
        Idempotency.UNSAFE,
        content=content,
        rate_limit=RATE_LIMITS["lead_loader_direct"],
        seconds=_LOAD_SECONDS,
    )


def search_leads(
    criteria: Mapping[str, Any], enough: Callable[[Iterable[Row]], bool] | None = None
) -> Procedure[list[Row]]:
    """Return all matching leads, page by page, in memory.

    :param criteria: a ``CampaignLeadSearchCriteria``
    :param enough: returns whether the leads so far suffice
    """

    def request_page(page: int | None) -> Request[list[Row]]:
        return search_leads_page(criteria, page)

    is_enough = None if enough is None else lambda rows: enough(rows.values())
    return (yield from every_page(request_page, itemgetter("leadId"), is_enough, may_move=True))


def search_leads_page(criteria: Mapping[str, Any], page: int | None = None) -> Request[list[Row]]:
    """Return one page of the matching leads.

    :param page: page number; None for the first page, whose number is not documented
    """
    return Request(
        "POST",
        f"{_LEADS}/leadSearch",
        _rows,
        Idempotency.SAFE,
        query=page_query(page, SEARCH_ROWS),
        body=criteria,
        rate_limit=RATE_LIMITS["lead_search"],
    )


def search_leads_by_phones(phones: Iterable[str]) -> Procedure[list[Row]]:
    """Return all leads with one of these numbers, in any campaign, page by page.

    The vendor's documents show a JSON body, its OpenAPI file a file without a format: one number per line is
    sent to a server that refuses JSON. The rate limit of searches by number is documented without its
    endpoint; this one counts towards it.
    """
    numbers = list(phones)
    try:
        return (yield from _search_by_list({"body": {"phoneList": numbers}}))
    except ApiError as error:
        if error.status not in (400, 415):
            raise
    content, content_type = file_form("".join(f"{one}\n" for one in numbers).encode(), "numbers.csv")
    return (yield from _search_by_list({"content": content, "content_type": content_type}))


def _search_by_list(body: Mapping[str, Any]) -> Procedure[list[Row]]:
    def request_page(page: int | None) -> Request[list[Row]]:
        return Request(
            "POST",
            f"{_LEADS}/leadSearchByPhoneList",
            _rows,
            Idempotency.SAFE,
            query=page_query(page, SEARCH_ROWS),
            rate_limit=RATE_LIMITS["lead_search_by_number"],
            **body,
        )

    return (yield from every_page(request_page, itemgetter("leadId"), may_move=True))


def update_lead(lead_id: int, campaign_id: int, changes: Mapping[str, Any]) -> Request[Row | None]:
    """Change fields of a lead and keep all others; return the lead if the server does.

    A change of ``leadState`` is not retried after a lost response: a lead called in between would be called
    again.

    :param changes: fields of a ``CampaignLead``
    """
    return Request(
        "PATCH",
        f"{_LEADS}/{lead_id}",
        _lead,
        Idempotency.UNSAFE if "leadState" in changes else Idempotency.IDEMPOTENT,
        query={"campaignId": campaign_id},
        body=changes,
        rate_limit=RATE_LIMITS["lead_update"],
        may_be_empty=True,
    )


def _lead(data: Any) -> Row | None:
    if data is not None and not isinstance(data, dict):
        raise TypeError("expected a JSON object")
    return data


def _rows(data: Any) -> list[Row]:
    if not isinstance(data, list) or not all(isinstance(row, dict) and "leadId" in row for row in data):
        raise TypeError("expected a JSON array of leads")
    return data


def count_leads(criteria: Mapping[str, Any]) -> Request[int]:
    """Return the number of matching leads.

    The response is not documented; a number and an object with one number are accepted.

    :param criteria: a ``CampaignLeadSearchCriteria``
    """
    return Request(
        "POST",
        f"{_LEADS}/leadSearch",
        _count,
        Idempotency.SAFE,
        query={"count": "true"},
        body=criteria,
        rate_limit=RATE_LIMITS["lead_count"],
    )


def act_on_leads(
    action: LeadAction, criteria: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
) -> Request[LeadActionResult]:
    """Execute an action on all matching leads. The response may report a failure: see ``success``.

    :param criteria: a ``CampaignLeadSearchCriteria``
    :param parameters: the action's ``paramMap``
    """
    body: dict[str, Any] = {"campaignLeadSearchCriteria": criteria}
    if parameters:
        body["leadActionParams"] = {"paramMap": parameters}
    return Request(
        "PUT",
        f"{_LEADS}/actions",
        LeadActionResult.from_server,
        Idempotency.IDEMPOTENT if action in _IDEMPOTENT else Idempotency.UNSAFE,
        query={"leadAction": str(action)},
        body=body,
        rate_limit=RATE_LIMITS["lead_actions"],
    )


def list_lead_states() -> Request[list[str]]:
    """List the states of leads in the account."""
    return Request("GET", f"{_LEADS}/leadStates", _texts, Idempotency.SAFE)


def list_system_dispositions() -> Request[list[str]]:
    """List the system dispositions of calls in the account."""
    return Request("GET", f"{_LEADS}/systemDispositions", _texts, Idempotency.SAFE)


def _count(data: Any) -> int:
    numbers = list(data.values()) if isinstance(data, dict) else [data]
    if len(numbers) == 1 and isinstance(numbers[0], int) and not isinstance(numbers[0], bool):
        return numbers[0]
    raise TypeError("expected a number of leads")


def _texts(data: Any) -> list[str]:
    if not isinstance(data, list) or not all(isinstance(text, str) for text in data):
        raise TypeError("expected a JSON array of strings")
    return data


def preview_lead_file(campaign_id: int, content: bytes, *, in_e164: bool = False) -> Request[LeadFilePreview]:
    """Upload a file and return how the server parses its first rows. Loads no leads.

    :param content: CSV with commas and double quotes
    :param in_e164: whether its numbers are in E.164, not ten digits. The parts that say so are those of the
        vendor's own upload page.
    """
    fields = {"fileType": "COMMA", "internationalNumberFormat": "true", "phoneNumbersI18nEnabled": "true"}
    body, content_type = file_form(content, "leads.csv", fields if in_e164 else None)
    return Request(
        "POST",
        f"{_path(campaign_id)}/preview",
        LeadFilePreview.from_server,
        Idempotency.SAFE,
        query={"fileType": "COMMA", "quoteCharacter": '"'},
        content=body,
        content_type=content_type,
        rate_limit=RATE_LIMITS["lead_loader_preview"],
    )


def process_lead_file(campaign_id: int, request: Mapping[str, Any]) -> Request[LoadResult | None]:
    """Load a previewed file. Sending it twice may create duplicates.

    The documented response, 201 or 202, has no body; a body is parsed as that of ``leadLoader/direct``.

    :param request: a ``LeadListProcessingRequest``
    """
    return Request(
        "POST",
        f"{_path(campaign_id)}/process",
        _load_result,
        Idempotency.UNSAFE,
        body=request,
        rate_limit=RATE_LIMITS["lead_loader_process"],
        may_be_empty=True,
        seconds=_LOAD_SECONDS,
    )


def _path(campaign_id: int) -> str:
    return f"admin/accounts/{{accountId}}/campaigns/{campaign_id}/leadLoader"


def _load_result(data: Any) -> LoadResult | None:
    return LoadResult.from_server(data) if data else None
