"""The probe's arguments, for ``argparse`` and for Airflow's command line."""

from __future__ import annotations

from typing import Any, Final

ARGUMENTS: Final[dict[str, dict[str, Any]]] = {
    "--conn-id": {
        "default": "engagevoice_default",
        "help": "Airflow connection (default: engagevoice_default)",
    },
    "--dial-group": {
        "type": int,
        "metavar": "ID",
        "help": "dial group to read, or to write to",
    },
    "--write": {
        "action": "store_true",
        "help": "also make an inactive campaign in the year 2099, closed on all days, and delete it",
    },
    "--json": {"metavar": "FILE", "help": "also write the findings to a file, as JSON"},
}
