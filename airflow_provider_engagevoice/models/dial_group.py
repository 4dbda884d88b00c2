"""Dial groups."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from pydantic import BeforeValidator

from airflow_provider_engagevoice.models.campaign import Campaign, Name
from airflow_provider_engagevoice.models.enums import DialMode
from airflow_provider_engagevoice.models.resource import Resource


class DialGroup(Resource):
    """A dial group as the server has it. ``isActive`` is a boolean, unlike that of a campaign."""

    identity = frozenset({"dialGroupId"})

    dialGroupId: int
    dialGroupName: Name = ""
    dialGroupDesc: str | None = None
    dialMode: DialMode | None = None
    isActive: bool | None = None
    groupId: int | None = None
    agentsReady: int | None = None
    agentDialGroupMembers: Any = None
    allowLeadSearch: str | None = None
    allowPreviewLeadFilters: bool | None = None
    billingKey: str | None = None
    enableAbsolutePriority: bool | None = None
    enableAgentFilter: bool | None = None
    enableCallbacksAfterMaxDailyPass: bool | None = None
    enableCallbacksAfterMaxpass: bool | None = None
    enableListPriority: bool | None = None
    hciEnabled: str | None = None
    maxLeadsReturned: int | None = None
    maxPorts: int | None = None
    minPredictiveAgents: int | None = None
    outdialServerGroupId: int | None = None
    permissions: list[str] | None = None
    progressiveCallDelay: int | None = None
    progressiveEnabled: bool | None = None
    realTimeAgentData: bool | None = None
    requireFetchedLeadsCalled: bool | None = None

    def children(self) -> list[Campaign]:
        """Return the campaigns in it that can be read, as ``dialGroups/withChildren`` sends them."""
        children = self.raw.get("campaigns")
        readable = []
        for child in children if isinstance(children, list) else ():
            with suppress(ValueError, TypeError):
                readable.append(Campaign.from_server(child))
        return readable


class Account(Resource):
    """A sub-account: the ``{accountId}`` of every path."""

    identity = frozenset({"accountId"})

    accountId: Annotated[str, BeforeValidator(str)]
    accountName: str | None = None
    mainAccountId: str | None = None
    mainAccountName: str | None = None


class Country(Resource):
    """A country that a campaign can dial; ``newCountryCode`` takes its ``countryId`` (``USA``)."""

    identity = frozenset({"countryId"})

    countryId: str
    countryName: str | None = None
    countryCode: str | None = None
    minAniLength: int | None = None
    maxAniLength: int | None = None
    minUtcOffset: int | None = None
    maxUtcOffset: int | None = None
