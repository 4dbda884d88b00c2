"""What a task does with the campaigns of a season, and how it has left them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion

# One line each, or the API reference does not find them.
NAME = "campaignName"
STATE = "isActive"
#: In the checkpoint of an update: the fields that it has written; others had their values already.
WRITTEN = "written"
#: Also there: whether the server has answered a write that activates it. What a person pauses later stands.
ANSWERED = "answered"
#: Seconds without a sign of life after which an apply is taken for dead.
DEAD_SECONDS = 900.0


@dataclass(slots=True)
class RecordedCampaign:
    """A campaign as the last apply that changed it has left it.

    :param fields: the fields that the season states: vendor field to JSON value
    :param state: ``isActive`` that the season asked for; None if it did not
    :param orphan: whether the season does not ask for it any more
    :param paused_from: ``isActive`` before the season was paused; None if it is not paused
    :param dial_group: name of the dial group
    :param exclusion: dates without calls
    """

    campaign_id: int
    dial_group_id: int
    name: str
    region: str
    fields: dict[str, Any]
    state: int | None
    protect: bool = False
    orphan: bool = False
    paused_from: int | None = None
    dial_group: str = ""
    exclusion: Exclusion | None = None

    def __post_init__(self) -> None:
        # From JSON.
        if isinstance(self.exclusion, dict):
            self.exclusion = Exclusion(**self.exclusion)

    @property
    def key(self) -> str:
        """Key of the campaign in plans and records."""
        return campaign_key(self.dial_group_id, self.name)

    def excluding(self, asked: Exclusion | None) -> Exclusion | None:
        """Return its excluded dates and those that are asked for, for the hours that it was left with."""
        if asked is None or self.exclusion is not None:
            return self.exclusion and self.exclusion.with_dates_of(asked)
        if not asked.hours.keys() <= self.fields.keys():
            return None
        return asked.for_hours(self.fields)


@dataclass(slots=True)
class Change:
    """What an apply was to do with one campaign, and what it has done.

    :param before: the fields that the season states, name and state, before it; None if there was no campaign
    :param after: the fields, the name and the state that it writes
    :param outcome: created, cloned, updated, unchanged, over, protected, changed (by someone since the plan),
        failed, or pending
    :param error: why it failed
    :param old_state: ``isActive`` that the season asked for before it
    :param old_paused_from: ``paused_from`` of the campaign before it
    :param paused_from: the same after it
    :param old_exclusion: ``exclusion`` of the campaign before it, if that was another one
    :param exclusion: the same after it, if it writes hours of a campaign that exists
    :param kept_free: hours that the daily task has written since the plan was made, for excluded dates
    """

    action: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] = field(default_factory=dict)
    outcome: str = "pending"
    error: str | None = None
    retryable: bool = False
    campaign_id: int | None = None
    old_state: int | None = None
    old_paused_from: int | None = None
    paused_from: int | None = None
    old_exclusion: Exclusion | None = None
    exclusion: Exclusion | None = None
    kept_free: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # From JSON.
        if isinstance(self.old_exclusion, dict):
            self.old_exclusion = Exclusion(**self.old_exclusion)
        if isinstance(self.exclusion, dict):
            self.exclusion = Exclusion(**self.exclusion)

    def limited_to(self, checkpoint: Mapping[str, Any]) -> Change:
        """Return it without the fields that had the wanted values already: others have set them."""
        if WRITTEN not in checkpoint:
            return self
        after = {name: value for name, value in self.after.items() if name in checkpoint[WRITTEN]}
        return replace(self, after=after)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.outcome not in ("pending", "failed", "changed")


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person has answered who was asked about a plan.

    :param at: ISO 8601 instant of the answer
    :param by: name of the user; ``by_id`` is the id in Airflow's auth manager
    """

    choice: str
    at: str
    by: str | None
    by_id: str | None


@dataclass(slots=True, kw_only=True)
class Work:
    """What a task does with the campaigns of a season, and how far it has come.

    :param digest: of the plan
    :param run: task instance that does it, without its attempt
    :param status: ``applying``, ``waiting`` (for the time of the next wave), ``applied`` or ``failed``
    :param attempt: its attempt
    :param written_at: when it last gave a sign of life, in seconds since the epoch; so are the other times
    :param wave: number of the wave that is applied, from 0
    :param wave_ended_at: when the wave before ended
    :param waits_until: when the next wave may start, if it waits for that
    :param changes: by key of the campaign
    :param checkpoints: what attempts share, by key; empty once it has ended
    """

    digest: str
    run: str
    status: str = "applying"
    attempt: int = 1
    started_at: float = 0.0
    written_at: float = 0.0
    ended_at: float | None = None
    wave: int = 0
    wave_ended_at: float | None = None
    waits_until: float | None = None
    changes: dict[str, Change] = field(default_factory=dict)
    checkpoints: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # From JSON.
        changes: Mapping[str, Any] = self.changes
        self.changes = {
            key: one if isinstance(one, Change) else Change(**one) for key, one in changes.items()
        }

    @property
    def is_alive(self) -> bool:
        """Whether it seems to be running."""
        return self.status == "applying" and clock.time() - self.written_at < DEAD_SECONDS

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its next wave, and is not long overdue."""
        overdue = clock.time() - (self.waits_until or 0.0)
        return self.status == "waiting" and overdue < DEAD_SECONDS

    @property
    def left(self) -> list[str]:
        """The names of the campaigns that it was to change or check, and has not."""
        return [key.partition("/")[2] for key, change in self.changes.items() if not change.is_done]


def campaign_key(dial_group_id: int, name: str) -> str:
    """Return the key of a campaign in plans and records."""
    return f"{dial_group_id}/{name}"


def unique_key(key: str, campaign_id: int, others: Collection[str]) -> str:
    """Return the key of a campaign that others may have: people may give several the same name."""
    return f"{key} [{campaign_id}]" if key in others else key
