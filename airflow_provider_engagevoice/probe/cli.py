"""``airflow engagevoice probe``. Airflow 3.2 and later read this at each start of ``airflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand


#: The probe's arguments, for ``argparse`` and for Airflow.
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


def get_commands() -> list[CLICommand]:
    """Return the commands of this package."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

    make: Any = Arg
    arguments = [make((flag,), **options) for flag, options in ARGUMENTS.items()]
    probe = ActionCommand(
        name="probe",
        help="Find out what the server of an account does",
        func=lazy_load_command("airflow_provider_engagevoice.probe.__main__.run_and_exit"),
        args=arguments,
    )
    return [GroupCommand(name="engagevoice", help="RingCentral Engage Voice", subcommands=(probe,))]
