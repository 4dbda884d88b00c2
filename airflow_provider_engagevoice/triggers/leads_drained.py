"""Wait on the triggerer until a campaign has no lead left to call."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.triggers.base import WaitTrigger

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub


class LeadsDrainedTrigger(WaitTrigger):
    """
    Wait until a campaign has no lead left to call.

    All waits of a triggerer on the same connection share their looks: those by statistics one request for
    all campaigns, those by search one for each campaign. Its event is a mapping with ``status``
    (``reached``, ``never``, ``timeout`` or ``failed``) and ``message``.

    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param dial_group_id: dial group of the campaign
    :param campaign_id: the campaign
    :param by: ``search`` or ``statistics``
    :param poke_interval: longest time between two looks, in seconds
    :param deadline: ISO 8601 instant at which the sensor's time-out is reached
    :param look_at: ISO 8601 instant at which the first look is due
    :param ends: ISO 8601 end of the campaign's dates, as far as is known
    :param end_from_trigger: end the task here when no lead is left, without another worker slot
    """

    def __init__(
        self,
        *,
        engagevoice_conn_id: str,
        dial_group_id: int,
        campaign_id: int,
        by: str,
        poke_interval: float,
        deadline: str,
        look_at: str,
        ends: str | None = None,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.dial_group_id = dial_group_id
        self.campaign_id = campaign_id
        self.by = by
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.look_at = look_at
        self.ends = ends
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.leads_drained.LeadsDrainedTrigger",
            {
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "dial_group_id": self.dial_group_id,
                "campaign_id": self.campaign_id,
                "by": self.by,
                "poke_interval": self.poke_interval,
                "deadline": self.deadline,
                "look_at": self.look_at,
                "ends": self.ends,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def _wait(self, polls: PollerHub) -> dict[str, Any]:
        from airflow_provider_engagevoice.inputs import read_count_by
        from airflow_provider_engagevoice.polling.leads_drained import DrainedWait

        wait = DrainedWait(
            dial_group_id=self.dial_group_id,
            campaign_id=self.campaign_id,
            by=read_count_by(self.by),
            poke_interval=self.poke_interval,
            deadline=datetime.fromisoformat(self.deadline),
            look_at=datetime.fromisoformat(self.look_at),
            ends=None if self.ends is None else datetime.fromisoformat(self.ends),
        )
        told = f"campaign {self.campaign_id}"
        with polls.drains.looking_for(wait):
            while (look := await polls.drains.next_look(wait)) is not None:
                if isinstance(look, str):
                    self.log.warning("%s", look)
                    continue
                if look.reached or look.never:
                    return {"status": "reached" if look.reached else "never", "message": str(look)}
                if str(look) != told:
                    told = str(look)
                    self.log.info("waiting: %s", told)
        return {"status": "timeout", "message": told}
