"""The provider's metadata, which Airflow reads at startup."""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.connection_form import (
    CONNECTION_TYPE,
    HOOK_CLASS,
    HOOK_NAME,
    conn_fields,
    ui_field_behaviour,
)

_INTEGRATION = "RingCentral Engage Voice"
_CAMPAIGN_URIS = {
    "schemes": ["engagevoice"],
    "handler": "airflow_provider_engagevoice.assets.sanitize_uri",
    "factory": "airflow_provider_engagevoice.assets.campaign_asset",
    "to_openlineage_converter": "airflow_provider_engagevoice.lineage.convert_asset_to_openlineage",
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata."""
    return {
        "package-name": "airflow-provider-engagevoice",
        "name": "RingCentral Engage Voice",
        "description": "Create, clone and await dialing campaigns in RingCentral Engage Voice (RingCX).",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://developers.ringcentral.com/engage/voice/guide",
                "tags": ["service"],
            }
        ],
        "hooks": [_modules("hooks.engagevoice")],
        "operators": [
            _modules(
                "operators.campaigns",
                "operators.do_not_call",
                "operators.exclude_dates",
                "operators.lead_actions",
                "operators.lead_search",
                "operators.leads",
                "operators.preflight",
                "operators.season_rollback",
                "operators.seasons",
                "operators.statistics",
            )
        ],
        "sensors": [_modules("sensors.campaign_window", "sensors.leads_drained", "sensors.season_drift")],
        "triggers": [
            _modules(
                "triggers.campaign_events",
                "triggers.campaign_window",
                "triggers.human_input",
                "triggers.leads_drained",
                "triggers.season_drift",
            )
        ],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": HOOK_CLASS,
                "hook-name": HOOK_NAME,
                "ui-field-behaviour": ui_field_behaviour(),
                "conn-fields": conn_fields(),
            }
        ],
        "asset-uris": [_CAMPAIGN_URIS],
        # The name in Airflow 2.11.
        "dataset-uris": [_CAMPAIGN_URIS],
        "config": {
            "engagevoice": {
                "description": "Defaults for all connections to Engage Voice.",
                "options": {
                    "token_store": {
                        "description": (
                            "Where processes share tokens and rate limits: file (the user's cache "
                            "directory), file:///directory, memory, or a Redis URL for several hosts. "
                            "Several, separated by commas, are tried in order. Default: file, or memory if "
                            "no file can be written."
                        ),
                        "version_added": "0.2.0",
                        "type": "string",
                        "example": "redis://redis.internal:6379/0, file",
                        "default": "",
                        "sensitive": True,
                    },
                    "budgets": {
                        "description": (
                            "Share of the vendor's documented rate limits to use: for example 0.5, or off, "
                            "for all of them, or name=share for some, separated by commas."
                        ),
                        "version_added": "0.2.0",
                        "type": "string",
                        "example": "provisioning=0.5",
                        "default": "",
                    },
                },
            }
        },
        # Airflow 3.2 and later add these to its command line.
        "cli": ["airflow_provider_engagevoice.probe.cli.get_commands"],
        "extra-links": ["airflow_provider_engagevoice.links.EngageVoiceCampaignLink"],
    }


def _modules(*names: str) -> dict[str, Any]:
    modules = [f"airflow_provider_engagevoice.{name}" for name in names]
    return {"integration-name": _INTEGRATION, "python-modules": modules}
