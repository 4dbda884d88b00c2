"""docs/fields.md has every field of campaigns and leads.

``python -m tests.unit.test_fields_page`` rewrites it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.models.campaign import READ_ONLY_FIELDS, CampaignFields
from airflow_provider_engagevoice.models.lead import INTEGER_FIELDS, LEAD_FIELDS, OBJECT_FIELDS, OTHER_FIELDS
from tests.support.documentation import read

PAGE = Path(__file__).parents[2] / "docs" / "fields.md"
#: Fields of a campaign that operators have an argument for.
ARGUMENTS = {
    "campaignName": "campaign_name",
    "isActive": "is_active",
    "startDate": "campaign_start",
    "endDate": "campaign_end",
    "callerId": "caller_id",
    "countryId": "country",
}
TYPES = {"integer": "number", "number": "number", "string": "text", "boolean": "`true` or `false`"}
#: What a schema does not say.
VALUES = {
    "startDate": "date with UTC offset",
    "endDate": "date with UTC offset",
    "callerId": "phone number of the campaign's country",
    "transferCallerId": "text of ten digits, or empty for none",
    "personaCallSchedules": "list of windows",
}


def test_managers_are_told_of_fields_that_exist() -> None:
    (table,) = re.findall(r"^## Fields\n(.*?)^## ", read("docs/season-plans.md"), re.MULTILINE | re.DOTALL)
    names = [
        name
        for cell in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    ]
    assert len(names) >= 15
    assert set(names) <= CampaignFields.model_fields.keys()


def described(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return the values of a field in words."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    kind = definitions[kinds[0]["$ref"].rpartition("/")[2]] if "$ref" in kinds[0] else kinds[0]
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind["type"] in ("object", "array"):
        return "list" if len(kinds) > 1 else "object"
    text = TYPES[kind["type"]]
    least, most = kind.get("minimum"), kind.get("maximum")
    if most is not None:
        return f"{text}, {least:g} to {most:g}"
    if least is not None:
        return f"{text}, {least:g} or more" + (" (-1: unlimited)" if least == -1 else "")
    return f"{text}, at most {kind['maxLength']} characters" if "maxLength" in kind else text


def campaign_rows() -> Iterator[str]:
    """Yield the rows of the table of campaign fields."""
    schema = CampaignFields.model_json_schema()
    for name, field in schema["properties"].items():
        value = VALUES.get(name) or described(field, schema.get("$defs", {}))
        argument = "schedule" if name.endswith("Sched") else ARGUMENTS.get(name, "")
        value = "hours: `08002100`, or `00000000` for closed" if argument == "schedule" else value
        yield f"| `{name}` | {value} | {f'`{argument}`' if argument else ''} |"


def lead_rows() -> Iterator[str]:
    """Yield the rows of the table of lead fields that can be loaded."""
    for name in LEAD_FIELDS:
        value = "object with text values" if name in OBJECT_FIELDS else "text"
        yield f"| `{name}` | {'number' if name in INTEGER_FIELDS else value} |"


def with_tables(text: str) -> str:
    """Return the page with new tables and lists."""
    new = {
        "campaigns": ["| field | value | argument |", "|---|---|---|", *campaign_rows()],
        "written by the server": [", ".join(f"`{name}`" for name in sorted(READ_ONLY_FIELDS))],
        "leads": ["| field | value |", "|---|---|", *lead_rows()],
        "not loaded": [", ".join(f"`{name}`" for name in OTHER_FIELDS)],
    }
    for name, lines in new.items():
        block = f"<!-- {name} -->\n\n" + "\n".join(lines) + "\n\n<!-- end -->"
        pattern = rf"<!-- {name} -->.*?<!-- end -->"
        assert re.search(pattern, text, re.DOTALL), name
        text = re.sub(pattern, block.replace("\\", r"\\"), text, count=1, flags=re.DOTALL)
    return text


def test_the_page_has_every_field_with_its_values() -> None:
    assert with_tables(PAGE.read_text()) == PAGE.read_text()


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
