"""client/lookup.py: references to dial groups and campaigns."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.client.lookup import find_campaign, find_dial_group
from airflow_provider_engagevoice.exceptions import AmbiguousNameError, NotFoundError
from tests.unit.campaigns.fake_server import GROUP, OTHER_GROUP, FakeServer, run


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.add("Renewals")
    server.add("Renewals", group=OTHER_GROUP)
    server.add("Spring sale", group=OTHER_GROUP)
    return server


@pytest.mark.parametrize(
    ("reference", "group", "found"),
    [
        ("Spring sale", None, 1003),
        ("Renewals", GROUP, 1001),
        ("Renewals", "Winbacks", 1002),
        ({"campaign_id": 1002, "dial_group_id": OTHER_GROUP}, None, 1002),
        ({"campaign_id": 1002, "dial_group_id": OTHER_GROUP}, "Winbacks", 1002),
        (1003, None, 1003),
    ],
)
def test_campaigns_are_found(server: FakeServer, reference: Any, group: Any, found: int) -> None:
    assert run(server, find_campaign(reference, group)).campaign_id == found


def test_a_name_in_two_dial_groups_is_ambiguous_without_one(server: FakeServer) -> None:
    with pytest.raises(AmbiguousNameError, match="1001, 1002"):
        run(server, find_campaign("Renewals"))


def test_unknown_campaigns(server: FakeServer) -> None:
    with pytest.raises(
        NotFoundError, match=rf"named 'spring sale' in dial group {OTHER_GROUP}; nearest: 'Spring sale'"
    ):
        run(server, find_campaign("spring sale", OTHER_GROUP))
    with pytest.raises(NotFoundError, match=r"no campaign with id 7"):
        run(server, find_campaign(7))
    with pytest.raises(NotFoundError, match="may have been deleted"):
        run(server, find_campaign(7, GROUP))


def test_dial_groups(server: FakeServer) -> None:
    for reference in (GROUP, str(GROUP), "Outbound Renewals", {"dial_group_id": GROUP, "campaign_id": 1}):
        assert run(server, find_dial_group(reference)).dialGroupId == GROUP
    with pytest.raises(NotFoundError, match="named 'winbacks'; nearest: 'Winbacks'"):
        run(server, find_dial_group("winbacks"))
    with pytest.raises(NotFoundError, match="no dial group with id 7"):
        run(server, find_dial_group(7))
    server.groups[7] = "Winbacks"
    with pytest.raises(AmbiguousNameError) as caught:
        run(server, find_dial_group("Winbacks"))
    assert caught.value.ids == (OTHER_GROUP, 7)
