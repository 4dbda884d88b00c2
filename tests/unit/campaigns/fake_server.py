"""An in-memory server for request objects, and attempts at a procedure driven step by step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.request import Idempotency, Pause, Procedure, Request, ServerTime
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    EngageVoiceError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    UnexpectedAnswerError,
)
from airflow_provider_engagevoice.models.campaign import has_own_rows

T = TypeVar("T")
Json = dict[str, Any]

GROUP = 115801
OTHER_GROUP = 115802
#: Few fields, because the tests read millions; one of them is unknown to the package.
DEFAULTS: Json = {
    "isActive": 0,
    "startDate": "2020-05-26T07:00:00.000+0000",
    "endDate": "2025-05-26T07:00:00.000+0000",
    "callerId": "4155550123",
    "maxRingTime": 30,
    "monSched": "08002100",
    "afterCallState": {"id": 11786, "description": "Available"},
    "addedLater": ["kept"],
}
_PATH = re.compile(
    r"admin/accounts/\{accountId\}/dialGroups(?:/(?P<children>withChildren)|/(?P<group>\d+)"
    r"(?P<campaigns>/campaigns)?(?:/(?P<campaign>\d+)(?P<action>/clone|/lists)?)?)?"
)
#: More requests than any procedure here needs.
_ENDLESS = 300


class FakeServer:
    """Dial groups and campaigns, with the behavior that the vendor documents and no other.

    :param ids: ids of new campaigns
    :param clone: whether there is a clone endpoint; or the class of the error that it raises
    :param stores: changes a body before it is stored, by method
    :param renumbers: whether rows in a new campaign get ids of their own; otherwise they keep those sent
    """

    def __init__(
        self,
        *,
        ids: Iterator[int] | None = None,
        clone: bool | type[EndpointMissingError] | type[ResourceNotFoundError] = True,
        stores: Callable[[str, Json], Json] = lambda method, body: body,
        renumbers: bool = True,
    ) -> None:
        self.groups = {GROUP: "Outbound Renewals", OTHER_GROUP: "Winbacks"}
        self.campaigns: dict[int, Json] = {}
        #: Fields of a campaign that a request does not give.
        self.defaults = dict(DEFAULTS)
        #: Lead lists, by id of the campaign.
        self.lists: dict[int, list[Json]] = {}
        self.requests: list[Request[Any]] = []
        self.after_write: Callable[[], None] = lambda: None
        self.losses: dict[int, str] = {}
        self._ids = ids or iter(range(1001, 9999))
        self._clone = clone
        self._stores = stores
        self._renumbers = renumbers
        self._creates = 0

    def add(self, name: str, *, group: int = GROUP, **fields: Any) -> int:
        """Add a campaign, as users do in the vendor's web pages."""
        campaign_id = next(self._ids)
        self._put(campaign_id, group, {**DEFAULTS, "campaignName": name, **fields})
        return campaign_id

    def lose_create(self, number: int, when: str) -> None:
        """Lose the ``number``-th create: ``before`` it is executed or ``after``."""
        self.losses[number] = when

    def named(self, name: str) -> list[Json]:
        return [campaign for campaign in self.campaigns.values() if campaign["campaignName"] == name]

    def sent(self, method: str) -> list[str]:
        """Return the ends of the paths of the requests of a method."""
        return [
            request.path.partition("/dialGroups")[2] for request in self.requests if request.method == method
        ]

    def answer(self, request: Request[T] | ServerTime) -> Any:
        """Execute a request; return its result or raise its error."""
        if isinstance(request, ServerTime):
            return clock.now()
        self.requests.append(request)
        data = self._execute(request)
        if request.method != "GET":
            self.after_write()
        try:
            return request.read(json.loads(json.dumps(data)))
        except (ValueError, TypeError) as error:
            raise self._error(UnexpectedAnswerError, request) from error

    def _execute(self, request: Request[Any]) -> Any:
        match = _PATH.fullmatch(request.path)
        assert match is not None, request.path
        if request.idempotency is Idempotency.UNSAFE:
            self._creates += 1
            loss = self.losses.get(self._creates)
            if loss != "before":
                made = self._do(request, match)
            if loss is not None:
                self.after_write()
                raise self._error(OutcomeUnknownError, request)
            return made
        return self._do(request, match)

    def _do(self, request: Request[Any], match: re.Match[str]) -> Any:
        group = int(match["group"]) if match["group"] else None
        if group is None:
            rows = [
                {**self._group(one), "campaigns": self._inside(one)}
                if match["children"]
                else self._group(one)
                for one in self.groups
            ]
            return self._page(rows, request)
        if group not in self.groups:
            raise self._error(ResourceNotFoundError, request)
        if not match["campaigns"]:
            return self._group(group)
        if match["campaign"] is None:
            return (
                self._create(group, dict(request.body or {}))
                if request.method == "POST"
                else self._page(self._inside(group), request)
            )
        campaign_id = int(match["campaign"])
        stored = self.campaigns.get(campaign_id)
        if stored is None or stored["groupId"] != group:
            raise self._error(ResourceNotFoundError, request)
        if match["action"] == "/lists":
            return self.lists.get(campaign_id, [])
        if match["action"]:
            if self._clone is not True:
                raise self._error(self._clone or EndpointMissingError, request)
            query = request.query
            clone = {"campaignName": query["newCampaignName"], "countryId": query["newCountryCode"]}
            return self._new(group, {**stored, **self._stores("CLONE", clone)})
        if request.method == "PUT":
            self._put(campaign_id, group, self._stores("PUT", dict(request.body or {})))
        if request.method == "DELETE":
            del self.campaigns[campaign_id]
            return None
        return self.campaigns[campaign_id]

    @staticmethod
    def _page(rows: list[Json], request: Request[Any]) -> list[Json]:
        """Return a page; the first one is 0."""
        first = int(request.query.get("page", 0)) * int(request.query["maxRows"])
        return rows[first : first + int(request.query["maxRows"])]

    def _create(self, group: int, body: Json) -> Json:
        return self._new(group, {**self.defaults, **self._stores("POST", body)})

    def _new(self, group: int, body: Json) -> Json:
        campaign_id = next(self._ids)
        if self._renumbers:
            body = {
                name: _renumbered(value, campaign_id) if has_own_rows(name, value) else value
                for name, value in body.items()
            }
        return self._put(campaign_id, group, body)

    def _put(self, campaign_id: int, group: int, body: Json) -> Json:
        plain: Json = json.loads(json.dumps(body))
        place = {"id": group, "description": self.groups[group]}
        self.campaigns[campaign_id] = {
            **plain,
            "campaignId": campaign_id,
            "groupId": group,
            "dialGroup": place,
        }
        return self.campaigns[campaign_id]

    def _group(self, group: int) -> Json:
        return {"dialGroupId": group, "dialGroupName": self.groups[group], "isActive": True}

    def _inside(self, group: int) -> list[Json]:
        return [campaign for campaign in self.campaigns.values() if campaign["groupId"] == group]

    @staticmethod
    def _error(kind: type[Any], request: Request[Any]) -> Exception:
        error: Exception = kind(kind.__name__, method=request.method, path=request.path)
        return error


def _renumbered(value: Any, campaign_id: int) -> Any:
    """Return rows with ids of their own, which belong to a campaign."""
    if isinstance(value, list):
        return [_renumbered(one, campaign_id) for one in value]
    if not isinstance(value, dict):
        return value
    ids = {name: one + 100 * campaign_id for name, one in value.items() if name.lower().endswith("id")}
    ids |= {"campaignId": campaign_id} if "campaignId" in value else {}
    return {name: ids[name] if name in ids else _renumbered(one, campaign_id) for name, one in value.items()}


class Attempt(Generic[T]):
    """One attempt at a procedure, which can be interrupted or interleaved after any request."""

    def __init__(self, server: FakeServer, procedure: Procedure[T]) -> None:
        self._server = server
        self._steps = procedure
        self.count = 0
        self.pending: Request[Any] | Pause | None = None
        self.error: EngageVoiceError | None = None
        self._result: list[T] = []
        self._advance(lambda: next(self._steps))

    @property
    def done(self) -> bool:
        return self.pending is None

    @property
    def result(self) -> T:
        if self.error is not None:
            raise self.error
        (result,) = self._result
        return result

    def step(self) -> None:
        """Send the next request."""
        assert self.pending is not None
        assert self.count < _ENDLESS, "the procedure does not end"
        if isinstance(self.pending, Pause):
            clock.sleep(self.pending.seconds)
            self._advance(lambda: self._steps.send(None))
            return
        self.count += 1
        try:
            answer = self._server.answer(self.pending)
        except EngageVoiceError as error:
            thrown = error
            self._advance(lambda: self._steps.throw(thrown))
        else:
            self._advance(lambda: self._steps.send(answer))

    def run(self, most: int | None = None) -> Attempt[T]:
        """Run to the end, or until it is interrupted after ``most`` requests."""
        while not self.done and (most is None or self.count < most):
            self.step()
        self._steps.close()
        return self

    def _advance(self, resume: Callable[[], Request[Any] | Pause]) -> None:
        self.pending = None
        try:
            self.pending = resume()
        except StopIteration as stop:
            self._result.append(stop.value)
        except EngageVoiceError as error:
            self.error = error


def method(attempt: Attempt[Any]) -> str | None:
    """Return the method of the next request, None for a pause or the end."""
    return attempt.pending.method if isinstance(attempt.pending, Request) else None


def run(server: FakeServer, procedure: Procedure[T]) -> T:
    """Run a procedure to its end."""
    return Attempt(server, procedure).run().result
