"""leads/routing: rows for many campaigns, checked in one pass."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from airflow_provider_engagevoice.client.lookup import LAG_SECONDS
from airflow_provider_engagevoice.client.request import Pause, run_steps
from airflow_provider_engagevoice.exceptions import InvalidInputError, NotFoundError, ResourceNotFoundError
from airflow_provider_engagevoice.leads import routing
from airflow_provider_engagevoice.leads.loading.spool import CampaignSpool, Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.report import Reject
from airflow_provider_engagevoice.leads.routing import CampaignDirectory, Recipient, RoutedValidator
from airflow_provider_engagevoice.leads.sources.base import Source, read_records
from airflow_provider_engagevoice.models.campaign import Campaign
from tests.unit.leads.lists import file

CAMPAIGNS = {"Red": Recipient(7, "USA"), "20261201": Recipient(8, "USA"), "UK": Recipient(9, "GBR")}
HEADER = "campaign,externId,leadPhone,firstName\n"


class Routed:
    """The result of validating lists for several campaigns."""

    def __init__(self, *sources: Source, column: str = "campaign", **options: Any) -> None:
        self.asked: list[str] = []
        self.leads: list[tuple[int, int, dict[str, Any]]] = []
        self.rejects: list[Reject] = []
        mapping = options.pop("mapping", None)
        send_unmapped = options.pop("send_unmapped", False)
        plan = read_mapping(mapping, send_unmapped=send_unmapped, campaign_column=column)
        with RoutedValidator(plan, column, self.find, self.problem, **options) as check:
            for source in sources:
                for rows in check.read(source):
                    pairs = zip(rows.numbers, rows.leads, strict=True)
                    self.leads += [(rows.campaign_id, row, json.loads(lead)) for row, lead in pairs]
                    self.rejects += rows.rejects
            check.verify_names()
        self.check = check

    def find(self, text: str) -> Recipient | None:
        self.asked.append(text)
        return CAMPAIGNS.get(text)

    def problem(self, text: str) -> str:
        return "; nearest: 'Red'" if text.startswith("R") else ""

    @property
    def rows(self) -> dict[int, list[int]]:
        """The rows of each campaign."""
        found: dict[int, list[int]] = {}
        for campaign_id, row, _ in self.leads:
            found.setdefault(campaign_id, []).append(row)
        return found


def test_rows_go_to_the_campaigns_that_they_name_in_order() -> None:
    content = HEADER + (
        "Red,1,4155550101,Ada\n20261201,2,4155550102,Bo\n Red ,3,4155550103,Cy\n"
        "UK,4,02071838750,Di\nRed,5,4155550105,Ed\n"
    )
    routed = Routed(file(content), send_unmapped=True)
    assert routed.rows == {7: [2, 4, 6], 8: [3], 9: [5]}
    bodies = {body["externId"]: body for _, _, body in routed.leads}
    assert bodies["4"]["leadPhone"] == "+442071838750"
    assert bodies["1"] == {
        **{"externId": "1", "leadPhone": "4155550101", "leadPhoneE164": "+14155550101"},
        **{"firstName": "Ada"},
    }
    assert routed.asked == ["Red", "20261201", "UK"]
    assert {key: group.report.leads for key, group in routed.check.groups.items()} == {7: 3, 8: 1, 9: 1}
    assert routed.check.report.counts()["rows"] == 5
    assert routed.check.report.unmapped == {}


@pytest.mark.parametrize(
    "source",
    [
        read_records([{"campaign": 20261201, "externId": n, "leadPhone": 4155550100 + n} for n in (1, 2)]),
        file('{"campaign": "20261201", "externId": "1", "leadPhone": "4155550101"}\n', "list.jsonl"),
        file("externId,leadPhone,campaign\n1,4155550101,20261201\n"),
        read_records([{"campaign": 20261201.0, "externId": "1", "leadPhone": "4155550101"}]),
    ],
)
def test_sources_of_each_kind_are_routed(source: Source) -> None:
    routed = Routed(source)
    assert (list(routed.rows), len(routed.asked)) == ([8], 1)


def test_an_id_of_a_column_of_fractions_is_read_unless_it_is_a_name() -> None:
    routed = Routed(file(f"{HEADER}20261201.0,1,4155550101,Ada\n20261201.0,2,4155550102,Bo\n"))
    assert (routed.rows, routed.asked) == ({8: [2, 3]}, ["20261201.0", "20261201"])


def test_a_column_may_be_a_field_of_the_lead_too() -> None:
    routed = Routed(file(f"{HEADER}Red,1,4155550101,Ada\n"), mapping={"campaign": "auxData1"})
    assert [body["auxData1"] for _, _, body in routed.leads] == ["Red"]


def test_duplicates_are_those_within_a_campaign() -> None:
    content = HEADER + (
        "Red,1,4155550101,Ada\n20261201,1,4155550101,Ada\nRed,2,4155550101,Al\n"
        "20261201,1,4155550102,Ada\nUK,1,02071838750,Ada\n"
    )
    routed = Routed(file(content))
    assert routed.rows == {7: [2], 8: [3], 9: [6]}
    assert [(one.row, one.reason, one.first) for one in routed.rejects] == [
        (4, "duplicate phone", "row 2"),
        (5, "duplicate externId, with another phone", "row 3"),
    ]
    groups = routed.check.groups
    assert (groups[7].report.duplicate_phones, groups[8].report.duplicate_phones) == (1, 0)
    assert (groups[7].report.duplicate_extern_ids, groups[8].report.duplicate_extern_ids) == (0, 1)
    assert routed.check.report.rejected == 2


def test_duplicates_are_found_across_batches_and_files() -> None:
    rows = [f"{('Red', '20261201')[n % 2]},{n},415{2000000 + n // 2},Ada\n" for n in range(9000)]
    routed = Routed(file(HEADER + "".join(rows)), file(f"{HEADER}Red,x,4152000000,Ada\n", "more.csv"))
    assert [len(one) for one in routed.rows.values()] == [4500, 4500]
    assert [str(one) for one in routed.rejects] == [
        "more.csv, row 2, column 'leadPhone': duplicate phone; first seen in list.csv, row 2"
    ]


def test_rejects_come_in_the_order_of_rows_and_count_once() -> None:
    content = HEADER + "Red,1,12,A\nUK,2,12,B\n,3,4155550103,C\nRed,4,13,D\n,,,\n"
    routed = Routed(file(content))
    assert [one.row for one in routed.rejects] == [2, 3, 4, 5]
    assert str(routed.rejects[2]) == "list.csv, row 4, column 'campaign': the campaign is missing"
    report = routed.check.report
    assert (report.rows, report.bad, report.leads) == (4, 4, 0)
    assert {key: group.report.bad for key, group in routed.check.groups.items()} == {7: 2, 9: 1}


def test_all_unknown_names_are_one_error() -> None:
    content = HEADER + "Blue,1,4155550101,A\nRad,2,4155550102,B\nRed,3,4155550103,C\nRad,4,4155550104,D\n"
    with pytest.raises(NotFoundError) as caught:
        Routed(file(content))
    assert str(caught.value) == (
        "campaign_column='campaign': 3 rows name 2 campaigns that are not found; nothing is sent: "
        "'Rad' (2 rows, the first: list.csv, row 3); nearest: 'Red'\n"
        "  'Blue' (1 rows, the first: list.csv, row 2)"
    )


def test_people_in_a_wrong_column_are_not_named() -> None:
    content = HEADER + "Red,1,4155550101,Ada\nRed,2,4155550102,Rod\n"
    with pytest.raises(NotFoundError) as caught:
        Routed(file(content), column="firstName")
    assert "Ada" not in str(caught.value)
    assert "'Rod' (1 rows, the first: list.csv, row 3); nearest: 'Red'" in str(caught.value)


def test_a_wrong_column_ends_the_reading_and_shows_no_phone() -> None:
    read = 0

    def records() -> Iterable[dict[str, str]]:
        nonlocal read
        for number in range(100_000):
            read += 1
            yield {"externId": str(number), "leadPhone": str(4152000000 + number)}

    with pytest.raises(NotFoundError, match=r"(?s)1,001 campaigns that.*and 951 more") as caught:
        Routed(read_records(records()), column="leadPhone")
    assert read == 2000
    assert "415" not in str(caught.value)


def test_a_missing_column_has_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match=r"campaign_column='Campaign'.* nearest: 'campaign'"):
        Routed(file(f"{HEADER}Red,1,4155550101,A\n"), column="Campaign")
    record = {"campaign": "Red", "externId": "1", "leadPhone": "4155550101"}
    for source in (read_records([record]), file(json.dumps(record), "list.jsonl")):
        with pytest.raises(InvalidInputError, match=r"campaign_column='Campaign'.* nearest: 'campaign'"):
            Routed(source, column="Campaign")


def test_too_many_campaigns_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MAX_CAMPAIGNS", 2)
    content = HEADER + "Red,1,4155550101,A\n20261201,2,4155550102,B\nUK,3,02071838750,C\n"
    with pytest.raises(InvalidInputError, match="more than 2 campaigns"):
        Routed(file(content))


def test_leads_are_spooled_by_campaign_in_any_order_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry that reads the rows of two campaigns in another order has the same chunks."""
    monkeypatch.setattr("airflow_provider_engagevoice.leads.loading.spool._IN_MEMORY", 50)
    given = [(9, [1, 3], ['{"a":1}', '{"a":"x y\\\\n"}']), (7, [2], ['{"a":2}']), (9, [5], ['{"a":5}'])]
    found = []
    for order in (given, [given[1], given[0], given[2]]):
        with CampaignSpool() as by_campaign, Spool(2) as spool:
            for campaign_id, rows, leads in order:
                by_campaign.add(campaign_id, rows, leads)
            by_campaign.fill(spool)
            chunks = spool.chunks
            assert [(one.campaign_id, one.leads) for one in chunks] == [(7, 1), (9, 2), (9, 1)]
            assert [list(spool.rows(one.index)) for one in chunks] == [[2], [1, 3], [5]]
            assert spool.leads(1) == [{"a": 1}, {"a": "x y\\n"}]
            found.append(chunks)
    assert found[0] == found[1]


def test_the_same_leads_for_another_campaign_are_other_chunks() -> None:
    digests = set()
    for campaign_id in (0, 7, 8):
        with Spool(10) as spool:
            spool.begin(campaign_id)
            spool.add([1], ['{"externId":"1"}'])
            spool.finish()
            digests.add(spool.chunks[0].digest)
    assert len(digests) == 3


class Server:
    """Answers lists and reads of one dial group.

    :ivar names: what the list shows
    :ivar now: what a read shows, if that is something else; None if the campaign is gone
    """

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.now: dict[int, str | None] = {}
        self.asked: list[str] = []
        self.waited = 0.0

    def perform(self, step: Any) -> Any:
        if isinstance(step, Pause):
            self.waited += step.seconds
            return None
        self.asked.append(step.path)
        if step.path.endswith("/campaigns"):
            if step.query.get("page", 1) != 1:
                return []
            return [self._campaign(one, name) for one, name in self.names.items()]
        campaign_id = int(step.path.rpartition("/")[2])
        name = self.now.get(campaign_id, self.names.get(campaign_id))
        if name is None:
            self.names.pop(campaign_id, None)
            raise ResourceNotFoundError("gone", method="GET", path=step.path, status=404)
        return self._campaign(campaign_id, name)

    @staticmethod
    def _campaign(campaign_id: int, name: str) -> Campaign:
        return Campaign.from_server({"campaignId": campaign_id, "campaignName": name})

    def find(self, directory: CampaignDirectory, text: str) -> int | None:
        found = run_steps(directory.find(text), self.perform)
        return None if found is None else found.campaign_id


def test_names_and_ids_are_found_with_one_list() -> None:
    server, directory = Server({7: "Red", 8: "20261201", 9: "Cafe\u0301"}), CampaignDirectory(3)
    found = [server.find(directory, text) for text in ("Red", "7", "20261201", "Caf\xe9")]
    assert found == [7, 7, 8, 9]
    listed = len([path for path in server.asked if path.endswith("/campaigns")])
    assert len(server.asked) - listed == 4
    again = len(server.asked)
    server.find(directory, "Red")
    assert len(server.asked) == again + 1


def test_what_is_not_found_is_awaited_once_for_all_names() -> None:
    server, directory = Server({7: "Red"}), CampaignDirectory(3)
    assert [server.find(directory, text) for text in ("Rad", "Blue", "")] == [None, None, None]
    assert server.waited == LAG_SECONDS
    assert directory.problem("Rad") == "; nearest: 'Red'"


def test_a_name_or_id_of_several_campaigns_is_not_found() -> None:
    server, directory = Server({7: "Red", 8: "Red", 9: "7"}), CampaignDirectory(3)
    assert [server.find(directory, text) for text in ("Red", "7", "8")] == [None, None, 8]
    assert directory.problem("Red") == "; it means several campaigns: 7, 8; use the id"
    assert directory.problem("7") == "; it means several campaigns: 7, 9; use the id"


def test_a_campaign_that_was_renamed_or_deleted_meanwhile_is_not_found() -> None:
    server, directory = Server({7: "Red", 8: "Blue"}), CampaignDirectory(3)
    server.now = {7: "Green", 8: None}
    assert [server.find(directory, text) for text in ("Red", "7", "Blue")] == [None, 7, None]
