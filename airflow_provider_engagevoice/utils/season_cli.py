"""``python -m airflow_provider_engagevoice.seasons``: plan, apply and check seasons without a DAG."""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.hooks.supervisor import find_connections_of_database
from airflow_provider_engagevoice.seasons.apply import Apply
from airflow_provider_engagevoice.seasons.check import find_lasting_drift
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.planning import make_plan
from airflow_provider_engagevoice.seasons.record import Record, Records
from airflow_provider_engagevoice.seasons.render import markdown, table
from airflow_provider_engagevoice.storage import ObjectStorage
from airflow_provider_engagevoice.utils.preflight_arguments import rules_of
from airflow_provider_engagevoice.utils.season_arguments import read_json_path
from airflow_provider_engagevoice.utils.season_files import load_plan, load_record, load_season

NOTHING, FAILED, CHANGES = 0, 1, 2
#: First part of the name of a run from here.
_COMMAND_LINE = "command line"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run with the arguments of the command line; return 0, 1 after an error, or 2 if there are changes."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    find_connections_of_database()
    try:
        code: int = options.run(options)
    except (EngageVoiceError, AirflowException, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit as after any other error: argparse exits with the code that says that there are changes."""
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m airflow_provider_engagevoice.seasons",
        description="Plan, apply and check seasons of campaigns.",
        epilog="Exit codes: 0 nothing to do, 1 error, 2 changes or drift.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    server = _Parser(add_help=False)
    server.add_argument("--conn-id", default="engagevoice_default", help="Airflow connection")
    stored = _Parser(add_help=False)
    stored.add_argument("--storage-conn-id", help="Airflow connection of the storage of plans and records")

    plan = commands.add_parser("plan", parents=[server, stored], help="compare a season with the server")
    plan.add_argument("season", help="YAML file")
    plan.add_argument("--record-path", required=True, help="directory of the records of all seasons")
    plan.add_argument("--output-path", required=True, help="file of the plan, *.json")
    plan.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="value for templates")
    plan.add_argument("--rules", help="YAML file of rules of your own for the preflight")
    plan.set_defaults(run=_plan)
    apply = commands.add_parser("apply", parents=[server, stored], help="apply a plan")
    apply.add_argument("plan", help="file of the plan")
    apply.add_argument(
        "--accept-finding", action="append", default=[], metavar="RULE", help="rule whose errors are accepted"
    )
    apply.set_defaults(run=_apply)
    drift = commands.add_parser(
        "drift", parents=[server, stored], help="compare a season with its last apply"
    )
    drift.add_argument("record", help="directory of the season's records")
    drift.set_defaults(run=_drift)
    show = commands.add_parser("show", parents=[stored], help="print a plan as Markdown")
    show.add_argument("plan", help="file of the plan")
    show.set_defaults(run=_show)
    schema = commands.add_parser("schema", help="print the JSON Schema of season files")
    schema.set_defaults(run=_schema)
    return parser


def _plan(options: argparse.Namespace) -> int:
    storage = ObjectStorage(options.storage_conn_id)
    output_path = read_json_path(options.output_path, "--output-path")
    render = partial(_render, values=_nested(options.set))
    season, yaml_file, digest = load_season(options.season, os.getcwd(), storage, render)
    rules = rules_of(options.rules, os.getcwd(), storage)
    hook = EngageVoiceHook(options.conn_id)
    records = Records(storage, options.record_path, season.season)
    plan = hook.run(
        make_plan(
            season,
            records.last(),
            account_id=hook.client.account_id(),
            record_path=options.record_path,
            source_digest=digest,
            yaml_file=yaml_file,
            rules=rules,
        )
    )
    storage.write(output_path, plan.to_json())
    print(table(plan))
    return CHANGES if plan.has_changes else NOTHING


def _nested(assignments: Sequence[str]) -> dict[str, Any]:
    """Return ``params.day=2027-03-01`` and its like as mappings."""
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InvalidInputError("--set", assignment, "write NAME=VALUE")
        place = values
        *parents, last = name.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise InvalidInputError("--set", assignment, f"{parent!r} was given a value already")
        place[last] = value
    return values


def _render(template: str, values: dict[str, Any]) -> str:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(values)


def _apply(options: argparse.Namespace) -> int:
    storage = ObjectStorage(options.storage_conn_id)
    plan = load_plan(options.plan, storage)
    hook = EngageVoiceHook(options.conn_id)
    if plan.account_id != hook.client.account_id():
        account_id = hook.client.account_id()
        raise InvalidInputError(
            "plan", plan.account_id, f"it is a plan for another account than {account_id}"
        )
    records = Records(storage, plan.record_path, plan.season)
    user = f"{getpass.getuser()}@{socket.gethostname()}"
    run, attempt = _run_of(records.last(), user)
    nested = hook.client.settings.copy_nested
    while True:
        apply = Apply(
            plan,
            records,
            run=run,
            attempt=attempt,
            applied_by=user,
            copy_nested=nested,
            accept_findings=options.accept_finding,
        )
        result = hook.run(apply.run())
        if result.until is None:
            break
        print(f"the next wave starts at {result.until.isoformat(' ')}")
        clock.sleep(max(0.0, (result.until - clock.now()).total_seconds()))
    print(f"{records.path}/{result.record}: {', '.join(f'{n} {k}' for k, n in result.outcomes.items())}")
    return NOTHING


def _run_of(last: Record | None, user: str) -> tuple[str, int]:
    """Return the name of this run and its attempt: another one of a run whose process was killed here."""
    if last is not None and last.status == "applying":
        parts: list[Any] = json.loads(last.run)
        if parts[:2] == [_COMMAND_LINE, user] and not _is_alive(parts[-1]):
            return last.run, last.attempt + 1
    return json.dumps([_COMMAND_LINE, user, os.getpid()]), 1


def _is_alive(process: object) -> bool:
    try:
        os.kill(int(str(process)), 0)
    except (OSError, ValueError):
        return False
    return True


def _drift(options: argparse.Namespace) -> int:
    record = load_record(options.record, ObjectStorage(options.storage_conn_id))
    found = EngageVoiceHook(options.conn_id).run(find_lasting_drift(record))
    print("\n".join(map(str, found)) or f"all {len(record.asked)} campaigns are as applied")
    return CHANGES if found else NOTHING


def _show(options: argparse.Namespace) -> int:
    print(markdown(load_plan(options.plan, ObjectStorage(options.storage_conn_id))), end="")
    return NOTHING


def _schema(options: argparse.Namespace) -> int:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Season.model_json_schema()}
    print(json.dumps(schema, indent=2))
    return NOTHING
