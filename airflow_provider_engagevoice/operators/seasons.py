"""Operators that roll out a season: many campaigns from one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator
from airflow_provider_engagevoice.operators.season_applier import SeasonApplier

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.seasons.model import Season
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Records
    from airflow_provider_engagevoice.seasons.work import Approval
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
    :param leads: region to the paths of the lists that its campaigns are to call, for the preflight
    :param leads_conn_id: connection of their storage
    :param leads_mapping: column to lead field, such as ``{"mobile": "leadPhone"}``
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.output_path }}"
    template_fields: Sequence[str] = (
        "season",
        "record_path",
        "output_path",
        "storage_conn_id",
        "rules",
        "leads",
        "leads_conn_id",
        "leads_mapping",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {
        "season": "json",
        "rules": "json",
        "leads": "json",
        "leads_mapping": "json",
    }

    def __init__(
        self,
        *,
        season: str | Mapping[str, Any] | Season | XComArg,
        record_path: str | XComArg,
        output_path: str | XComArg,
        storage_conn_id: str | XComArg | None = None,
        rules: str | Mapping[str, Any] | XComArg | None = None,
        leads: Mapping[str, str | Sequence[str]] | XComArg | None = None,
        leads_conn_id: str | XComArg | None = None,
        leads_mapping: Mapping[str, str | None] | XComArg | None = None,
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
        self.leads = leads
        self.leads_conn_id = leads_conn_id
        self.leads_mapping = leads_mapping

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.inputs import read_text
        from airflow_provider_engagevoice.utils.preflight_arguments import read_leads, read_rules
        from airflow_provider_engagevoice.utils.season_arguments import read_json_path, read_season

        return {
            "season": read_season,
            "record_path": read_text,
            "output_path": read_json_path,
            "storage_conn_id": read_text,
            "rules": read_rules,
            "leads": read_leads,
            "leads_conn_id": read_text,
        }

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.seasons.planning import make_plan
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.preflight_arguments import count_season_leads, rules_of
        from airflow_provider_engagevoice.utils.season_files import load_season

        values = self.read_arguments()
        storage = ObjectStorage(values["storage_conn_id"])
        render = partial(self.render_template, context=context, jinja_env=self._text_env())
        season, yaml_file, digest = load_season(values["season"], self._dag_folder(), storage, render)
        rules = rules_of(values["rules"], self._dag_folder(), storage)
        leads_mapping: Any = self.leads_mapping
        leads = count_season_leads(values["leads"], values["leads_conn_id"], leads_mapping, season)
        records = Records(storage, values["record_path"], season.season)
        plan = self.hook.run(
            make_plan(
                season,
                records.last(),
                account_id=self.hook.client.account_id(),
                record_path=values["record_path"],
                source_digest=digest,
                yaml_file=yaml_file,
                rules=rules,
                leads=leads,
            )
        )
        return write_plan(self, plan, values["output_path"], storage)

    def _text_env(self) -> Any:
        """Return an environment that renders to text, whatever the DAG says."""
        dag = self.get_dag()
        return dag.get_template_env(force_sandboxed=True) if dag is not None else self.get_template_env()


def write_plan(task: Any, plan: Plan, path: str, storage: ObjectStorage) -> dict[str, Any]:
    """Write a plan as JSON and as Markdown, log it, and return what its task returns."""
    from airflow_provider_engagevoice.preflight.findings import counts
    from airflow_provider_engagevoice.seasons.render import markdown, table
    from airflow_provider_engagevoice.storage import markdown_path

    storage.write(path, plan.to_json())
    storage.write(markdown_path(path), markdown(plan))
    task.log.info("%s", table(plan))
    return {
        "season": plan.season,
        "digest": plan.digest,
        "plan_path": path,
        "markdown_path": markdown_path(path),
        "counts": plan.counts,
        "has_changes": plan.has_changes,
        "findings": counts(plan.findings),
    }


class EngageVoiceApplySeasonOperator(SeasonApplier):
    """
    Apply a plan of a season: exactly what it says, and each campaign once, whatever ends the task in between.

    A campaign that someone has changed since the plan was made is left as it is, and the others go on; at the
    end the task fails and names it. A retry goes on where the attempt before has ended. Between two waves the
    task holds no worker. What was done is written to a record, which the next plan starts from.

    Returns ``season``, ``digest``, ``record_path`` (directory of the season's records), ``record`` (file of
    this one), ``outcomes``, the number of campaigns by outcome: ``created``, ``cloned``, ``updated``,
    ``unchanged``, ``protected`` or ``over``; and ``approval``: ``by``, ``by_id``, ``at`` (ISO 8601) and
    ``choice`` of who has approved the plan, or None.

    :param plan: file of the plan, or the output of the task that has made it
    :param approve: which plans a person approves first, under "Required Actions" (Airflow 3.3 and newer):
        ``always``, ``if_destructive``, those that change a campaign that exists or make one that is not
        inactive, or ``never``. A plan that writes nothing needs no approval.
    :param approvers: ids of the users who may answer, as Airflow's auth manager has them; None for all who
        may act on the DAG
    :param approve_within: how long the task waits for an answer, and how old an answer may be when the apply
        begins: a timedelta, or text such as ``"2h"``; None for any time
    :param on_reject: what to do if the plan is rejected: ``fail``, without a retry, or ``skip``
    :param storage_conn_id: connection of its storage and of the records
    :param accept_findings: rules whose errors in the preflight are accepted, by their ids; any other error
        stops the apply before anything is changed. The record keeps those that it had.
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.plan.season | default(task.plan, true) }}"
    template_fields: Sequence[str] = (
        "plan",
        "approve",
        "approvers",
        "approve_within",
        "on_reject",
        "storage_conn_id",
        "accept_findings",
        "engagevoice_conn_id",
    )
    #: What a person has answered, and since when the task waits.
    _event: Mapping[str, Any] | None = None
    _since: float | None = None

    def __init__(
        self,
        *,
        plan: str | Mapping[str, Any] | XComArg,
        approve: str | XComArg = "never",
        approvers: str | Sequence[str] | XComArg | None = None,
        approve_within: timedelta | str | XComArg | None = None,
        on_reject: str | XComArg = "fail",
        storage_conn_id: str | XComArg | None = None,
        accept_findings: Sequence[str] | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.plan = plan
        self.approve = approve
        self.approvers = approvers
        self._has_approvers = approvers is not None
        self.approve_within = approve_within
        self.on_reject = on_reject
        self.storage_conn_id = storage_conn_id
        self.accept_findings = accept_findings

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.inputs import read_text
        from airflow_provider_engagevoice.utils.season_arguments import (
            read_approve,
            read_approve_within,
            read_approvers,
            read_ids,
            read_on_reject,
            read_plan,
        )

        return {
            "plan": read_plan,
            "approve": read_approve,
            "approvers": read_approvers,
            "approve_within": read_approve_within,
            "on_reject": read_on_reject,
            "storage_conn_id": read_text,
            "accept_findings": read_ids,
        }

    def check_literals(self) -> None:
        """Check literal arguments; who is to approve must be asked.

        :raises InvalidInputError: for the first one that is not usable
        """
        super().check_literals()
        for name in ("approvers", "approve_within"):
            if self.approve == "never" and getattr(self, name) is not None:
                expected = "it needs approve='always' or 'if_destructive'"
                raise InvalidInputError(name, getattr(self, name), expected)

    def execute_answered(
        self, context: Context, event: Mapping[str, Any], since: float | None = None
    ) -> dict[str, Any]:
        """Go on with the answer of a person, or without one."""
        self._event, self._since = event, since
        result: dict[str, Any] = self.execute(context)
        return result

    def _approve(self, context: Context, plan: Plan, records: Records) -> Approval | None:
        from airflow.providers.common.compat.sdk import AirflowSkipException

        from airflow_provider_engagevoice.seasons.approval import RejectedError
        from airflow_provider_engagevoice.utils.season_approval import approval_of

        try:
            return approval_of(
                self,
                context,
                plan,
                records,
                method_name="execute_answered",
                event=self._event,
                since=self._since,
            )
        except RejectedError as error:
            if self.read_arguments()["on_reject"] == "skip":
                raise AirflowSkipException(str(error)) from None
            raise

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.season_files import load_plan

        values = self.read_arguments()
        if self._has_approvers and values["approvers"] is None:
            # Rendered to None, it must not mean everyone.
            raise InvalidInputError("approvers", None, "must name at least one user")
        storage = ObjectStorage(values["storage_conn_id"])
        return self._apply(context, load_plan(values["plan"], storage), storage)


class EngageVoiceVerifySeasonOperator(EngageVoiceOperator):
    """
    Check that all campaigns of a season are as the last apply has left them; nothing is changed.

    Each dial group is listed once. Fails with the campaigns that are gone, changed, active though the season
    asks for inactive ones, unfinished, or open though an excluded date begins within 24 hours, and if the
    last apply has not done all of its plan. While it waits for its next wave, the campaigns that wait are
    named in the log. Returns ``season``, ``record``, ``campaigns``, their number, and ``waiting``, how many
    campaigns wait.

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
        from datetime import UTC, datetime

        from airflow_provider_engagevoice.seasons.check import DriftError, find_lasting_drift
        from airflow_provider_engagevoice.seasons.claim import check_idle
        from airflow_provider_engagevoice.seasons.record import RecordError
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.season_files import load_record

        values = self.read_arguments()
        record = load_record(values["record"], ObjectStorage(values["storage_conn_id"]))
        check_idle(record)
        if found := self.hook.run(find_lasting_drift(record)):
            raise DriftError(record.season, found)
        names = ", ".join(map(repr, record.left[:10]))
        if record.left and not record.is_waiting:
            raise RecordError(
                f"record: {record.file}: {len(record.left)} of {len(record.changes)} campaigns were not "
                f"applied: {names}"
            )
        if record.left:
            until = datetime.fromtimestamp(record.waits_until or 0.0, UTC).isoformat(" ", "seconds")
            self.log.info("%d campaigns wait for the next wave at %s: %s", len(record.left), until, names)
        self.log.info("all %d campaigns of season %r are as applied", len(record.asked), record.season)
        return {
            "season": record.season,
            "record": record.file,
            "campaigns": len(record.asked),
            "waiting": len(record.left),
        }
