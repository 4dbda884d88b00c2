"""Wait until a campaign has no lead left to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat import sdk

from airflow_provider_engagevoice import clock, inputs
from airflow_provider_engagevoice.arguments import read_plain_flag
from airflow_provider_engagevoice.sensors.base import GRACE, EngageVoiceSensor

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.polling.leads_drained import DrainedPoll
    from airflow_provider_engagevoice.utils.airflow_arguments import SensorArguments


class EngageVoiceLeadsDrainedSensor(EngageVoiceSensor):
    """
    Wait until no lead of a campaign is READY or PENDING.

    Suppressed leads are not dialed and not waited for. The sensor fails at once if the campaign's dates are
    over and leads are still READY, because they will not be called unless the dates change; an inactive
    campaign keeps it waiting. If it is deferred, the task ends on the triggerer without another worker slot,
    so it returns nothing.

    A name means, at each poll, the campaign that has it then; an id means that campaign, whatever its name.
    The sensor fails if there is no such campaign, or if several have the name, once a second poll at least 35
    seconds later finds the same; until then it keeps its worker slot in mode ``reschedule``.

    With ``count_by="statistics"`` all waits of a triggerer on one connection for campaigns given by id share
    one request per ``poke_interval``; with ``search`` each campaign takes one. A wait for a name takes up to
    three, since it finds its campaign each time. Statistics may be older than the last load, so if no lead is
    left by them, a search confirms it.

    .. seealso::
        `RingCentral: real-time campaign operations
        <https://developers.ringcentral.com/engage/voice/guide/analytics/reports/realtime-campaign-ops>`__

    :param campaign: campaign to wait for: id, exact name, the output of another operator, or a mapping such
        as ``{"campaign_name": "20261201"}``
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: each poll searches all
    :param count_by: ``search`` (default) to count the leads, or ``statistics`` to read the account's
        real-time statistics
    :param poke_interval: longest time between two polls, in seconds, at least 10 because of the account's
        rate limits; default: 60
    :param deferrable: whether to wait on the triggerer; default: Airflow's ``operators.default_deferrable``
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"by": "count_by"}
    template_fields: Sequence[str] = ("campaign", "dial_group", "count_by", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        count_by: str | XComArg = "search",
        poke_interval: timedelta | float = 60,
        deferrable: bool = sdk.conf.getboolean("operators", "default_deferrable", fallback=False),
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.deferrable = read_plain_flag(deferrable, "deferrable")
        self.campaign = campaign
        self.dial_group = dial_group
        self.count_by: Any = count_by

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        return {
            "campaign": inputs.read_campaign,
            "dial_group": inputs.read_dial_group,
            "count_by": inputs.read_count_by,
        }

    def poke(self, context: Context) -> bool:
        """Poll once; if deferrable and leads are left, hand over to the trigger."""
        began = clock.now()
        poll = self._poll_once(self._procedure)
        if poll is not None:
            self._push_link(context, poll.campaign_id)
            self._last_found = str(poll)
            if poll.unreachable:
                self._unreachable(str(poll))
            self.log.info("%s%s", "" if poll.reached else "waiting: ", poll)
            if poll.reached:
                return True
        if self.deferrable:
            self._hand_over(poll, began)
        return False

    def _procedure(self) -> Procedure[DrainedPoll]:
        from airflow_provider_engagevoice.polling.awaited import read_awaited
        from airflow_provider_engagevoice.polling.leads_drained import CountBy, poll_leads_drained

        values = self.read_arguments()
        awaited = read_awaited(values["campaign"], values["dial_group"])
        return poll_leads_drained(awaited, CountBy(values["count_by"]))

    @property
    def _goal(self) -> str:
        return "drained"

    def _hand_over(self, poll: DrainedPoll | None, began: datetime) -> NoReturn:
        from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER, read_awaited
        from airflow_provider_engagevoice.polling.leads_drained import interval_of
        from airflow_provider_engagevoice.triggers.leads_drained import LeadsDrainedTrigger

        deadline = began + self._time_limit
        values = self.read_arguments()
        awaited = read_awaited(values["campaign"], values["dial_group"])
        pause = interval_of(self.poke_interval)
        if poll is None:
            pause = min(pause, CONFIRM_AFTER)
        elif isinstance(awaited.campaign, int):
            # A campaign stays in its dial group, so the trigger need not search all.
            awaited = awaited._replace(dial_group=poll.dial_group_id)
        self.defer(
            trigger=LeadsDrainedTrigger(
                engagevoice_conn_id=self.engagevoice_conn_id,
                **awaited.as_references(),
                count_by=self.count_by,
                poke_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                poll_at=(clock.now() + pause).isoformat(),
                ends=None if poll is None or poll.ends is None else poll.ends.isoformat(),
                last_poll=self._last_found or None,
                # Only a worker records asset events.
                end_from_trigger=not self.outlets,
            ),
            method_name="execute_complete",
            timeout=deadline - clock.now() + GRACE,
        )

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Sleep for the poke interval, at least ten seconds, but not past the timeout."""
        from airflow_provider_engagevoice.polling.leads_drained import interval_of

        interval = interval_of(self.poke_interval).total_seconds()
        return self._pause(interval, run_duration)
