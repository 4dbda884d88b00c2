"""Season files and objects: each mistake is named with its place and what would be right, all at once."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_engagevoice.seasons import Defaults, Region, Season, SeasonCampaign, Wave
from airflow_provider_engagevoice.seasons.expand import expand
from airflow_provider_engagevoice.seasons.parse import read_season
from airflow_provider_engagevoice.seasons.yaml_text import SeasonFileError
from tests.support.season_texts import SEASON, changed, problems_of, wanted_of

WEST = "{timezone: America/Los_Angeles, dial_group: 115801}"
CALLER = '{caller_id: "4155550123"}'
DATES = "[2027-03-01, 2027-03-31]"


def assert_named(old: str, new: str, *problem: str) -> None:
    """Assert that one problem has a beginning and other parts."""
    start, *parts = problem
    found = problems_of(changed(old, new))
    assert any(one.startswith(start) and all(part in one for part in parts) for one in found), found


def test_the_season_is_right() -> None:
    (wanted,) = wanted_of(SEASON)
    assert (wanted.name, wanted.dial_group, wanted.country, wanted.state) == ("R west", 115801, "USA", None)
    assert wanted.fields == {
        "callerId": "4155550123",
        "startDate": datetime(2027, 3, 1, 8, tzinfo=UTC),
        "endDate": datetime(2027, 4, 1, 6, 59, 59, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("old", "new", "start", "hint"),
    [
        ("window:", "windows:", "6:26: campaigns[0].windows: no such key", "nearest: 'window'"),
        (
            "window:",
            "source: 7, window:",
            "6:26: campaigns[0].source: no such key",
            "known: caller_id, country, from",
        ),
        ("timezone:", "time_zone:", "4:10: regions.west.time_zone: no such key", "nearest: 'timezone'"),
        ("season: s1", "seson: s1", "1:1: seson: no such key", "nearest: 'season'"),
        ("season: s1", "", "2:1: season: it is missing", ""),
        (", dial_group: 115801", "", "4:3: regions.west.dial_group: it is missing", ""),
        (CALLER, "{caler_id: 1}", "2:12: defaults.caler_id: no such key", "nearest: 'caller_id'"),
    ],
)
def test_keys(old: str, new: str, start: str, hint: str) -> None:
    assert_named(old, new, start, hint)


@pytest.mark.parametrize(
    ("old", "new", "start", "expected"),
    [
        (WEST, "", "4:3: regions.west=None", "write a mapping of keys to values"),
        (f"\n  west: {WEST}", " {}", "3:1: regions={}", "at least one is needed"),
        ("  - {", "  a: {", "5:1: campaigns={'a'", "write a list"),
        ("season: s1", "season:", "1:1: season=None", "write text"),
        ("season: s1", "season: s 1", "1:1: season='s 1'", "use letters, digits"),
        ('"4155550123"', "4155550123.0", "2:12: defaults.caller_id=4155550123.0", "write text"),
        ('"4155550123"', "true", "2:12: defaults.caller_id=True", "write text"),
        ('"4155550123"', "''", "2:12: defaults.caller_id=''", "expected a phone number"),
        ('"4155550123"', "1e5", "2:12: defaults.caller_id='1e5'", "digits are lost"),
        ("115801", "0", "4:41: regions.west.dial_group=0", "write an id or an exact name"),
        ("115801", "true", "4:41: regions.west.dial_group=True", "write an id or an exact name"),
        ("115801", "1.5", "4:41: regions.west.dial_group=1.5", "write an id or an exact name"),
        ("115801", "None", "4:41: regions.west.dial_group='None'", "write an id or an exact name"),
        (
            "window:",
            "from: {a: 7}, window:",
            "6:26: campaigns[0].from={'a': 7}",
            "write an id or an exact name",
        ),
        ("window:", "regions: west, window:", "6:26: campaigns[0].regions='west'", "write a list"),
        ("window:", "regions: [], window:", "6:26: campaigns[0].regions=[]", "at least one is needed"),
        ("2027-03-31]", "2027-03-31], protect: 1", "6:60: campaigns[0].protect=1", "must be True or False"),
        ("115801", "115801, country: NO", "4:61: regions.west.country='NO'", "must be three letters"),
        (CALLER, "{is_active: yes}", "2:12: defaults.is_active='yes'", "must be 0 (inactive), 1 (active)"),
    ],
)
def test_values(old: str, new: str, start: str, expected: str) -> None:
    assert_named(old, new, f"{start}", " is not usable: ", expected)


@pytest.mark.parametrize(
    ("old", "new", "start", "expected"),
    [
        ("2027-03-01", "~", "6:35: campaigns[0].window[0]=None", "a value is required"),
        ("2027-03-01", "2027-13-01", "6:35: campaigns[0].window[0]='2027-13-01'", "month must be in 1..12"),
        ("2027-03-31", "2027-02-28", "6:47: campaigns[0].window[1]='2027-02-28'", "must be after the start"),
        ("2027-03-31", "9999-12-31", "6:47: campaigns[0].window[1]='9999-12-31'", "it is out of range"),
        (DATES, "2027-03-01", "6:26: campaigns[0].window='2027-03-01'", "write the start and the end"),
        ("America/Los_Angeles", "PST", "4:10: regions.west.timezone='PST'", "nearest: 'America/Los_Angeles'"),
        ("America/Los_Angeles", "8", "4:10: regions.west.timezone=8", "write text"),
        (CALLER, "{hours: {mon-fri: 8}}", "2:20: defaults.hours.mon-fri='8'", "write '08:00-21:00'"),
        (
            CALLER,
            "{hours: {mon-sun: '8', mon: '8'}}",
            "2:20: defaults.hours.mon-sun='8'",
            "write '08:00-21:00'",
        ),
        (CALLER, '{hours: {1: "08:00-20:00"}}', "2:12: defaults.hours='1'", "name days as 'mon'"),
        (CALLER, "{hours: {}}", "2:12: defaults.hours={}", "write a mapping such as"),
        ("115801", "115801, settings: {maxRingTime: 99}", "4:72: regions.west.settings.maxRingTime=99", "60"),
        ("115801", "115801, settings: {isActive: 1}", "4:72: regions.west.settings.isActive=1", "is_active"),
        ("R {region}", "", "6:6: campaigns[0].name=''", "it must not be blank"),
        (
            "R {region}",
            "{regoin}",
            "6:6: campaigns[0].name='{regoin}'",
            "known placeholders: {region}, {season}",
        ),
        ("R {region}", "{}", "6:6: campaigns[0].name='{}'", "known placeholders"),
        ("R {region}", "{region!r}", "6:6: campaigns[0].name='{region!r}'", "known placeholders"),
        ("R {region}", "{reg\u0456on}", "6:6: campaigns[0].name='{reg\u0456on}'", "CYRILLIC"),
        ("R {region}", "a { b", "6:6: campaigns[0].name='a { b'", "write {region} for the region"),
        ("R {region}", "{state}", "6:6: campaigns[0].name='{state}'", "the region has no state"),
        (
            "R {region}",
            "x" * 201,
            "6:6: campaigns[0].name='xxx",
            "(201 characters) is not usable: at most 200 characters",
        ),
        (
            "window:",
            "from: R west, window:",
            "6:26: campaigns[0].from='R west'",
            "it is the campaign's own name",
        ),
    ],
)
def test_what_campaigns_ask_for(old: str, new: str, start: str, expected: str) -> None:
    assert_named(old, new, f"{start}", " is not usable: ", expected)


@pytest.mark.parametrize(
    ("waves", "problems"),
    [
        (
            "[{regions: [wset]}, {regions: rest}, {regions: [west, west]}]",
            [
                "7:10: waves[0].regions: there is no region 'wset'; nearest: 'west'",
                "7:29: waves[1].regions: 'rest' must be the last wave",
                "7:46: waves[2].regions: region 'west' is in two waves",
            ],
        ),
        ("{regions: rest}", ["7:1: waves={'regions': 'rest'} is not usable: write a list"]),
        (
            "[{regions: west}]",
            ["7:10: waves[0].regions='west' is not usable: write a list of regions, or rest"],
        ),
        ("[{regions: []}]", ["7:10: waves[0].regions=[] is not usable: write a list of regions, or rest"]),
        (
            "[{regions: rest, after: 2}]",
            ["7:25: waves[0].after=2 is not usable: write a time such as '2h', '90m' or '1d 12h'"],
        ),
        (
            "[{regions: rest, after: 9999999d}]",
            ["7:25: waves[0].after='9999999d' is not usable: write a time such as '2h', '90m' or '1d 12h'"],
        ),
        (
            "[{regions: rest, at: 2027-03-01T08:00}]",
            [
                "7:25: waves[0].at='2027-03-01T08:00' is not usable: write an instant with its UTC offset: "
                "'2027-03-01T08:00:00-08:00'"
            ],
        ),
    ],
)
def test_waves(waves: str, problems: list[str]) -> None:
    assert problems_of(f"{SEASON}waves: {waves}\n") == problems


def test_regions_are_in_one_wave_and_none_is_named_rest() -> None:
    two = changed("campaigns:", f"  east: {WEST}\nwaves: [{{regions: [west]}}]\ncampaigns:")
    assert problems_of(two) == ["6:1: waves: no wave has 'east'; end with regions: rest"]
    assert_named(
        "west:", "rest:", "4:3: regions.rest: 'rest' means all other regions in waves; choose another"
    )
    assert_named(
        "window:", "regions: [west, west], window:", "6:42: campaigns[0].regions[1]: 'west' comes twice"
    )
    assert_named(
        "window:", "regions: [wset], window:", "6:36: campaigns[0].regions[0]: there is no region 'wset'"
    )


def test_mistakes_of_thousands_of_campaigns_are_found_in_seconds() -> None:
    regions = "".join(
        f"  r{number}: {{timezone: America/Los_Angles, dial_group: {number + 1}}}\n" for number in range(20)
    )
    text = changed(f"  west: {WEST}\n", regions)
    text += "".join(f"  - {{name: '{number} {{region}}', window: {DATES}}}\n" for number in range(250))
    began = time.process_time()
    assert len(problems_of(text)) == 20
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "spring\n", "7\n"])
def test_a_file_without_keys_says_which_there_are(text: str) -> None:
    (found,) = problems_of(text)
    assert found.startswith("1:1: season=")
    assert found.endswith("write the keys season, regions and campaigns with their values")


def test_all_mistakes_are_reported_at_once() -> None:
    text = """\
season: s 1
defaults: {caller_id: "123"}
regions:
  west: {timezone: Amer/LA, dial_group: 115801, settings: {maxRingTime: 99, campaignPriority: x}}
  east: {time_zone: UTC, dial_group: 7}
campaigns:
  - {name: "{regoin}", window: [2027-13-01, 2027-02-31]}
  - {name: B, windows: [2027-03-01, 2027-03-31]}
  - {name: B, window: [2027-03-01, 2027-03-31], regions: [wset]}
  - {name: B, window: [2027-03-01, 2027-03-31], regions: [east]}
"""
    places = [one.partition(" ")[0] + one.split(" ")[1].partition("=")[0] for one in problems_of(text)]
    assert places == [
        "1:1:season",
        "2:12:defaults.caller_id",
        "4:10:regions.west.timezone",
        "4:60:regions.west.settings.maxRingTime",
        "4:77:regions.west.settings.campaignPriority",
        "5:3:regions.east.timezone:",
        "5:10:regions.east.time_zone:",
        "7:6:campaigns[0].name",
        "7:33:campaigns[0].window[0]",
        "7:45:campaigns[0].window[1]",
        "8:5:campaigns[1].window:",
        "8:15:campaigns[1].windows:",
        "9:59:campaigns[2].regions[0]:",
    ]


@pytest.mark.parametrize(
    "names",
    [("'Cafe\u0301'", "'Caf\u00e9'"), ("' A'", "'A '"), ("'7'", "7"), ("A {region}", "A west")],
    ids=ascii,
)
def test_names_that_servers_store_alike_come_twice(names: tuple[str, str]) -> None:
    rows = "".join(f"  - {{name: {name!s}, window: {DATES}}}\n" for name in names)
    (found,) = problems_of(SEASON + rows.replace("A {region}", "'A {region}'"))
    assert found.startswith("8:6: campaigns[2].name: ")
    assert "comes twice in dial group 115801; use {region} in the name" in found


def test_what_has_no_value_is_as_if_it_were_absent() -> None:
    text = changed(CALLER, "").replace("115801", "115801, caller_id: 4155550123, state:")
    text = text.replace(
        "2027-03-31]", "2027-03-31], from:, regions:, protect:, hours:, is_active:, settings:"
    )
    assert wanted_of(text + "waves:\nprotect:\n") == wanted_of(SEASON)


def test_nearer_values_win_and_settings_are_merged() -> None:
    text = """\
season: s1
defaults: {caller_id: "4155550123", country: CAN, settings: {maxRingTime: 20, campaignPriority: 3}}
regions:
  1: {timezone: UTC, dial_group: A, caller_id: +14155550124, state: NO, settings: {maxRingTime: 30}}
  2: {timezone: UTC, dial_group: "7", state: 01}
campaigns:
  - {name: "{season} {state} {country} {region}", window: [2027-03-01, 2027-03-31]}
  - name: R
    from: 7
    window: [2027-03-01, 2027-03-31]
    regions: [1]
    country: usa
    settings: {maxRingTime: 40}
protect: true
"""
    one, two, three = wanted_of(text)
    assert (one.name, one.dial_group, one.protect) == ("s1 NO CAN 1", "A", True)
    assert (two.name, two.dial_group) == ("s1 01 CAN 2", "7")
    assert (three.name, three.source, three.country) == ("R", 7, "USA")
    found = [(each.fields["callerId"], each.fields["maxRingTime"]) for each in (one, two, three)]
    assert found == [("4155550124", 30), ("4155550123", 20), ("4155550124", 40)]
    assert {each.fields["campaignPriority"] for each in (one, two, three)} == {3}


def test_objects_are_the_same_as_a_file() -> None:
    season = Season(
        season="s1",
        defaults=Defaults(caller_id="4155550123"),
        regions={"west": Region(timezone="America/Los_Angeles", dial_group=115801)},
        campaigns=[SeasonCampaign(name="R {region}", window=(date(2027, 3, 1), date(2027, 3, 31)))],
        waves=[Wave(regions="rest", after=timedelta(hours=36), at=datetime(2027, 2, 1, tzinfo=UTC))],
    )
    assert expand(season) == wanted_of(SEASON)
    dumped = season.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert read_season(dumped) == read_season(dumped | {"waves": [{"regions": "rest"}]}).model_copy(
        update={"waves": season.waves}
    )


def test_mistakes_of_a_mapping_have_no_place_and_are_all_named() -> None:
    season: dict[Any, Any] = {
        "season": "s1",
        "regions": {"west": {"timezone": "UTC", "dial_group": 7, "hours": {1: "08:00-20:00"}}},
        "campaigns": [{"name": "R", "window": ["2027-13-01", None]}],
        3: "x",
    }
    with pytest.raises(SeasonFileError) as caught:
        read_season(season)
    assert [line.partition("=")[0].partition(":")[0] for line in str(caught.value).splitlines()] == [
        "[3]",
        "campaigns[0].window[0]",
        "campaigns[0].window[1]",
        "campaigns[0]",
        "regions.west.hours",
    ]
