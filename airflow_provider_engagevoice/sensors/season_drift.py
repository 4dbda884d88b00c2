"""Wait until campaigns of a season are not as the last apply has left them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat import sdk

from airflow_provider_engagevoice import clock, inputs
from airflow_provider_engagevoice.arguments import read_plain_flag
from airflow_provider_engagevoice.assets import CampaignOutlets
from airflow_provider_engagevoice.sensors.base import GRACE, EngageVoiceSensor

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.seasons.check import Drift
    from airflow_provider_engagevoice.seasons.record import Record
    from airflow_provider_engagevoice.utils.airflow_arguments import SensorArguments


class EngageVoiceSeasonDriftSensor(CampaignOutlets, EngageVoiceSensor):
    """
    Wait until campaigns of a season are not as the last apply has left them.

    Such are campaigns that are gone, changed in a field that the season states, active though it asks for
    inactive ones, unfinished, or open though an excluded date begins within 24 hours. Each poll lists each
    dial group once. Adds an event to the season's asset
    (:func:`~airflow_provider_engagevoice.assets.season_asset`) and returns a list of what was found:
    ``campaign_id``, ``dial_group_id``, ``name``, ``what``, ``fields`` (old and new value), ``may_dial`` and
    ``changed_by`` (field to who and when, from the vendor's audit log; empty if it is not open).

    :param record: directory of the season's records, or the output of the task that has applied it
    :param storage_conn_id: connection of their storage
    :param poke_interval: time between two polls, in seconds; default: 300
    :param deferrable: whether to wait on the triggerer; default: Airflow's ``operators.default_deferrable``
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    operator_extra_links = ()
    #: Of the last poll.
    _record: Record | None = None
    default_map_index = "{{ task.record.season | default(task.record, true) }}"
    template_fields: Sequence[str] = ("record", "storage_conn_id", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        record: str | Mapping[str, Any] | XComArg,
        storage_conn_id: str | XComArg | None = None,
        poke_interval: timedelta | float = 300,
        deferrable: bool = sdk.conf.getboolean("operators", "default_deferrable", fallback=False),
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.deferrable = read_plain_flag(deferrable, "deferrable")
        self.record = record
        self.storage_conn_id: Any = storage_conn_id

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.utils.season_arguments import read_record

        return {"record": read_record, "storage_conn_id": inputs.read_text}

    def poke(self, context: Context) -> Any:
        """Poll once; if deferrable and nothing has changed, hand over to the trigger."""
        from airflow_provider_engagevoice.seasons.check import DriftError, waiting_text

        began = clock.now()
        found = self._poll()
        if found == [] and self._record is not None:
            self.log.info("%s", waiting_text(self._record, self.poke_interval))
        # An apply that has begun meanwhile has changed the campaigns and the record.
        if found and (record := self._load()) == self._record:
            self.log.warning("%s", DriftError(record.season, found))
            drift = [one.as_json() for one in found]
            self._add_event(context, record.account_id, record.season, drift)
            return sdk.PokeReturnValue(is_done=True, xcom_value=drift)
        if self.deferrable:
            self._hand_over(began)
        return False

    def _poll(self) -> list[Drift] | None:
        """Poll once, as :meth:`_poll_once`; the storage of the record may fail as the server may."""
        from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET

        try:
            return self._poll_once(self._prepare)
        except OSError as error:
            self._failures += 1
            if self._failures > FAILURE_BUDGET:
                raise
            self.log.warning("poll failed, %d in a row: %s", self._failures, error)
            return None

    def _prepare(self) -> Procedure[list[Drift]]:
        from airflow_provider_engagevoice.seasons.check import poll_drift

        self._record = self._load()
        return poll_drift(self._record)

    def _load(self) -> Record:
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.season_files import load_record

        values = self.read_arguments()
        return load_record(values["record"], ObjectStorage(values["storage_conn_id"]))

    @property
    def _goal(self) -> str:
        return "drifted"

    def _hand_over(self, began: datetime) -> NoReturn:
        from airflow_provider_engagevoice.triggers.season_drift import SeasonDriftTrigger
        from airflow_provider_engagevoice.utils.season_arguments import read_record

        deadline = began + self._time_limit
        self.defer(
            trigger=SeasonDriftTrigger(
                engagevoice_conn_id=self.engagevoice_conn_id,
                record_path=read_record(self.record),
                storage_conn_id=self.storage_conn_id,
                poke_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                poll_at=(clock.now() + timedelta(seconds=self.poke_interval)).isoformat(),
            ),
            method_name="execute_complete",
            timeout=deadline - clock.now() + GRACE,
        )

    def execute_complete(self, context: Context, event: object = None) -> Any:
        """Handle the trigger's event; any other than a found drift fails the task."""
        super().execute_complete(context, event)
        return event["drift"] if isinstance(event, dict) else None

    def _reached(self, context: Context, event: object) -> None:
        if isinstance(event, dict):
            self._add_event(context, event["account_id"], event["season"], event["drift"])

    def _add_event(self, context: Context, account_id: str, season: str, drift: list[Any]) -> None:
        from airflow_provider_engagevoice.assets import add_season_event

        add_season_event(context, self.outlets, account_id, season, {"drift": len(drift)})

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Sleep for the poke interval, but not past the timeout."""
        return self._pause(self.poke_interval, run_duration)
