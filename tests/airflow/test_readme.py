"""The code in the README and in the pages under ``docs/`` works unchanged."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from datetime import date, datetime, timedelta
from inspect import signature
from typing import Any

import jinja2
import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, Connection
from packaging.version import Version

from airflow_provider_engagevoice.client.methods import SyncMethods
from airflow_provider_engagevoice.client.settings import SignIn
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook, read_connection
from tests.support.documentation import PAGES, README, ROOT, block, blocks, read

#: The package is listed elsewhere with its README, so that links in it are absolute.
REPOSITORY = (
    r"https://github\.com/airflow-provider-engagevoice/airflow-provider-engagevoice/(?:blob|tree)/main/"
)
SANDBOX = "http://127.0.0.1:8090"
#: What blocks have that older versions of Airflow do not: part of the block, first version, reason.
NEEDS = (
    ("campaign_window_asset", "3.0", "Airflow 3 watches assets"),
    ("ApprovalOperator", "3.1", "Airflow 3.1 has forms"),
    ("EngageVoiceRetryPolicy", "3.3", "Airflow 3.3 has retry policies"),
    ("approve=", "3.3", "tasks of Airflow 3.3 wait for people"),
)
#: The sign-in of each connection of a page.
CONNECTIONS = {
    README: [SignIn.RINGCENTRAL_JWT, SignIn.RINGCENTRAL_JWT],
    "docs/connection.md": [*SignIn],
    "docs/platforms.md": [SignIn.RINGCENTRAL_JWT],
    "docs/sandbox.md": [SignIn.RINGCENTRAL_JWT],
}


def execute(source: str, page: str) -> dict[str, Any]:
    """Execute a block as a DAG file of this version of Airflow; return its names."""
    if airflow_version.startswith("2."):
        where = {"DAG": "airflow", "task": "airflow.decorators"}

        def imports(match: re.Match[str]) -> str:
            return "\n".join(f"from {where[name]} import {name}" for name in match[1].split(", "))

        source = re.sub(r"^from airflow\.sdk import ([\w, ]+\w)", imports, source, flags=re.MULTILINE)
        source = source.replace("triggering_asset_events", "triggering_dataset_events")
    # Campaigns of past seasons cannot be created.
    next_year = date.today().year + 1
    source = source.replace("2028", str(next_year + 1)).replace("2027", str(next_year))
    names: dict[str, Any] = {}
    exec(compile(source, page, "exec"), names)
    return names


def connections(page: str) -> list[str]:
    """Return the JSON of each connection of a page."""
    exported = re.findall(r"AIRFLOW_CONN_ENGAGEVOICE_DEFAULT='({.*?})'", read(page), re.DOTALL)
    return exported + blocks(page, "json")


@pytest.mark.parametrize(
    ("page", "source"),
    [
        pytest.param(page, source, id=f"{page}-{number}")
        for page in PAGES
        for number, source in enumerate(blocks(page, "python"))
    ],
)
def test_each_python_block_is_a_dag_file(page, source) -> None:
    for part, since, reason in NEEDS:
        if part in source and Version(airflow_version) < Version(since):
            pytest.skip(reason)
    execute(source, page)


def test_the_first_dag_runs(sandbox, run_dag) -> None:
    create = execute(block(README, '"holiday_renewals"'), README)["create"]
    assert isinstance(create.dag, DAG)
    run = run_dag(create.dag)
    assert run.states == {"create": "success", "opened": "success"}
    assert run.xcoms["create"]["is_active"] == 1


@pytest.mark.skipif(airflow_version.startswith("2."), reason="runs of 2.11 have a data interval")
def test_the_first_dag_runs_without_a_data_interval(sandbox, run_dag) -> None:
    create = execute(block(README, '"holiday_renewals"'), README)["create"]
    assert run_dag(create.dag, logical_date=None).states["opened"] == "success"


def test_the_dag_that_creates_a_campaign_runs(sandbox, run_dag) -> None:
    run = run_dag(execute(block("docs/campaigns.md", '"create_renewals"'), "docs/campaigns.md")["dag"])
    assert run.xcoms["create"]["outcome"] == "created"


def test_single_values_of_a_result_are_used(sandbox, run_dag) -> None:
    run = run_dag(execute(block("docs/campaigns.md", '"a_week_more"'), "docs/campaigns.md")["dag"])
    first, second = (datetime.fromisoformat(run.xcoms[task_id]["end"]) for task_id in ("create", "add_week"))
    assert second - first == timedelta(days=7)


def test_a_clone_is_made_extended_paused_and_deleted(sandbox, run_dag) -> None:
    with DAG("clone", schedule=None, start_date=pendulum.datetime(2026, 11, 1)) as dag:
        clone = execute(block(README, "EngageVoiceCloneCampaignOperator"), README)["clone"]
        change = execute(block("docs/campaigns.md", '"extend"'), "docs/campaigns.md")
        clone >> change["extend"] >> change["pause"] >> change["delete"]
    run = run_dag(dag)
    outcomes = {task_id: result["outcome"] for task_id, result in run.xcoms.items()}
    assert outcomes == {"clone": "created", "extend": "updated", "pause": "unchanged", "delete": "deleted"}


def test_a_clone_of_the_page_is_made(sandbox, run_dag) -> None:
    with DAG("clone_of_page", schedule=None, start_date=pendulum.datetime(2026, 11, 1)) as dag:
        execute(block("docs/clones.md", "is_active=1"), "docs/clones.md")
    assert run_dag(dag).xcoms["clone"]["is_active"] == 1


def test_the_statistics_are_kept_and_guarded(sandbox, run_dag, tmp_path) -> None:
    source = block("docs/statistics.md", '"keep"').replace("s3://reports/{{ run_id }}", str(tmp_path))
    with DAG("keep", schedule=None, start_date=pendulum.datetime(2026, 11, 1)) as dag:
        execute(source, "docs/statistics.md")
    assert run_dag(dag).xcoms["keep"]["rows"] == 1
    guard = execute(block("docs/statistics.md", '"guard_renewals"'), "docs/statistics.md")["dag"]
    assert run_dag(guard).xcoms["guard"]["paused"] == []


def test_mapped_clones_are_made(sandbox, run_dag) -> None:
    with DAG("clones", schedule=None, start_date=pendulum.datetime(2026, 11, 1)) as dag:
        execute(block("docs/clones.md", "expand_kwargs"), "docs/clones.md")
    run = run_dag(dag)
    assert [result["outcome"] for result in run.xcoms.values()] == ["created", "created"]


def test_tasks_with_the_hook_run(sandbox, run_dag) -> None:
    active = execute(block(README, "active_campaigns"), README)["active_campaigns"]
    passes = execute(block("docs/hook.md", "raise_passes"), "docs/hook.md")["raise_passes"]
    with DAG("with_hook", schedule=None, start_date=pendulum.datetime(2026, 11, 1)) as dag:
        active("Outbound Renewals")
        passes("Holiday Renewals 2025", 7)
    run = run_dag(dag)
    assert run.xcoms["active_campaigns"] == ["Holiday Renewals 2025"]
    assert run.xcoms["raise_passes"]["maxPasses"] == 7


def test_the_async_client_lists_accounts(sandbox) -> None:
    account_ids = execute(block("docs/hook.md", "get_async_conn"), "docs/hook.md")["account_ids"]
    assert asyncio.run(account_ids()) == ["99990000"]


def test_the_dag_that_loads_leads_runs(sandbox, run_dag, tmp_path) -> None:
    source = block("docs/leads.md", '"load_renewals"')
    source = source.replace("s3://lists/rejected/{{ run_id }}", f"{tmp_path}/rejected/rows")
    source = source.replace("s3://lists/renewals", str(tmp_path)).replace(".parquet", ".csv")
    source = source.replace('"Holiday Renewals"', '"Holiday Renewals 2025"')
    lead_list = "customer_id,mobile,first_name\n" + "".join(
        f"c{number},(415) 555-{2000 + number},Ada\n" for number in range(100)
    )
    (tmp_path / "a.csv").write_text(f"{lead_list}c100,none,Bo\n")
    run = run_dag(execute(source, "docs/leads.md")["dag"])
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["inserted"], run.xcoms["load"]["rejected"]) == (100, 1)
    assert (
        (tmp_path / "rejected" / "rows.csv")
        .read_text()
        .startswith("customer_id,mobile,first_name,reject_source")
    )


def test_the_dag_that_runs_on_campaigns_runs(run_dag) -> None:
    dag = execute(block("docs/assets.md", '"after_campaigns"'), "docs/assets.md")["dag"]
    assert run_dag(dag).states == {"show": "success"}


def test_the_sensor_starts_from_the_trigger() -> None:
    source = block("docs/waits.md", "start_from_trigger")
    if Version(airflow_version) >= Version("3.3"):
        assert execute(source, "docs/waits.md")["opened"].start_from_trigger
    else:
        with pytest.warns(UserWarning, match="needs Airflow 3.3"):
            execute(source, "docs/waits.md")


@pytest.mark.skipif(not airflow_version.startswith("3."), reason="Airflow 3 watches assets")
def test_the_dag_that_runs_on_the_opening_has_a_watcher() -> None:
    names = execute(block("docs/assets.md", '"when_it_opens"'), "docs/assets.md")
    assert isinstance(names["dag"], DAG)
    (watcher,) = names["opened"].watchers
    assert (watcher.trigger.event, watcher.trigger.campaign) == ("opened", "Holiday *")


@pytest.mark.parametrize("page", PAGES)
def test_connections_use_the_sign_in_they_are_shown_for(page) -> None:
    for source, flow in zip(connections(page), CONNECTIONS.get(page, []), strict=True):
        fields = json.loads(source)
        extra = fields.pop("extra", {})
        assert read_connection(Connection(conn_id="readme", **fields), extra).settings.sign_in == flow


@pytest.mark.parametrize("page", [README, "docs/sandbox.md"])
def test_the_connection_to_the_sandbox_signs_in(page, sandbox, monkeypatch) -> None:
    (source,) = (source for source in connections(page) if SANDBOX in source)
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", source.replace(SANDBOX, sandbox.url))
    assert EngageVoiceHook().test_connection() == (
        True,
        "signed in to account 99990000 (Demo Sales Floor)",
    )


@pytest.mark.parametrize("page", PAGES)
def test_templates_are_jinja(page) -> None:
    for line in "".join(blocks(page, "jinja")).splitlines():
        jinja2.Environment(undefined=jinja2.StrictUndefined).parse(line)


def test_make_targets_exist() -> None:
    output = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^ +([a-z0-9-]+) ", output, re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:^\$ |`)make ([a-z0-9-]+)", read(page), re.MULTILINE)) <= targets, page


def test_modules_that_commands_run_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"python -m ((?:tests|airflow_provider_engagevoice)[\w.]*)", read(page)):
            path = ROOT / name.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{page}: {name}"


def headings(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page) -> None:
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)]+)\)|^\[[^\]]+\]: (\S+)$", text, re.MULTILINE):
        target, _, anchor = (link[0] or link[1]).partition("#")
        path = re.sub(f"^{REPOSITORY}", "", target)
        if path != target:
            file = ROOT / path
        elif target.startswith("https:"):
            continue
        else:
            assert page != README, f"{target}: relative links lead nowhere where the package is listed"
            file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if anchor:
            assert anchor in headings(file.resolve().relative_to(ROOT).as_posix()), f"{target}#{anchor}"


def test_each_operator_that_a_page_names_links_to_its_reference() -> None:
    modules = {
        name: path.relative_to(ROOT).with_suffix("").as_posix()
        for path in (ROOT / "airflow_provider_engagevoice").rglob("*.py")
        for name in re.findall(
            r"^class (EngageVoice\w+(?:Operator|Sensor))\(", path.read_text(), re.MULTILINE
        )
    }
    assert len(modules) >= 18
    for page in set(PAGES) - {README}:
        text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
        named = set(re.findall(r"`(EngageVoice\w+(?:Operator|Sensor))\b", text))
        targets = dict(re.findall(r"^\[`(\w+)`\]: (\S+)$", text, re.MULTILINE))
        for name in named:
            assert name in targets, f"{page}: link {name} to the API reference"
            assert f"/api/{modules[name]}/index.html" in targets[name], f"{page}: {name}"
            assert f"[`{name}`]" in text.replace(f"[`{name}`]: ", ""), f"{page}: {name} has no link"


def test_files_of_the_recipes_exist() -> None:
    recipes = read("docs/architecture.md").partition("## Recipes")[2]
    files = set(re.findall(r"`([\w/*]+(?:/|\.py|\.md))`", recipes))
    assert len(files) >= 15
    for name in files:
        places = [ROOT, ROOT / "airflow_provider_engagevoice"]
        assert any(list(place.glob(name.rstrip("/"))) for place in places), name


def test_references_of_links_are_defined() -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", read(README), flags=re.DOTALL | re.MULTILINE)
    defined = {name.lower() for name in re.findall(r"^\[([^\]]+)\]: ", text, re.MULTILINE)}
    used = {name.lower() for name in re.findall(r"\[([^\[\]]+)\](?![(:\[])", text)}
    assert used == defined


def test_the_readme_is_short() -> None:
    assert len(read(README).splitlines()) <= 150


def test_no_python_block_escapes_the_tests() -> None:
    for page in (*PAGES, "CHANGELOG.md", "CONTRIBUTING.md"):
        fences = re.findall(r"^ *(?:```|~~~):* *\{?([\w-]*)", read(page), re.MULTILINE)
        assert {"py", "python3", "pycon", "code-block"}.isdisjoint(fences), page
        assert fences.count("python") == (len(blocks(page, "python")) if page in PAGES else 0), page


def test_each_page_is_listed() -> None:
    assert "/docs/index.md" in read(README)
    contents = re.findall(r"^```{toctree}(.*?)^```", read("docs/index.md"), re.DOTALL | re.MULTILINE)
    for page in set(PAGES) - {README, "docs/index.md"}:
        name = page.removeprefix("docs/")
        assert f"]({name})" in read("docs/index.md"), page
        assert any(name.removesuffix(".md") in part.split() for part in contents), page


def test_the_methods_of_the_hook_are_listed_with_what_they_return() -> None:
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \| `(.*)` \|$", read("docs/hook.md"), re.MULTILINE)
    methods = {name: method for name, method in vars(SyncMethods).items() if hasattr(method, "__wrapped__")}
    assert sorted(name for name, _, _ in rows) == sorted(methods)
    for name, arguments, returned in rows:
        described = signature(methods[name])
        steps = re.fullmatch(r"(?:Request|Procedure)\[(.*)\]", described.return_annotation)
        assert steps is not None, name
        assert returned.replace("\\|", "|") == steps[1].replace("Row", "dict[str, Any]"), name
        listed = [argument for argument in arguments.split(", ") if argument]
        assert listed == list(described.parameters)[: len(listed)], name


def test_each_argument_of_the_hooks_methods_is_described() -> None:
    (table,) = re.findall(r"^## Arguments of methods\n\n((?:\|.*\n)+)", read("docs/hook.md"), re.MULTILINE)
    described = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    methods = [method for method in vars(SyncMethods).values() if hasattr(method, "__wrapped__")]
    arguments = {name for method in methods for name in signature(method).parameters}
    # For the package itself.
    assert arguments - {"field", "followers", "enough"} == described
