"""Accounts and countries."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from airflow_provider_engagevoice.models.resource import Resource


class Account(Resource):
    """A sub-account: what ``{accountId}`` in every path means."""

    identity = frozenset({"accountId"})

    accountId: Annotated[str, BeforeValidator(str)]
    accountName: str | None = None
    mainAccountId: str | None = None
    mainAccountName: str | None = None


class Country(Resource):
    """A country a campaign can dial; ``countryId`` (``USA``) is what ``newCountryCode`` takes."""

    identity = frozenset({"countryId"})

    countryId: str
    countryName: str | None = None
    countryCode: str | None = None
    minAniLength: int | None = None
    maxAniLength: int | None = None
    minUtcOffset: int | None = None
    maxUtcOffset: int | None = None
