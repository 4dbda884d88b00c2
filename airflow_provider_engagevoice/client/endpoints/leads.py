"""Every request this package makes about leads, described once.

Paths, parameters and budgets are those of the vendor's OpenAPI file and its document on rate limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from airflow_provider_engagevoice.client.pagination import every_page, page_query
from airflow_provider_engagevoice.client.rate_limits import BUDGETS
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request, file_form
from airflow_provider_engagevoice.models.lead import LeadActionResult, LeadFilePreview, LoadAnswer
from airflow_provider_engagevoice.models.lead_actions import LeadAction

Row = dict[str, Any]

_ACCOUNT = "admin/accounts/{accountId}"
_LEADS = f"{_ACCOUNT}/campaignLeads"
#: Rows asked for per page of a search. The vendor documents neither a default nor a cap.
SEARCH_ROWS = 500
#: Actions that leave the same when they are carried out twice: what they set is set already. RESET_LEADS and
#: READY_LEADS are not among them, nor is CALLBACK_LEADS, because people who were called in between would be
#: called again; nor are MANUAL_LEADS, which adds a pass each time, EMAIL_LEADS, which sends another message,
#: and MOVE_TO_CAMPAIGN, which may copy.
_REPEATABLE = frozenset(
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


def load_leads(campaign_id: int, content: bytes) -> Request[LoadAnswer]:
    """Load leads into a campaign. There is no idempotency key: sent twice, it may load them twice.

    :param content: the JSON of a ``LeadListProcessingRequest``, encoded
    """
    return Request(
        "POST",
        f"{_ACCOUNT}/campaigns/{campaign_id}/leadLoader/direct",
        LoadAnswer.from_server,
        Idempotency.UNSAFE,
        content=content,
        budget=BUDGETS["lead_loader_direct"],
    )


def search_leads(
    criteria: Mapping[str, Any], enough: Callable[[Iterable[Row]], bool] | None = None
) -> Procedure[list[Row]]:
    """Return every lead that fits, page by page: all of them are held in memory.

    :param criteria: a ``CampaignLeadSearchCriteria``
    :param enough: told all leads so far, says whether no further page is needed
    """

    def ask(page: int | None) -> Request[list[Row]]:
        return search_leads_page(criteria, page)

    is_enough = None if enough is None else lambda rows: enough(rows.values())
    return (yield from every_page(ask, itemgetter("leadId"), SEARCH_ROWS, is_enough))


def search_leads_page(criteria: Mapping[str, Any], page: int | None = None) -> Request[list[Row]]:
    """Return one page of the leads that fit.

    :param page: its number; None for the first one, whose number is not documented
    """
    return Request(
        "POST",
        f"{_LEADS}/leadSearch",
        _rows,
        Idempotency.SAFE,
        query=page_query(page, SEARCH_ROWS),
        body=criteria,
        budget=BUDGETS["lead_search"],
    )


def search_leads_by_phones(phones: Iterable[str]) -> Procedure[list[Row]]:
    """Return every lead that has one of these numbers, in any campaign, page by page.

    What the file of numbers looks like is not documented; sent is a number on each line. The budget for
    searches by number is documented without naming its endpoint; this one draws on it.
    """
    body, content_type = file_form("".join(f"{phone}\n" for phone in phones).encode(), "numbers.csv")

    def ask(page: int | None) -> Request[list[Row]]:
        return Request(
            "POST",
            f"{_LEADS}/leadSearchByPhoneList",
            _rows,
            Idempotency.SAFE,
            query=page_query(page, SEARCH_ROWS),
            content=body,
            content_type=content_type,
            budget=BUDGETS["lead_search_by_number"],
        )

    return (yield from every_page(ask, itemgetter("leadId"), SEARCH_ROWS))


def update_lead(lead_id: int, campaign_id: int, changes: Mapping[str, Any]) -> Request[Row | None]:
    """Change fields of a lead, and leave the others as they are; return it, where the server does.

    A change of ``leadState`` is not sent again when its answer is lost: who was called in between would be
    called again.

    :param changes: fields of a ``CampaignLead``
    """
    return Request(
        "PATCH",
        f"{_LEADS}/{lead_id}",
        _lead,
        Idempotency.UNSAFE if "leadState" in changes else Idempotency.IDEMPOTENT,
        query={"campaignId": campaign_id},
        body=changes,
        budget=BUDGETS["lead_update"],
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
    """Return how many leads fit.

    What the answer looks like is not documented: a number is taken, or an object with one number in it.

    :param criteria: a ``CampaignLeadSearchCriteria``
    """
    return Request(
        "POST",
        f"{_LEADS}/leadSearch",
        _count,
        Idempotency.SAFE,
        query={"count": "true"},
        body=criteria,
        budget=BUDGETS["lead_count"],
    )


def act_on_leads(
    action: LeadAction, criteria: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
) -> Request[LeadActionResult]:
    """Do something to every lead that fits. The answer may say that it failed: see ``success``.

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
        Idempotency.IDEMPOTENT if action in _REPEATABLE else Idempotency.UNSAFE,
        query={"leadAction": str(action)},
        body=body,
        budget=BUDGETS["lead_actions"],
    )


def list_lead_states() -> Request[list[str]]:
    """List the states a lead of the account can be in."""
    return Request("GET", f"{_LEADS}/leadStates", _texts, Idempotency.SAFE)


def list_system_dispositions() -> Request[list[str]]:
    """List what can come of a call of the account."""
    return Request("GET", f"{_LEADS}/systemDispositions", _texts, Idempotency.SAFE)


def _count(data: Any) -> int:
    numbers = list(data.values()) if isinstance(data, dict) else [data]
    if len(numbers) == 1 and isinstance(numbers[0], int) and not isinstance(numbers[0], bool):
        return numbers[0]
    raise TypeError("expected a number of leads")


def _texts(data: Any) -> list[str]:
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise TypeError("expected a JSON array of texts")
    return data


def preview_lead_file(campaign_id: int, content: bytes) -> Request[LeadFilePreview]:
    """Bring a file to the server, and learn how it reads its first rows. It loads nothing.

    :param content: CSV, with commas and double quotes
    """
    body, content_type = file_form(content, "leads.csv")
    return Request(
        "POST",
        f"{_path(campaign_id)}/preview",
        LeadFilePreview.from_server,
        Idempotency.SAFE,
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
        Idempotency.UNSAFE,
        body=request,
        budget=BUDGETS["lead_loader_process"],
        may_be_empty=True,
    )


def _path(campaign_id: int) -> str:
    return f"admin/accounts/{{accountId}}/campaigns/{campaign_id}/leadLoader"


def _answer(data: Any) -> LoadAnswer | None:
    return LoadAnswer.from_server(data) if data else None
