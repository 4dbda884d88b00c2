"""The rules of a preflight: the package's data file, and what users add to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.models.enums import DncScrubOption
from airflow_provider_engagevoice.models.schedule import parse_schedule
from airflow_provider_engagevoice.preflight.findings import ERROR, WARNING

#: Days after which the rules should be read again.
MAX_AGE_DAYS = 180
_FILE = "rules.yaml"
OFF = "off"
_EXAMPLES = {"attempts": "{calls: 3, hours: 24}", "abandon": "{percent: 3, days: 30}"}

Check = Literal["hours", "holidays", "attempts", "daily_attempts", "abandon", "do_not_call", "caller_id"]


def _severity(value: object) -> object:
    """Return a severity: YAML reads ``off`` as false."""
    return OFF if value is False else value


class Attempts(BaseModel):
    """Maximum number of calls within a number of hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: Annotated[int, Field(ge=1)]
    hours: Annotated[int, Field(ge=1)]


class AbandonRate(BaseModel):
    """Maximum percentage of answered calls that are abandoned, over a number of days."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: Annotated[float, Field(ge=0, le=100)]
    days: Annotated[int, Field(ge=1)]


class Rule(BaseModel):
    """One number that a law states.

    :param id: what findings name
    :param country: three letters
    :param state: two letters; None for the whole country
    :param value: what the check compares with
    :param as_of: when the source was read
    :param primary: whether the text of the law itself was read
    :param severity: ``error``, ``warning`` or ``off``; default: error if ``primary``, else warning
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    state: str | None = None
    check: Check
    value: Any = None
    source: Annotated[str, Field(min_length=1)]
    as_of: date
    primary: bool
    text: Annotated[str, Field(min_length=1)]
    severity: Annotated[Literal["error", "warning", "off"] | None, BeforeValidator(_severity)] = None

    @model_validator(mode="after")
    def _check_value(self) -> Rule:
        try:
            _read_value(self.check, self.value)
        except ValidationError:
            raise ValueError(f"value: write {_EXAMPLES[self.check]}") from None
        if self.severity == ERROR and not self.primary:
            raise ValueError("severity: only a rule whose primary source was read may be an error")
        return self

    @cached_property
    def limit(self) -> Any:
        """The value as the check needs it."""
        return _read_value(self.check, self.value)

    @property
    def effective_severity(self) -> str:
        """The severity of its findings."""
        return self.severity or (ERROR if self.primary else WARNING)


def _read_value(check: str, value: Any) -> Any:
    """Return the value of a rule as its check needs it.

    :raises ValueError: if it is not usable
    """
    if check == "hours":
        return parse_schedule(value, "value", whole_week=False)
    if check == "attempts":
        return Attempts.model_validate(value)
    if check == "abandon":
        return AbandonRate.model_validate(value)
    if check == "do_not_call":
        if not isinstance(value, list) or not value:
            raise ValueError("value: write a list of values of dncScrubOption")
        return [read_choice(one, "value", DncScrubOption) for one in value]
    if value is not None:
        raise ValueError(f"value: {check} has none")
    return None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in effect.

    :param as_of: when they were read
    :param rows: without those that are off
    """

    as_of: date
    rows: tuple[Rule, ...]

    def of(self, country: str | None) -> list[Rule]:
        """Return the rules of a country, with those of its states."""
        return [one for one in self.rows if one.country == country]


def load_rules(added: object = None, field: str = "rules") -> Rules:
    """Return the package's rules, and what a user adds to them.

    A row with the id of another one replaces the keys that it gives.

    :param added: mapping with ``rules``, a list of rows, and ``as_of``, when the user has read all rules
        again
    :raises InvalidInputError: with the row that is not usable
    """
    data = _package_rules()
    if added is None:
        return _read(data["as_of"], data["rules"], field)
    if not isinstance(added, Mapping) or not added.keys() <= {"as_of", "rules"}:
        raise InvalidInputError(field, added, "write a mapping with the keys rules and as_of")
    rows = {row["id"]: row for row in data["rules"]}
    given = added.get("rules") or []
    if not isinstance(given, list):
        raise InvalidInputError(f"{field}.rules", given, "write a list of rows")
    for number, row in enumerate(given):
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), str):
            raise InvalidInputError(
                f"{field}.rules[{number}]", row, "write a mapping with the id of the rule"
            )
        rows[row["id"]] = {**rows.get(row["id"], {}), **row}
    return _read(added.get("as_of", data["as_of"]), list(rows.values()), field)


def _read(as_of: object, rows: list[Mapping[str, Any]], field: str) -> Rules:
    try:
        day = date.fromisoformat(str(as_of))
    except ValueError:
        raise InvalidInputError(f"{field}.as_of", as_of, "write a date such as 2027-03-01") from None
    read = [_rule(row, field) for row in rows]
    return Rules(day, tuple(one for one in read if one.effective_severity != OFF))


def _rule(row: Mapping[str, Any], field: str) -> Rule:
    try:
        return Rule.model_validate(dict(row))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        place = f"{field}.{row['id']}" + (f".{key}" if key else "")
        value = row if problem["type"] == "missing" else problem["input"] if key else row.get("value")
        raise InvalidInputError(place, value, _expected(problem, key)) from None


def _expected(problem: Any, key: str) -> str:
    if problem["type"] == "missing":
        return f"the new rule needs {key}"
    if problem["type"] == "extra_forbidden":
        return f"no such key{nearest(key, Rule.model_fields)}; known: {', '.join(Rule.model_fields)}"
    if key == "check":
        return f"write one of {', '.join(get_args(Check))}"
    return str(problem["msg"]).removeprefix("Value error, ")


@cache
def _package_rules() -> Mapping[str, Any]:
    import yaml

    data: Mapping[str, Any] = yaml.safe_load(files(__package__).joinpath(_FILE).read_text("utf-8"))
    return data
