"""How chunks are sent and looked up: the requests of each step, and what is made of their answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.request import Pause, Request, Reserve, run_steps
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    LoadedTwiceError,
    LoadRefusedError,
    OutdatedError,
    RateLimitedError,
    UnstableListError,
)
from airflow_provider_engagevoice.leads.loading import LoadOptions
from airflow_provider_engagevoice.leads.loading.decisions import Stage, Step
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.leads.loading.uploader import DirectUploader
from airflow_provider_engagevoice.models.lead import LoadResult
from tests.support.clocks import FakeClock

OPTIONS = LoadOptions("Renewals", "0123abcd")
IDS = ["a", "b", "c"]
LEADS = json.dumps([{"externId": one, "leadPhone": f"415555010{at}"} for at, one in enumerate(IDS)]).encode()
CHUNK = Chunk(6, "digest", 3)


def row(number: int, extern_id: str, list_name: str | None = "[0123abcd/7] Renewals") -> dict[str, Any]:
    return {"leadId": number, "externId": extern_id, "listDesc": list_name}


@pytest.mark.parametrize(
    "name",
    [
        OPTIONS.list_name(6),
        OPTIONS.list_name(6).upper(),
        OPTIONS.list_name(6)[:14],
        OPTIONS.list_name(6, "beef"),
        "Renewals [0123abcd/7]",
    ],
)
def test_a_list_is_known_by_its_tag_whatever_a_server_does_to_its_name(name: str) -> None:
    assert OPTIONS.matches(name)
    assert OPTIONS.matches(name, 6)
    assert not OPTIONS.matches(name, 0)
    assert not LoadOptions("Renewals", "0123abce").matches(name)


class Server:
    """Answers the requests of a step.

    :ivar happened: ``look``, ``reserve``, ``pause``, and the leads of each load
    """

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.happened: list[str] = []
        self.loads: list[Request[Any]] = []
        self.errors: list[EngageVoiceError] = []
        self.answer: dict[str, Any] | None = None
        self.on_look: Callable[[], None] = lambda: None

    def perform(self, step: Any) -> Any:
        if isinstance(step, Reserve | Pause):
            self.happened.append("reserve" if isinstance(step, Reserve) else "pause")
            return None
        if step.path.endswith("leadSearch"):
            first = "page" not in step.query
            if first:
                self.on_look()
            self.happened += ["look"] if first else []
            wanted = step.body["externIds"]
            return [one for one in self.rows if one["externId"] in wanted] if first else []
        body = json.loads(step.content)
        self.loads.append(step)
        self.happened.append("".join(lead["externId"] for lead in body["uploadLeads"]))
        if self.errors:
            raise self.errors.pop(0)
        count = len(body["uploadLeads"])
        counts = {"leadsSupplied": count, "leadsAccepted": count, "leadsInserted": count}
        return LoadResult.from_server(self.answer or counts)


def carry_out(server: Server, stage: Stage, options: LoadOptions = OPTIONS, **more: Any) -> Outcome | None:
    uploader = DirectUploader(1, 2, options, lambda: None)
    with clock.use(FakeClock()):
        return run_steps(uploader.carry_out(Step(stage, CHUNK, **more), LEADS), server.perform)


def test_a_chunk_is_sent_with_its_tag_in_front() -> None:
    server = Server()
    assert carry_out(server, Stage.SEND) == Outcome(Counts(3, 3))
    assert server.happened == ["abc"]
    (load,) = server.loads
    assert json.loads(load.content or b"")["description"] == "[0123abcd/7] Renewals"
    assert (load.seconds, load.before_send is None) == (120.0, False)


@pytest.mark.parametrize(
    ("list_name", "is_found"),
    [
        ("[0123abcd/7] Renewals", True),
        ("[0123abcd/7] Re", True),
        ("[0123abcd/1", True),
        # Another chunk of it, as the source may have changed.
        ("[0123abcd/3-89abcdef] Renewals", True),
        # A list of release 0.3.
        ("Renewals [0123abcd/7]", True),
        (None, True),
        ("[0123abce/7] Renewals", False),
        ("Renewals", False),
        ("", False),
    ],
)
def test_a_lead_is_looked_up_by_its_id_and_list(list_name: str | None, is_found: bool) -> None:
    server = Server(*(row(at, one, list_name) for at, one in enumerate(IDS)))
    found = carry_out(server, Stage.LOOK_UP)
    assert found == (Outcome(Counts(3, 3)) if is_found else None)


def test_a_chunk_that_is_there_in_part_is_completed_right_after_a_look() -> None:
    server = Server(row(1, "b"), row(2, "other"))
    assert carry_out(server, Stage.LOOK_UP) is None
    assert carry_out(server, Stage.COMPLETE) == Outcome(Counts(3, 3), is_final=False)
    assert server.happened == ["look", "look", "reserve", "look", "ac"]
    (load,) = server.loads
    assert (load.is_follower, load.after_read) == (True, True)


def test_what_was_certainly_not_in_flight_need_not_be_confirmed() -> None:
    outcome = carry_out(Server(), Stage.COMPLETE, is_thorough=False)
    assert outcome == Outcome(Counts(3, 3))


@pytest.mark.parametrize("kind", [OutdatedError, RateLimitedError])
def test_a_completion_that_was_not_sent_looks_again(kind: type[EngageVoiceError]) -> None:
    server = Server()
    server.errors = [kind("x", method="", path="") for _ in range(2)]  # type: ignore[call-arg]
    assert carry_out(server, Stage.COMPLETE) == Outcome(Counts(3, 3), is_final=False)
    again = ["reserve", "look", "abc", "pause"]
    assert server.happened == ["look", *again, *again, "reserve", "look", "abc"]


def test_leads_that_appear_before_they_are_sent_again_are_not_sent() -> None:
    server = Server()
    server.on_look = lambda: server.rows.extend(
        row(9, "c") for _ in range(server.happened.count("look") == 1 and not server.rows)
    )
    outcome = carry_out(server, Stage.COMPLETE)
    assert server.happened == ["look", "reserve", "look", "reserve", "look", "ab"]
    assert outcome == Outcome(Counts(3, 3), is_final=False)


def test_leads_that_change_at_each_look_are_not_sent() -> None:
    server = Server()

    def change() -> None:
        server.rows = [] if server.rows else [row(1, "a")]

    server.on_look = change
    with pytest.raises(UnstableListError):
        carry_out(server, Stage.COMPLETE)
    assert server.loads == []


@pytest.mark.parametrize("stage", [Stage.LOOK_UP, Stage.COMPLETE, Stage.CONFIRM])
def test_a_lead_in_two_lists_of_the_load_is_an_error(stage: Stage) -> None:
    server = Server(row(1, "a"), row(2, "a", "[0123abcd/3] Renewals"), row(3, "b"), row(4, "c"))
    with pytest.raises(LoadedTwiceError, match="has 1 leads of chunk 7 twice, in lists named"):
        carry_out(server, stage, answer=Outcome(Counts()))


def test_a_lead_that_others_loaded_too_is_no_error() -> None:
    names = ("[0123abcd/7] Renewals", "by hand", None, None)
    rows = [
        row(at * 10 + number, one, name) for at, one in enumerate(IDS) for number, name in enumerate(names)
    ]
    assert carry_out(Server(*rows), Stage.LOOK_UP) == Outcome(Counts(3, 3))


def test_leads_that_an_answer_does_not_account_for_are_rejected() -> None:
    answer = Outcome(Counts(2, 2), is_final=False)
    found = carry_out(Server(row(1, "a"), row(2, "c")), Stage.CONFIRM, answer=answer)
    reason = "the server did not load it and gave no reason"
    assert found == Outcome(Counts(2, 2, 1), {1: reason})


def test_a_refusal_of_the_missing_leads_alone_rejects_them() -> None:
    server = Server(row(1, "b"))
    server.answer = {"processingStatus": "GENERAL_FAILURE", "message": "no phone"}
    outcome = carry_out(server, Stage.COMPLETE)
    assert outcome is not None
    assert not outcome.is_final
    found = carry_out(server, Stage.CONFIRM, answer=outcome)
    assert found is not None
    assert found.counts == Counts(1, 1, 2)
    assert all("GENERAL_FAILURE, no phone" in reason for reason in found.rejected.values())
    # If the server has none of them, the whole load may have failed.
    server.rows = []
    with pytest.raises(LoadRefusedError):
        carry_out(server, Stage.COMPLETE)


def test_leads_of_other_lists_are_not_sent_with_check_existing() -> None:
    options = replace(OPTIONS, check_existing=True)
    server = Server(row(1, "b", "by hand"))
    assert carry_out(server, Stage.SEND, options) == Outcome(Counts(3, 2, duplicates=1))
    assert server.happened == ["look", "ac"]
    server = Server(row(1, "a", "by hand"), row(2, "b"), row(3, "c", "by hand"))
    for stage in (Stage.SEND, Stage.LOOK_UP, Stage.COMPLETE):
        assert carry_out(server, stage, options) == Outcome(Counts(3, 1, duplicates=2))
    assert server.loads == []
