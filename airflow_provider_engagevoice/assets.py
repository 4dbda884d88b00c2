"""Campaigns as Airflow assets: ``engagevoice://<account>/<dial group id>/<campaign id>``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from packaging.version import Version

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.client.lookup import FoundCampaign


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


# OpenLineage is optional. Only its provider calls these functions, so they import it.

_LIFECYCLE = {"created": "CREATE", "updated": "ALTER", "deleted": "DROP"}


def convert_asset_to_openlineage(asset: Asset, lineage_context: object) -> Dataset:
    """Return the dataset of the asset of a campaign or a season."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    uri = urlsplit(asset.uri)
    return Dataset(namespace=f"{uri.scheme}://{uri.netloc}", name=uri.path.removeprefix("/"))


def empty_lineage() -> OperatorLineage[Any, Any]:
    """Return the lineage of a task that changed nothing; for None OpenLineage's provider logs a warning."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage()


def load_lineage(
    account_id: str, campaigns: Iterable[FoundCampaign], source: Any, sql: Any, conn_id: object
) -> OperatorLineage[Any, Any]:
    """Return the campaigns that a load wrote to, and the files or the query that it read.

    :param source: path of the file, or paths, None for a query
    :param sql: the query, None for files
    :param conn_id: connection of the query
    """
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        DocumentationDatasetFacet,
        SQLJobFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    written = [
        Dataset(
            namespace=f"{SCHEME}://{account_id}",
            name=f"{found.dial_group_id}/{found.campaign_id}",
            facets={"documentation": DocumentationDatasetFacet(description=found.campaign.campaignName)},
        )
        for found in campaigns
    ]
    if sql is not None:
        digest = blake2b(sql.encode(), digest_size=6).hexdigest()
        query = Dataset(namespace=f"airflow://connections/{conn_id}", name=f"query {digest}")
        return OperatorLineage(inputs=[query], outputs=written, job_facets={"sql": SQLJobFacet(query=sql)})
    paths = [source] if isinstance(source, str) else source or []
    return OperatorLineage(inputs=[_file_dataset(path) for path in paths], outputs=written)


def _file_dataset(path: str) -> Dataset:
    from airflow.providers.common.compat.openlineage.facet import Dataset

    uri = urlsplit(path)
    if uri.scheme in ("", "file"):
        return Dataset(namespace="file", name=uri.path)
    # A connection may precede the host: s3://aws_default@bucket/key.
    return Dataset(
        namespace=f"{uri.scheme}://{uri.netloc.rpartition('@')[2]}", name=uri.path.removeprefix("/")
    )


def campaign_lineage(account_id: str, *results: CampaignResult) -> OperatorLineage[Any, Any]:
    """Return the datasets that a task wrote by changing campaigns, and the sources it read to clone some.

    The facets of each dataset are the change (``lifecycleStateChange``) and the campaign's name
    (``documentation``).
    """
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        DocumentationDatasetFacet,
        LifecycleStateChange,
        LifecycleStateChangeDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    namespace = f"{SCHEME}://{account_id}"
    inputs, outputs = {}, []
    for result in results:
        facets: dict[str, Any] = {
            "lifecycleStateChange": LifecycleStateChangeDatasetFacet(
                lifecycleStateChange=LifecycleStateChange[_LIFECYCLE[result.outcome]]
            ),
            "documentation": DocumentationDatasetFacet(description=result.campaign_name or ""),
        }
        group = result.dial_group_id
        outputs.append(Dataset(namespace=namespace, name=f"{group}/{result.campaign_id}", facets=facets))
        if result.source_id is not None:
            name = f"{group}/{result.source_id}"
            inputs[name] = Dataset(namespace=namespace, name=name)
    return OperatorLineage(inputs=list(inputs.values()), outputs=outputs)
