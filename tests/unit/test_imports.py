"""Imports run one way: conformance, smt_proofs (command line only), model; and down the rooms."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooms import ENTRIES, FLOORS

ROOT = Path(__file__).parents[2]
LIMITS = {"model": 200, "smt_proofs": 300, "conformance": 300}
"""The lines that a module may have."""
SOLVERS = {"z3", "cvc5", "bitwuzla"}
FOLDERS = {"model", "smt_proofs", "conformance", "tests", "docs"}
"""The folders of the top level that hold Python."""
LIBRARIES = {
    "model": set[str](),
    "smt_proofs": SOLVERS
    | {"tree_sitter", "tree_sitter_c", "tree_sitter_rust", "unidiff"}
    | {"dratify", "msgspec", "networkx", "platformdirs"},
    "conformance": {"click", "graphviz", "jinja2", "jsonschema", "junitparser", "markupsafe"}
    | {"msgspec", "networkx", "platformdirs", "pytest", "qemu", "rich"},
}
"""What a package imports beside the standard library and our own."""
OWN = {"model": set[str](), "smt_proofs": {"model"}, "conformance": {"model", "smt_proofs"}}
BY_NAME = {
    ("smt_proofs", "solving", "cluster"): "the engine is one that the user has",
    ("conformance", "cli"): "a command is imported once it is asked for",
    ("conformance", "explore", "compiled"): "the text that it compiles imports nothing",
}
"""Modules that import, or carry out a text, by a name that is not in their own."""


def names(tree: ast.AST) -> Iterator[str]:
    """Every module that a text imports, and every name taken of one, in dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import hides where it leads"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def by_name(text: str) -> list[str]:
    """How a text imports, or carries out, what only a string names."""
    hidden = {"__import__", "import_module", "exec", "eval", "runpy", "spec_from_file_location"}
    told = []
    for node in ast.walk(ast.parse(text)):
        found = node.id if isinstance(node, ast.Name) else ""
        found = node.attr if isinstance(node, ast.Attribute) else found
        found = node.name.split(".")[-1] if isinstance(node, ast.alias) else found
        # z3 names a method `eval`.
        if found in hidden and not (found == "eval" and isinstance(node, ast.Attribute)):
            told.append(found)
    return told


def foreign(package: str, text: str) -> set[str]:
    """What a text of a package imports that the package may not, by its top-level name."""
    tops = {name.split(".")[0] for name in names(ast.parse(text))}
    allowed = LIBRARIES[package] | OWN[package] | {package} | sys.stdlib_module_names
    return tops - allowed


def imported(file: Path) -> set[str]:
    """Top-level names that a module imports."""
    return {name.split(".")[0] for name in names(ast.parse(file.read_text(encoding="utf-8")))}


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module, by the parts of its name; an entry point is its own."""
    return parts[1]


def upward(package: str, home: str, text: str) -> list[str]:
    """What a module of the room `home` imports from rooms that are not below it."""
    floors = {room: level for level, rooms in enumerate(FLOORS[package]) for room in rooms}
    found = []
    for name in names(ast.parse(text)):
        parts = tuple(name.split("."))
        if parts[0] != package:
            continue
        if len(parts) < 2:
            # All of it would be at hand by its attributes.
            found.append(f"{home} imports {name}")
            continue
        target = room_of(parts)
        if target != home and floors.get(target, -1) <= floors[home]:
            found.append(f"{home} imports {name}")
    return found


@pytest.mark.parametrize("package", FLOORS)
def test_every_room_has_a_floor_and_no_module_is_loose(package: str) -> None:
    folder = ROOT / package
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    loose = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert loose <= ENTRIES
    assert rooms | loose == {room for floor in FLOORS[package] for room in floor}


@pytest.mark.parametrize("package", FLOORS)
def test_no_room_imports_from_above_or_beside(package: str) -> None:
    found = []
    for file in modules(package):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts[1] == "__init__":
            assert not imported(file)
        else:
            found += upward(package, room_of(parts), file.read_text(encoding="utf-8"))
    assert not found


@pytest.mark.parametrize(
    "text",
    ["import smt_proofs.book.plan", "from smt_proofs import source", "import smt_proofs as proofs"],
)
def test_an_import_upward_or_beside_is_seen(text: str) -> None:
    assert upward("smt_proofs", "transitions", text)


@pytest.mark.parametrize("text", ["from . import x", "from .. import commands", "from .a import b"])
def test_a_relative_import_is_seen(text: str) -> None:
    with pytest.raises(AssertionError, match="relative"):
        list(names(ast.parse(text)))


@pytest.mark.parametrize("package", LIMITS)
def test_nothing_is_imported_by_a_string_and_no_library_that_is_not_named(package: str) -> None:
    for file in modules(package):
        text = file.read_text(encoding="utf-8")
        assert not foreign(package, text), file
        parts = file.relative_to(ROOT).with_suffix("").parts
        assert bool(by_name(text)) == (parts in BY_NAME), file


@pytest.mark.parametrize(
    "text",
    [
        'import importlib\nimportlib.import_module("z3")',
        'from importlib import import_module as load\nload("z3")',
        '__import__("conformance.commands.check")',
        'exec("import z3")',
        "import runpy",
    ],
)
def test_an_import_by_a_string_is_seen(text: str) -> None:
    assert by_name(text)


@pytest.mark.parametrize("text", ["import tests.rooms", "import dask", "from docs import generate"])
def test_a_library_or_folder_that_is_not_named_is_seen(text: str) -> None:
    assert all(foreign(package, text) for package in LIMITS)


def test_python_is_in_the_known_folders_and_each_of_those_of_the_packages_is_a_package() -> None:
    with_python = {path.parts[-2] for path in ROOT.glob("*/*.py")}
    assert with_python == FOLDERS
    for package in LIMITS:
        for file in modules(package):
            assert (file.parent / "__init__.py").is_file(), file


@pytest.mark.parametrize("package", FLOORS)
def test_a_room_says_its_job_in_one_line_and_nothing_else(package: str) -> None:
    for file in (ROOT / package).glob("*/__init__.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert len(tree.body) == 1 and "\n" not in (ast.get_docstring(tree) or "\n"), file


def too_long(file: Path, text: str) -> list[str]:
    """What is wrong with the length of a module's text."""
    limit, lines = LIMITS[file.relative_to(ROOT).parts[0]], text.count("\n")
    return [f"{file.relative_to(ROOT)}: {lines} lines of at most {limit}"] if lines > limit else []


def test_every_module_is_short_enough_to_read() -> None:
    files = [file for package in LIMITS for file in modules(package)]
    assert not [one for file in files for one in too_long(file, file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("package", "limit"), [("model", 200), ("conformance", 300)])
def test_a_module_that_is_too_long_is_seen(package: str, limit: int) -> None:
    file = ROOT / package / "rules.py"
    assert not too_long(file, "\n" * limit)
    assert too_long(file, "\n" * (limit + 1)) == [
        f"{package}/rules.py: {limit + 1} lines of at most {limit}"
    ]


@pytest.mark.parametrize("file", modules("model"), ids=str)
def test_model_imports_neither_package_nor_solver(file: Path) -> None:
    assert not imported(file) & ({"smt_proofs", "conformance", "hypothesis", "click"} | SOLVERS)


@pytest.mark.parametrize("file", modules("smt_proofs"), ids=str)
def test_proofs_import_only_the_model(file: Path) -> None:
    assert "conformance" not in imported(file)


@pytest.mark.parametrize("file", modules("conformance"), ids=str)
def test_only_the_command_line_imports_proofs(file: Path) -> None:
    commands = ROOT / "conformance" / "commands"
    allowed = commands in file.parents or file == ROOT / "conformance" / "cli.py"
    assert allowed or not imported(file) & ({"smt_proofs"} | SOLVERS)
