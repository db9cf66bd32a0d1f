"""The rules of the model with what belongs to each: its source, code, theorems and tests.

Nothing is listed by hand but the rules that no theorem speaks of, with the reason.
"""

from __future__ import annotations

import ast
import dis
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import model
from model.contracts import CONTRACTS, START_CONTRACTS
from model.events import EVENT_RULES, realize
from model.invariants import INVARIANTS
from model.own_rules import OWN_RULES
from model.peers import PEER_RULES
from model.profiles import PROFILES, Mapping
from model.requests import REQUEST_RULES
from model.rules import step
from smt_proofs.book.plan import names_of, theorem_names
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.transitions.claims import REALIZE, claims_of, mappings_of, transitions

ROOT = Path(__file__).parents[1]
OPERATIONS = REQUEST_RULES | EVENT_RULES
PEERS = {op.value: rule for op, rule in PEER_RULES.items()}
VERSIONS = "of devices by version, which are compared and executed; checked on those of docs/vmm.md"
KVM = "about KVM and not the device; measured on the kernel that runs the tests"
UNPROVEN = {
    "demand_of": "it hands on what the machine counts; checked against a real QEMU",
    "check_config": "what a configuration must be for the rest to apply; checked by example",
    "pages_touched": "about KVM and not the device; checked on generated values",
    **{rule.__name__: VERSIONS for rule in OWN_RULES.values()},
    "rmap_allocated": KVM,
    "tracking_allocated": KVM,
    "lpage_allocated": KVM,
    "bitmaps_allocated": KVM,
    "array_taken": KVM,
    "memslot_bytes": "about KVM and not the device; checked by example, not measured",
}
"""Rules that no theorem speaks of, and what is done instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its id. `says` is its statement, `source` where it was read, `file` holds it.

    `kind` is rule, invariant or contract; `names` are what tests may call it by.
    """

    id: str
    kind: str
    says: str
    source: str
    file: Path
    symbol: str
    names: frozenset[str]
    function: Callable[..., Any]


def modules() -> Iterator[Any]:
    """The modules of the model."""
    for found in pkgutil.walk_packages(model.__path__, "model."):
        yield importlib.import_module(found.name)


def rules() -> list[Rule]:
    """The rules that were read from a source, in the order of the modules' text."""
    found = []
    for module in modules():
        if module.__name__.startswith("model.contracts"):
            continue
        for name, function in vars(module).items():
            told = inspect.getdoc(function) or ""
            if function in (*PEER_RULES.values(), *OWN_RULES.values()):
                # Their source is that of the whole module.
                told = f"{told}\n\nSource:{(inspect.getdoc(module) or '').partition('Source:')[2]}"
            own = inspect.isfunction(function) and function.__module__ == module.__name__
            if own and "Source:" in told and not name.startswith("_"):
                found.append(_rule(name, function, told))
    return found


def _rule(name: str, function: FunctionType, told: str) -> Rule:
    says, _, source = told.partition("Source:")
    every = (*OPERATIONS.items(), *PEER_RULES.items(), *OWN_RULES.items())
    ops = {f"Op.{op.name}" for op, rule in every if rule is function}
    return Rule(
        id=name,
        kind="rule",
        says=says.strip(),
        source=" ".join(source.split()).rstrip("."),
        file=_file(function),
        symbol=name,
        names=frozenset({name, *ops}),
        function=function,
    )


def claims() -> list[Rule]:
    """The invariants, then the contracts."""
    found = [
        Rule(
            i.name,
            "invariant",
            inspect.getdoc(i.holds) or "",
            "what the design promises; held against the patch and QEMU by proof and trace",
            _file(i.holds),
            i.holds.__name__,
            frozenset({i.name, i.holds.__name__}),
            i.holds,
        )
        for i in INVARIANTS
    ]
    found += [
        Rule(
            c.name,
            "contract",
            inspect.getdoc(c.holds) or "",
            c.source,
            _file(c.holds),
            c.holds.__name__,
            # The tests of all contracts take them from their tables.
            frozenset({c.name, c.holds.__name__, "CONTRACTS", "START_CONTRACTS", "contracts_of"}),
            c.holds,
        )
        for c in (*CONTRACTS, *START_CONTRACTS)
    ]
    return found


def _file(function: Callable[..., Any]) -> Path:
    return Path(inspect.getfile(function)).relative_to(ROOT)


@cache
def reached(function: Callable[..., Any]) -> frozenset[Callable[..., Any]]:
    """The functions of the model and the proofs that a function may come to call, itself too."""
    seen: set[Callable[..., Any]] = set()
    todo: list[Any] = [function]
    while todo:
        current = todo.pop()
        if current in seen or not inspect.isfunction(current):
            continue
        seen.add(current)
        known = inspect.getclosurevars(current)
        for value in (*_globals(current), *known.nonlocals.values()):
            todo += _functions(value)
    return frozenset(seen)


def _globals(function: FunctionType) -> Iterator[Any]:
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield function.__globals__[name]


def _names(code: CodeType) -> Iterator[str]:
    """The global names that a code reads, in the functions within it too."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _functions(value: Any) -> list[Any]:
    """The functions in a value: one, or a table of them."""
    values = list(value.values()) if isinstance(value, dict) else [value]
    ours = ("model.", "smt_proofs.")
    return [v for v in values if inspect.isfunction(v) and (v.__module__ + ".").startswith(ours)]


@cache
def theorems() -> dict[str, frozenset[Callable[..., Any]]]:
    """Each theorem of the book with the functions that it speaks of."""
    steps = stepwise()
    found = {}
    for name in theorem_names():
        goal = THEOREMS[name].goal if name in THEOREMS else None
        known = reached(goal) if goal is not None else frozenset()
        found[name] = known | steps.get(name, frozenset())
    return found


@cache
def stepwise() -> dict[str, frozenset[Callable[..., Any]]]:
    """The theorems about transitions with the functions of the transition's rule."""
    found: dict[str, frozenset[Callable[..., Any]]] = {}
    rules = {op.value: frozenset({step}) | reached(rule) for op, rule in OPERATIONS.items()}
    rules[REALIZE] = reached(realize)
    for profile in PROFILES.values():
        for mapping, transition in product(mappings_of(profile), transitions()):
            about = rules[transition]
            if profile.peer and (peers := PEERS.get(transition)) is not None:
                about |= reached(peers)
            for name in names_of(profile, mapping, transition):
                found[name] = found.get(name, frozenset()) | about
    return found


@cache
def serving() -> dict[str, list[str]]:
    """The theorems about transitions, by the invariant or contract that they serve."""
    found: dict[str, list[str]] = {}
    for mapping, transition in product(Mapping, transitions()):
        for claim in claims_of(mapping, transition):
            names = found.setdefault(claim.serves, [])
            if claim.theorem not in names:
                names.append(claim.theorem)
    return found


def theorems_of(rule: Rule) -> list[str]:
    """The theorems that speak of a rule, or serve an invariant or contract."""
    if rule.kind == "rule":
        return [name for name, about in theorems().items() if rule.function in about]
    stated = [t.name for t in THEOREMS.values() if t.invariant == rule.id]
    return [*stated, *serving().get(rule.id, ())]


@cache
def test_names() -> dict[Path, frozenset[str]]:
    """Each file of tests with the names and words that it uses."""
    return {
        path.relative_to(ROOT): frozenset(_words(ast.parse(path.read_text(encoding="utf-8"))))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
    }


def _words(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.Attribute):
            owner = node.value
            yield f"{owner.id}.{node.attr}" if isinstance(owner, ast.Name) else node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def tests_of(rule: Rule) -> list[Path]:
    """The files of tests that name a rule."""
    return [path for path, words in test_names().items() if words & rule.names]


def used_by(rule: Rule) -> list[Rule]:
    """The operations that a rule is part of."""
    return [
        other
        for other in rules()
        if other.function in OPERATIONS.values()
        if other.id != rule.id and rule.function in reached(other.function)
    ]
