"""Lists for many campaigns: a column says to which campaign each row goes, by its name or id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    DialGroupReference,
    FoundCampaign,
    group_of,
    list_candidates,
    pauses,
    read_campaign,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import InvalidInputError, NotFoundError, nearest
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.leads.coerce import WHOLE, BadValueError, is_empty, text_of
from airflow_provider_engagevoice.leads.mapping import Binding, MappingPlan, describe_columns
from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.leads.report import Reject, RejectKind, ValidatedRows
from airflow_provider_engagevoice.leads.sources.base import Batch
from airflow_provider_engagevoice.leads.validate import Group, LeadValidator
from airflow_provider_engagevoice.models.phone import hide_phones

#: Campaigns of a list: the counts of more would not fit into Airflow's state store, which takes 64 KiB.
MAX_CAMPAIGNS = 1000
#: Unknown names after which reading ends, and those that an error shows.
_MAX_UNKNOWN, _SHOWN = 1000, 50
#: Digits of the shortest phone that may be in the wrong column.
_PHONE_DIGITS = 10


class Recipient(NamedTuple):
    """The campaign that a text names.

    :param country: three letters
    """

    campaign_id: int
    country: str


@dataclass(slots=True)
class _Unknown:
    rows: int
    first: str


class RoutedValidator(LeadValidator):
    """Validates lists whose rows name their campaigns. Duplicates are those within a campaign.

    :param column: that names the campaign of each row
    :param find: returns the campaign that a text names, None if there is none
    :param problem: returns a remark on a text for which there is none
    :param options: of :class:`LeadValidator`
    """

    def __init__(
        self,
        plan: MappingPlan,
        column: str,
        find: Callable[[str], Recipient | None],
        problem: Callable[[str], str],
        **options: Any,
    ) -> None:
        super().__init__(plan, **options)
        self._column = column
        self._find = find
        self._problem = problem
        #: By the id of the campaign.
        self.groups: dict[int, Group] = {}
        #: What the list calls each campaign, by its id.
        self.names: dict[int, str] = {}
        self._by_text: dict[str, Group] = {}
        self._phones: dict[str, Phones] = {}
        self._unknown: dict[str, _Unknown] = {}

    def verify_names(self) -> None:
        """Check that each row names a campaign.

        :raises NotFoundError: for all names without one, with the nearest
        """
        if not self._unknown:
            return
        rows = sum(one.rows for one in self._unknown.values())
        problems = {text: self._problem(text) for text in list(self._unknown)[:_SHOWN]}
        # Many readers see the first line alone, so it has what helps most.
        ordered = sorted(problems, key=lambda text: not problems[text])
        lines = [self._line(text, self._unknown[text], problems[text]) for text in ordered]
        count = len(self._unknown)
        if count > _SHOWN:
            lines.append(f"and {count - _SHOWN:,} more")
        raise NotFoundError(
            f"campaign_column={self._column!r}: {rows:,} rows name {count:,} campaigns that are not found; "
            "nothing is sent: " + "\n  ".join(lines)
        )

    def _line(self, text: str, unknown: _Unknown, problem: str) -> str:
        # If the list names no campaign at all, it may be the wrong column, and have what people are called.
        shown = repr(_shown(text)) if problem or self.groups else "***"
        return f"{shown} ({unknown.rows:,} rows, the first: {unknown.first}){problem}"

    def _bind(self, columns: Iterable[str], source: str) -> Binding:
        if self._column not in columns:
            raise InvalidInputError(
                "campaign_column",
                self._column,
                f"{source} has no such column{describe_columns(columns, self._column)}",
            )
        return super()._bind(columns, source)

    def _fields(self, columns: Sequence[str], source: str) -> dict[str, str]:
        return {self._column: "campaign"} | super()._fields(columns, source)

    def _rows(self, batch: Batch, source: str) -> Iterator[ValidatedRows]:
        """Validate the rows for each campaign, then yield all rejects in the order of their rows."""
        parts: dict[Group, list[int]] = {}
        rejects: list[Reject] = []
        for at, cell in enumerate(batch.cells(self._column)):
            try:
                group = self._group_of(cell, source, batch.numbers[at])
            except BadValueError as error:
                record = batch.record(at)
                if not is_empty(record):
                    place = (source, batch.numbers[at], self._column, "campaign", "")
                    rejects.append(Reject(*place, str(error), RejectKind.BAD, None, record))
                continue
            if group is not None:
                parts.setdefault(group, []).append(at)
        self.report.count(len(rejects), rejects)
        whole = _CachedBatch(batch)
        for group, rows in parts.items():
            validated = self._validate(_RowsOfBatch(whole, rows), source, group)
            rejects += validated.rejects
            yield validated._replace(rejects=())
        yield ValidatedRows((), (), sorted(rejects, key=attrgetter("row")))

    def _group_of(self, cell: object, source: str, row: int) -> Group | None:
        """Return the group of a row; None if its campaign is unknown.

        :raises BadValueError: if the cell names none
        """
        if isinstance(cell, str) and cell in self._by_text:
            return self._by_text[cell]
        text = normal_name(text_of(cell))
        if not text:
            raise BadValueError("the campaign is missing")
        if text in self._by_text:
            return self._by_text[text]
        unknown = self._unknown.get(text)
        if unknown is not None:
            unknown.rows += 1
            return None
        recipient = self._find(text)
        if recipient is None and (whole := WHOLE(text)):
            recipient = self._find(whole[1])
        if recipient is None:
            self._unknown[text] = _Unknown(1, f"{source}, row {row}")
            if len(self._unknown) > _MAX_UNKNOWN:
                self.verify_names()
            return None
        self._by_text[text] = self._group_for(recipient, text)
        return self._by_text[text]

    def _group_for(self, recipient: Recipient, text: str) -> Group:
        campaign_id, country = recipient
        if campaign_id not in self.groups:
            if len(self.groups) == MAX_CAMPAIGNS:
                expected = f"the list names more than {MAX_CAMPAIGNS:,} campaigns; split it"
                raise InvalidInputError("campaign_column", self._column, expected)
            if country not in self._phones:
                self._phones[country] = Phones(country, special=self._special_numbers)
            scope = len(self.groups) + 1
            self.groups[campaign_id] = Group(country, self._phones[country], campaign_id, scope)
            self.names[campaign_id] = text
        return self.groups[campaign_id]


def _shown(text: str) -> str:
    """Return a name for an error: in the wrong column it may be a phone."""
    return hide_phones(text) if sum(map(str.isdigit, text)) >= _PHONE_DIGITS else text


class _CachedBatch:
    """A batch of which each column is read once."""

    def __init__(self, batch: Batch) -> None:
        self.columns = batch.columns
        self.numbers = batch.numbers
        self.record = batch.record
        self._read = batch.cells
        self._cells: dict[str, Sequence[object]] = {}

    def cells(self, column: str) -> Sequence[object]:
        if column not in self._cells:
            self._cells[column] = self._read(column)
        return self._cells[column]


class _RowsOfBatch:
    """Some rows of a batch.

    :param rows: their indexes
    """

    def __init__(self, batch: _CachedBatch, rows: Sequence[int]) -> None:
        self.columns = batch.columns
        self.numbers: Sequence[int] = [batch.numbers[at] for at in rows]
        self._batch = batch
        self._indexes = rows

    def cells(self, column: str) -> Sequence[object]:
        cells = self._batch.cells(column)
        return [cells[at] for at in self._indexes]

    def record(self, index: int) -> Mapping[str, object]:
        return self._batch.record(self._indexes[index])


class CampaignDirectory:
    """Finds campaigns by exact name or id. They are listed once, and again while one is not found.

    :param dial_group: of the campaigns; None for all
    """

    def __init__(self, dial_group: DialGroupReference | None) -> None:
        self._dial_group = dial_group
        #: Ids of dial groups and campaigns, by the name of a campaign and by its id.
        self._ids: dict[str, set[tuple[int, int]]] | None = None
        self._names: dict[int, str] = {}
        self._again = pauses(LAG_SECONDS)

    def find(self, text: str) -> Procedure[FoundCampaign | None]:
        """Return the campaign that a text means, which is read; None if it means none, or several.

        A list may show a new campaign late, so all searches together wait for :data:`LAG_SECONDS`.

        :param text: a name as servers store it, or an id
        """
        while not (found := (yield from self._listed()).get(text)):
            pause = next(self._again, None)
            if pause is None:
                return None
            yield pause
            self._ids = None
        if len(found) > 1:
            return None
        [(group_id, campaign_id)] = found
        try:
            campaign = yield from read_campaign(group_id, campaign_id)
        except NotFoundError:
            return None
        is_meant = text in (str(campaign_id), normal_name(campaign.campaignName))
        return FoundCampaign(group_id, campaign) if is_meant else None

    def problem(self, text: str) -> str:
        """Return why a text was not found: the ids of several campaigns, or the nearest names."""
        found = sorted(campaign_id for _, campaign_id in (self._ids or {}).get(text, ()))
        if len(found) > 1:
            return f"; it means several campaigns: {', '.join(map(str, found))}; use the id"
        return nearest(text, self._names.values())

    def _listed(self) -> Procedure[dict[str, set[tuple[int, int]]]]:
        if self._ids is None:
            group_id = yield from group_of(None, self._dial_group)
            ids: dict[str, set[tuple[int, int]]] = defaultdict(set)
            for of_group, campaign in (yield from list_candidates(group_id)):
                name = normal_name(campaign.campaignName)
                self._names[campaign.campaignId] = name
                for text in (name, str(campaign.campaignId)):
                    ids[text].add((of_group, campaign.campaignId))
            self._ids = dict(ids)
        return self._ids
