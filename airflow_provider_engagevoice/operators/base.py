"""What all operators share: the connection, checked arguments, and which errors are retried."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from functools import cached_property, lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_engagevoice.arguments import CAMPAIGN_INDEX, CampaignLinks, CheckedArguments
from airflow_provider_engagevoice.assets import CampaignOutlets, add_campaign_event
from airflow_provider_engagevoice.inputs import InvalidInputError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.exceptions import WindowOverError
    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook


#: Arguments that change a campaign.
_CHANGING = (
    "campaign_name",
    "campaign_start",
    "campaign_end",
    "caller_id",
    "is_active",
    "schedule",
    "settings",
)


class EngageVoiceOperator(CheckedArguments):
    """
    Base of operators that use a connection of type ``engagevoice``.

    :param engagevoice_conn_id: id of the connection
    """

    ui_color = "#ff8800"
    ui_fgcolor = "#ffffff"

    #: Id of the connection. Operators set it themselves: Airflow wraps each constructor, which costs time.
    engagevoice_conn_id: Any

    @cached_property
    def hook(self) -> EngageVoiceHook:
        """The hook of the task's connection."""
        from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook

        return EngageVoiceHook(self.engagevoice_conn_id)

    def _dag_folder(self) -> str:
        """Return where relative paths start: the folder of the DAG file."""
        import os.path

        dag = self.get_dag()
        return os.path.dirname(dag.fileloc) if dag is not None else ""

    def execute(self, context: Context) -> Any:
        """Run the operator and close the connection.

        :raises AirflowFailException: for errors that are not retryable
        :raises EngageVoiceError: for errors that are
        """
        from airflow.providers.common.compat.sdk import AirflowFailException

        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        if self.execution_timeout is not None:
            self.hook.deadline = clock.now() + self.execution_timeout
        try:
            return self._execute(context)
        except (EngageVoiceError, AirflowFailException) as error:
            # One line that says it all, before the traceback, in which Airflow cuts long lines. The frames of
            # this package and a chain of errors would add nothing.
            if isinstance(error, EngageVoiceError):
                self.hook.explain(error)
            self.log.error("%s", error)
            if isinstance(error, AirflowFailException) or error.retryable:
                raise error.with_traceback(None) from None
            raise AirflowFailException(str(error)) from None
        finally:
            self.hook.close()

    @abstractmethod
    def _execute(self, context: Context) -> Any:
        """Read the rendered arguments, run the operator and return a small XCom."""


class CampaignOperator(CampaignOutlets, EngageVoiceOperator):
    """Base of the operators on one campaign: XCom, link and asset event."""

    operator_extra_links = CampaignLinks()
    default_map_index = CAMPAIGN_INDEX
    #: What to do if the window is over; operators that write one have it as an argument.
    if_over: Any = "fail"
    #: Whether it needs something to change.
    must_change: ClassVar[bool] = False
    _changed: tuple[str, CampaignResult] | None = None

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.links import push_campaign_url
        from airflow_provider_engagevoice.utils.state_store import save_campaign_success

        result = self._run(context)
        if context.get("task_state_store") is not None:
            self.on_success_callback = [*self.on_success_callback, save_campaign_success]
        account_id = self.hook.client.account_id()
        self.log.info("%s: campaign %s %r", result.outcome, result.campaign_id, result.campaign_name)
        push_campaign_url(context, self, self.hook.client.settings.base_url, result.campaign_id)
        if result.changed:
            self._changed = account_id, result
            add_campaign_event(context, self.outlets, account_id, result.as_event())
        return result.as_xcom()

    def _run(self, context: Context) -> CampaignResult:
        from airflow.providers.common.compat.sdk import AirflowSkipException

        from airflow_provider_engagevoice.exceptions import WindowOverError
        from airflow_provider_engagevoice.inputs import read_if_over

        try:
            return self.hook.run(self._procedure(context))
        except WindowOverError as error:
            shown = self._as_written(error)
            if read_if_over(self.if_over) == "skip":
                raise AirflowSkipException(str(shown)) from None
            raise shown from None

    @property
    def _zone(self) -> ZoneInfo | None:
        """Time zone of dates without an offset, in which people are shown dates, too."""
        from airflow_provider_engagevoice.campaigns.spec import zone_of_dates

        return zone_of_dates(getattr(self, "timezone", None), self.hook.client.settings.timezone)

    def _fields(self, *, whole_week: bool) -> dict[str, Any]:
        """Return the fields of a campaign that the rendered arguments state."""
        from airflow_provider_engagevoice.campaigns.spec import wanted_fields
        from airflow_provider_engagevoice.models import check_caller_id

        task: Any = self
        fields = wanted_fields(
            start=task.campaign_start,
            end=task.campaign_end,
            timezone=self._zone,
            caller_id=task.caller_id,
            schedule=task.schedule,
            settings=task.settings,
            whole_week=whole_week,
        )
        if "callerId" in fields and not self.must_change:
            country = getattr(self, "country", None) or fields.get("countryId")
            check_caller_id(fields["callerId"], country and country.strip().upper())
        return fields

    def _as_written(self, error: WindowOverError) -> WindowOverError:
        """Return the error with the end as the user wrote it, and as an instant in the zone of the dates."""
        from airflow_provider_engagevoice.dates import shown
        from airflow_provider_engagevoice.exceptions import WindowOverError

        written, zone = getattr(self, "campaign_end", None), self._zone
        if written is None or zone is None:
            return error
        instant = shown(error.end, zone)
        return WindowOverError(error.end, error.reason, written=written, instant=instant)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:
        """Return the OpenLineage facets of a campaign that changed; called by OpenLineage's provider."""
        from airflow_provider_engagevoice.lineage import campaign_lineage, empty_lineage

        return empty_lineage() if self._changed is None else campaign_lineage(*self._changed)

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        return _campaign_readers(cls.template_fields)

    def check_literals(self) -> None:
        """Check literal arguments; an update must change something."""
        super().check_literals()
        if self.must_change and all(getattr(self, name) is None for name in _CHANGING):
            raise InvalidInputError(
                "campaign", getattr(self, "campaign", None), "give at least one field to change"
            )
        if "caller_id" in self.template_fields and not self.must_change:
            _check_caller(self)

    @classmethod
    def check_values(cls, given: Mapping[str, Any]) -> None:
        """Check literal arguments; the end of a campaign must be after its start, a clone's name new."""
        super().check_values(given)
        if "campaign_start" in cls.template_fields:
            window = tuple(map(given.get, ("campaign_start", "campaign_end", "timezone")))
            check = _check_window_once if {str, NoneType}.issuperset(map(type, window)) else _check_window
            check(*window)
        if "source_campaign" in given and "campaign_name" in given:
            _check_other_name(given["source_campaign"], given["campaign_name"])

    @abstractmethod
    def _procedure(self, context: Context) -> Procedure[CampaignResult]:
        """Read the rendered arguments and return the procedure to run."""


def _campaign_readers(names: Collection[str]) -> Mapping[str, Reader]:
    from airflow_provider_engagevoice import inputs
    from airflow_provider_engagevoice.dates import read_zone
    from airflow_provider_engagevoice.models import read_caller_id, read_campaign_settings
    from airflow_provider_engagevoice.models.schedule import parse_schedule

    readers: dict[str, Reader] = {
        "campaign": inputs.read_campaign,
        "source_campaign": inputs.read_campaign,
        "dial_group": inputs.read_dial_group,
        "campaign_name": inputs.read_campaign_name,
        "caller_id": read_caller_id,
        "timezone": read_zone,
        "is_active": inputs.read_state,
        "schedule": parse_schedule,
        "settings": read_campaign_settings,
        "country": inputs.read_country,
        "if_exists": inputs.read_if_exists,
        "on_incomplete_copy": inputs.read_on_incomplete_copy,
        "if_over": inputs.read_if_over,
        "enforce_active": inputs.read_flag,
    }
    return {name: readers[name] for name in names if name in readers}


def _check_caller(task: Any) -> None:
    """Check a literal caller ID for the country of a new campaign, if that is literal, too."""
    caller, country, settings = task.caller_id, getattr(task, "country", None), task.settings
    if country is None and settings is not None:
        if not isinstance(settings, Mapping):
            return
        country = settings.get("countryId")
    check = (
        _check_country_once if {str, NoneType}.issuperset((type(caller), type(country))) else _check_country
    )
    check(caller, country)


def _check_country(caller: Any, country: Any) -> None:
    from airflow_provider_engagevoice.arguments import is_literal
    from airflow_provider_engagevoice.models import check_caller_id, read_caller_id

    if caller is not None and is_literal(caller) and is_literal(country):
        check_caller_id(read_caller_id(caller), None if country is None else str(country).strip().upper())


def _check_other_name(source: object, name: object) -> None:
    """Check that a clone has another name than its source, as far as both are literal."""
    from airflow_provider_engagevoice.arguments import is_literal
    from airflow_provider_engagevoice.inputs import normal_name, read_reference

    if isinstance(name, str) and is_literal(source) and is_literal(name):
        wanted = read_reference(source, "source_campaign", "campaign")
        if isinstance(wanted, str) and normal_name(wanted) == normal_name(name):
            raise InvalidInputError("campaign_name", name, "it is the source's own name; choose another")


def _check_window(*window: Any) -> None:
    """Check what is literal of a start, an end and their zone, without the connection's zone."""
    from airflow_provider_engagevoice.arguments import is_literal
    from airflow_provider_engagevoice.dates import check_literal_window, read_zone

    start, end, zone = (one if is_literal(one) else None for one in window)
    check_literal_window(start, end, None if zone is None else read_zone(zone))


# DAG files often give many tasks the same dates and caller ID.
_check_window_once = lru_cache(maxsize=1024)(_check_window)
_check_country_once = lru_cache(maxsize=1024)(_check_country)
