"""campaigns/ensure.py: rows that belong to the source of a clone, such as its dispositions."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult, ensure_clone
from airflow_provider_engagevoice.campaigns.checkpoint import NoCheckpoint
from airflow_provider_engagevoice.campaigns.spec import OnIncompleteCopy
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    IncompleteCopyError,
    PermissionDeniedError,
    ResourceNotFoundError,
)
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.nested_rows import own_rows_of, row_ids
from tests.unit.campaigns.campaign_cases import FIELDS, NAME, OWNER, SOURCE_NAME, SOURCES, Saved, spec
from tests.unit.campaigns.fake_server import Attempt, FakeServer, Json, run

OWN_ROWS: Json = {
    "campaignDispositions": [{"dispositionId": 7, "campaignId": 1001}],
    "campaignRequeueShortcuts": {"content": [{"shortcutId": 8}]},
    "campaignFilterStates": [{"filterId": 9, "state": "CA"}],
    "campaignFilterTimezones": [{"filterId": 10}],
    "campaignWhitelistTagMembers": [{"memberId": 11}],
    "addedLaterAsRows": [{"id": 12}],
}
SHARED: Json = {
    "script": {"id": 5},
    "callerIdBucket": {"id": 6},
    "addedLater": ["kept"],
    "addedLaterAsObject": {"id": 13},
    "campaignDesc": "kept",
}
INACTIVE, DIALING = "inactive in its dates", "active in its dates"


def start(source: str, **options: object) -> tuple[FakeServer, int]:
    server = FakeServer(**options)  # type: ignore[arg-type]
    return server, server.add(SOURCE_NAME, **SOURCES[source], **OWN_ROWS, **SHARED)


def clone(
    server: FakeServer, source: int, on_incomplete: str = "warn", *, nested: bool = False, **more: object
) -> CampaignResult:
    return run(
        server,
        ensure_clone(
            source,
            spec(),
            country="USA",
            owner=OWNER,
            copy_nested=nested,
            on_incomplete_copy=OnIncompleteCopy(on_incomplete),
            **more,  # type: ignore[arg-type]
        ),
    )


def body_of_create(server: FakeServer) -> Json:
    (create,) = [one for one in server.requests if one.method == "POST" and not one.path.endswith("/clone")]
    return dict(create.body or {})


@pytest.mark.parametrize(
    ("source", "endpoint"),
    [
        (DIALING, True),
        (INACTIVE, EndpointMissingError),
        (INACTIVE, ResourceNotFoundError),
        (INACTIVE, PermissionDeniedError),
    ],
)
def test_a_copy_by_read_omits_the_sources_own_rows_and_says_so(
    source: str, endpoint: object, caplog: pytest.LogCaptureFixture
) -> None:
    server, source_id = start(source, clone=endpoint)
    result = clone(server, source_id)
    sent = body_of_create(server)
    assert not OWN_ROWS.keys() & sent.keys()
    assert {name: sent[name] for name in SHARED} == SHARED
    assert (result.copied_by, result.not_copied) == ("read", sorted(OWN_ROWS))
    assert result.as_xcom()["copied_by"] == "read"
    (warning,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert all(name in warning for name in OWN_ROWS)


def test_a_copy_by_read_has_them_if_the_server_takes_them() -> None:
    server, source_id = start(DIALING)
    result = clone(server, source_id, "fail", nested=True)
    sent = body_of_create(server)
    assert {name: sent[name] for name in OWN_ROWS} == OWN_ROWS
    assert (result.copied_by, result.not_copied) == ("read", [])


def test_persona_schedules_are_copied_without_their_ids() -> None:
    server, source_id = start(DIALING)
    schedule = {"day": "MONDAY", "start": "09:00", "end": "17:00", "callPreferences": [{"phoneId": 1}]}
    server.campaigns[source_id] |= {
        "callingConfiguration": "STRATEGIC",
        "personaCallSchedules": [{**schedule, "scheduleId": 3, "campaignId": source_id}],
    }
    clone(server, source_id)
    assert body_of_create(server)["personaCallSchedules"] == [schedule]


def test_an_incomplete_copy_can_be_an_error_before_anything_is_sent() -> None:
    server, source_id = start(DIALING)
    with pytest.raises(IncompleteCopyError, match="campaignDispositions") as caught:
        clone(server, source_id, "fail")
    assert not caught.value.retryable
    assert not server.sent("POST")


@pytest.mark.parametrize("on_incomplete", ["warn", "fail"])
def test_a_source_without_rows_of_its_own_is_copied_whole(on_incomplete: str) -> None:
    server = FakeServer(clone=False)
    source_id = server.add(
        SOURCE_NAME, **SOURCES[INACTIVE], campaignDispositions=None, campaignFilterStates=[]
    )
    assert clone(server, source_id, on_incomplete).not_copied == []


def test_the_vendors_clone_has_them() -> None:
    server, source_id = start(INACTIVE)
    result = clone(server, source_id, "fail")
    assert (result.copied_by, result.not_copied) == ("clone", [])


@pytest.mark.parametrize("dates", [{}, {"startDate": None}])
@pytest.mark.parametrize("named", sorted(OWN_ROWS))
def test_rows_of_the_source_in_a_clone_of_the_vendor_are_not_sent_back(named: str, dates: Json) -> None:
    server = FakeServer(renumbers=False)
    rows = {named: OWN_ROWS[named], "campaignDesc": "kept"}
    source_id = server.add(SOURCE_NAME, **{**SOURCES[INACTIVE], **FIELDS, **dates}, **rows)
    result = clone(server, source_id)
    bodies = [one.body or {} for one in server.requests if one.method == "PUT"]
    assert bodies
    assert all(own_rows_of(result.campaign_id, body[named], others(named)) == body[named] for body in bodies)
    assert server.campaigns[result.campaign_id or 0][named] in ([], {"content": []})
    assert (result.copied_by, result.not_copied) == ("clone", [named])
    assert server.campaigns[source_id][named] == OWN_ROWS[named]
    server = FakeServer(renumbers=False)
    source_id = server.add(SOURCE_NAME, **SOURCES[INACTIVE], **rows)
    with pytest.raises(IncompleteCopyError, match=named):
        clone(server, source_id, "fail")
    assert list(server.campaigns) == [source_id]
    assert not server.sent("PUT")


def others(name: str) -> list[str]:
    """Return the ids of the source's rows in a field."""
    return row_ids(Campaign.from_server({"campaignId": 1001, **OWN_ROWS})).get(name, [])


def test_a_copy_by_read_that_shows_rows_of_its_source_lacks_them_in_the_end() -> None:
    server, source_id = start(DIALING, renumbers=False)
    result = clone(server, source_id, nested=True)
    # With the other ids, the server takes rows.
    assert (result.copied_by, result.not_copied) == ("read", ["campaignDispositions"])
    assert server.campaigns[result.campaign_id or 0]["campaignDispositions"] == []
    with pytest.raises(IncompleteCopyError, match="campaignDispositions"):
        clone(*start(DIALING, renumbers=False), "fail", nested=True)


def test_a_retry_that_knows_nothing_sends_only_rows_that_say_whose_they_are() -> None:
    server, source_id = start(INACTIVE)
    attempt = Attempt(server, ensure_clone(source_id, spec(), country="USA", owner=OWNER))
    while not server.sent("POST"):
        attempt.step()
    retry = NoCheckpoint(has_earlier_attempts=True)
    result = clone(server, source_id, checkpoint=retry)
    own = {**server.campaigns[result.campaign_id or 0]}
    assert own["campaignDispositions"] == [{"dispositionId": 7 + 100 * 1002, "campaignId": 1002}]
    assert own["campaignRequeueShortcuts"] == {"content": []}
    assert result.not_copied == sorted(OWN_ROWS.keys() - {"campaignDispositions"})


def without_dispositions(method: str, body: Json) -> Json:
    return {**body, "campaignDispositions": None} if method == "CLONE" else body


def test_a_clone_of_the_vendor_that_lacks_some_is_reported_or_removed() -> None:
    server, source_id = start(INACTIVE, stores=without_dispositions)
    assert clone(server, source_id).not_copied == ["campaignDispositions"]
    server, source_id = start(INACTIVE, stores=without_dispositions)
    with pytest.raises(IncompleteCopyError, match="the source's campaignDispositions"):
        clone(server, source_id, "fail")
    assert list(server.campaigns) == [source_id]


def test_a_retry_knows_what_the_copy_of_a_killed_attempt_lacks() -> None:
    saved = Saved()
    server, source_id = start(INACTIVE, stores=without_dispositions)
    attempt = Attempt(server, ensure_clone(source_id, spec(), country="USA", owner=OWNER, checkpoint=saved))
    while not server.sent("POST"):
        attempt.step()
    del server.campaigns[source_id]
    with pytest.raises(IncompleteCopyError):
        clone(server, source_id, "fail", checkpoint=saved.next_attempt())
    assert not server.campaigns


def test_the_campaign_of_another_task_is_no_copy_of_this_one() -> None:
    server, source_id = start(INACTIVE)
    server.add(NAME, isActive=0)
    result = clone(server, source_id)
    assert result.outcome != "created"
    assert result.as_xcom()["copied_by"] is None


def test_what_another_attempts_copy_lacks_is_not_reported() -> None:
    server, source_id = start(INACTIVE)
    saved = Saved()
    attempt = Attempt(server, ensure_clone(source_id, spec(), country="USA", owner=OWNER, checkpoint=saved))
    while not server.sent("PUT"):
        attempt.step()
    # One that Airflow has given up creates a copy by read, which it deletes again.
    saved.save(
        {**saved.load(), "not_copied": {**saved.load()["not_copied"], "9999": ["campaignDispositions"]}}
    )
    assert attempt.run().result.not_copied == []
