"""``python -m airflow_provider_engagevoice.probe``: print what a tenant's server does."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_engagevoice.client.auth import Masks
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.hooks.supervisor import find_connections_of_database
from airflow_provider_engagevoice.probe.answers import ProbeClient, Prober
from airflow_provider_engagevoice.probe.cli import ARGUMENTS
from airflow_provider_engagevoice.probe.reading import Reading, shown_json
from airflow_provider_engagevoice.probe.results import Findings, suggested_budgets, within_limits
from airflow_provider_engagevoice.probe.writing import Writing


def probe(conn_id: str, dial_group_id: int | None, *, write: bool) -> Findings:
    """Probe the server of a connection; about twenty requests, or a hundred if it writes.

    :raises EngageVoiceError: if the server cannot be reached, or refuses to answer
    """
    read = EngageVoiceHook(conn_id).read()
    findings = Findings()
    budgets = read.settings.budgets
    with ProbeClient(
        replace(read.settings, budgets=within_limits(budgets)),
        limits=RetryLimits(tries=1),
        shared_state=read.shared_state,
        masks=Masks(),
    ) as client:
        prober = Prober(client)
        Reading(prober, findings, dial_group_id).run()
        if write and dial_group_id is not None:
            Writing(prober, findings, dial_group_id).run()
        if lower := suggested_budgets(client.traffic.stated, budgets):
            findings.suggested["budgets"] = lower
    return findings


def run(arguments: argparse.Namespace) -> int:
    """Probe and print; return 0, 1 after an error, or 2 if something is left on the server."""
    if arguments.write and arguments.dial_group is None:
        print("--write needs --dial-group: the id of a dial group for trials", file=sys.stderr)
        return 1
    find_connections_of_database()
    try:
        findings = probe(arguments.conn_id, arguments.dial_group, write=arguments.write)
    except (EngageVoiceError, AirflowException) as error:
        print(f"The probe ended: {error}", file=sys.stderr)
        return 1
    print(findings.table())
    for name, value in findings.facts.items():
        print(f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")
    print("Suggested extras of the connection:", json.dumps(findings.suggested))
    code = 0
    if findings.problem:
        print(f"The part that writes ended early: {findings.problem}", file=sys.stderr)
        code = 1
    if arguments.json:
        try:
            Path(arguments.json).write_text(shown_json(findings) + "\n")
        except OSError as error:
            print(f"--json: {error}", file=sys.stderr)
            code = 1
    if findings.left:
        print(f"Left on the server: {'; '.join(findings.left)}")
        return 2
    return code


def run_and_exit(arguments: argparse.Namespace) -> None:
    """Run, and exit with the code."""
    raise SystemExit(run(arguments))


def main() -> int:
    """Run with the arguments of the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_engagevoice.probe",
        description="Find out what an Engage Voice server does where the vendor's documents leave it open.",
    )
    for flag, options in ARGUMENTS.items():
        parser.add_argument(flag, **options)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
