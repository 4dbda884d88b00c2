"""What all operators share: the connection, checked arguments, and which errors are retried."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.utils.arguments import CheckedArguments

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments


class EngageVoiceOperator(CheckedArguments):
    """
    Base of operators that use a connection of type ``engagevoice``.

    :param engagevoice_conn_id: id of the connection
    """

    ui_color = "#ff8800"
    ui_fgcolor = "#ffffff"

    def __init__(
        self,
        *,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id: Any = engagevoice_conn_id

    @cached_property
    def hook(self) -> EngageVoiceHook:
        """The hook of the task's connection."""
        from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook

        return EngageVoiceHook(self.engagevoice_conn_id)

    def execute(self, context: Context) -> Any:
        """Run the operator and close the connection.

        :raises AirflowFailException: for errors that are not retryable
        :raises EngageVoiceError: for errors that are
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
        """Read the rendered arguments, run the operator and return a small XCom."""
