"""Campaigns in OpenLineage: namespace ``engagevoice://<account>``, name ``<dial group id>/<campaign id>``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_engagevoice.assets import SCHEME

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Asset
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.campaigns import CampaignResult

# OpenLineage may not be installed. Only its provider calls these functions, so they import it.

_LIFECYCLE = {"created": "CREATE", "updated": "ALTER", "deleted": "DROP"}


def convert_asset_to_openlineage(asset: Asset, lineage_context: object) -> Dataset:
    """Return the dataset that stands for a campaign's asset."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    uri = urlsplit(asset.uri)
    return Dataset(namespace=f"{uri.scheme}://{uri.netloc}", name=uri.path.removeprefix("/"))


def campaign_lineage(account_id: str, result: CampaignResult) -> OperatorLineage:
    """Return what a task that changed a campaign has written, and read if the campaign is a clone.

    The dataset says what became of the campaign (``lifecycleStateChange``) and what it is called
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
    facets: dict[str, Any] = {
        "lifecycleStateChange": LifecycleStateChangeDatasetFacet(
            lifecycleStateChange=LifecycleStateChange[_LIFECYCLE[result.outcome]]
        ),
        "documentation": DocumentationDatasetFacet(description=result.campaign_name or ""),
    }
    group = result.dial_group_id
    written = Dataset(namespace=namespace, name=f"{group}/{result.campaign_id}", facets=facets)
    sources = [] if result.source_id is None else [result.source_id]
    return OperatorLineage(
        inputs=[Dataset(namespace=namespace, name=f"{group}/{source}") for source in sources],
        outputs=[written],
    )
