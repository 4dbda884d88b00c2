"""Campaigns as Airflow assets: ``engagevoice://<account>/<dial group id>/<campaign id>``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from packaging.version import Version

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

SCHEME = "engagevoice"

#: All campaigns that operators of this package create, update or delete: a DAG with
#: ``schedule=[CAMPAIGNS]`` runs on each change.
CAMPAIGNS = AssetAlias("engagevoice_campaigns")

# Not compiled here, which would slow down every DAG file.
_ACCOUNT = r"[A-Za-z0-9_-]+"
_IDS = r"/[1-9][0-9]*/[1-9][0-9]*"
_SEASON = r"/seasons/[A-Za-z0-9][A-Za-z0-9._-]*"


def campaign_asset(
    account_id: int | str,
    dial_group_id: int | str,
    campaign_id: int | str,
    *,
    extra: dict[str, Any] | None = None,
) -> Asset:
    """Return the asset of a campaign; its name is its URI.

    :param account_id: id of the sub-account
    :param extra: stored by Airflow with the asset
    :raises ValueError: if the ids do not form the URI of a campaign
    """
    uri = sanitize_uri(urlsplit(f"{SCHEME}://{account_id}/{dial_group_id}/{campaign_id}"))
    return Asset(uri=uri.geturl(), extra=extra)


def season_asset(account_id: int | str, season: str) -> Asset:
    """Return the asset of a season; its name is its URI. Applies that change something add an event.

    :param account_id: id of the sub-account
    :param season: its name
    :raises ValueError: if they do not form the URI of a season
    """
    return Asset(uri=sanitize_uri(urlsplit(f"{SCHEME}://{account_id}/seasons/{season}")).geturl())


def campaign_window_asset(
    *,
    event: str,
    dial_group: int | str | None = None,
    campaign: int | str = "*",
    engagevoice_conn_id: str = "engagevoice_default",
) -> Asset:
    """Return an asset on which a DAG can be scheduled; the DAG runs on each ``event``. Airflow 3.0 or newer.

    .. code-block:: python

        with DAG("follow_up", schedule=[campaign_window_asset(dial_group="Renewals", event="opened")]):
            ...

    Each of the run's ``triggering_asset_events`` has the list of campaigns in
    ``extra["payload"]["campaigns"]``, as described at
    :class:`~airflow_provider_engagevoice.triggers.campaign_events.CampaignWindowEventTrigger`.

    :param event: ``opened``, ``closed``, ``edited``, ``activated``, ``paused``, ``created`` or ``deleted``
    :param dial_group: id or exact name; default: all of them
    :param campaign: id, or a pattern of names such as ``Renewals *``
    :param engagevoice_conn_id: connection of type ``engagevoice``; its ``watch_interval`` is the longest time
        between two polls
    :raises InvalidInputError: if ``event``, ``dial_group`` or ``campaign`` is invalid
    """
    from airflow.sdk import AssetWatcher

    from airflow_provider_engagevoice.triggers.campaign_events import CampaignWindowEventTrigger

    trigger = CampaignWindowEventTrigger(
        event=event,
        dial_group=dial_group,
        campaign=campaign,
        engagevoice_conn_id=engagevoice_conn_id,
    )
    # Two DAG files with the same asset name and different watchers would replace each other's, so the name
    # has all that makes the watcher another one, texts in quotes.
    campaigns = "all campaigns" if trigger.campaign == "*" else f"campaign {trigger.campaign!r}"
    group = "all dial groups" if trigger.dial_group is None else f"dial group {trigger.dial_group!r}"
    # With a connection id in front of the first colon, Airflow would read the name as a URI.
    name = f"Engage Voice {trigger.event}: {campaigns} in {group} ({engagevoice_conn_id})"
    return Asset(name=name, watchers=[AssetWatcher(name=name, trigger=trigger)])


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Validate a URI for Airflow, which has lower-cased its scheme and removed trailing slashes.

    The URI is not normalized: an asset given only by its URI is named as written, so another spelling would
    be another asset.

    :raises ValueError: if it is not the URI of a campaign or a season
    """
    if uri.query or not (re.fullmatch(_ACCOUNT, uri.netloc) and re.fullmatch(f"{_IDS}|{_SEASON}", uri.path)):
        raise ValueError(
            f"{uri.geturl()!r} is not the URI of a campaign; write engagevoice://<account id>/"
            "<dial group id>/<campaign id>, ids in digits without leading zeros, as campaign_asset() does, "
            "or of a season: engagevoice://<account id>/seasons/<name>"
        )
    return uri


@cache
def _by_default() -> bool:
    # Older releases read all earlier events of an alias to record another one, and 2.11 writes all assets of
    # an alias into every DAG that names it: that is too slow to be the default.
    return Version(airflow_version) >= Version("3.3.1")


def with_campaigns(outlets: object) -> list[Any]:
    """Return a task's outlets with :data:`CAMPAIGNS` among them, on Airflow 3.3.1 and newer.

    :param outlets: as an operator takes them
    """
    listed = list(outlets) if isinstance(outlets, list | tuple | set) else [outlets] if outlets else []
    return [*listed, CAMPAIGNS] if _by_default() and CAMPAIGNS not in listed else listed


class CampaignOutlets:
    """Mixin of operators that change campaigns: adds :data:`CAMPAIGNS` to the outlets of their tasks."""

    outlets: list[Any]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outlets = with_campaigns(self.outlets)

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Start a mapped task; Airflow reads its outlets from here, before any operator is constructed."""
        partial = super().partial(**kwargs)  # type: ignore[misc]
        partial.kwargs["outlets"] = with_campaigns(partial.kwargs["outlets"])
        return partial


def add_campaign_event(
    context: Context, outlets: Iterable[object], account_id: str, campaign: Mapping[str, Any]
) -> None:
    """Add a campaign's asset to every alias among a task's outlets; Airflow records it if the task succeeds.

    The event's ``extra`` is ``campaign`` and the ``account_id``. Errors are only logged, because the campaign
    has already been changed.

    :param outlets: outlets of the task
    :param campaign: a campaign as the operators return it
    """
    try:
        asset = campaign_asset(account_id, campaign["dial_group_id"], campaign["campaign_id"])
        _add_event(context, outlets, asset, {**campaign, "account_id": account_id})
    except Exception as error:
        log.warning("no asset event for campaign %s: %s", campaign.get("campaign_id"), error)


def add_season_event(
    context: Context, outlets: Iterable[object], account_id: str, season: str, extra: Mapping[str, Any]
) -> None:
    """Add a season's asset to every alias among a task's outlets, as :func:`add_campaign_event`."""
    try:
        event = {**extra, "season": season, "account_id": account_id}
        _add_event(context, outlets, season_asset(account_id, season), event)
    except Exception as error:
        log.warning("no asset event for season %s: %s", season, error)


def _add_event(context: Context, outlets: Iterable[object], asset: Asset, extra: dict[str, Any]) -> None:
    aliases = [outlet for outlet in outlets if isinstance(outlet, AssetAlias)]
    if aliases and airflow_version.startswith("2."):
        _require_stored(aliases)
    for alias in aliases:
        context["outlet_events"][alias].add(asset, extra=extra)


def _require_stored(aliases: Iterable[AssetAlias]) -> None:
    """Reject an alias that Airflow 2.11 has not stored yet: it would fail the task after its work is done.

    :raises LookupError: naming the alias
    """
    from airflow.models.dataset import DatasetAliasModel
    from airflow.utils.session import create_session

    with create_session() as session:
        stored = {name for (name,) in session.query(DatasetAliasModel.name)}
    for alias in aliases:
        if alias.name not in stored:
            raise LookupError(
                f"Airflow does not know the alias {alias.name!r} yet: its DAG has not been parsed"
            )
