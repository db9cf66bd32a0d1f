"""Rules and claims decide through their domain, as their syntax trees show.

Whatever Python decides in a function that takes a domain must be known without it: what an
operation, an answer or a profile is, what a helper has asked the domain, or a plain flag.
"""

from __future__ import annotations

import ast
import builtins
import enum
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("model/**/*.py"))
ASKED = frozenset({"test"})
"""Operations of the domain that say True or False to Python."""
PLAIN_FIELDS = frozenset({"op", "did", "answer", "mapping", "block_state", "name"})
"""Fields of plain values, which the solver knows nothing of: they may be compared."""


def of_domain(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions that meet terms: they take a domain, or what is made of words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            types = [ast.unparse(a.annotation) for a in arguments if a.annotation]
            if any("[W" in kind or kind in {"W", "B", "S"} for kind in types):
                yield node


def decided(function: ast.AST) -> Iterator[ast.expr]:
    """All that Python asks for its truth."""
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            yield node.test
        elif isinstance(node, ast.BoolOp):
            yield from node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node.operand
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"any", "all"}:
            (argument,) = node.args
            assert isinstance(argument, ast.GeneratorExp)
            yield argument.elt


class Scope:
    """What is known of the names in one function of a module."""

    def __init__(self, module: str, function: ast.FunctionDef) -> None:
        self.known = vars(importlib.import_module(module))
        arguments = [*function.args.args, *function.args.kwonlyargs]
        self.types = {a.arg: ast.unparse(a.annotation) for a in arguments if a.annotation}
        self.values: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.values.setdefault(node.targets[0].id, []).append(node.value)

    def plain(self, node: ast.expr) -> bool:
        """Python may decide about it: it is no term."""
        match node:
            case ast.Constant() | ast.Tuple() | ast.Set():
                return True
            case ast.Compare(left=left, ops=ops, comparators=others):
                if all(isinstance(op, ast.Is | ast.IsNot) for op in ops):
                    return ast.unparse(left) in IDENTICAL or all(map(self.one_of_its_kind, others))
                inside = all(isinstance(op, ast.In | ast.NotIn) for op in ops)
                return inside and self.name_or_field(left) and all(map(self.table, others))
            case ast.BoolOp(values=values):
                return all(map(self.plain, values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.plain(operand)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="d"), attr=asked)):
                return asked in ASKED
            case ast.Call(func=ast.Name(id=name)):
                returned = getattr(self.known.get(name), "__annotations__", {}).get("return", "")
                return name in {"any", "all"} or str(returned).startswith(("bool", "list", "tuple"))
            case ast.Attribute(value=ast.Attribute(attr="profile" | "own")):
                return True
            case ast.Name(id=name) if name in self.types:
                return self.types[name] == "bool"
            case ast.Name(id=name) if name in self.values:
                return all(map(self.plain, self.values[name]))
            case ast.IfExp(body=then, orelse=otherwise):
                return self.plain(then) and self.plain(otherwise)
        return False

    def one_of_its_kind(self, node: ast.expr) -> bool:
        """None, True or False, or the member of an enumeration: the same object wherever it is."""
        if isinstance(node, ast.Constant):
            return node.value is None or isinstance(node.value, bool)
        owner = node.value if isinstance(node, ast.Attribute) else None
        kind = self.known.get(owner.id) if isinstance(owner, ast.Name) else None
        return isinstance(kind, type) and issubclass(kind, enum.Enum)

    def name_or_field(self, node: ast.expr) -> bool:
        """A plain field, a name that runs over plain values, or a text."""
        if isinstance(node, ast.Constant):
            return True
        return (isinstance(node, ast.Attribute) and node.attr in PLAIN_FIELDS) or (
            isinstance(node, ast.Name)
            and self.types.get(node.id) is None
            and node.id in PLAIN_NAMES
        )

    def table(self, node: ast.expr) -> bool:
        """A table, in which a plain value is looked for."""
        if isinstance(node, ast.Tuple | ast.Set):
            return all(isinstance(e, ast.Attribute) for e in node.elts)
        return isinstance(node, ast.Name | ast.Constant)


IDENTICAL = frozenset({"fitted", "r.notified"})
"""What may be the same object as another: a state that a helper of the rules left alone, a flag
that is True or False in every domain."""
BUILT_IN = frozenset({"any", "all", "tuple", "getattr"})
"""What rules use of Python's own functions: no other can tell one domain from another."""
OF_KINDS = frozenset({"did"})
"""Functions that compare kinds of effects, in order, and nothing else."""
PLAIN_NAMES = frozenset({"name", "kind"})
"""Names that rules give to a field's or an effect's name."""


NEVER = ast.BinOp | ast.AugAssign | ast.While | ast.Match | ast.Try | ast.With | ast.Delete
"""What no rule needs; an error that is caught would be the domain's refusal."""


def tells_apart(node: ast.AST) -> bool:
    """It may ask what a value is made of: a function of Python's own, or a name between dunders."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in vars(builtins) and name not in BUILT_IN
        case ast.Attribute(attr=name):
            return name.startswith("__")
    return False


def faults(module: str, text: str) -> list[str]:
    """What Python decides and must not, with its line."""
    found = []
    for function in of_domain(ast.parse(text)):
        if function.name in OF_KINDS:
            continue
        scope = Scope(module, function)
        for node in decided(function):
            if not scope.plain(node):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
        for part in ast.walk(function):
            wrong = isinstance(part, ast.Compare) and not scope.plain(part)
            if wrong or isinstance(part, NEVER) or tells_apart(part):
                found.append(f"{getattr(part, 'lineno', 0)}: {ast.unparse(part)}")
    return found


def named(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_rules_and_claims_branch_through_their_domain(file: Path) -> None:
    assert faults(named(file), file.read_text(encoding="utf-8")) == []


HEAD = (
    "def rule(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r, *, "
    "flag: bool) -> B:\n"
)


@pytest.mark.parametrize(
    "line",
    [
        "if d.eq(a.blocks, d.lit(7)): return s",
        "if a.blocks in (d.lit(7),): return s",
        "if a.blocks == d.lit(7): return s",
        "if s.busy: return s",
        "if not s.busy: return s",
        "return s.busy and f.prealloc",
        "return s if a.faults.discard else f",
        "return all(d.member(s.plugged, i) for i in r)",
        "return [i for i in r if d.member(s.plugged, i)]",
        "busy = s.busy\n    if busy: return s",
        "while d.test(s.busy): pass",
        "return a.blocks + a.value",
        "if unnamed(s): return s",
        "return a.value if d.lt(a.value, f.block) else f.block",
        "if a.blocks is d.lit(7): return s",
        "if type(a.blocks) is int: return s",
        "if type(a.blocks) is Words: return s",
        "if d.__class__ is None: return s",
        "try: return {7: s}[a.blocks]\n    except TypeError: pass",
        "return min(a.blocks, a.value)",
        "return sorted([a.blocks, a.value])",
        "known = isinstance(a.blocks, W)",
        "for _ in filter(None, [s.busy]): return s",
        "return hash(a.blocks)",
    ],
)
def test_what_python_must_not_decide_is_found(line: str) -> None:
    assert faults("model.requests", f"{HEAD}    {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "if d.test(d.eq(a.blocks, d.lit(7))): return s",
        "if f.profile.wake_up_keeps and d.test(s.busy): return s",
        "if not flag: return s",
        "if r.answer is Answer.ACK or a.op in REQUESTS: return s",
        "if not valid_range(d, f, s, a.addr, a.value): return s",
    ],
)
def test_what_python_may_decide_is_not_found(line: str) -> None:
    assert faults("model.requests", f"{HEAD}    {line}\n") == []
