"""What the operators around leads share: the connection and the errors."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_engagevoice import clock

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook


class EngageVoiceOperator(BaseOperator):
    """An operator that uses a connection of type ``engagevoice``.

    :param engagevoice_conn_id: its id
    """

    ui_color = "#ff8800"
    ui_fgcolor = "#ffffff"

    def __init__(self, *, engagevoice_conn_id: str = "engagevoice_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id

    @cached_property
    def hook(self) -> EngageVoiceHook:
        """The hook of the task's connection."""
        from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook

        return EngageVoiceHook(self.engagevoice_conn_id)

    def execute(self, context: Context) -> Any:
        """Do what the operator is for, and close the connection.

        :raises AirflowFailException: for errors that another try cannot mend
        :raises EngageVoiceError: for errors that it may
        """
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        if self.execution_timeout is not None:
            self.hook.deadline = clock.now() + self.execution_timeout
        try:
            return self._execute(context)
        except EngageVoiceError as error:
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error
        finally:
            self.hook.close()

    @abstractmethod
    def _execute(self, context: Context) -> Any:
        """Check the rendered fields, do it, and return a small XCom."""
