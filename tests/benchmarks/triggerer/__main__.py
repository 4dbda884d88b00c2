"""Carry out a plan in this process; :mod:`tests.benchmarks.triggerer.separate` starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.benchmarks.triggerer.measure import Plan, measure

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    plan = Plan(**json.loads((folder / "plan.json").read_text()))
    figures = measure(plan, folder / "sandbox.db", folder / "logs")
    (folder / "figures.json").write_text(json.dumps(figures.to_json()))
