"""Build the wheel and check its files and metadata."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "airflow_provider_engagevoice"


def expected() -> set[str]:
    """Return the expected files of the wheel, without its metadata."""
    kinds = {".py", ".yaml"}
    sources = [path for path in (ROOT / NAME).rglob("*") if path.suffix in kinds or path.name == "py.typed"]
    examples = {f"{NAME}/example_dags/{path.name}" for path in (ROOT / "example_dags").glob("*.*")}
    return {path.relative_to(ROOT).as_posix() for path in sources} | examples


def main() -> int:
    """Check the wheel; print the problems and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*command, "--wheel-dir", folder, str(ROOT)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
            metadata_files = [name for name in archive.namelist() if ".dist-info/" in name]
            metadata = {Path(name).name: archive.read(name).decode() for name in metadata_files}
    problems = [f"missing: {name}" for name in sorted(expected() - names)]
    problems += [f"unexpected: {name}" for name in sorted(names - expected())]
    if "[apache_airflow_provider]" not in metadata.get("entry_points.txt", ""):
        problems.append("missing: entry point apache_airflow_provider")
    for line in ("Classifier: Framework :: Apache Airflow :: Provider", "License-Expression: Apache-2.0"):
        if line not in metadata["METADATA"]:
            problems.append(f"missing in METADATA: {line}")
    if "LICENSE" not in metadata:
        problems.append("missing: LICENSE")
    print("\n".join(problems) or f"{wheel.name}: {len(names)} files, all checks passed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
