"""assets.py: URIs of campaigns, and outlets of tasks."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from packaging.version import Version

from airflow_provider_engagevoice.assets import (
    CAMPAIGNS,
    campaign_asset,
    campaign_window_asset,
    sanitize_uri,
    with_campaigns,
)
from airflow_provider_engagevoice.triggers.campaign_events import CampaignWindowEventTrigger

BY_DEFAULT = [CAMPAIGNS] if Version(airflow_version) >= Version("3.3.1") else []
OTHER = AssetAlias("renewals")


@pytest.mark.parametrize(
    "ids", [("99990000", 100, 200), (99990000, "100", "200"), ("sub-account_1", 1, 9_007_199_254_740_993)]
)
def test_a_campaign_has_one_uri_that_is_not_changed(ids) -> None:
    asset = campaign_asset(*ids)
    assert asset.uri == "engagevoice://{}/{}/{}".format(*ids)
    assert Asset(asset.uri) == asset
    assert sanitize_uri(urlsplit(asset.uri)).geturl() == asset.uri


@pytest.mark.parametrize(
    "spelling", ["ENGAGEVOICE://99990000/100/200/", "engagevoice://99990000/100/200#now"]
)
def test_airflow_normalizes_scheme_slashes_and_fragment(spelling) -> None:
    assert Asset(uri=spelling).uri == "engagevoice://99990000/100/200"


@pytest.mark.parametrize(
    "uri",
    [
        "engagevoice://99990000",
        "engagevoice://99990000/100",
        "engagevoice://99990000/100/200/300",
        "engagevoice://99990000/100//200",
        "engagevoice:///100/200",
        "engagevoice:100/200",
        "engagevoice://99990000/100/Holiday",
        "engagevoice://99990000/100/0200",
        "engagevoice://99990000/100/-1",
        "engagevoice://99990000/100/٣",
        "engagevoice://user@99990000/100/200",
        "engagevoice://99990000:80/100/200",
        "engagevoice://99990000/100/200?state=open",
    ],
)
def test_other_uris_are_rejected_with_the_right_form(uri) -> None:
    with pytest.raises(ValueError, match=r"write engagevoice://<account id>/<dial group id>/<campaign id>"):
        sanitize_uri(urlsplit(uri))


@pytest.mark.parametrize("ids", [("", 1, 2), ("1/2", 3, 4), ("1", 2, None), ("1", 0, 2), ("1", 2, "3?x")])
def test_invalid_ids_are_rejected(ids) -> None:
    with pytest.raises(ValueError, match="not the URI of a campaign"):
        campaign_asset(*ids)


def test_extra_is_kept_with_the_asset() -> None:
    assert campaign_asset("1", 2, 3, extra={"season": 2026}).extra == {"season": 2026}


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, []), ([], []), (OTHER, [OTHER]), ([OTHER], [OTHER]), ((OTHER,), [OTHER])],
)
def test_the_users_outlets_are_kept(given, kept) -> None:
    assert with_campaigns(given) == kept + BY_DEFAULT


def test_outlets_that_have_the_alias_are_not_changed() -> None:
    given = [CAMPAIGNS, OTHER]
    assert with_campaigns(given) == [CAMPAIGNS, OTHER]
    assert with_campaigns(with_campaigns([OTHER])) == [OTHER, *BY_DEFAULT]


@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 3 watches assets")
def test_watchers_of_the_same_thing_are_one_and_others_differ() -> None:
    """Two DAG files with one asset name and different watchers would take each other's watcher away."""
    variants = [
        {"event": "opened"},
        {"event": "closed"},
        {"event": "opened", "campaign": "Holiday *"},
        {"event": "opened", "dial_group": 7},
        {"event": "opened", "dial_group": "Outbound Renewals"},
        {"event": "opened", "engagevoice_conn_id": "other"},
        {"event": "opened", "dial_group": "*"},
        {"event": "opened", "dial_group": "North", "campaign": "South/East"},
        {"event": "opened", "dial_group": "North/South", "campaign": "East"},
        {"event": "opened", "dial_group": "North' in dial group 'South"},
        {"event": "opened", "campaign": "Sale #1"},
        {"event": "opened", "campaign": "Sale #2"},
    ]
    watchers: dict[str, object] = {}
    for one in [*variants, *variants]:
        asset = campaign_window_asset(**one)
        (watcher,) = asset.watchers
        assert watchers.setdefault(asset.name, watcher.trigger.serialize()) == watcher.trigger.serialize()
    assert len(watchers) == len(variants)
    assert (
        "Engage Voice opened: all campaigns in dial group 'Outbound Renewals' (engagevoice_default)"
        in watchers
    )
    with pytest.raises(TypeError, match="poke_interval"):
        campaign_window_asset(event="opened", poke_interval=30)


@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 3 watches assets")
@pytest.mark.parametrize("conn_id", ["engagevoice", "airflow", "postgres", "file", "https", "ev:eu"])
def test_no_connection_makes_the_name_of_a_watched_asset_a_uri(conn_id) -> None:
    asset = campaign_window_asset(event="paused", campaign=7, engagevoice_conn_id=conn_id)
    assert asset.name == asset.uri == f"Engage Voice paused: campaign 7 in all dial groups ({conn_id})"


def test_a_watcher_of_an_earlier_release_is_still_read() -> None:
    stored = {
        "event": "opened",
        "dial_group": None,
        "campaign": "*",
        "engagevoice_conn_id": "ev",
        "poke_interval": 60.0,
    }
    assert CampaignWindowEventTrigger(**stored).serialize()[1] == {
        name: value for name, value in stored.items() if name != "poke_interval"
    }
