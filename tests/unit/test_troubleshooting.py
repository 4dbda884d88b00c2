"""The page on troubleshooting has each message of each error, and none that the package does not have."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from tests.unit.test_messages import ROOT, messages

PAGE = ROOT.parent / "docs" / "troubleshooting.md"

PACKAGE = "airflow_provider_engagevoice."

#: The sandbox's messages are the answers of a server; the connection form has labels.
WITHOUT_ERRORS = ("sandbox/", "connection_form.py")

#: The reasons of rejected rows, which these modules return.
REASONS = ("leads/build.py", "leads/coerce.py", "leads/convert.py")

#: Texts of errors that no user meets as they are, and why.
NOT_SHOWN = {
    "Value error,": "pydantic's prefix, which is removed",
    "no permission|can't run this command": "pattern that finds an answer of Redis",
    "temporary files": "value in the error about a full disk",
    ", row {}": "part of the name of a lead list, which the page's introduction describes",
    ", column {}": "likewise",
    "not a boolean": "the value goes to the column of other values",
    "not a number": "likewise",
    "not text": "likewise",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Assigned = Mapping[str, Sequence[ast.expr]]


class Module:
    """A module, its functions and constants, and the names that it imports from the package."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        #: All nodes of each function.
        self.functions = {node: list(ast.walk(node)) for node in ast.walk(tree) if isinstance(node, Function)}
        self.constants = assigned(tree.body)
        self.imported = {
            alias.asname or alias.name: (node.module.removeprefix(PACKAGE), alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE)
            for alias in node.names
        }
        #: Functions that put an argument into an error.
        self.makers: set[str] = set()


@cache
def package() -> Package:
    return Package()


class Package:
    """The modules that have errors."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        for file in sorted(ROOT.rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if not path.startswith(WITHOUT_ERRORS):
                name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                self.modules[name] = Module(path, ast.parse(file.read_text()))
        while self._find_makers():
            pass

    def _find_makers(self) -> bool:
        """Return whether one more maker was found: a maker of makers is one, too."""
        more = False
        for module in self.modules.values():
            for function, nodes in module.functions.items():
                arguments = function.args.args + function.args.kwonlyargs
                names = {one.arg for one in arguments} - {"self", "cls"}
                if function.name not in module.makers and any(
                    isinstance(used, ast.Name) and used.id in names
                    for made in nodes
                    if self._makes_error(module, made)
                    for used in ast.walk(made)
                ):
                    module.makers.add(function.name)
                    more = True
        return more

    def _makes_error(self, module: Module, node: ast.AST) -> bool:
        """Return whether a node makes an error of its arguments, or adds a remark to one."""
        name = called(node)
        if not name:
            return False
        if re.search(r"(Error|Exception|Timeout)$", name):
            return True
        if name in ("add", "__init__"):
            called_as = ast.unparse(node)
            return called_as.startswith("error.add(") or (
                module.path == "exceptions.py" and called_as.startswith("super().__init__(")
            )
        home, name = self._origin(module, name)
        return home is not None and name in home.makers

    def _origin(self, module: Module, name: str) -> tuple[Module | None, str]:
        """Return the module that defines a name, None if it has no errors, and the name there."""
        origin, original = module.imported.get(name, ("", name))
        return self.modules.get(origin) if origin else module, original

    def errors(self) -> set[tuple[str, str]]:
        """Return module and text of each message of an error."""
        found: set[tuple[str, str]] = set()
        for module in self.modules.values():
            nodes: list[tuple[ast.AST, Assigned]] = [(module.tree, {})] if module.path in REASONS else []
            for function, inner in module.functions.items():
                local = assigned(inner)
                if function.returns and re.search(r"(Error|Exception)$", ast.unparse(function.returns)):
                    nodes.append((function, local))
                nodes += [
                    (node, local)
                    for node in inner
                    if isinstance(node, ast.Raise) or self._makes_error(module, node)
                ]
            for node, local in nodes:
                found |= {(module.path, text) for text in self._texts(node, module, local, set())}
        return found

    def _texts(self, node: ast.AST, module: Module, local: Assigned, seen: set[str]) -> Iterator[str]:
        """Yield the texts in a node, in the values of its names, and of the functions that return text."""
        yield from messages(node)
        for part in parts(node):
            name = part.id if isinstance(part, ast.Name) else called(part)
            if not name or name in seen:
                continue
            seen.add(name)
            home, original = self._origin(module, name)
            if home is None:
                continue
            for value in local.get(name) or home.constants.get(original, ()):
                yield from self._texts(value, home, local, seen)
            if isinstance(part, ast.Call) and re.fullmatch(r"(self\.)?\w+", ast.unparse(part.func)):
                for function in home.functions:
                    if (
                        function.name == original
                        and function.returns
                        and ast.unparse(function.returns) == "str"
                    ):
                        yield from messages(function)


def called(node: ast.AST) -> str:
    """Return the last name of a call's function, or an empty string."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all in it, without the names known to ``nearest``, of which a message has a few."""
    if called(node) != "nearest":
        yield node
        for child in ast.iter_child_nodes(node):
            yield from parts(child)


def assigned(nodes: Iterable[ast.AST]) -> Assigned:
    """Return the values that are assigned to each name."""
    values: defaultdict[str, list[ast.expr]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    values[target.id].append(node.value)
    return values


def shown(text: str) -> str:
    """Return a message with … for its values."""
    return re.sub(r"…(\s*…)*", "…", re.sub(r"\{\}|%(\.\d+f|[sdr])", "…", text))


def rows() -> list[list[str]]:
    """Return the cells of each row of the page's tables, without headers."""
    tables = re.findall(r"^\|[ -|]+\|\n((?:\|.*\|\n)+)", PAGE.read_text(), re.MULTILINE)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for table in tables
        for line in table.splitlines()
    ]


def page_messages() -> list[str]:
    """Return the messages of the page."""
    found = [
        message.replace("\\|", "|")
        for cells in rows()
        if not re.fullmatch(r"yes.*|no", cells[1])
        for message in re.findall(r"`([^`]+)`", cells[0])
    ]
    assert len(found) > 400
    return found


@cache
def pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that finds a text in a message of the page, but not the beginning of a longer phrase.

    In the place of a value the page has …, or one of the phrases that it can be if the rest is long enough to
    find no other message.
    """
    text = shown(text)
    fixed = sum(map(str.isalpha, text))
    found = re.escape(text.strip("… ")).replace("…", ".*?" if fixed >= 15 else "…")
    return re.compile(r"(?<!\w)" * text[0].isalpha() + found + r"(?!\s?\w)" * text[-1].isalpha())


def covered(message: str, texts: Iterable[re.Pattern[str]]) -> float:
    """Return the share of a message's letters that are fixed parts of a text."""
    rest = message
    for text in texts:
        for found in text.finditer(message):
            rest = rest[: found.start()] + " " * len(found[0]) + rest[found.end() :]
    return 1 - sum(map(str.isalpha, rest)) / sum(map(str.isalpha, message))


def test_each_error_is_on_the_page() -> None:
    on_page = page_messages()
    errors = package().errors()
    assert len(errors) > 400
    missing = [
        f"{path}: {text}"
        for path, text in sorted(errors)
        if text not in NOT_SHOWN and not any(map(pattern(text).search, on_page))
    ]
    assert not missing, "add to the page:\n" + "\n".join(missing)


def test_each_message_of_the_page_is_one_of_the_package() -> None:
    texts = {
        pattern(text)
        for file in ROOT.rglob("*.py")
        for text in messages(ast.parse(file.read_text()))
        if len(text) < 400
    }
    unknown = [message for message in page_messages() if covered(message, texts) < 0.75]
    assert not unknown, "remove from the page:\n" + "\n".join(unknown)


def test_each_error_class_is_on_the_page_and_says_whether_it_is_retryable() -> None:
    classes = {
        node.name: node
        for module in package().modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }

    def lineage(name: str) -> Iterator[ast.ClassDef]:
        if name in classes:
            yield classes[name]
            for base in classes[name].bases:
                yield from lineage(ast.unparse(base))

    retryable = {
        name: next(
            text == "retryable = True"
            for one in [*lineage(name), ast.parse("retryable = False")]
            for text in map(ast.unparse, one.body)
            if text.startswith("retryable = ")
        )
        for name in classes
        if classes["EngageVoiceError"] in lineage(name)
    }
    # Whether these are depends on the case.
    retryable |= {"TokenStoreError": True, "QueryError": True, "NotAppliedError": True}
    on_page = {
        name: cells[1].startswith("yes")
        for cells in rows()
        if re.fullmatch(r"yes.*|no", cells[1])
        for name in re.findall(r"`(\w+Error)`", cells[0])
    }
    assert on_page == retryable
