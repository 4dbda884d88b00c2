"""Digests of histories: equal ones ran the same way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


class Digest:
    """A digest of all that a simulation logs."""

    def __init__(self) -> None:
        self._seen = hashlib.sha256()

    def log(self, at: float, actor: str, *what: object) -> None:
        """Add one event; of a request or response, its body."""
        texts = [str(getattr(one, "content", one)) for one in what]
        self._seen.update(f"{at} {actor} {texts}".encode())

    def hex(self) -> str:
        """Return the digest of what was logged so far."""
        return self._seen.hexdigest()


def digests_by_hash_seed(module: str) -> set[str]:
    """Return what ``digest_of_many("mixed")`` of a module is in processes that differ in their hash seed."""
    code = f"from {module} import digest_of_many; print(digest_of_many('mixed'))"
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=_ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
