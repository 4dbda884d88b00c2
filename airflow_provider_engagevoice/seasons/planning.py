"""Compare a season with the server and with the last apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import fields_from_json, fields_to_json
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.campaigns.exclude import hours_of
from airflow_provider_engagevoice.campaigns.names import is_unfinished
from airflow_provider_engagevoice.campaigns.write import differences
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns, list_dial_groups
from airflow_provider_engagevoice.client.lookup import look_up
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import nearest
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign, DialGroup
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.preflight.lead_counts import LeadCounts
from airflow_provider_engagevoice.preflight.rules import Rules, load_rules
from airflow_provider_engagevoice.seasons.authors import name_authors
from airflow_provider_engagevoice.seasons.exclusions import still_excluding
from airflow_provider_engagevoice.seasons.expand import WantedCampaign, expand, twice
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.plan import (
    CHANGED_BY_SOMEONE,
    FieldChange,
    Plan,
    PlannedCampaign,
    PlannedWave,
    StateChange,
    image,
    to_json_value,
)
from airflow_provider_engagevoice.seasons.plan_findings import find_in_plan
from airflow_provider_engagevoice.seasons.problems import Problem, error_of
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.work import NAME, RecordedCampaign, campaign_key
from airflow_provider_engagevoice.seasons.yaml_text import YamlFile


def make_plan(
    season: Season,
    last: Record | None,
    *,
    account_id: str,
    record_path: str,
    source_digest: str,
    yaml_file: YamlFile | None = None,
    rules: Rules | None = None,
    leads: Mapping[str, LeadCounts] | None = None,
) -> Procedure[Plan]:
    """Compare a season with the server; nothing is written.

    Each dial group is listed once, and again if it may not show yet what an apply a moment ago has written. A
    campaign is read by itself only if its row lacks a field that the season states.

    :param last: record of the last apply
    :param yaml_file: file that the season was read from, for the positions in errors
    :param rules: of the preflight; default: those of the package
    :param leads: where the leads are that each region's campaigns are to call, for the preflight
    :raises InvalidInputError: with what is wrong in the season, such as an unknown dial group or source
    """
    wanted = expand(season, yaml_file)
    problems: list[Problem] = []
    groups = _dial_groups((yield from list_dial_groups()), season, problems)
    group_ids = list(dict.fromkeys(group.dialGroupId for group in groups.values()))
    live = yield from _live(group_ids)
    if last is not None and (pause := last.until_listed()) is not None and _may_be_late(last, live):
        yield pause
        live = yield from _live(group_ids)
    planned: dict[str, PlannedCampaign] = {}
    for one in wanted:
        group = groups.get(one.region)
        if group is None:
            continue
        key = campaign_key(group.dialGroupId, one.name)
        if key in planned:
            # Regions may name one dial group by its id and by its name.
            problems.append(twice(one, group.dialGroupName))
            continue
        planner = _Planner(one, group, live[group.dialGroupId], last, problems)
        planned[key] = yield from planner.plan()
    if problems:
        raise error_of(problems, yaml_file)
    if last is not None:
        yield from name_authors(planned.values(), account_id, last.started_at)
    ids = {one.campaign_id for one in planned.values()}
    orphans: list[RecordedCampaign] = []
    gone: list[str] = []
    for key, known in last.campaigns.items() if last else ():
        if key in planned or known.campaign_id in ids:
            continue
        if (yield from _is_there(known, live)):
            orphans.append(replace(known, orphan=True, exclusion=still_excluding(known, season)))
        else:
            gone.append(key)
    rows = {id_: row for one in live.values() for id_, row in one.by_id.items()}
    return Plan(
        season=season.season,
        account_id=account_id,
        record_path=record_path,
        serial=last.serial if last else 0,
        created_at=clock.time(),
        source_digest=source_digest,
        waves=_waves(season),
        campaigns=list(planned.values()),
        orphans=orphans,
        gone=gone,
        timezones={name: region.timezone for name, region in season.regions.items()},
        findings=find_in_plan(season, planned.values(), rows, rules or load_rules(), leads or {}),
        as_of=last.as_of if last else 0.0,
    )


def _live(group_ids: Iterable[int]) -> Procedure[dict[int, _Rows]]:
    """Return the campaigns of dial groups."""
    live = {}
    for group_id in group_ids:
        live[group_id] = _Rows((yield from list_campaigns(group_id)))
    return live


def _may_be_late(last: Record, live: Mapping[int, _Rows]) -> bool:
    """Return whether lists may not show yet what the last apply has written."""
    for one in last.campaigns.values():
        if one.dial_group_id in live:
            row = live[one.dial_group_id].by_id.get(one.campaign_id)
            if row is None:
                return True
            left = {name: value for name, value in fields_from_json(one.fields).items() if name in row.raw}
            if differences({**left, NAME: one.name}, row):
                return True
    return False


def _is_there(known: RecordedCampaign, live: Mapping[int, _Rows]) -> Procedure[bool]:
    """Return whether a campaign that no one asks for any more is still on the server, as far as is known."""
    rows = live.get(known.dial_group_id)
    if rows is None or known.campaign_id in rows.by_id:
        return True
    return (yield from look_up(known.dial_group_id, known.campaign_id)) is not None


def _waves(season: Season) -> list[PlannedWave]:
    if not season.waves:
        return [PlannedWave(list(season.regions))]
    return [
        PlannedWave(
            [name for name in season.regions if season.wave_of(name) == number],
            wave.after.total_seconds() if wave.after is not None else None,
            wave.at.isoformat() if wave.at is not None else None,
        )
        for number, wave in enumerate(season.waves)
    ]


def _dial_groups(
    groups: Sequence[DialGroup], season: Season, problems: list[Problem]
) -> dict[str, DialGroup]:
    """Return the dial group of each region."""
    found: dict[str, DialGroup] = {}
    for name, region in season.regions.items():
        wanted = region.dial_group
        same = [group for group in groups if str(group.dialGroupId) == str(wanted)]
        same = same or [group for group in groups if group.dialGroupName == str(wanted)]
        if len(same) == 1:
            found[name] = same[0]
            continue
        if same:
            ids = ", ".join(str(group.dialGroupId) for group in same)
            text = f"dial groups {ids} are all named {wanted!r}; use the id"
        else:
            hint = nearest(str(wanted), (group.dialGroupName for group in groups))
            text = f"there is no dial group {wanted!r}{hint}"
        problems.append(Problem.at(("regions", name, "dial_group"), text))
    return found


class _Rows:
    """The campaigns of a dial group by id and name."""

    def __init__(self, rows: Sequence[Campaign]) -> None:
        self.by_id = {row.campaignId: row for row in rows}
        self.by_name: dict[str, list[Campaign]] = {}
        for row in rows:
            self.by_name.setdefault(normal_name(row.campaignName), []).append(row)

    def find(self, reference: int | str) -> list[Campaign]:
        """Return the campaign of an id, or those of a name."""
        text = str(reference)
        if text.isascii() and text.isdigit() and (row := self.by_id.get(int(text))) is not None:
            return [row]
        return self.by_name.get(text, [])


class _Planner:
    """Plans one campaign.

    :param rows: campaigns of its dial group
    :param problems: what is wrong is added to them
    """

    def __init__(
        self,
        wanted: WantedCampaign,
        group: DialGroup,
        rows: _Rows,
        last: Record | None,
        problems: list[Problem],
    ) -> None:
        self._wanted = wanted
        self._group = group
        self._rows = rows
        self._problems = problems
        self._last = last
        self._recorded = last.campaigns.get(campaign_key(group.dialGroupId, wanted.name)) if last else None

    def plan(self) -> Procedure[PlannedCampaign]:
        wanted = self._wanted
        existing = self._existing()
        if existing is not None:
            ids = self._group.dialGroupId, existing.campaignId
            existing = (yield from whole(existing, *ids, wanted.fields)) or existing
        recorded = self._recorded
        protect = wanted.protect if wanted.protect is not None else bool(recorded and recorded.protect)
        planned = PlannedCampaign(
            key=campaign_key(self._group.dialGroupId, wanted.name),
            action="unchanged",
            region=wanted.region,
            dial_group_id=self._group.dialGroupId,
            dial_group=self._group.dialGroupName,
            name=wanted.name,
            wave=wanted.wave,
            country=wanted.country,
            campaign_id=existing.campaignId if existing is not None else None,
            source=None,
            fields=fields_to_json(wanted.fields),
            state=wanted.state,
            protect=protect,
            before=None if existing is None else image(wanted.fields, existing),
            # A new campaign was not paused.
            paused_from=recorded.paused_from if recorded is not None and existing is not None else None,
            exclusion=wanted.exclusion,
        )
        if existing is None:
            self._plan_new(planned)
        else:
            self._plan_existing(planned, existing)
            planned.exclusion = self._exclusion(planned, existing)
        return planned

    def _exclusion(self, planned: PlannedCampaign, existing: Campaign) -> Exclusion | None:
        """Return the excluded dates of a campaign that exists, with the limits that it will have."""
        asked, hours = planned.exclusion, hours_of(existing)
        left = self._last.as_left(self._recorded, hours) if self._last and self._recorded else None
        known = left.exclusion if left is not None else None
        if planned.action == "protected" and known is not None:
            # It keeps its hours.
            return replace(known, dates=asked.dates if asked is not None else [])
        if planned.action == "protected" and asked is not None:
            return asked.for_hours(hours)
        if asked is None:
            return None
        last_limits = known.limits if known is not None else {}
        limits = asked.limits if planned.writes else last_limits
        # What a person has closed is not opened again.
        ours = {
            name: one
            for name, one in limits.items()
            if name in planned.changes or (name in last_limits and last_limits[name].hours == one.hours)
        }
        return replace(asked, limits=ours)

    def _existing(self) -> Campaign | None:
        """Return the campaign that the last apply has left, or the one that has the name.

        An unfinished one is completed by the apply, as a new campaign.
        """
        known = self._rows.by_id.get(self._recorded.campaign_id) if self._recorded else None
        named = self._rows.by_name.get(self._wanted.name, [])
        found = [row for row in named if row is not known]
        if known is not None and not is_unfinished(known.campaignName, self._wanted.name):
            found.insert(0, known)
        if len(found) > 1:
            ids = ", ".join(str(row.campaignId) for row in found)
            text = (
                f"campaigns {ids} in dial group {self._group.dialGroupName!r} could all be "
                f"{self._wanted.name!r}; rename or delete all but one"
            )
            self._problems.append(Problem.at((*self._wanted.path, "name"), text))
        return found[0] if found else None

    def _plan_new(self, planned: PlannedCampaign) -> None:
        wanted = self._wanted
        if wanted.fields["endDate"] <= clock.now():
            planned.action, planned.note = "over", "its window is over, so it is not created"
            return
        planned.action = "create" if wanted.source is None else "clone"
        if self._recorded is not None and self._recorded.campaign_id not in self._rows.by_id:
            planned.note = f"campaign {self._recorded.campaign_id} of the last apply is gone"
        if wanted.source is not None:
            source = self._source(wanted.source)
            if source is not None:
                planned.source, planned.source_name = source.campaignId, source.campaignName
                names = dict.fromkeys((*wanted.fields, *SCHEDULE_FIELDS))
                planned.of_source = {
                    name: value
                    for name, value in image(names, source).items()
                    if name in names and name in source.raw
                }

    def _source(self, reference: int | str) -> Campaign | None:
        found = self._rows.find(reference)
        if len(found) == 1:
            return found[0]
        where = f"in dial group {self._group.dialGroupName!r}"
        if found:
            ids = ", ".join(str(row.campaignId) for row in found)
            text = f"campaigns {ids} {where} are all named {reference!r}; use the id"
        else:
            hint = nearest(str(reference), self._rows.by_name)
            text = f"there is no campaign {reference!r} {where}{hint}"
        self._problems.append(Problem.at((*self._wanted.path, "from"), text))
        return None

    def _plan_existing(self, planned: PlannedCampaign, existing: Campaign) -> None:
        wanted, recorded = self._wanted, self._recorded
        left = {} if recorded is None else {**fields_from_json(recorded.fields), NAME: recorded.name}
        for name, (old, new) in differences({**wanted.fields, NAME: wanted.name}, existing).items():
            drift = name in left and bool(differences({name: left[name]}, existing))
            planned.changes[name] = FieldChange(to_json_value(old), to_json_value(new), drift)
        planned.state_change = self._state_change(existing)
        sets_state = planned.state_change is not None and planned.state_change.applied
        is_new_state = recorded is not None and wanted.state not in (None, recorded.state)
        if is_new_state and (sets_state or planned.state_change is None):
            # A resume has nothing to give back.
            planned.paused_from = None
        if not planned.changes and not sets_state:
            return
        planned.action = "update"
        if recorded is not None and recorded.protect and wanted.protect is not False:
            planned.action = "protected"
            planned.note = "it is protected; write protect: false to change it"

    def _state_change(self, existing: Campaign) -> StateChange | None:
        wanted, now = self._wanted.state, existing.isActive
        if wanted is None or now == wanted:
            return None
        old = int(now) if isinstance(now, int) else None
        recorded = self._recorded.state if self._recorded else None
        if recorded is None:
            return StateChange(old, wanted, False, "no apply has set it; activate or pause it yourself")
        if recorded == wanted or old != recorded:
            return StateChange(old, wanted, False, CHANGED_BY_SOMEONE)
        return StateChange(old, wanted, True)


def whole(
    row: Campaign | None, dial_group_id: int, campaign_id: int, fields: Iterable[str]
) -> Procedure[Campaign | None]:
    """Return a campaign from its row of a list, or read by itself if there is none or it lacks something.

    :param fields: that it must have, beside its dates
    :return: None if there is no such campaign
    """
    if row is not None and all(name in row.raw for name in fields) and row.start and row.end:
        return row
    return (yield from look_up(dial_group_id, campaign_id))
