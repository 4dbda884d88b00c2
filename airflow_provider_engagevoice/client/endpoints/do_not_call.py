"""Endpoints of the internal do-not-call list.

Paths are those of the vendor's document on do-not-call lists, which shows the body and the response of a new
entry. The criteria of the search, and the parameters, file and response of the upload are not documented:
each function states its assumption. No rate limit is documented either: they count as provisioning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow_provider_engagevoice.characters import listed
from airflow_provider_engagevoice.client.endpoints import every_page, page_query
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request, file_form
from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest

Row = dict[str, Any]

_ACCOUNT = "admin/accounts/{accountId}"
_LISTS = f"{_ACCOUNT}/dncLists"
_TAGS = f"{_ACCOUNT}/dncTags"
#: Requested rows per page. The vendor documents neither a default nor a cap.
PAGE_ROWS = 500


def list_dnc_numbers() -> Procedure[list[Row]]:
    """List all numbers, page by page, in memory."""

    def request_page(page: int | None) -> Request[list[Row]]:
        return Request("GET", _LISTS, _numbers, Idempotency.SAFE, query=page_query(page, PAGE_ROWS))

    return (yield from every_page(request_page, number_key, may_move=True))


def search_dnc_numbers(criteria: Mapping[str, Any]) -> Procedure[list[Row]]:
    """Return all matching numbers, page by page, in memory."""

    def request_page(page: int | None) -> Request[list[Row]]:
        return search_dnc_numbers_page(criteria, page)

    return (yield from every_page(request_page, number_key, may_move=True))


def search_dnc_numbers_page(criteria: Mapping[str, Any], page: int | None = None) -> Request[list[Row]]:
    """Return one page of the matching numbers.

    :param criteria: not documented; presumably fields of an entry, such as ``phone`` and ``dncTagId``
    :param page: page number; None for the first page, whose number is not documented
    """
    return Request(
        "POST",
        f"{_LISTS}/advancedSearch",
        _numbers,
        Idempotency.SAFE,
        query=page_query(page, PAGE_ROWS),
        body=criteria,
    )


def add_dnc_number(
    phone: str,
    dnc_tag_id: int,
    country_id: str = "USA",
    *,
    extern_id: str | None = None,
    reason: str | None = None,
) -> Request[Row]:
    """Add a number to the list. Idempotent."""
    body: Row = {"phone": phone, "countryId": country_id, "dncTagId": dnc_tag_id}
    if extern_id is not None:
        body["externId"] = extern_id
    if reason is not None:
        body["reason"] = reason
    return Request("POST", _LISTS, _row, Idempotency.IDEMPOTENT, body=body)


def remove_dnc_number(phone: str, dnc_tag_id: int, country_id: str = "USA") -> Request[None]:
    """Remove a number from the list."""
    phone, country_id = (quote(text, safe="") for text in (phone, country_id))
    path = f"{_LISTS}/tags/{dnc_tag_id}/phones/{phone}/countries/{country_id}"
    return Request("DELETE", path, _nothing, Idempotency.IDEMPOTENT)


def upload_dnc_file(content: bytes, dnc_tag_id: int, country_id: str = "USA") -> Request[Any]:
    """Add the numbers of a file to the list; return the response unchanged.

    The request has ``dncTagId`` and ``countryId`` in the query, named as in an entry, and the file as the
    part ``file``, as for the lead loader.

    :param content: one number per line
    """
    body, content_type = file_form(content, "numbers.csv")
    return Request(
        "POST",
        f"{_LISTS}/uploadDncFile",
        _anything,
        Idempotency.IDEMPOTENT,
        query={"dncTagId": dnc_tag_id, "countryId": country_id},
        content=body,
        content_type=content_type,
    )


def list_dnc_tags() -> Request[list[Row]]:
    """List the tags of numbers."""
    return Request("GET", _TAGS, _tags, Idempotency.SAFE)


def create_dnc_tag(label: str) -> Request[Row]:
    """Create a tag. Whether labels are unique is not documented: after a lost response, check the server."""
    return Request("POST", _TAGS, _row, Idempotency.UNSAFE, body={"dncTagLabel": label})


def delete_dnc_tag(dnc_tag_id: int) -> Request[None]:
    """Delete a tag."""
    return Request("DELETE", f"{_TAGS}/{dnc_tag_id}", _nothing, Idempotency.IDEMPOTENT)


def find_dnc_tag(reference: object) -> Procedure[int]:
    """Return the id of a tag.

    :param reference: its id or label
    :raises InvalidInputError: if there is none; the message has the nearest labels
    """
    if isinstance(reference, str) and reference.strip().isascii() and reference.strip().isdigit():
        reference = int(reference)
    if isinstance(reference, int) and not isinstance(reference, bool):
        return reference
    tags = yield from list_dnc_tags()
    labels = {str(tag.get("dncTagLabel")): int(tag["dncTagId"]) for tag in tags}
    if isinstance(reference, str) and reference in labels:
        return labels[reference]
    hint = nearest(str(reference), labels)
    raise InvalidInputError(
        "tag", reference, f"there is no such do-not-call tag{hint}; known: {listed(labels)}"
    )


def number_key(row: Row) -> tuple[str, ...]:
    """Return the key that identifies an entry of the list."""
    return str(row["phone"]), str(row.get("countryCode")), str(row.get("dncTagId"))


def _numbers(data: Any) -> list[Row]:
    if not isinstance(data, list) or not all(isinstance(row, dict) and "phone" in row for row in data):
        raise TypeError("expected a JSON array of numbers")
    return data


def _tags(data: Any) -> list[Row]:
    if not isinstance(data, list) or not all(
        isinstance(row, dict) and isinstance(row.get("dncTagId"), int) for row in data
    ):
        raise TypeError("expected a JSON array of tags")
    return data


def _row(data: Any) -> Row:
    if not isinstance(data, dict):
        raise TypeError("expected a JSON object")
    return data


def _anything(data: Any) -> Any:
    return data


def _nothing(data: Any) -> None:
    return None
