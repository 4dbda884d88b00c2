"""``python -m airflow_provider_engagevoice.seasons``."""

from __future__ import annotations

import sys

from airflow_provider_engagevoice.utils.season_cli import main

sys.exit(main())
