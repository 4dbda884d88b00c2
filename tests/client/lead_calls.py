"""A call of each method on leads, the do-not-call list and what is being dialed.

Per method: its arguments, what its answer has to say, and the last request it makes.
"""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_engagevoice.models.lead import LeadAction
from airflow_provider_engagevoice.sandbox import seed
from tests.lead_lists import list_of

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID
CRITERIA = {"campaignIds": [CAMPAIGN]}
LEADS = "…/campaignLeads"
#: Label of a do-not-call tag that is there besides the one of every account; its id is 1.
SPARE_TAG = "spare"

LEAD_CALLS: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "load_leads": (
        (CAMPAIGN, json.dumps(list_of(3)).encode()),
        lambda answer: (answer.leadsInserted, answer.failed) == (3, False),
        f"POST …/campaigns/{CAMPAIGN}/leadLoader/direct",
    ),
    "search_leads": ((CRITERIA,), lambda found: found == [], f"POST {LEADS}/leadSearch"),
    "search_leads_page": ((CRITERIA, 1), lambda found: found == [], f"POST {LEADS}/leadSearch"),
    "count_leads": ((CRITERIA,), lambda count: count == 0, f"POST {LEADS}/leadSearch"),
    "act_on_leads": (
        (LeadAction.EMAIL_LEADS, CRITERIA, {"EMAIL_TO": "ops@example.com"}),
        lambda result: result.success and result.raw["leadActionType"] == "EMAIL_LEADS",
        f"PUT {LEADS}/actions",
    ),
    "list_lead_states": ((), lambda found: "READY" in found, f"GET {LEADS}/leadStates"),
    "list_system_dispositions": ((), lambda found: "ANSWER" in found, f"GET {LEADS}/systemDispositions"),
    "list_dnc_numbers": ((), lambda found: found == [], "GET …/dncLists"),
    "search_dnc_numbers": (
        ({"phone": "4155550100"},),
        lambda found: found == [],
        "POST …/dncLists/advancedSearch",
    ),
    "search_dnc_numbers_page": (({}, 1), lambda found: found == [], "POST …/dncLists/advancedSearch"),
    "add_dnc_number": (("4155550100", 0), lambda made: made["tag"] == "GLOBAL", "POST …/dncLists"),
    "remove_dnc_number": (
        ("4155550100", 0, "USA"),
        lambda nothing: nothing is None,
        "DELETE …/dncLists/tags/0/phones/4155550100/countries/USA",
    ),
    "upload_dnc_file": (
        (b"4155550100\n4155550101\n", 0),
        lambda answer: answer["uploaded"] == 2,
        "POST …/dncLists/uploadDncFile",
    ),
    "list_dnc_tags": (
        (),
        lambda found: [tag["dncTagLabel"] for tag in found] == ["GLOBAL", SPARE_TAG],
        "GET …/dncTags",
    ),
    "create_dnc_tag": (("web",), lambda made: made["dncTagLabel"] == "web", "POST …/dncTags"),
    "delete_dnc_tag": ((1,), lambda nothing: nothing is None, "DELETE …/dncTags/1"),
    "find_dnc_tag": ((SPARE_TAG,), lambda found: found == 1, "GET …/dncTags"),
    "list_outbound_statistics": (
        (),
        lambda found: CAMPAIGN in {row.campaignId for row in found},
        "GET …/realTimeData/outbound",
    ),
    "find_outbound_statistics": (
        (["Holiday Renewals 2025"],),
        lambda found: [row.campaignId for row in found] == [CAMPAIGN],
        "GET …/realTimeData/outbound",
    ),
}
