"""People who ask not to be called, after a load: an action on those whom it names by phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.leads.named import LeadActing, read_named
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from tests.simulation.client import SimulatedClient
from tests.simulation.leads.attempt import START, Flow
from tests.simulation.leads.plan import FIRST_CAMPAIGN

if TYPE_CHECKING:
    from tests.simulation.leads.plan import OptOutPlan
    from tests.simulation.leads.world import LoadWorld

_TRIES = 3


class OptOut:
    """The task, with its attempts.

    :ivar result: of a success
    :ivar error: of a failure for good
    """

    is_dead, died_at = False, 0.0

    def __init__(self, world: LoadWorld, plan: OptOutPlan, phones: list[str]) -> None:
        self.world = world
        self.plan = plan
        self.phones = phones
        self.client = SimulatedClient(world.permits, "100%")
        self.result: dict[str, Any] | None = None
        self.error: Exception | None = None
        self.began = 0.0
        self._tries = self._requests = 0

    def __repr__(self) -> str:
        return "opt-out"

    @property
    def is_over(self) -> bool:
        return self.result is not None or self.error is not None

    def begin(self) -> None:
        """Begin an attempt."""
        self._tries += 1
        self.began = self.world.now
        Flow(self, None).resume(None, None, first=True)

    def carry_out(self, step: None) -> Any:
        self.world.log(self.world.now - START, self, self.plan.action, *self.phones)
        written = [_written(phone, number) for number, phone in enumerate(self.phones)]
        ids = range(FIRST_CAMPAIGN, FIRST_CAMPAIGN + self.world.plan.campaigns)
        criteria = {"campaignIds": list(ids), "leadPhoneNumbers": written}
        return LeadActing(
            LeadAction(self.plan.action),
            criteria,
            read_named(criteria, "USA"),
            {},
            least=None,
            most=self.plan.most,
        ).run()

    def deferred(self, action: Any) -> bool:
        return False

    def sends(self) -> bool:
        return True

    def fault(self) -> str:
        """Count a request; return its fault."""
        self._requests += 1
        return dict(self.plan.faults).get(self._requests, "")

    def completed(self, step: None, outcome: dict[str, Any]) -> None:
        self.result = outcome
        self.world.log(self.world.now - START, self, "ends", outcome)

    def failed(self, step: None, error: Exception) -> None:
        self.world.log(self.world.now - START, self, "fails", error)
        if isinstance(error, EngageVoiceError) and error.retryable and self._tries < _TRIES:
            self.world.after(5.0, self.begin)
        else:
            self.error = error


def _written(phone: str, number: int) -> str:
    forms = (f"+1{phone}", phone, f"1-{phone[:3]}-{phone[3:]}", f"({phone[:3]}) {phone[3:6]}-{phone[6:]}")
    return forms[number % len(forms)]
