"""Imports run one way: conformance -> smt_proofs (command line only) -> model."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOLVERS = {"z3", "cvc5", "bitwuzla"}


def imported(file: Path) -> set[str]:
    """Top-level names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("file", modules("model"), ids=str)
def test_model_imports_neither_package_nor_solver(file: Path) -> None:
    assert not imported(file) & ({"smt_proofs", "conformance", "hypothesis", "click"} | SOLVERS)


@pytest.mark.parametrize("file", modules("smt_proofs"), ids=str)
def test_proofs_import_only_the_model(file: Path) -> None:
    assert "conformance" not in imported(file)


@pytest.mark.parametrize("file", modules("conformance"), ids=str)
def test_only_the_command_line_imports_proofs(file: Path) -> None:
    commands = ROOT / "conformance" / "commands"
    allowed = file.parent == commands or file.name == "cli.py"
    assert allowed or not imported(file) & ({"smt_proofs"} | SOLVERS)


@pytest.mark.parametrize("file", modules("model"), ids=str)
def test_rules_choose_and_compare_through_the_domain(file: Path) -> None:
    """In a function that takes a domain no operator works on words: Python's would bypass it."""
    for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        if not function.args.args or function.args.args[0].arg != "d":
            continue
        for node in ast.walk(function):
            assert not isinstance(node, ast.BinOp), f"{file.name}:{node.lineno}"
            assert not isinstance(node, ast.AugAssign), f"{file.name}:{node.lineno}"
            if isinstance(node, ast.Compare):
                identity = all(isinstance(op, ast.Is | ast.IsNot | ast.In) for op in node.ops)
                assert identity, f"{file.name}:{node.lineno}"
