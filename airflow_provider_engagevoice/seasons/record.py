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
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS
from airflow_provider_engagevoice.client.request import Pause
from airflow_provider_engagevoice.inputs import EngageVoiceError
from airflow_provider_engagevoice.seasons.work import (
    NAME,
    STATE,
    Approval,
    RecordedCampaign,
    Work,
)

_VERSION = 1
_POINTER = "latest.json"


class RecordError(EngageVoiceError):
    """A plan or a record cannot be read, or is not what it is said to be."""


class Storage(Protocol):
    """Where plans and records are kept."""

    def read(self, path: str) -> str | None:
        """Return the text of a file, None if it does not exist."""

    def write(self, path: str, text: str) -> None:
        """Write a file completely, or not at all."""


@dataclass(slots=True, kw_only=True)
class Record(Work):
    """One apply, and what the daily task has done with its campaigns since.

    :param serial: number of the apply in its season, from 1
    :param applied_by: who has triggered it
    :param accepted_findings: rules whose errors the preflight of the plan has found, and that were accepted
    :param approval: who has approved the plan; None if no approval was needed
    :param campaigns: all campaigns of the season, by key
    :param days: the last run of the daily task that had something to write
    """

    season: str
    account_id: str
    serial: int
    applied_by: str | None = None
    accepted_findings: list[str] = field(default_factory=list)
    campaigns: dict[str, RecordedCampaign] = field(default_factory=dict)
    approval: Approval | None = None
    days: Work | None = None
    version: int = _VERSION

    @property
    def works(self) -> list[Work]:
        """The apply, and the last run of the daily task."""
        return [self] if self.days is None else [self, self.days]

    @property
    def as_of(self) -> float:
        """When it was written last, in seconds since the epoch."""
        return max(one.written_at for one in self.works)

    def until_listed(self) -> Pause | None:
        """Return the pause after which lists show what it says was written; None if they do."""
        seconds = self.as_of + LAG_SECONDS - clock.time()
        return Pause(min(seconds, LAG_SECONDS)) if seconds > 0 else None

    @property
    def asked(self) -> list[RecordedCampaign]:
        """The campaigns that the season asked for."""
        return [one for one in self.campaigns.values() if not one.orphan]

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
        begun = [work.changes[key] for work in reversed(self.works) for key in work.checkpoints]
        for change in begun:
            if change.campaign_id == one.campaign_id and change.exclusion and not change.kept_free:
                after = {name: change.after[name] for name in hours if name in change.after}
                if all(hours[name] == wanted for name, wanted in after.items()):
                    fields = {**one.fields, **{n: v for n, v in change.after.items() if n in one.fields}}
                    return replace(one, fields=fields, exclusion=change.exclusion)
        return one

    def keep_free(self, campaign_id: int, hours: Mapping[str, str]) -> None:
        """Note hours that the daily task has given a campaign since the apply.

        :param hours: by field
        """
        for change in self.changes.values():
            if change.campaign_id == campaign_id:
                change.kept_free.update(hours)

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
            if data.get("approval") is not None:
                data["approval"] = Approval(**data["approval"])
            if data.get("days") is not None:
                data["days"] = Work(**data["days"])
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
        """Return the last file, and run and attempt of the task that works with it; None before the first.

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

    def point_to(self, record: Record, work: Work) -> None:
        """Make a record the last one, and a task the one that works with it."""
        pointer: Mapping[str, Any] = {
            "file": record.file,
            "serial": record.serial,
            "digest": record.digest,
            "run": work.run,
            "attempt": work.attempt,
            "status": work.status,
        }
        self._storage.write(self._file(_POINTER), json.dumps(pointer, indent=1))

    def _read(self, path: str) -> str | None:
        try:
            return self._storage.read(path)
        except UnicodeDecodeError as error:
            raise RecordError(f"{path}: not a record of a season ({error})") from None

    def _file(self, name: str) -> str:
        return posixpath.join(self.path, name)
