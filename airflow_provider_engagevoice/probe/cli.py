"""``airflow engagevoice probe``. Airflow 3.2 and later read this at each start of ``airflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand


def get_commands() -> list[CLICommand]:
    """Return the commands of this package."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

    from airflow_provider_engagevoice.probe.arguments import ARGUMENTS

    make: Any = Arg
    arguments = [make((flag,), **options) for flag, options in ARGUMENTS.items()]
    probe = ActionCommand(
        name="probe",
        help="Find out what the server of an account does",
        func=lazy_load_command("airflow_provider_engagevoice.probe.cli.run"),
        args=arguments,
    )
    return [GroupCommand(name="engagevoice", help="RingCentral Engage Voice", subcommands=(probe,))]


def run(arguments: Any) -> None:
    """Run the probe, and exit with its code."""
    from airflow_provider_engagevoice.probe.__main__ import run

    raise SystemExit(run(arguments))
