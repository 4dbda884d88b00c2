"""What OpenLineage records of campaigns, seasons and loads.

OpenLineage is optional: only its provider calls these functions, so they import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_engagevoice.assets import SCHEME

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Asset
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.client.lookup import FoundCampaign

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
