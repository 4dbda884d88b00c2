"""Wait on the triggerer until a campaign has no leads left to call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.triggers.base import WaitTrigger, accept_old_names

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub


@accept_old_names(by="count_by", look_at="poll_at", dial_group_id="dial_group", campaign_id="campaign")
class LeadsDrainedTrigger(WaitTrigger):
    """
    Wait until a campaign has no leads left to call.

    All waits of a triggerer on the same connection for campaigns given by id share their polls: those by
    statistics one request for all campaigns, those by search one per campaign. A name means, at each poll,
    the campaign that has it then, so such waits poll by themselves. Its event is a mapping with ``status``
    (``reached``, ``unreachable``, ``timeout`` or ``failed``) and ``message``.

    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param campaign: id, exact name, or the mapping an operator returned
    :param dial_group: dial group of the campaign: id, exact name or mapping; None: all are searched
    :param count_by: ``search`` or ``statistics``
    :param poke_interval: longest time between two polls, in seconds
    :param deadline: ISO 8601 instant at which the sensor times out
    :param poll_at: ISO 8601 instant at which the first poll is due
    :param ends: ISO 8601 end of the campaign's dates; None if unknown
    :param last_poll: what the sensor has found, which the timeout reports if no poll follows; None if unknown
    :param end_from_trigger: end the task here when no leads are left, without another worker slot
    """

    def __init__(
        self,
        *,
        engagevoice_conn_id: str,
        campaign: int | str | Mapping[str, object],
        dial_group: int | str | Mapping[str, object] | None,
        count_by: str,
        poke_interval: float,
        deadline: str,
        poll_at: str,
        ends: str | None = None,
        last_poll: str | None = None,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.dial_group = dial_group
        self.count_by = count_by
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.poll_at = poll_at
        self.ends = ends
        self.last_poll = last_poll
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.leads_drained.LeadsDrainedTrigger",
            {
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "campaign": self.campaign,
                "dial_group": self.dial_group,
                "count_by": self.count_by,
                "poke_interval": self.poke_interval,
                "deadline": self.deadline,
                "poll_at": self.poll_at,
                "ends": self.ends,
                "last_poll": self.last_poll,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def _wait(self, hub: PollerHub) -> dict[str, Any]:
        from airflow_provider_engagevoice.inputs import read_count_by
        from airflow_provider_engagevoice.polling.awaited import read_awaited
        from airflow_provider_engagevoice.polling.leads_drained import CountBy, DrainedWait

        wait = DrainedWait(
            awaited=read_awaited(self.campaign, self.dial_group),
            count_by=CountBy(read_count_by(self.count_by)),
            poke_interval=self.poke_interval,
            deadline=datetime.fromisoformat(self.deadline),
            poll_at=datetime.fromisoformat(self.poll_at),
            ends=None if self.ends is None else datetime.fromisoformat(self.ends),
        )
        last = self.last_poll
        with hub.drained.polling_for(wait):
            while (poll := await hub.drained.next_poll(wait)) is not None:
                if isinstance(poll, str):
                    self.log.warning("%s", poll)
                    last = last or poll
                    continue
                if poll.reached or poll.unreachable:
                    return {"status": "reached" if poll.reached else "unreachable", "message": str(poll)}
                if str(poll) != last:
                    last = str(poll)
                    self.log.info("waiting: %s", last)
        return {"status": "timeout", "message": last or f"campaign {self.campaign}"}
