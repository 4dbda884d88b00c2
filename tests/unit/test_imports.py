"""The package's modules have no import cycles and no two meanings of a name; no file is too long."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import airflow_provider_engagevoice

PACKAGE = Path(airflow_provider_engagevoice.__file__).parent
MOST_LINES = 400
#: Their modules are named after what they are about, so these and one other module may have one name.
BY_SUBJECT = ("operators", "sensors", "triggers", "endpoints", "models")


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield every imported name: at the top level, under ``TYPE_CHECKING`` and in functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not resolved here"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else str(node.module)


@cache
def imports() -> dict[str, set[str]]:
    """Return the package's modules that each module imports."""
    return {
        name: set(imported_names(ast.parse(path.read_text()))) & MODULES.keys() - {name}
        for name, path in MODULES.items()
    }


def test_there_are_no_import_cycles() -> None:
    cycle: list[str] = []
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        cycle = error.args[1]
    assert cycle == []


def test_imports_of_every_kind_are_seen() -> None:
    found = imports()
    root = PACKAGE.name
    assert f"{root}.polling.shared" in found[f"{root}.polling.hub"]
    assert f"{root}.polling.hub" in found[f"{root}.triggers.leads_drained"], "under TYPE_CHECKING"
    assert f"{root}.triggers.campaign_events" in found[f"{root}.assets"], "in a function"
    assert f"{root}.clock" in found[f"{root}.polling.shared"], "a module as a name of its package"


def test_a_dag_file_imports_little() -> None:
    """What else operators and sensors need is imported in functions: DAG files are parsed over and over."""
    root = PACKAGE.name
    seen: set[str] = set()
    waiting = [f"{root}.operators.campaigns", f"{root}.sensors.campaign_window"]
    while waiting:
        seen.add(name := waiting.pop())
        tree = ast.parse(MODULES[name].read_text())
        top = ast.Module([one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)], [])
        waiting += set(imported_names(top)) & MODULES.keys() - seen
    assert {name.removeprefix(f"{root}.") for name in seen} == {
        *("arguments", "assets", "inputs", "operators.base", "operators.campaigns", "sensors.base"),
        "sensors.campaign_window",
    }


def test_no_module_is_too_long() -> None:
    paths = [*MODULES.values(), *Path(__file__).parents[1].rglob("*.py")]
    lines = {path: len(path.read_text().splitlines()) for path in paths}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_a_name_has_one_meaning() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for name, path in MODULES.items():
        package, _, module = name.removeprefix(f"{PACKAGE.name}.").rpartition(".")
        if package.startswith("sandbox") or path.stem == "__main__":
            continue
        if module not in ("base", package) and not package.endswith(BY_SUBJECT):
            found[module].append(name)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
