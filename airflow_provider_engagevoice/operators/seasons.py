"""Operators that roll out a season: many campaigns from one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.assets import CampaignOutlets
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from datetime import datetime
    from typing import NoReturn, Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.seasons.model import Season
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Record
    from airflow_provider_engagevoice.storage import ObjectStorage
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments


class EngageVoicePlanSeasonOperator(EngageVoiceOperator):
    """
    Compare a season with the server, and write a plan of what an apply would do; nothing is changed.

    Each dial group is listed once. Writes the plan as JSON to ``output_path``, and for people as Markdown
    beside it. Returns ``season``, ``digest``, ``plan_path``, ``markdown_path``, ``counts`` (``create``,
    ``clone``, ``update``, ``unchanged``, ``protected``, ``over``, ``drift``, ``state``, ``orphan``),
    ``has_changes`` and ``findings``, how many the preflight has of each severity: ``error``, ``warning`` and
    ``not checked``.

    :param season: YAML file, relative to the folder of the DAG file or on object storage, or the same as a
        mapping or a :class:`~airflow_provider_engagevoice.seasons.model.Season`. Its templates are rendered.
    :param record_path: directory of the records of all seasons, on object storage
    :param output_path: file of the plan, on object storage; its name ends in ``.json``
    :param storage_conn_id: connection of that storage
    :param rules: YAML file of rules of your own for the preflight, relative to the folder of the DAG file or
        on object storage, or the same as a mapping
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.output_path }}"
    template_fields: Sequence[str] = (
        "season",
        "record_path",
        "output_path",
        "storage_conn_id",
        "rules",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"season": "json", "rules": "json"}

    def __init__(
        self,
        *,
        season: str | Mapping[str, Any] | Season | XComArg,
        record_path: str | XComArg,
        output_path: str | XComArg,
        storage_conn_id: str | XComArg | None = None,
        rules: str | Mapping[str, Any] | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        # Airflow renders and stores mappings, not models.
        dump = getattr(season, "model_dump", None)
        self.season: Any = season if dump is None else dump(mode="json", by_alias=True, exclude_unset=True)
        self.record_path = record_path
        self.output_path = output_path
        self.storage_conn_id = storage_conn_id
        self.rules = rules

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.inputs import read_text
        from airflow_provider_engagevoice.utils.preflight import read_rules
        from airflow_provider_engagevoice.utils.season_arguments import read_json_path, read_season

        return {
            "season": read_season,
            "record_path": read_text,
            "output_path": read_json_path,
            "storage_conn_id": read_text,
            "rules": read_rules,
        }

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.seasons.planning import make_plan
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.preflight import rules_of
        from airflow_provider_engagevoice.utils.seasons import load_season

        values = self.read_arguments()
        storage = ObjectStorage(values["storage_conn_id"])
        render = partial(self.render_template, context=context, jinja_env=self._text_env())
        season, yaml_file, digest = load_season(values["season"], self._folder(), storage, render)
        records = Records(storage, values["record_path"], season.season)
        plan = self.hook.run(
            make_plan(
                season,
                records.last(),
                account_id=self.hook.client.account_id(),
                record_path=values["record_path"],
                source_digest=digest,
                yaml_file=yaml_file,
                rules=rules_of(values["rules"], self._folder(), storage),
            )
        )
        return write_plan(self, plan, values["output_path"], storage)

    def _folder(self) -> str:
        import os.path

        dag = self.get_dag()
        return os.path.dirname(dag.fileloc) if dag is not None else ""

    def _text_env(self) -> Any:
        """Return an environment that renders to text, whatever the DAG says."""
        dag = self.get_dag()
        return dag.get_template_env(force_sandboxed=True) if dag is not None else self.get_template_env()


def write_plan(task: Any, plan: Plan, path: str, storage: ObjectStorage) -> dict[str, Any]:
    """Write a plan as JSON and as Markdown, log it, and return what its task returns."""
    from airflow_provider_engagevoice.preflight.findings import counts
    from airflow_provider_engagevoice.seasons.render import markdown, table

    markdown_path = path.removesuffix(".json") + ".md"
    storage.write(path, plan.to_json())
    storage.write(markdown_path, markdown(plan))
    task.log.info("%s", table(plan))
    return {
        "season": plan.season,
        "digest": plan.digest,
        "plan_path": path,
        "markdown_path": markdown_path,
        "counts": plan.counts,
        "has_changes": plan.has_changes,
        "findings": counts(plan.findings),
    }


class SeasonApplier(CampaignOutlets, EngageVoiceOperator):
    """Base of operators that apply a plan: record, XCom and asset events."""

    _account_id = ""
    _changed: Sequence[CampaignResult] = ()

    def execute_next_wave(self, context: Context, event: object = None) -> dict[str, Any]:
        """Go on after the time between two waves."""
        result: dict[str, Any] = self.execute(context)
        return result

    def _apply(self, context: Context, plan: Plan, storage: ObjectStorage) -> dict[str, Any]:
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.seasons.apply import Apply
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.utils.seasons import changed_campaigns, who_runs
        from airflow_provider_engagevoice.utils.state_store import run_of

        account_id = self.hook.client.account_id()
        if plan.account_id != account_id:
            raise InvalidInputError(
                "plan", plan.account_id, f"it is a plan for another account than {account_id}"
            )
        records = Records(storage, plan.record_path, plan.season)
        result = self.hook.run(
            Apply(
                plan,
                records,
                run=run_of(context),
                attempt=context["ti"].try_number,
                applied_by=who_runs(context),
                copy_nested=self.hook.client.settings.copy_nested,
                accept_findings=self.read_arguments().get("accept_findings") or (),
            ).run()
        )
        if result.until is not None:
            self._defer_until(result.until)
        if result.changed:
            record = records.load(result.record)
            self._account_id, self._changed = account_id, changed_campaigns(plan, record)
            self._add_events(context, account_id, record, result.outcomes)
        return {
            "season": plan.season,
            "digest": plan.digest,
            "record_path": records.path,
            "record": result.record,
            "outcomes": dict(result.outcomes),
        }

    def _defer_until(self, moment: datetime) -> NoReturn:
        from airflow.providers.common.compat.standard.triggers import TimeDeltaTrigger

        from airflow_provider_engagevoice import clock

        self.log.info("the next wave starts at %s", moment.isoformat(" "))
        self.defer(trigger=TimeDeltaTrigger(moment - clock.now()), method_name="execute_next_wave")

    def _add_events(
        self, context: Context, account_id: str, record: Record, outcomes: Mapping[str, int]
    ) -> None:
        from airflow_provider_engagevoice.assets import add_campaign_event, add_season_event

        extra = {"season": record.season, "record": record.file, "digest": record.digest, **outcomes}
        add_season_event(context, self.outlets, account_id, record.season, extra)
        for one in self._changed:
            add_campaign_event(context, self.outlets, account_id, one.as_event())

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:
        """Return the OpenLineage facets of the campaigns that changed; called by OpenLineage's provider."""
        from airflow_provider_engagevoice.assets import campaign_lineage

        return campaign_lineage(self._account_id, *self._changed)


class EngageVoiceApplySeasonOperator(SeasonApplier):
    """
    Apply a plan of a season: exactly what it says, and each campaign once, whatever ends the task in between.

    A campaign that someone has changed since the plan was made is left as it is, and the others go on; at the
    end the task fails and names it. A retry goes on where the attempt before has ended. Between two waves the
    task holds no worker. What was done is written to a record, which the next plan starts from.

    Returns ``season``, ``digest``, ``record_path`` (directory of the season's records), ``record`` (file of
    this one) and ``outcomes``, the number of campaigns by outcome: ``created``, ``cloned``, ``updated``,
    ``unchanged``, ``protected`` or ``over``.

    :param plan: file of the plan, or the output of the task that has made it
    :param storage_conn_id: connection of its storage and of the records
    :param accept_findings: rules whose errors in the preflight are accepted, by their ids; any other error
        stops the apply before anything is changed. The record keeps those that it had.
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.plan.season | default(task.plan, true) }}"
    template_fields: Sequence[str] = ("plan", "storage_conn_id", "accept_findings", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        plan: str | Mapping[str, Any] | XComArg,
        storage_conn_id: str | XComArg | None = None,
        accept_findings: Sequence[str] | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.plan = plan
        self.storage_conn_id = storage_conn_id
        self.accept_findings = accept_findings

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.inputs import read_text, read_texts
        from airflow_provider_engagevoice.utils.season_arguments import read_plan

        return {"plan": read_plan, "storage_conn_id": read_text, "accept_findings": read_texts}

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.seasons import load_plan

        values = self.read_arguments()
        storage = ObjectStorage(values["storage_conn_id"])
        return self._apply(context, load_plan(values["plan"], storage), storage)


class EngageVoiceVerifySeasonOperator(EngageVoiceOperator):
    """
    Check that all campaigns of a season are as the last apply has left them; nothing is changed.

    Each dial group is listed once. Fails with the campaigns that are gone, changed, active though the season
    asks for inactive ones, or unfinished, and if the last apply has not done all of its plan. Returns
    ``season``, ``record`` and ``campaigns``, their number.

    :param record: directory of the season's records, or the output of the task that has applied it
    :param storage_conn_id: connection of the storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.record.season | default(task.record, true) }}"
    template_fields: Sequence[str] = ("record", "storage_conn_id", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        record: str | Mapping[str, Any] | XComArg,
        storage_conn_id: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.record = record
        self.storage_conn_id = storage_conn_id

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.inputs import read_text
        from airflow_provider_engagevoice.utils.season_arguments import read_record

        return {"record": read_record, "storage_conn_id": read_text}

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.seasons.check import DriftError, find_lasting_drift
        from airflow_provider_engagevoice.seasons.record import RecordError
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.seasons import load_record

        values = self.read_arguments()
        record = load_record(values["record"], ObjectStorage(values["storage_conn_id"]))
        if found := self.hook.run(find_lasting_drift(record)):
            raise DriftError(record.season, found)
        if left := record.left:
            raise RecordError(
                f"record: {record.file}: {len(left)} of {len(record.changes)} campaigns were not applied: "
                f"{', '.join(map(repr, left[:10]))}"
            )
        self.log.info("all %d campaigns of season %r are as applied", len(record.asked), record.season)
        return {"season": record.season, "record": record.file, "campaigns": len(record.asked)}
