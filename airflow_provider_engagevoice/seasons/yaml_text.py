"""YAML text as plain data, with the line and column of each value.

Scalars are read by YAML 1.2: ``no``, ``0123``, ``+1415`` and dates are text. What YAML 1.1, which most other
tools read, takes for a number of minutes (``10:00``) is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from airflow_provider_engagevoice.inputs import InvalidInputError

#: Keys and indexes from the top of a file to a value.
Path = tuple[str | int, ...]

_NULL = ("", "~", "null", "Null", "NULL")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_MINUTES = re.compile(r"[0-9]{1,2}(:[0-5][0-9])+")
_MERGE = "<<"


class SeasonFileError(InvalidInputError):
    """A season file cannot be used; the message has the line and the column of each problem.

    :param source: name of the file
    :param problems: position, or None, and text of each
    """

    def __init__(self, source: str, problems: Sequence[tuple[tuple[int, int] | None, str]]) -> None:
        lines = [f"{source}:{at[0]}:{at[1]}: {text}" if at else f"{source}: {text}" for at, text in problems]
        Exception.__init__(self, "\n".join(lines))
        self.field = "season"
        self.value = source
        self.expected = lines[0]


class YamlFile:
    """The data of a YAML text.

    :param source: name of the file, for errors
    :raises SeasonFileError: for text that is no YAML, a key that comes twice, and a time without quotes
    """

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self._positions: dict[Path, tuple[int, int]] = {}
        self._problems: list[tuple[tuple[int, int] | None, str]] = []
        try:
            # Composing makes nodes alone, so no tag can construct an object.
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = (mark.line + 1, mark.column + 1) if mark else None
            hint = "; put templates in quotes" if "{{" in text or "{%" in text else ""
            problem = f"{error.context or ''} {error.problem or ''}".strip()
            raise SeasonFileError(source, [(at, f"no YAML: {problem}{hint}")]) from None
        except yaml.YAMLError as error:
            raise SeasonFileError(source, [(None, f"no YAML: {error}")]) from None
        self.data: Any = None if node is None else self._value(node, (), ())
        if self._problems:
            raise SeasonFileError(source, self._problems)

    def position(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        """Return the line and column of the value at a path, or of the nearest value above it."""
        known = tuple(path)
        while known and known not in self._positions:
            known = known[:-1]
        return self._positions.get(known)

    def _value(self, node: yaml.Node, path: Path, parents: tuple[int, ...]) -> Any:
        self._positions.setdefault(path, _position(node))
        if id(node) in parents:
            self._problems.append((_position(node), "an alias contains itself"))
            return None
        parents = (*parents, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, parents)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index), parents) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, parents: tuple[int, ...]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.append((_position(key_node), "a key must be text"))
            elif key == _MERGE and key_node.style is None:
                for one in _merged_nodes(value_node):
                    found = self._value(one, path, parents)
                    merged = {**(found if isinstance(found, Mapping) else {}), **merged}
            elif key in own:
                self._problems.append((_position(key_node), f"the key {key!r} comes twice"))
            else:
                self._positions[(*path, key)] = _position(key_node)
                own[key] = self._value(value_node, (*path, key), parents)
        return merged | own

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if not is_plain:
            return text
        if text in _NULL:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _MINUTES.fullmatch(text):
            self._problems.append((_position(node), f"write '{text}' in quotes: many tools read a number"))
        return text


def _merged_nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    else:
        yield node


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
