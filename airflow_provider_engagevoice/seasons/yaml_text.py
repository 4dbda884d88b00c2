"""YAML text as plain data, with the line and column of each value.

Scalars are read by YAML 1.2: ``no``, ``0123``, ``+1415`` and dates are text. What YAML 1.1, which most other
tools read, takes for a number of minutes (``10:00``) is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from airflow_provider_engagevoice.characters import shown_lines
from airflow_provider_engagevoice.inputs import InvalidInputError

#: Keys and indexes from the top of a file to a value.
Path = tuple[str | int, ...]

_NULL = ("", "~", "null", "Null", "NULL")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_MINUTES = re.compile(r"[0-9]{1,2}(:[0-5][0-9])+")
_MERGE = "<<"
#: Problems that an error shows.
_MOST_SHOWN = 100
#: Values that aliases may repeat.
_MOST_REPEATED = 100_000


class SeasonFileError(InvalidInputError):
    """A season cannot be used; the message has each problem, with its line and column if it is from a file.

    :param source: name of the file; empty if the season is from none
    :param problems: position, or None, and text of each
    """

    def __init__(self, source: str, problems: Sequence[tuple[tuple[int, int] | None, str]]) -> None:
        lines = []
        for at, text in problems:
            place = ":".join(map(str, [source, *(at or ())]))
            lines.append(f"{place}: {text}" if source else text)
        Exception.__init__(self, "\n".join(shown_lines(lines, _MOST_SHOWN)))
        self.field = "season"
        self.value = source
        self.expected = lines[0]


class YamlFile:
    """The data of a YAML text.

    :param source: name of the file, for errors
    :raises SeasonFileError: for text that is no YAML, a key that comes twice, a tag, or a time without quotes
    """

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self._positions: dict[Path, tuple[int, int]] = {}
        self._problems: dict[tuple[tuple[int, int], str], None] = {}
        text = text.removeprefix("\ufeff")
        self._hint = "; put templates in quotes" if "{{" in text or "{%" in text else ""
        #: Values that may still be read: no more than the text has characters, unless aliases repeat them.
        self._left = len(text) + _MOST_REPEATED
        try:
            self.data: Any = self._read(text)
        except RecursionError:
            raise SeasonFileError(source, [(None, "no YAML: it is nested too deeply")]) from None
        if self._problems:
            raise SeasonFileError(source, list(self._problems))

    def _read(self, text: str) -> Any:
        if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
            before = text[: found.start()].split("\n")
            problem = f"no YAML: the character {found.group()!r} is not allowed"
            raise SeasonFileError(self.source, [((len(before), len(before[-1]) + 1), problem)])
        # Composing makes nodes alone, so no tag can construct an object.
        self._loader = yaml.SafeLoader(text)
        try:
            node = self._loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = (mark.line + 1, mark.column + 1) if mark else None
            problem = f"{error.context or ''} {error.problem or ''}".strip()
            raise SeasonFileError(self.source, [(at, f"no YAML: {problem}{self._hint}")]) from None
        return None if node is None else self._value(node, (), ())

    def position(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Return the line and column of the value at a path, or of the nearest value above it."""
        known = tuple(path)
        while known and known not in self._positions:
            known = known[:-1]
        return self._positions.get(known, (1, 1))

    def _add(self, node: yaml.Node, text: str) -> None:
        self._problems[_position(node), text] = None

    def _value(self, node: yaml.Node, path: Path, parents: tuple[int, ...]) -> Any:
        self._positions.setdefault(path, _position(node))
        self._left -= 1
        if self._left < 0:
            raise SeasonFileError(self.source, [(_position(node), "aliases repeat too many values")])
        if id(node) in parents:
            self._add(node, "an alias contains itself")
            return None
        parents = (*parents, id(node))
        self._check_tag(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, parents)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index), parents) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _check_tag(self, node: yaml.Node) -> None:
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        text = node.value if is_plain else None
        usual = self._loader.resolve(type(node), text, (is_plain, not is_plain))  # type: ignore[no-untyped-call]
        if node.tag != usual:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            self._add(node, f"remove the tag {tag}; a value in quotes is text")

    def _mapping(self, node: yaml.MappingNode, path: Path, parents: tuple[int, ...]) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(key_node, f"a key must be text{self._hint}")
            elif key in own or (key == _MERGE and merged):
                self._add(key_node, f"the key {key!r} comes twice")
            elif key == _MERGE and key_node.style is None:
                merged = _merged_nodes(value_node)
            else:
                self._positions.setdefault((*path, key), _position(key_node))
                own[key] = self._value(value_node, (*path, key), parents)
        # A mapping's own keys come first, then those of earlier mappings.
        for one in merged:
            found = self._value(one, path, parents)
            if isinstance(found, Mapping):
                own = {**found, **own}
            else:
                self._add(one, "'<<' merges a mapping, or a list of mappings")
        return own

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
            self._add(node, f"write '{text}' in quotes: many tools read a number")
        return text


def _merged_nodes(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
