"""JSON objects out of columns, one for each row: twice as fast as a dict for each, which is then encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from json.encoder import JSONEncoder, encode_basestring_ascii
from typing import Any, NamedTuple

_ENCODER = JSONEncoder(separators=(",", ":"))

text_as_json = encode_basestring_ascii


class Members(NamedTuple):
    """What a column adds to the objects.

    :param form: where it stands, as ``%`` has it
    :param texts: what stands there, for each row
    """

    form: str
    texts: Iterable[str]


def members(name: str, values: Sequence[Any], as_json: Callable[[Any], str]) -> Members:
    """Return a member of each object.

    :param values: an empty text where an object has no such member
    """
    head = f",{text_as_json(name)}:"
    if "" in values:
        return Members("%s", [head + as_json(value) if value != "" else "" for value in values])
    return Members(head.replace("%", "%%") + "%s", map(as_json, values))


def members_of(values: Sequence[Mapping[str, Any] | str]) -> Members:
    """Return all members of objects; an empty text has none."""
    return Members("%s", ["," + _ENCODER.encode(value)[1:-1] if value else "" for value in values])


def objects(columns: Sequence[Members]) -> list[str]:
    """Return an object for each row, as JSON; an empty text where it would have no members."""
    form = "".join(column.form for column in columns)
    rows = zip(*(column.texts for column in columns), strict=True)
    if form.startswith(","):
        form = "{" + form[1:] + "}"
        return [form % row for row in rows]
    return ["{" + text[1:] + "}" if text else "" for text in (form % row for row in rows)]
