"""What an apply of a season would do, as data in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.preflight.findings import Finding
from airflow_provider_engagevoice.seasons.record import Record, RecordError
from airflow_provider_engagevoice.seasons.work import NAME, STATE, RecordedCampaign

_VERSION = 1
_OF_RECORD = "record"
#: Why a state is not set that people have changed.
CHANGED_BY_SOMEONE = "someone has changed it since the last apply"
#: Actions that write.
WRITES = ("create", "clone", "update")


@dataclass(slots=True)
class FieldChange:
    """A field that the server stores differently, as JSON values.

    :param drift: whether someone has changed it since the last apply
    :param changed_by: who, and when, as far as it is known
    """

    old: Any
    new: Any
    drift: bool = False
    changed_by: str = ""


@dataclass(slots=True)
class StateChange:
    """A state of a campaign that the season does not ask for.

    :param applied: whether the apply sets it: only if the season asks for another state than at the last
        apply, and the campaign has that one
    :param why: why it is not applied
    :param changed_by: who has changed it since the last apply, and when, as far as it is known
    """

    old: int | None
    new: int
    applied: bool
    why: str = ""
    changed_by: str = ""


@dataclass(slots=True)
class PlannedCampaign:
    """What the apply would do with one campaign.

    :param action: create, clone, update, unchanged, protected (would be updated, but is protected) or over
        (does not exist, and its window is over)
    :param source: id of the campaign to clone
    :param fields: the fields that the season states: vendor field to JSON value
    :param state: ``isActive`` that the season asks for
    :param before: those fields, name and state as the server has them; None if there is no such campaign
    :param note: what a reader should know
    :param paused_from: ``isActive`` before the season was paused; None if it is not paused
    :param exclusion: dates without calls, and what it will have instead of its usual hours
    :param kept: what someone has changed since the apply, so that it is not taken back
    :param left: the fields as the last apply has left them, if ``fields`` has only some of them, and the name
        is not to be written; None otherwise
    :param of_source: the stated fields and the hours of a clone as its source has them, as far as lists show
        them
    :param source_name: name of the campaign to clone
    """

    key: str
    action: str
    region: str
    dial_group_id: int
    dial_group: str
    name: str
    wave: int
    country: str
    campaign_id: int | None
    source: int | None
    fields: dict[str, Any]
    state: int | None
    protect: bool
    before: dict[str, Any] | None
    changes: dict[str, FieldChange] = field(default_factory=dict)
    state_change: StateChange | None = None
    note: str = ""
    paused_from: int | None = None
    exclusion: Exclusion | None = None
    kept: dict[str, FieldChange] = field(default_factory=dict)
    left: dict[str, Any] | None = None
    of_source: dict[str, Any] = field(default_factory=dict)
    source_name: str = ""

    def __post_init__(self) -> None:
        # From JSON.
        if isinstance(self.exclusion, dict):
            self.exclusion = Exclusion(**self.exclusion)

    @property
    def writes(self) -> bool:
        """Whether the apply would write it."""
        return self.action in WRITES

    def is_written(self, field: str) -> bool:
        """Return whether the apply would write a field."""
        return self.writes and (self.before is None or field in self.changes)


@dataclass(slots=True)
class PlannedWave:
    """Regions that are applied together.

    :param after: seconds after the end of the wave before
    :param at: ISO 8601 instant before which it does not start
    """

    regions: list[str]
    after: float | None = None
    at: str | None = None


@dataclass(slots=True)
class Plan:
    """What an apply would do.

    :param record_path: directory of the records
    :param serial: number of the last apply when the plan was made, 0 before the first
    :param created_at: seconds since the epoch
    :param source_digest: of the season as written
    :param as_of: when the last record was written, in seconds since the epoch; 0 before the first
    :param of_days: whether it is the daily task's, which keeps excluded dates free
    :param orphans: campaigns of the last record that the season does not ask for any more; they stay as they
        are
    :param gone: keys of campaigns of the last record that are neither asked for nor there any more
    :param timezones: time zone of each region, in which people are shown dates
    :param findings: of the preflight
    :param takes_back: when the apply ``serial`` began, if the plan takes it back, in seconds since the epoch
    """

    season: str
    account_id: str
    record_path: str
    serial: int
    created_at: float
    source_digest: str
    waves: list[PlannedWave]
    campaigns: list[PlannedCampaign]
    orphans: list[RecordedCampaign] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    timezones: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    as_of: float = 0.0
    of_days: bool = False
    takes_back: float | None = None
    version: int = _VERSION

    @classmethod
    def of_record(
        cls,
        record: Record,
        record_path: str,
        campaigns: list[PlannedCampaign],
        regions: Iterable[str],
        *,
        of_days: bool = False,
    ) -> Self:
        """Return a plan that follows from what the last apply has left, all of it in one wave.

        :param record: of the last apply
        :param record_path: directory of the records of all seasons
        """
        return cls(
            season=record.season,
            account_id=record.account_id,
            record_path=record_path,
            serial=record.serial,
            created_at=clock.time(),
            source_digest=f"{_OF_RECORD} {record.file}",
            waves=[PlannedWave(list(dict.fromkeys(regions)))],
            campaigns=campaigns,
            orphans=[one for one in record.campaigns.values() if one.orphan],
            as_of=record.as_of,
            of_days=of_days,
        )

    @property
    def digest(self) -> str:
        """Digest of all that the apply depends on."""
        data = asdict(self)
        del data["created_at"]
        # Plans of earlier releases do not have these.
        if not self.findings:
            del data["findings"]
        if self.takes_back is None:
            del data["takes_back"]
        for one in data["campaigns"]:
            # Plans of earlier releases do not have these.
            for name in ("of_source", "source_name"):
                if not one[name]:
                    del one[name]
            # The audit log is late.
            for change in (*one["changes"].values(), *one["kept"].values(), one["state_change"] or {}):
                change.pop("changed_by", None)
        text = json.dumps(data, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_of_record(self) -> bool:
        """Whether it follows from what the last apply has left, not from a file."""
        return self.source_digest.startswith(_OF_RECORD)

    @property
    def counts(self) -> dict[str, int]:
        """How many campaigns there are of each kind."""
        actions = [one.action for one in self.campaigns]
        counts = {name: actions.count(name) for name in (*WRITES, "unchanged", "protected", "over")}
        drifted = sum(any(change.drift for change in one.changes.values()) for one in self.campaigns)
        states = sum(one.state_change is not None for one in self.campaigns)
        return {**counts, "drift": drifted, "state": states, "orphan": len(self.orphans)}

    @property
    def has_changes(self) -> bool:
        """Whether an apply would write anything."""
        return any(one.writes for one in self.campaigns)

    def to_json(self) -> str:
        """Return the text of its file."""
        return json.dumps({"digest": self.digest, **asdict(self)}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str, path: str) -> Self:
        """Return the plan in a file.

        :raises RecordError: if it is none, or was changed since it was made
        """
        try:
            data = json.loads(text)
            if data["version"] != _VERSION:
                raise RecordError(f"{path}: version {data['version']!r} of plans is not known")
            digest = data.pop("digest")
            data["waves"] = [PlannedWave(**one) for one in data["waves"]]
            data["orphans"] = [RecordedCampaign(**one) for one in data["orphans"]]
            data["campaigns"] = [_planned(one) for one in data["campaigns"]]
            data["findings"] = [Finding(**one) for one in data.get("findings", ())]
            plan = cls(**data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordError(f"{path}: not a plan of a season ({error!r})") from None
        if plan.digest != digest:
            raise RecordError(
                f"{path}: the plan was changed after it was made, or another release of the package made it; "
                "make a new one"
            )
        return plan


def _planned(data: dict[str, Any]) -> PlannedCampaign:
    for key in ("changes", "kept"):
        data[key] = {name: FieldChange(**one) for name, one in data[key].items()}
    if data["state_change"] is not None:
        data["state_change"] = StateChange(**data["state_change"])
    return PlannedCampaign(**data)


def written_by(planned: PlannedCampaign) -> dict[str, Any]:
    """Return the fields, the name and the state that the apply writes, as JSON values."""
    if not planned.writes:
        return {}
    stated = {**planned.fields, NAME: planned.name}
    if planned.before is None:
        return {**stated, STATE: planned.state or 0}
    written = {name: stated[name] for name in planned.changes}
    if planned.state_change is not None and planned.state_change.applied:
        written[STATE] = planned.state_change.new
    return written


def image(fields: Iterable[str], campaign: Campaign) -> dict[str, Any]:
    """Return fields of a campaign, its name and its state as JSON values."""
    names = [*fields, NAME, STATE]
    return {name: to_json_value(getattr(campaign, name, campaign.raw.get(name))) for name in names}


def to_json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
