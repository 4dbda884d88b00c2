"""From what a user wrote in ``token_store`` to a place."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from airflow_provider_engagevoice.exceptions import InvalidConnectionError
from airflow_provider_engagevoice.sharing.fallback import FirstThatWorks
from airflow_provider_engagevoice.sharing.files import FilePlace, default_directory
from airflow_provider_engagevoice.sharing.memory import MemoryPlace
from airflow_provider_engagevoice.sharing.place import Place

#: Where nobody has chosen: files, and where those cannot be, each process by itself.
DEFAULT_TOKEN_STORE = "file, memory"
_EXPECTED = (
    "write file, file:///directory, memory or a Redis URL (redis://host:6379/0); "
    "several, separated by commas, are tried in order (a comma in a password is %2C)"
)


def choose_place(token_store: str) -> Place:
    """Return the place ``token_store`` names; of several, the first that works.

    :raises InvalidConnectionError: for anything else
    """
    places = [_place(part.strip()) for part in token_store.split(",")]
    return places[0] if len(places) == 1 else FirstThatWorks(places)


def passwords(token_store: str) -> list[str]:
    """Return the passwords of Redis URLs in ``token_store``, as written and decoded, to be masked."""
    found: list[str] = []
    for part in token_store.split(","):
        try:
            url = urlsplit(part.strip())
        except ValueError:
            continue
        if url.password:
            found += [url.password, unquote(url.password)]
        found += parse_qs(url.query).get("password", [])
    return found


def _place(text: str) -> Place:
    scheme, colon, _ = text.partition(":")
    match scheme:
        case "memory" if not colon:
            return MemoryPlace()
        case "file" if not colon:
            return FilePlace(default_directory())
        case "file":
            parts = urlsplit(text)
            directory = Path(unquote(parts.path))
            if not parts.netloc and directory.is_absolute() and directory != Path("/"):
                return FilePlace(directory)
        case "redis" | "rediss" | "unix" if colon:
            from airflow_provider_engagevoice.sharing.redis import RedisPlace

            return RedisPlace(text)
    # Parts of a password with a comma in it end up here, too.
    shown = f"{scheme}:***" if colon else "***" if "@" in text else repr(text)
    raise InvalidConnectionError(f"token_store has {shown}: {_EXPECTED}")
