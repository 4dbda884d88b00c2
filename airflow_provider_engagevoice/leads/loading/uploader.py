"""How a chunk of leads is sent to the server, and looked up there: procedures without I/O."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.leads import SEARCH_ROWS, Row, load_leads, search_leads
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS, RateLimit
from airflow_provider_engagevoice.client.request import Pause, Procedure, Request, Reserve
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    LoadedTwiceError,
    LoadRefusedError,
    OutdatedError,
    RateLimitedError,
    UnreachableError,
    UnstableListError,
)
from airflow_provider_engagevoice.leads.loading import LoadOptions
from airflow_provider_engagevoice.leads.loading.decisions import Stage, Step
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome, read_outcome, settle
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.leads.mapping import Target
from airflow_provider_engagevoice.models.lead import EXTERN_ID

log = logging.getLogger(__name__)

#: Attempts to send missing leads right after a look, and the first pause between two.
_COMPLETIONS, _FIRST_PAUSE = 6, 1.0

Bodies = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Found:
    """Which leads of a chunk the campaign has, by ``externId``.

    :ivar loaded: those in a list of this load, or of unknown name, with the ids of their rows in the former
    :ivar elsewhere: those in other lists alone
    """

    loaded: dict[str, set[Any]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)


class Uploader(ABC):
    """One of the vendor's ways to load leads into a campaign.

    :param check: called right before each request to load leads, on any thread; an error that it raises
        stops the request
    :param targets: fields that the leads of the campaign have, for :meth:`prepare`
    """

    #: The rate limit that bounds how fast chunks can be sent.
    budget: ClassVar[RateLimit]
    #: Leads per chunk.
    default_chunk_size: ClassVar[int]
    max_chunk_size: ClassVar[int]

    def __init__(
        self,
        dial_group_id: int,
        campaign_id: int,
        options: LoadOptions,
        check: Callable[[], None] = lambda: None,
        *,
        targets: Iterable[Target] = (),
    ) -> None:
        self._dial_group_id = dial_group_id
        self._campaign_id = campaign_id
        self._options = options
        self._check = check
        self._targets = targets

    def prepare(self, lead: Mapping[str, Any]) -> Procedure[None]:
        """Check, before any lead is loaded, that the server takes the fields of the leads.

        :param lead: one of them
        """
        yield from ()

    def carry_out(self, step: Step, leads: bytes) -> Procedure[Outcome | None]:
        """Carry out a step; see :class:`Stage` and :meth:`LoadDecisions.complete`.

        :param leads: those of the chunk, a JSON array, encoded
        :raises OutcomeUnknownError: if the server may have loaded leads, or may still do so
        :raises LoadRefusedError: if the server reports that the load failed
        :raises LoadedTwiceError: if the server has a lead in two lists of this load
        """
        if step.stage is Stage.SEND:
            return (yield from self._send(step.chunk, leads))
        bodies: Bodies = json.loads(leads)
        if step.stage is Stage.LOOK_UP:
            return (yield from self._look_up(step, leads, bodies))
        if step.stage is Stage.COMPLETE:
            return (yield from self._complete(step, bodies))
        assert step.answer is not None
        found = yield from self._find(step.chunk, bodies)
        return settle(step.answer, found.loaded, bodies)

    @abstractmethod
    def _request(self, chunk: Chunk, leads: bytes) -> Procedure[Request[Any]]:
        """Return the request that loads leads: those of the chunk, or some of them."""

    @abstractmethod
    def _read(self, chunk: Chunk, leads: bytes, count: int, answer: Any) -> Procedure[Outcome]:
        """Return the outcome of a request.

        :param count: leads that were sent
        :param answer: what the request has returned
        """

    def _send(self, chunk: Chunk, leads: bytes) -> Procedure[Outcome]:
        """Load all leads; with ``check_existing``, those that the campaign does not have."""
        if not self._options.check_existing:
            return (yield from self._load(chunk, leads, chunk.leads))
        bodies: Bodies = json.loads(leads)
        found = yield from self._find(chunk, bodies)
        missing = self._missing(bodies, found)
        if not missing:
            return self._found(bodies, found)
        outcome = yield from self._load(chunk, _encoded(bodies, missing), len(missing))
        return self._with_found(outcome, missing, bodies, found)

    def _load(self, chunk: Chunk, leads: bytes, count: int) -> Procedure[Outcome]:
        request = yield from self._request(chunk, leads)
        answer = yield from replace(request, before_send=self._check)
        return (yield from self._read(chunk, leads, count, answer))

    def _look_up(self, step: Step, leads: bytes, bodies: Bodies) -> Procedure[Outcome | None]:
        found = yield from self._find(step.chunk, bodies, every_row=step.is_thorough)
        number, count = step.chunk.index + 1, len(found.loaded)
        log.info("chunk %d: the server has %d of %d leads", number, count, len(bodies))
        return None if self._missing(bodies, found) else self._found(bodies, found)

    def _complete(self, step: Step, bodies: Bodies) -> Procedure[Outcome]:
        """Send the leads that are missing, right after a look that shows which these are."""
        chunk = step.chunk
        found = yield from self._find(chunk, bodies)
        pause = _FIRST_PAUSE
        for tries_left in reversed(range(_COMPLETIONS)):
            missing = self._missing(bodies, found)
            if not missing:
                return self._found(bodies, found)
            leads = _encoded(bodies, missing)
            request = yield from self._request(chunk, leads)
            yield Reserve(request)
            found = yield from self._find(chunk, bodies)
            if self._missing(bodies, found) == missing:
                request = replace(
                    request,
                    is_follower=True,
                    after_read=True,
                    made_at=clock.monotonic(),
                    before_send=self._check,
                )
                try:
                    answer = yield from request
                except (OutdatedError, RateLimitedError, UnreachableError):
                    # It was not sent.
                    if not tries_left:
                        raise
                    yield Pause(pause)
                    pause *= 2
                else:
                    outcome = yield from self._read_again(chunk, leads, len(missing), answer, found)
                    is_final = outcome.is_final and not step.is_thorough
                    return replace(self._with_found(outcome, missing, bodies, found), is_final=is_final)
        raise UnstableListError(
            f"the leads of chunk {chunk.index + 1} that the server has change at each search"
        )

    def _read_again(
        self, chunk: Chunk, leads: bytes, count: int, answer: Any, found: Found
    ) -> Procedure[Outcome]:
        """Return the outcome of a request for leads that were missing."""
        try:
            return (yield from self._read(chunk, leads, count, answer))
        except LoadRefusedError as error:
            if not found.loaded:
                raise
            # It has loaded the others of this chunk, so these are refused one by one.
            return Outcome(Counts(), dict.fromkeys(range(count), str(error)), is_final=False)

    def _missing(self, bodies: Bodies, found: Found) -> list[int]:
        """Return the positions of the leads to send."""
        known = found.loaded.keys() | (found.elsewhere if self._options.check_existing else set())
        return [at for at, body in enumerate(bodies) if body[EXTERN_ID] not in known]

    def _found(self, bodies: Bodies, found: Found) -> Outcome:
        """Return the outcome of a chunk without leads to send."""
        count = len(found.loaded)
        return Outcome(Counts(len(bodies), count, duplicates=len(bodies) - count))

    def _with_found(self, outcome: Outcome, missing: list[int], bodies: Bodies, found: Found) -> Outcome:
        """Return the outcome of a whole chunk of which the missing leads were sent."""
        counts = replace(outcome.counts)
        counts.add(Counts(len(bodies) - len(missing), len(found.loaded)))
        counts.duplicates += len(bodies) - len(missing) - len(found.loaded)
        rejected = {missing[at]: reason for at, reason in outcome.rejected.items()}
        return replace(outcome, counts=counts, rejected=rejected)

    def _find(self, chunk: Chunk, bodies: Bodies, *, every_row: bool = True) -> Procedure[Found]:
        """Look up which leads of a chunk the campaign has.

        :param every_row: whether to look for a second row of a lead, too
        :raises LoadedTwiceError: if a lead is in two lists of this load
        """
        found = Found()
        for at in range(0, len(bodies), SEARCH_ROWS):
            extern_ids = {body[EXTERN_ID]: None for body in bodies[at : at + SEARCH_ROWS]}
            criteria: dict[str, Any] = {"campaignIds": [self._campaign_id], "externIds": list(extern_ids)}

            def has_all(rows: Iterable[Row], wanted: Collection[str] = extern_ids.keys()) -> bool:
                return self._among(rows, wanted).loaded.keys() == wanted

            rows = yield from search_leads(criteria, None if every_row else has_all)
            some = self._among(rows, extern_ids)
            found.loaded |= some.loaded
            found.elsewhere |= some.elsewhere
        twice = sum(len(rows) > 1 for rows in found.loaded.values())
        if twice:
            raise LoadedTwiceError(
                f"the server has {twice:,} leads of chunk {chunk.index + 1} twice, in lists named "
                f"{self._options.list_name(chunk.index)!r} or alike: it has carried out a request that had "
                "ended long before. Delete one of each; then let reconcile_after be longer"
            )
        return found

    def _among(self, rows: Iterable[Row], wanted: Collection[str]) -> Found:
        found = Found()
        for row in rows:
            extern_id = str(row.get(EXTERN_ID))
            if extern_id not in wanted:
                continue
            list_name = row.get("listDesc")
            if list_name is None:
                # It may be another load's, but one call too few beats one too many.
                found.loaded.setdefault(extern_id, set())
            elif self._options.matches(str(list_name)):
                found.loaded.setdefault(extern_id, set()).add(row["leadId"])
            else:
                found.elsewhere.add(extern_id)
        found.elsewhere -= found.loaded.keys()
        return found


def _encoded(bodies: Bodies, positions: Iterable[int]) -> bytes:
    return json.dumps([bodies[at] for at in positions], separators=(",", ":")).encode()


class DirectUploader(Uploader):
    """Sends leads as JSON. The response comes once they are loaded, with counts and the rejected leads."""

    budget = RATE_LIMITS["lead_loader_direct"]
    default_chunk_size, max_chunk_size = 500, 5_000

    def _request(self, chunk: Chunk, leads: bytes) -> Procedure[Request[Any]]:
        """Return the request that loads leads, see the base class."""
        yield from ()
        fields = json.dumps(self._options.request(self._options.list_name(chunk.index))).encode()
        return load_leads(self._campaign_id, fields[:-1] + b', "uploadLeads": ' + leads + b"}")

    def _read(self, chunk: Chunk, leads: bytes, count: int, answer: Any) -> Procedure[Outcome]:
        """Return the outcome of a request, see the base class."""
        yield from ()
        return read_outcome(answer, self._options.list_name(chunk.index), leads, count)


class RoutedUploader:
    """Sends each chunk of a list for many campaigns to its own.

    :param uploaders: by the id of the campaign
    """

    def __init__(self, uploaders: Mapping[int, Uploader]) -> None:
        self._uploaders = uploaders

    def prepare(self, lead: Mapping[str, Any]) -> Procedure[None]:
        """See :meth:`Uploader.prepare`."""
        for uploader in self._uploaders.values():
            yield from uploader.prepare(lead)

    def carry_out(self, step: Step, leads: bytes) -> Procedure[Outcome | None]:
        """See :meth:`Uploader.carry_out`; errors name the campaign."""
        campaign_id = step.chunk.campaign_id
        try:
            return (yield from self._uploaders[campaign_id].carry_out(step, leads))
        except EngageVoiceError as error:
            error.add(f"campaign {campaign_id}")
            raise
