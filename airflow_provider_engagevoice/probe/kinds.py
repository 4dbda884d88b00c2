"""What an answer, a stored name or a stored date says about a server. Pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize

from airflow_provider_engagevoice.probe.answers import Answer


def kind_of_create(sent: dict[str, Any], answer: Answer) -> str | None:
    """Return which answer to a create it is, None if it is none of them."""
    if not answer.is_success:
        return None
    if answer.is_empty:
        return f"{answer.status} empty" if answer.status in (201, 202) else None
    if not isinstance(answer.data, dict):
        return None
    names = answer.data.keys()
    if names == {"campaignId"}:
        return "id"
    if names - {"campaignId"} == sent.keys():
        return "echo" if "campaignId" in names else "echo without id"
    return "stored"


def kind_of_name(sent: str, kept: str) -> str | None:
    """Return how a name was stored, None if in no known way."""
    forms = {
        "as sent": sent,
        "trimmed": sent.strip(),
        "case folded": sent.casefold(),
        "NFC": normalize("NFC", sent),
    }
    for value, form in forms.items():
        if kept == form:
            return value
    return "cut" if kept and len(kept) < len(sent) and sent.startswith(kept) else None


def kind_of_format(text: str) -> str | None:
    """Return how a date is written."""
    if text.endswith("Z"):
        return "Z"
    if text.endswith("+0530"):
        return "+0530"
    if "." not in text:
        return "no milliseconds"
    return "documented" if text.endswith("+0000") else None


def kind_of_precision(sent: str, kept: str) -> str | None:
    """Return how exactly a date was stored, None if that does not show."""
    try:
        instant, wanted = datetime.fromisoformat(kept), datetime.fromisoformat(sent)
    except ValueError:
        return None
    if instant == wanted:
        return "milliseconds"
    units = (
        ("seconds", timedelta(seconds=1)),
        ("minutes", timedelta(minutes=1)),
        ("days", timedelta(days=1)),
    )
    if instant.tzinfo is None:
        return None
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    for value, unit in units:
        if instant == wanted - (wanted - epoch) % unit:
            # A text without milliseconds does not show whether they are stored.
            return None if value == "seconds" and "." not in kept else value
    return None
