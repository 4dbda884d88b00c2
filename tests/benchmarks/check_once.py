"""Check a list once, with the package on ``PYTHONPATH``, this one or release 0.3.0, and print what it took.

``python tests/benchmarks/check_once.py LIST ROWS``
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

_LEADS = "airflow_provider_engagevoice.leads"


def _named(*places: tuple[str, str]) -> Any:
    """Return what is found at the first place that exists, given by module and name."""
    for module, name in places:
        try:
            return getattr(importlib.import_module(f"{_LEADS}.{module}"), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(str(places))


def peak_kibibytes() -> int:
    """Return the peak memory of this process."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0])


def main() -> None:
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    if path.suffix == ".parquet":
        importlib.import_module("pyarrow.parquet")
    open_source = _named(("sources", "open_source"), ("files", "open_source"))
    read_mapping = _named(("mapping", "read_mapping"))
    check = _named(("validate", "LeadValidator"), ("check", "Check"))
    spools = _named(("loading.spool", "Spool"), ("spool", "Spool"))
    idle, began = peak_kibibytes(), time.process_time()
    with (
        path.open("rb") as file,
        check(read_mapping({"mobile": "leadPhone"}), time_zone_option="NPA_NXX") as checking,
        spools(500) as spool,
    ):
        for rows in checking.read(open_source(file, path.name)):
            spool.add(rows.numbers, rows.leads)
        spool.finish()
    seconds = time.process_time() - began
    if checking.report.rows != count:
        raise RuntimeError(f"{checking.report.rows} of {count} rows were read")
    print(json.dumps({"seconds": seconds, "mebibytes": (peak_kibibytes() - idle) / 1024}))


if __name__ == "__main__":
    main()
