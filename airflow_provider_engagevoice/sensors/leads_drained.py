"""Wait until a campaign has no lead left to call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowFailException, conf

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sensors.base import GRACE, EngageVoiceSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.polling.leads_drained import DrainedPoll


class EngageVoiceLeadsDrainedSensor(EngageVoiceSensor):
    """
    Wait until no lead of a campaign is READY or PENDING.

    Suppressed leads are not dialed and not waited for. It fails at once when the campaign is gone, or when
    its dates are over and leads are still READY, because nobody will call them unless the dates change; an
    inactive campaign keeps it waiting. Deferred, it ends on the triggerer, without another worker slot. It
    returns nothing: a task that ends there cannot hand on a value.

    By ``statistics`` all waits of a triggerer on one connection take one request every ``poke_interval``,
    however many campaigns they are for; by ``search`` they take one for each campaign. Statistics may be
    older than the last load, so when they say that nothing is left a search confirms it.

    .. seealso::
        `Vendor's document on real-time campaign operations
        <https://developers.ringcentral.com/engage/voice/guide/analytics/reports/realtime-campaign-ops>`__

    :param campaign: id, exact name, or the mapping another operator returned
    :param dial_group: dial group of the campaign; where left out, a name is looked for in all of them
    :param by: ``search`` to count the leads, or ``statistics`` to read the account's real-time statistics
    :param poke_interval: longest time between two looks, in seconds; 60 where left out, and less than 10
        count as 10, for the sake of the account's request budget
    :param timeout: as for every sensor: seconds from the first look until it fails; Airflow's default is
        seven days
    :param deferrable: wait on the triggerer; Airflow's ``operators.default_deferrable`` where left out
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = ("campaign", "dial_group", "by", "engagevoice_conn_id")

    def __init__(
        self,
        *,
        campaign: CampaignReference,
        dial_group: DialGroupReference | None = None,
        by: str = "search",
        poke_interval: timedelta | float = 60,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, deferrable=deferrable, **kwargs)
        self.campaign = campaign
        self.dial_group = dial_group
        self.by = by

    def poke(self, context: Context) -> bool:
        """Look once; deferrable, hand over to the triggerer when leads are left."""
        began = clock.now()
        look = self._look(self._procedure)
        if look is None:
            return False
        if look.unreachable:
            raise AirflowFailException(str(look))
        self.log.info("%s%s", "" if look.reached else "waiting: ", look)
        if not look.reached and self.deferrable:
            self._hand_over(look, began)
        return look.reached

    def _procedure(self) -> Procedure[DrainedPoll]:
        from airflow_provider_engagevoice.polling.leads_drained import poll_leads_drained, read_count_by

        return poll_leads_drained(self.campaign, self.dial_group, read_count_by(self.by))

    @property
    def _goal(self) -> str:
        return "drained"

    def _hand_over(self, look: DrainedPoll, began: datetime) -> NoReturn:
        from airflow_provider_engagevoice.polling.leads_drained import interval_of
        from airflow_provider_engagevoice.triggers.leads_drained import LeadsDrainedTrigger

        deadline = began + timedelta(seconds=self.timeout)
        self.defer(
            trigger=LeadsDrainedTrigger(
                engagevoice_conn_id=self.engagevoice_conn_id,
                dial_group_id=look.dial_group_id,
                campaign_id=look.campaign_id,
                count_by=self.by,
                poke_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                poll_at=(clock.now() + interval_of(self.poke_interval)).isoformat(),
                ends=None if look.ends is None else look.ends.isoformat(),
                # Assets are recorded by a worker alone.
                end_from_trigger=not self.outlets,
            ),
            method_name="execute_complete",
            timeout=deadline - clock.now() + GRACE,
        )

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Never look more often than every ten seconds, and sleep no longer than the time-out."""
        from airflow_provider_engagevoice.polling.leads_drained import interval_of

        interval = interval_of(self.poke_interval).total_seconds()
        return max(0.0, min(interval, self.timeout - run_duration()))
