"""client/lookup.py: references to dial groups and campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_engagevoice import clock as package_clock
from airflow_provider_engagevoice import exceptions as errors
from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    ambiguous_campaigns,
    find_campaign,
    find_dial_group,
    is_listed,
    pauses,
    read_campaign,
)
from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.exceptions import AmbiguousNameError, NotFoundError
from tests.support.clocks import FakeClock
from tests.unit.campaigns.fake_server import GROUP, OTHER_GROUP, FakeServer, run


@pytest.fixture(autouse=True)
def clock() -> Iterator[FakeClock]:
    fake = FakeClock()
    with package_clock.use(fake):
        yield fake


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
    with pytest.raises(AmbiguousNameError, match=r"1001 \(dial group \d+\), 1002 \(dial group \d+\)"):
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


# Servers whose lists and reads show a write late, and gateways that answer instead of them.


class OddServer(FakeServer):
    """A server that answers reads of campaigns with an error for a while, and lists them late.

    :param error: kind of the errors
    :param reads: number of reads that fail
    :param listed_at: instant from which the list has the campaigns
    """

    def __init__(
        self, error: type[errors.ApiError] | None = None, reads: int = 999, listed_at: float = 0.0
    ) -> None:
        super().__init__()
        self._error_kind, self._reads, self._listed_at = error, reads, listed_at
        self.campaign = self.add("Renewals")

    def answer(self, request: Request[Any]) -> Any:
        if request.path.endswith("/campaigns"):
            found = super().answer(request)
            return found if package_clock.monotonic() >= self._listed_at else []
        if request.path.rpartition("/")[2] == str(self.campaign) and self._error_kind and self._reads:
            self._reads -= 1
            raise self._error_kind("x", method="GET", path=request.path)
        return super().answer(request)


ABSENT = [errors.ResourceNotFoundError, errors.PermissionDeniedError, errors.PageAnswerError]


@pytest.mark.parametrize("kind", ABSENT)
def test_a_404_counts_only_if_the_list_agrees(clock: FakeClock, kind: type[errors.ApiError]) -> None:
    server = OddServer(kind)
    with pytest.raises(kind):
        run(server, read_campaign(GROUP, server.campaign))
    assert sum(clock.sleeps) == LAG_SECONDS
    assert run(server, is_listed(GROUP, server.campaign))
    del server.campaigns[server.campaign]
    with pytest.raises(NotFoundError, match="may have been deleted"):
        run(server, read_campaign(GROUP, server.campaign))
    assert sum(clock.sleeps) == LAG_SECONDS
    assert not run(server, is_listed(GROUP, server.campaign))


@pytest.mark.parametrize("kind", ABSENT)
def test_a_404_for_a_moment_is_read_again(clock: FakeClock, kind: type[errors.ApiError]) -> None:
    server = OddServer(kind, reads=2)
    assert run(server, read_campaign(GROUP, server.campaign)).campaignId == server.campaign
    assert 0 < sum(clock.sleeps) < 5


@pytest.mark.parametrize(
    ("groups", "which"),
    [
        ([(1, 7), (1, 8)], "7, 8 in dial group 1 are all named 'Twin'; use the id"),
        (
            [(1, 7), (2, 8)],
            "7 (dial group 1), 8 (dial group 2) are all named 'Twin'; give dial_group=, or use the id",
        ),
    ],
)
def test_a_name_that_several_have_comes_with_their_dial_groups(
    groups: list[tuple[int, int]], which: str
) -> None:
    error = ambiguous_campaigns("campaign", "Twin", groups)
    assert str(error) == f"campaign: campaigns {which}"
    assert error.ids == (7, 8)


@pytest.mark.parametrize(
    ("name", "difference"),
    [("Renamed", ""), ("Renewa1s", r" \(with U\+0031 DIGIT ONE in place of U\+006C LATIN SMALL LETTER L\)")],
)
def test_a_campaign_that_was_just_renamed_is_not_found(name: str, difference: str) -> None:
    class Renaming(FakeServer):
        def answer(self, request: Request[Any]) -> Any:
            found = super().answer(request)
            self.campaigns[campaign]["campaignName"] = name
            return found

    server = Renaming()
    campaign = server.add("Renewals")
    with pytest.raises(NotFoundError, match=f"not named 'Renewals' any more, but '{name}'{difference}$"):
        run(server, find_campaign("Renewals", GROUP))
    assert run(server, find_campaign(name, GROUP)).campaign_id == campaign


@pytest.mark.parametrize("kind", [errors.ServerError, errors.AuthenticationError, errors.NoAnswerError])
def test_other_errors_say_nothing_about_a_campaign(kind: type[errors.ApiError]) -> None:
    server = OddServer(kind)
    with pytest.raises(kind):
        run(server, read_campaign(GROUP, server.campaign))
    assert len(server.requests) == 0


@pytest.mark.parametrize("lag", [0.0, 1.0, 5.0, 30.0])
@pytest.mark.parametrize("by_id", [True, False])
def test_a_campaign_that_is_not_there_yet_is_looked_for_again(
    clock: FakeClock, lag: float, by_id: bool
) -> None:
    server = OddServer(errors.ResourceNotFoundError, reads=1, listed_at=clock.now + lag)
    if not by_id:
        server = OddServer(listed_at=clock.now + lag)
    reference = server.campaign if by_id else "Renewals"
    found = run(server, find_campaign(reference, GROUP, patience=LAG_SECONDS))
    assert found.campaign_id == server.campaign
    assert sum(clock.sleeps) <= lag + 8.0


def test_a_campaign_is_looked_for_only_as_long_as_asked(clock: FakeClock) -> None:
    server = OddServer(listed_at=clock.now + 60.0)
    with pytest.raises(NotFoundError, match="no campaign named"):
        run(server, find_campaign("Renewals", GROUP))
    assert clock.sleeps == []
    with pytest.raises(NotFoundError, match="no campaign named"):
        run(server, find_campaign("Renewals", GROUP, patience=LAG_SECONDS))
    assert sum(clock.sleeps) == LAG_SECONDS


def test_an_ambiguous_name_is_not_looked_for_again(clock: FakeClock) -> None:
    server = OddServer()
    server.add("Renewals")
    with pytest.raises(AmbiguousNameError):
        run(server, find_campaign("Renewals", GROUP, patience=LAG_SECONDS))
    assert clock.sleeps == []


@pytest.mark.parametrize("seconds", [0.0, 0.2, 1.0, 35.0, 900.0])
def test_pauses_grow_and_last_together_as_long_as_asked(seconds: float) -> None:
    lengths = [pause.seconds for pause in pauses(seconds)]
    assert sum(lengths) == pytest.approx(seconds)
    assert lengths[:-1] == sorted(lengths[:-1])
    longest = 30.0 if seconds > LAG_SECONDS else 8.0
    assert all(0 < length <= longest for length in lengths)


@pytest.mark.parametrize("stored", [" Caf\u00e9", "Cafe\u0301 ", "Caf\u00e9"])
def test_names_are_compared_as_servers_may_change_them(server: FakeServer, stored: str) -> None:
    wanted = server.add(stored)
    for name in ("Caf\u00e9", "Cafe\u0301"):
        assert run(server, find_campaign(name, GROUP)).campaign_id == wanted
