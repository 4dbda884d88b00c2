"""Seasons in tasks: where their files are, and what a task gives to the next."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.inputs import InvalidInputError, read_text
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.parse import read_season
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.problems import Problem, error_of
from airflow_provider_engagevoice.seasons.record import Record, RecordError, Records
from airflow_provider_engagevoice.seasons.work import STATE
from airflow_provider_engagevoice.seasons.yaml_text import Path, YamlFile
from airflow_provider_engagevoice.storage import ObjectStorage, path_in
from airflow_provider_engagevoice.utils.season_arguments import read_path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.campaigns import CampaignResult

#: Errors of what a template calls.
_MISTAKES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def load_season(
    season: object, folder: str, storage: ObjectStorage, render: Callable[[str], Any]
) -> tuple[Season, YamlFile | None, str]:
    """Return a season, the file that it was read from, and the digest of what was written.

    :param season: path of a YAML file, or a mapping
    :param folder: where relative paths start
    :param render: renders a template of a file
    :raises InvalidInputError: with what is wrong in the season
    """
    if isinstance(season, Mapping):
        # Airflow has rendered it.
        return read_season(season), None, _digest(json.dumps(season, default=str))
    path = path_in(folder, read_text(season, "season"))
    try:
        found = storage.read(path)
    except UnicodeDecodeError as error:
        raise InvalidInputError("season", path, f"the file is not UTF-8: {error}") from None
    if found is None:
        raise InvalidInputError("season", path, "there is no such file")
    yaml_file = YamlFile(found, path)
    return read_season(_rendered(yaml_file.data, render, yaml_file), yaml_file), yaml_file, _digest(found)


def _rendered(data: Any, render: Callable[[str], Any], yaml_file: YamlFile) -> Any:
    """Return plain data with its templates rendered.

    :raises SeasonFileError: for templates that cannot be rendered
    """
    from jinja2 import TemplateError

    problems: list[Problem] = []

    def walk(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {name: walk(one, (*path, name)) for name, one in value.items()}
        if isinstance(value, list):
            return [walk(one, (*path, index)) for index, one in enumerate(value)]
        if isinstance(value, str) and ("{{" in value or "{%" in value):
            try:
                return render(value)
            except (TemplateError, *_MISTAKES) as error:
                text = f"the template cannot be rendered: {type(error).__name__}: {error}"
                problems.append(Problem.of(path, value, text))
        return value

    rendered = walk(data, ())
    if problems:
        raise error_of(problems, yaml_file)
    return rendered


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def load_plan(reference: object, storage: ObjectStorage) -> Plan:
    """Return the plan in a file.

    :param reference: path, or what the task that has made the plan returned
    :raises RecordError: if it is no plan, or was changed since it was made
    """
    path = read_path(reference, "plan", "plan_path")
    try:
        text = storage.read(path)
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not a plan of a season ({error})") from None
    if text is None:
        raise RecordError(f"plan: {path} does not exist")
    return Plan.from_json(text, path)


def load_record(reference: object, storage: ObjectStorage) -> Record:
    """Return the last record of a season.

    :param reference: directory of the season's records, or what the task that has applied it returned
    :raises RecordError: if there is none
    """
    return Records.in_directory(storage, read_path(reference, "record", "record_path")).known()


def changed_campaigns(plan: Plan, record: Record) -> list[CampaignResult]:
    """Return the campaigns that an apply has changed."""
    from airflow_provider_engagevoice.campaigns import CampaignResult

    sources = {one.key: one.source for one in plan.campaigns}
    found: list[CampaignResult] = []
    work = record.days if plan.of_days and record.days is not None else record
    for key, change in work.changes.items():
        if change.outcome in ("created", "cloned", "updated"):
            one, is_clone = record.campaigns[key], change.outcome == "cloned"
            found.append(
                CampaignResult(
                    campaign_id=one.campaign_id,
                    dial_group_id=one.dial_group_id,
                    campaign_name=one.name,
                    start=one.fields["startDate"],
                    end=one.fields["endDate"],
                    is_active={**(change.before or {}), **change.after}.get(STATE),
                    outcome="created" if is_clone else change.outcome,
                    source_id=sources.get(key) if is_clone else None,
                )
            )
    return found


def who_runs(context: Context) -> str | None:
    """Return who has triggered the run; None if a schedule has, or Airflow does not say (before 3.1)."""
    name = getattr(context["dag_run"], "triggering_user_name", None)
    return str(name) if name else None


def plan_once(run: str, records: Records, storage: ObjectStorage, make: Callable[[Record], Plan]) -> Plan:
    """Return the plan that a killed attempt of a task has begun to apply, or a new one.

    :param run: identifies the task in its run
    :param make: returns a new plan, given the last record
    :raises RecordError: if the season has no record
    """
    path = posixpath.join(records.path, f"plan-{_digest(run)[:12]}.json")
    last = records.known()
    if any(one.run == run and one.status == "applying" for one in last.works):
        return load_plan(path, storage)
    plan = make(last)
    storage.write(path, plan.to_json())
    return plan
