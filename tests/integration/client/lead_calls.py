"""A call of each method on leads, the do-not-call list and real-time statistics.

Per method: its arguments, or what makes them in a sandbox, what its answer has to say, and the last request
that it makes.
"""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.leads.uploads import Upload, UploadedFile
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import ACCOUNT_ID
from tests.support.lead_lists import leads as leads_of
from tests.support.lead_lists import list_of

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID
CRITERIA = {"campaignIds": [CAMPAIGN]}
LEADS = "…/campaignLeads"
#: Label of a do-not-call tag besides the one of every account; its id is 1.
SPARE_TAG = "spare"


def of_a_lead(sandbox: SandboxServer) -> tuple[Any, ...]:
    """Add lead 1 and change it."""
    fields = {"campaignId": CAMPAIGN, "listDesc": "", "listState": "ACTIVE", "dialPriority": "NORMAL"}
    fields |= {"duplicateHandling": "RETAIN_ALL", "timeZoneOption": "NPA_NXX", "uploadDate": 0}
    leads = sandbox.backend.leads
    leads.add_leads(CAMPAIGN, leads.add_list(fields), list(leads_of(1)), now=0, next_dial=0)
    return 1, CAMPAIGN, {"city": "Oakland"}


def of_a_file(sandbox: SandboxServer) -> tuple[Any, ...]:
    """Add a file and process it."""
    file = UploadedFile("leads.csv", b"a,4155550100\n")
    fields = list_of(0) | {"pageColumnMappings": {"EXTERN_ID": 0, "LEAD_PHONE": 1}}
    del fields["uploadLeads"]
    upload = Upload(ACCOUNT_ID, CAMPAIGN, file, "COMMA", '"')
    return CAMPAIGN, fields | {"transactionId": sandbox.backend.uploads.add(upload)}


LEAD_CALLS: dict[str, tuple[Any, Any, str]] = {
    "load_leads": (
        (CAMPAIGN, json.dumps(list_of(3)).encode()),
        lambda answer: (answer.leadsInserted, answer.failed) == (3, False),
        f"POST …/campaigns/{CAMPAIGN}/leadLoader/direct",
    ),
    "preview_lead_file": (
        (CAMPAIGN, b"a,4155550100\n"),
        lambda preview: preview.pagePreviews[0].rowData == [["a", "4155550100"]],
        f"POST …/campaigns/{CAMPAIGN}/leadLoader/preview",
    ),
    "process_lead_file": (
        of_a_file,
        lambda nothing: nothing is None,
        f"POST …/campaigns/{CAMPAIGN}/leadLoader/process",
    ),
    "search_leads_by_phones": (
        (["4155550100"],),
        lambda found: found == [],
        f"POST {LEADS}/leadSearchByPhoneList",
    ),
    "update_lead": (of_a_lead, lambda lead: lead["city"] == "Oakland", f"PATCH {LEADS}/1"),
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
