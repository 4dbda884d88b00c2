"""The YAML of season files: plain data with positions, and no surprises of YAML 1.1."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_engagevoice.seasons.yaml_text import SeasonFileError, YamlFile


def data(text: str) -> Any:
    return YamlFile(text, "s.yaml").data


def problems(text: str) -> list[str]:
    with pytest.raises(SeasonFileError) as caught:
        YamlFile(text, "s.yaml")
    return [line.removeprefix("s.yaml:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            (text, text)
            for text in ("NO", "no", "yes", "on", "0123", "+1415", "1_000", "0x1F", "1e5", ".inf")
        ],
        *[(text, text) for text in ("2027-03-01", "2027-03-01 08:00:00", "08:00-20:00", "=", "9" * 5000)],
        *[(text, None) for text in ("", "~", "null", "Null")],
        *[("true", True), ("False", False), ("-7", -7), ("0", 0), ("1.50", 1.5), ("4155550123", 4155550123)],
        *[("'7'", "7"), ('"true"', "true"), ("|\n  7\n", "7\n")],
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = data(f"key: {text}")["key"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_text() -> None:
    assert data("{1: a, NO: b, ~: c, 08:00: d, 2027-03-01: e}") == {
        **{"1": "a", "NO": "b", "~": "c"},
        **{"08:00": "d", "2027-03-01": "e"},
    }


@pytest.mark.parametrize("text", ["08:00", "10:00", "1:30:00"])
def test_times_that_other_tools_read_as_numbers_need_quotes(text: str) -> None:
    assert problems(f"a:\n  b: [{text}]") == [f"2:7: write '{text}' in quotes: many tools read a number"]
    assert data(f"a: '{text}'") == {"a": text}


def test_keys_that_come_twice_are_all_named() -> None:
    text = "a: 1\nb: {c: 1, c: 2}\nd:\n  - {e: 1, 'e': 2}\na: 2\n"
    assert problems(text) == [
        "2:11: the key 'c' comes twice",
        "4:12: the key 'e' comes twice",
        "5:1: the key 'a' comes twice",
    ]


def test_merged_keys_come_after_own_ones_and_earlier_before_later_ones() -> None:
    text = "a: &a {x: 1, y: 1, z: 1}\nb: &b {y: 2, z: 2, u: 2}\nc: {z: 3, <<: [*a, *b]}\n"
    assert data(text)["c"] == {"x": 1, "y": 1, "z": 3, "u": 2}
    yaml_file = YamlFile(text, "s.yaml")
    assert yaml_file.position(("c", "z")) == (3, 5)
    assert yaml_file.position(("c", "u")) == (2, 20)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: {<<: 7}", "1:9: '<<' merges a mapping, or a list of mappings"),
        ("a: {<<: {b: 1}, <<: {c: 1}}", "1:17: the key '<<' comes twice"),
        ("a: &a [*a]", "1:4: an alias contains itself"),
        ("a: *no", "1:4: no YAML: found undefined alias 'no'"),
        ("a: {? [b] : c}", "1:7: a key must be text"),
        (
            "a:\n\tb: 1",
            "2:1: no YAML: while scanning for the next token found character '\\t' that cannot start",
        ),
        (
            "a: 1\n---\nb: 2",
            "2:1: no YAML: expected a single document in the stream but found another document",
        ),
        ("a: [1", "1:6: no YAML: while parsing a flow sequence expected ',' or ']'"),
        ("a: {{ params.x }}", "1:5: a key must be text; put templates in quotes"),
        (
            "a: {% if x %}",
            "1:5: no YAML: while scanning for the next token found character '%' that cannot start",
        ),
        ("a: 1\nb: x\0y", "2:5: no YAML: the character '\\x00' is not allowed"),
        ("a: \ud800", "1:4: no YAML: the character '\\ud800' is not allowed"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(text: str, problem: str) -> None:
    (found,) = problems(text)
    assert found.startswith(problem)
    assert found.endswith("put templates in quotes") is ("{{" in text or "{%" in text)


@pytest.mark.parametrize(
    "value",
    [
        "!!int '5'",
        "!!str 5",
        "!!python/object/apply:os.system ['true']",
        "!secret x",
        "!!set {a}",
        "!!binary QQ==",
    ],
)
def test_tags_are_refused(value: str) -> None:
    tag = value.split()[0]
    assert problems(f"a: {value}") == [f"1:4: remove the tag {tag}; a value in quotes is text"]


def test_aliases_of_aliases_end_soon() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (found,) = problems("\n".join(lines))
    assert found.endswith("aliases repeat too many values")


def test_deep_nesting_is_an_error() -> None:
    assert problems("a: " + "[" * 20_000 + "]" * 20_000) == [" no YAML: it is nested too deeply"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_do_not_move_positions(line_end: str) -> None:
    text = f"\ufeffa: 1{line_end}b:{line_end}  cé: 2{line_end}"
    yaml_file = YamlFile(text, "s.yaml")
    assert yaml_file.data == {"a": 1, "b": {"cé": 2}}
    assert yaml_file.position(("a",)) == (1, 1)
    assert yaml_file.position(("b", "cé", 7)) == (3, 3)


@pytest.mark.parametrize(("text", "value"), [("", None), ("# nothing\n", None), ("- a\n", ["a"]), ("x", "x")])
def test_the_top_may_be_anything(text: str, value: object) -> None:
    yaml_file = YamlFile(text, "s.yaml")
    assert (yaml_file.data, yaml_file.position(("a", 0))) == (value, (1, 1))


def test_an_error_shows_a_hundred_problems() -> None:
    found = problems("\n".join(["a: 1"] * 150))
    assert (len(found), found[-1]) == (101, "and 49 more")


@pytest.mark.slow
def test_ten_thousand_campaigns_take_seconds() -> None:
    line = "  - {name: 'R %d', window: [2027-03-01, 2027-03-31]}"
    began = time.process_time()
    found = data("campaigns:\n" + "\n".join(line % number for number in range(10_000)))
    assert len(found["campaigns"]) == 10_000
    assert time.process_time() - began < 30
