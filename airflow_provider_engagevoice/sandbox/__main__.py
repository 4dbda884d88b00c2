"""``python -m airflow_provider_engagevoice.sandbox``: run the sandbox until interrupted."""

from __future__ import annotations

import argparse
import importlib.util
import sqlite3
import sys

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES, read_dialect
from airflow_provider_engagevoice.sandbox.settings import DialerSettings, SandboxSettings


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_engagevoice.sandbox",
        description="A local stand-in for RingCentral Engage Voice. It places no real calls.",
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 selects a free port")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--db", metavar="FILE", help="SQLite file that keeps the data across restarts (default: in memory)"
    )
    parser.add_argument(
        "--no-limits", action="store_true", help="count requests without enforcing rate limits"
    )
    parser.add_argument(
        "--token-seconds",
        type=float,
        default=300.0,
        help="lifetime of an access token, in seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--process-seconds",
        type=float,
        default=0.0,
        help="seconds between the response and the loading of a lead file (default: %(default)g)",
    )
    parser.add_argument(
        "--dialer-rate",
        type=_rate,
        default=0.0,
        metavar="CALLS",
        help="dial leads at this many calls per second; 0 disables the dialer (default: %(default)g)",
    )
    parser.add_argument(
        "--dialect",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=(
            "what the server does where the vendor's documents leave it open: one point, such as"
            f" 'create_answer=echo', or a bundle of all of them: {', '.join(BUNDLES)}; can be repeated"
        ),
    )
    parser.add_argument(
        "--print-connection",
        action="store_true",
        help="print the connection for Airflow as JSON, and end",
    )
    arguments = parser.parse_args()
    try:
        arguments.dialect = read_dialect(arguments.dialect)
    except ValueError as error:
        parser.error(f"--dialect: {error}")
    return arguments


def _rate(text: str) -> float:
    return DialerSettings(rate=float(text)).rate


def main() -> int:
    """Serve until interrupted; return the exit code."""
    arguments = _parse_arguments()
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "h11")):
        print(
            "The sandbox requires additional packages: pip install airflow-provider-engagevoice[sandbox]",
            file=sys.stderr,
        )
        return 1

    from airflow_provider_engagevoice.sandbox.backend import Backend
    from airflow_provider_engagevoice.sandbox.connection import connection_json
    from airflow_provider_engagevoice.sandbox.origins import is_loopback
    from airflow_provider_engagevoice.sandbox.server import UvicornServer, listen, url_of

    settings = SandboxSettings(
        host=arguments.host,
        port=arguments.port,
        db=arguments.db,
        limits=not arguments.no_limits,
        dialect=arguments.dialect,
        token_seconds=arguments.token_seconds,
        process_seconds=arguments.process_seconds,
        dialer=DialerSettings(rate=arguments.dialer_rate),
    )
    if not is_loopback(settings.host):
        print(
            f"Warning: on {settings.host} other machines can reach the sandbox and its control API.",
            file=sys.stderr,
        )
    if arguments.print_connection:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(connection_json(settings, f"http://{host}:{settings.port}"))
        return 0
    try:
        listener = listen(settings)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"Cannot listen on {settings.host}:{settings.port}: {reason}", file=sys.stderr)
        return 1
    lines = f"Engage Voice sandbox (not the real RingCentral) listening on {url_of(listener)}"
    try:
        backend = Backend(settings)
    except sqlite3.Error as error:
        print(f"Cannot use the database {settings.db}: {error}", file=sys.stderr)
        return 1
    try:
        UvicornServer(backend, lambda: print(lines, flush=True)).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        backend.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
