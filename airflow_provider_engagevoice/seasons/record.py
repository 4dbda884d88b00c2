"""What a season's applies have done: one file for each, and a pointer to the last.

A record is written completely or not at all. It has all campaigns of the season as they were left, so the
last one suffices; the earlier ones stay.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, Self

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.inputs import EngageVoiceError

_VERSION = 1
_POINTER = "latest.json"
# One line each, or the API reference does not find them.
NAME = "campaignName"
STATE = "isActive"
#: In the checkpoint of an update: the fields that it has written; others had their values already.
WRITTEN = "written"
#: Seconds without a sign of life after which an apply is taken for dead.
DEAD_SECONDS = 900.0


class RecordError(EngageVoiceError):
    """A plan or a record cannot be read, or is not what it is said to be."""


class Storage(Protocol):
    """Where plans and records are kept."""

    def read(self, path: str) -> str | None:
        """Return the text of a file, None if it does not exist."""

    def write(self, path: str, text: str) -> None:
        """Write a file completely, or not at all."""


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
        return replace(asked, hours={name: self.fields[name] for name in asked.hours}, limits={})


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


@dataclass(slots=True)
class Record:
    """One apply.

    :param serial: number of the apply in its season, from 1
    :param digest: of the plan
    :param status: ``applying``, ``waiting`` (for the time of the next wave), ``applied`` or ``failed``
    :param run: task instance that applies it, without its attempt
    :param attempt: its attempt
    :param applied_by: who has triggered it
    :param accepted_findings: rules whose errors the preflight of the plan has found, and that were accepted
    :param approval: who has approved the plan; None if no approval was needed
    :param written_at: seconds since the epoch; so are ``started_at`` and ``ended_at``
    :param wave: number of the wave that is applied, from 0
    :param wave_ended_at: when the wave before ended
    :param campaigns: all campaigns of the season, by key
    :param changes: by key
    :param checkpoints: what attempts share, by key; empty once the apply has ended
    """

    season: str
    account_id: str
    serial: int
    digest: str
    run: str
    status: str = "applying"
    attempt: int = 1
    applied_by: str | None = None
    accepted_findings: list[str] = field(default_factory=list)
    started_at: float = 0.0
    written_at: float = 0.0
    ended_at: float | None = None
    wave: int = 0
    wave_ended_at: float | None = None
    campaigns: dict[str, RecordedCampaign] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    checkpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    approval: Approval | None = None
    version: int = _VERSION

    @property
    def is_alive(self) -> bool:
        """Whether the apply seems to be running."""
        return self.status == "applying" and clock.time() - self.written_at < DEAD_SECONDS

    @property
    def asked(self) -> list[RecordedCampaign]:
        """The campaigns that the season asked for."""
        return [one for one in self.campaigns.values() if not one.orphan]

    @property
    def left(self) -> list[str]:
        """The names of the campaigns that the apply was to change or check, and has not."""
        return [key.partition("/")[2] for key, change in self.changes.items() if not change.is_done]

    @property
    def names(self) -> dict[int, set[str]]:
        """The names that the season asked for, by dial group; also of campaigns that were not made yet."""
        names: dict[int, set[str]] = {}
        for key in (*(one.key for one in self.asked), *self.changes):
            group_id, _, name = key.partition("/")
            names.setdefault(int(group_id), set()).add(name)
        return names

    @property
    def file(self) -> str:
        """Name of its file."""
        return _file_name(self.serial, self.digest)

    def begun(self, *, created: bool = True) -> Iterator[RecordedCampaign]:
        """Yield the campaigns that a killed apply has begun to write, and has not recorded.

        :param created: whether to yield those that it has made, too, which may be unfinished
        """
        names = {one.dial_group_id: one.dial_group for one in self.campaigns.values()}
        known = {one.campaign_id for one in self.campaigns.values()}
        for key, checkpoint in self.checkpoints.items():
            change = self.changes[key]
            group_id, _, name = key.partition("/")
            if change.before is None and not created:
                continue
            stated = {**(change.before or {}), **change.after}
            for campaign_id in checkpoint.get("campaign_ids", (change.campaign_id,)):
                if campaign_id is not None and campaign_id not in known:
                    yield RecordedCampaign(
                        campaign_id=campaign_id,
                        dial_group_id=int(group_id),
                        name=name,
                        region="",
                        fields={one: value for one, value in stated.items() if one not in (NAME, STATE)},
                        state=change.after.get(STATE),
                        paused_from=change.paused_from,
                        dial_group=names.get(int(group_id)) or group_id,
                    )

    def as_left(self, one: RecordedCampaign, hours: Mapping[str, object]) -> RecordedCampaign:
        """Return a campaign as it was left: a killed apply may have written it, which its hours tell.

        :param hours: that it has
        """
        for key in self.checkpoints:
            change = self.changes[key]
            if change.campaign_id == one.campaign_id and change.exclusion is not None:
                after = {name: change.after[name] for name in hours if name in change.after}
                if all(hours[name] == wanted for name, wanted in after.items()):
                    fields = {**one.fields, **{n: v for n, v in change.after.items() if n in one.fields}}
                    return replace(one, fields=fields, exclusion=change.exclusion)
        return one

    @classmethod
    def from_json(cls, text: str, path: str) -> Self:
        """Return the record in a file.

        :raises RecordError: if it is none
        """
        try:
            data = json.loads(text)
            if data["version"] != _VERSION:
                raise RecordError(f"{path}: version {data['version']!r} of records is not known")
            data["campaigns"] = {key: RecordedCampaign(**one) for key, one in data["campaigns"].items()}
            data["changes"] = {key: Change(**one) for key, one in data["changes"].items()}
            if data.get("approval") is not None:
                data["approval"] = Approval(**data["approval"])
            record = cls(**data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordError(f"{path}: not a record of a season ({error!r})") from None
        # What a killed apply has begun, it may have done.
        begun = {record.changes[key].campaign_id: record.changes[key] for key in record.checkpoints}
        for one in record.campaigns.values():
            if one.campaign_id in begun:
                one.paused_from = begun[one.campaign_id].paused_from
        return record

    def to_json(self) -> str:
        """Return the text of its file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def _file_name(serial: int, digest: str) -> str:
    return f"{serial:04d}-{digest[:12]}.json"


def campaign_key(dial_group_id: int, name: str) -> str:
    """Return the key of a campaign in plans and records."""
    return f"{dial_group_id}/{name}"


class Records:
    """The records of one season.

    :param path: directory of the records of all seasons
    """

    def __init__(self, storage: Storage, path: str, season: str) -> None:
        self._storage = storage
        self.root = path
        self.path = posixpath.join(path, season)

    @classmethod
    def in_directory(cls, storage: Storage, path: str) -> Self:
        """Return the records in the directory of one season."""
        return cls(storage, *posixpath.split(path.rstrip("/")))

    def last(self) -> Record | None:
        """Return the record of the last apply; None before the first.

        :raises RecordError: if it cannot be read
        """
        pointer = self._pointer()
        return None if pointer is None else self.load(str(pointer["file"]))

    def holder(self) -> tuple[str, str, int] | None:
        """Return file, run and attempt of the last apply; None before the first.

        :raises RecordError: if they cannot be read
        """
        pointer = self._pointer()
        return None if pointer is None else (pointer["file"], pointer["run"], pointer["attempt"])

    def _pointer(self) -> Mapping[str, Any] | None:
        text = self._read(path := self._file(_POINTER))
        if text is None:
            return None
        try:
            pointer = json.loads(text)
            return {"file": pointer["file"], "run": pointer.get("run"), "attempt": pointer.get("attempt")}
        except (ValueError, TypeError, KeyError):
            raise RecordError(f"{path}: not a pointer to a record") from None

    def known(self) -> Record:
        """Return the record of the last apply.

        :raises RecordError: if there is none, or it cannot be read
        """
        record = self.last()
        if record is None:
            raise RecordError(f"record: {self.path} has no record of an apply")
        return record

    def of_plan(self, serial: int, digest: str) -> Record | None:
        """Return the record of an apply of a plan; None if it was not applied.

        :param serial: of the apply
        :param digest: of the plan
        """
        text = self._read(path := self._file(_file_name(serial, digest)))
        return None if text is None else Record.from_json(text, path)

    def load(self, name: str) -> Record:
        """Return a record.

        :param name: of its file
        :raises RecordError: if there is none, or it cannot be read
        """
        path = self._file(name)
        text = self._read(path)
        if text is None:
            raise RecordError(f"{path}: there is no such record")
        return Record.from_json(text, path)

    def save(self, record: Record) -> None:
        """Write a record."""
        self._storage.write(self._file(record.file), record.to_json())

    def point_to(self, record: Record) -> None:
        """Make a record the last one."""
        pointer: Mapping[str, Any] = {
            "file": record.file,
            "serial": record.serial,
            "digest": record.digest,
            "run": record.run,
            "attempt": record.attempt,
            "status": record.status,
        }
        self._storage.write(self._file(_POINTER), json.dumps(pointer, indent=1))

    def _read(self, path: str) -> str | None:
        try:
            return self._storage.read(path)
        except UnicodeDecodeError as error:
            raise RecordError(f"{path}: not a record of a season ({error})") from None

    def _file(self, name: str) -> str:
        return posixpath.join(self.path, name)
