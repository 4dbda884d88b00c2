"""Operators that take the apply of a season back, and that pause a season and resume it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator
from airflow_provider_engagevoice.operators.season_applier import SeasonApplier
from airflow_provider_engagevoice.operators.seasons import write_plan

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Record
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments


class EngageVoiceRollbackSeasonOperator(EngageVoiceOperator):
    """
    Write a plan that takes the last apply of a season back; nothing is changed until it is applied.

    Changed fields get the values that they had before the apply. Campaigns that it has made become inactive
    and keep their names with a mark; nothing is deleted. A field that someone has changed since stays as it
    is, and the plan says so. Returns the same as
    :class:`~airflow_provider_engagevoice.operators.seasons.EngageVoicePlanSeasonOperator`.

    :param record: directory of the season's records, or the output of the task that has applied it
    :param output_path: file of the plan, on object storage; its name ends in ``.json``
    :param storage_conn_id: connection of the storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.record.season | default(task.record, true) }}"
    template_fields: Sequence[str] = ("record", "output_path", "storage_conn_id", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        record: str | Mapping[str, Any] | XComArg,
        output_path: str | XComArg,
        storage_conn_id: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.record = record
        self.output_path = output_path
        self.storage_conn_id = storage_conn_id

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.inputs import read_text
        from airflow_provider_engagevoice.utils.season_arguments import read_json_path, read_record

        return {"record": read_record, "output_path": read_json_path, "storage_conn_id": read_text}

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.seasons.rollback import plan_rollback
        from airflow_provider_engagevoice.storage import ObjectStorage

        values = self.read_arguments()
        storage = ObjectStorage(values["storage_conn_id"])
        records = Records.in_directory(storage, values["record"])
        plan = self.hook.run(plan_rollback(records.known(), records.root))
        return write_plan(self, plan, values["output_path"], storage)


class EngageVoicePauseSeasonOperator(SeasonApplier):
    """
    Pause all active campaigns of a season, in one task.

    What state each had is kept in the record, for
    :class:`~airflow_provider_engagevoice.operators.season_rollback.EngageVoiceResumeSeasonOperator`. Returns
    the same as :class:`~airflow_provider_engagevoice.operators.seasons.EngageVoiceApplySeasonOperator`.

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
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.season_files import plan_once
        from airflow_provider_engagevoice.utils.state_store import run_of

        values = self.read_arguments()
        storage = ObjectStorage(values["storage_conn_id"])
        records = Records.in_directory(storage, values["record"])

        def make(record: Record) -> Plan:
            return self.hook.run(self._plan(record, records.root))

        return self._apply(context, plan_once(run_of(context), records, storage, make), storage)

    @staticmethod
    def _plan(record: Record, record_path: str) -> Procedure[Plan]:
        from airflow_provider_engagevoice.seasons.rollback import plan_pause

        return plan_pause(record, record_path)


class EngageVoiceResumeSeasonOperator(EngageVoicePauseSeasonOperator):
    """
    Give all campaigns of a season the state back that a pause of the season has taken.

    Campaigns that people have paused before stay paused. Returns the same as
    :class:`~airflow_provider_engagevoice.operators.seasons.EngageVoiceApplySeasonOperator`.

    :param record: directory of the season's records, or the output of the task that has applied it
    :param storage_conn_id: connection of the storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    @staticmethod
    def _plan(record: Record, record_path: str) -> Procedure[Plan]:
        from airflow_provider_engagevoice.seasons.rollback import plan_resume

        return plan_resume(record, record_path)
