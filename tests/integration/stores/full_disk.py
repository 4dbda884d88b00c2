"""A full disk."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch


@contextmanager
def full_disk(directory: Path) -> Iterator[None]:
    """Make a directory on a full disk; without permission to mount, make writes fail as on one."""
    directory.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs", str(directory)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:

        def fail(descriptor: int, *rest: Any) -> Any:
            os.close(descriptor)
            raise OSError(errno.ENOSPC, "No space left on device")

        with patch("airflow_provider_engagevoice.stores.files.os.fdopen", fail):
            yield
        return
    try:
        with suppress(OSError), (directory / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)
