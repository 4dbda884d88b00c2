"""Which plans a person approves, and what the person is shown."""

from __future__ import annotations

from airflow_provider_engagevoice.inputs import EngageVoiceError
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.seasons.plan import Plan, PlannedCampaign
from airflow_provider_engagevoice.seasons.render import markdown

REJECT = "Reject"
#: Bytes of a form's text: Airflow keeps 65,535 of them in MySQL.
_MOST_BYTES = 60_000


class NotApprovedError(EngageVoiceError):
    """A plan was not approved; nothing was applied."""


class RejectedError(NotApprovedError):
    """A person has rejected a plan; nothing was applied."""


def needs_approval(plan: Plan, approve: str) -> bool:
    """Return whether a person is to approve a plan.

    :param approve: ``always``, ``if_destructive`` or ``never``
    """
    if approve == "if_destructive":
        return any(_is_destructive(one) for one in plan.campaigns)
    return approve == "always" and plan.has_changes


def _is_destructive(planned: PlannedCampaign) -> bool:
    """Return whether it changes a campaign that exists, or makes one that may call."""
    may_call = (planned.state or CampaignState.INACTIVE) != CampaignState.INACTIVE
    return planned.writes and (planned.before is not None or may_call)


def short_digest(plan: Plan) -> str:
    """Return as much of the digest as people are shown."""
    return plan.digest[:12]


def approving_choice(plan: Plan) -> str:
    """Return the choice that approves this plan, and no other."""
    return f"Apply {short_digest(plan)}"


def form_text(plan: Plan, markdown_path: str) -> str:
    """Return a plan as the Markdown of a form.

    :param markdown_path: file with all of it
    """
    # Airflow leaves out HTML.
    text = markdown(plan).replace("<br>", "; ")
    if len(text.encode()) <= _MOST_BYTES:
        return text
    lines, size = [], 0
    for line in text.splitlines():
        size += len(line.encode()) + 1
        if size > _MOST_BYTES:
            break
        lines.append(line)
    title, *shown = lines
    more = len(text.splitlines()) - len(lines)
    notice = f"**This is not all of the plan: {more} more lines are in {markdown_path}.**"
    return "\n".join([title, "", notice, *shown]) + "\n"
