"""What a theorem depends on, as one hash, found without evaluating anything.

From the functions given, all that their code can reach is read as it is now: the code of other
functions through the names it uses, the values of constants, defaults and closures. A rule whose
code was swapped changes the hash; the process, and what it proved before, do not.

What the modules of `smt_proofs` and `model` say is covered by a hash of their text as a whole: any
change of a rule, a table, a class or a constant has everything decided anew.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import sys
import types
from collections.abc import Callable, Collection, Iterable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final

import z3

from model.profiles import Profile
from model.state import Op
from smt_proofs.book.compiled import PLAIN, order_of, read
from smt_proofs.solving.engine import engine, rules_text
from smt_proofs.solving.memo import Memo

ENGINE: Final = "smt_proofs"
OTHERS: Final = frozenset(sys.stdlib_module_names) | {"z3", "cvc5", "bitwuzla", "networkx"}
"""Packages whose functions count by name alone."""
METHODS: Final = (
    types.FunctionType,
    staticmethod,
    classmethod,
    property,
    functools.cached_property,
)


def fingerprint(*roots: object, extra: str, ops: Collection[Op] | None = None) -> str:
    """The hash of all that the roots depend on, of the engine, and of `extra`.

    Roots are functions, or values that hold functions. Tables by operation are followed for `ops`
    alone where those are given. A switch of a profile counts only if code that was reached uses its
    name. Raises TypeError for a value that cannot be read.
    """
    walk = _Walk(ops)
    walk.emit(engine(), rules_text(), extra)
    for root in roots:
        walk.visit(root)
    walk.finish()
    return walk.hash.hexdigest()


class _Walk:
    """One traversal. What is met is numbered as it comes, and referred to by its number."""

    def __init__(self, ops: Collection[Op] | None) -> None:
        self.hash = hashlib.sha256()
        self._ops = ops
        self._numbers: dict[int, int] = {}
        # What has a number keeps its id.
        self._kept: list[object] = []
        self._looked: set[int] = set()
        self._waiting: list[Callable[[], None]] = []
        self._names: set[str] = set()
        self._profiles: list[Profile] = []

    def emit(self, *words: str) -> None:
        """Add words to the hash."""
        self.hash.update("\0".join(words).encode() + b"\1")

    def finish(self) -> None:
        """Follow what waits, then what is read of the profiles, until nothing is new."""
        methods = {n: m for n, m in vars(Profile).items() if _is_method(m)}
        unread = [*(field.name for field in fields(Profile)), *methods]
        while True:
            while self._waiting:
                self._waiting.pop()()
            read = [name for name in unread if name in self._names]
            if not read or not self._profiles:
                return
            for name in read:
                unread.remove(name)
                self.emit("switch", name)
                for profile in self._profiles:
                    self.visit(methods.get(name) or getattr(profile, name))

    def visit(self, value: object) -> None:
        """Add a value to the hash, and what it leads to."""
        if isinstance(value, enum.Enum):
            self.emit("member", type(value).__qualname__, value.name, repr(value.value))
        elif isinstance(value, PLAIN):
            self.emit(type(value).__name__, repr(value))
        elif (number := self._numbers.get(id(value))) is not None:
            self.emit("again", str(number))
        else:
            self._numbers[id(value)] = len(self._numbers)
            self._kept.append(value)
            self._new(value)

    def _new(self, value: Any) -> None:
        if isinstance(value, types.FunctionType | type):
            self.emit(type(value).__name__, value.__module__ or "", value.__qualname__)
            if _inside(value.__module__) and value is not Profile:
                self._waiting.append(lambda: self._follow(value))
        elif isinstance(value, Profile):
            self.emit("profile")
            self._profiles.append(value)
        elif isinstance(value, dict):
            self.emit("dict")
            for key in sorted(value, key=order_of):
                if self._ops is None or not isinstance(key, Op) or key in self._ops:
                    self.visit(key)
                    self.visit(value[key])
        elif isinstance(value, list | tuple | set | frozenset):
            self.emit(type(value).__name__, str(len(value)))
            for part in value if isinstance(value, list | tuple) else sorted(value, key=order_of):
                self.visit(part)
        elif isinstance(value, z3.AstRef):
            self.emit("term", value.sexpr())
        elif (held := _held(value)) is not None:
            self.emit("holder", type(value).__qualname__)
            for part in held:
                self.visit(part)
        else:
            text = repr(value)
            if " at 0x" in text:
                raise TypeError(f"no fingerprint can be taken of {text}")
            self.emit(type(value).__qualname__, text)

    def _follow(self, value: types.FunctionType | type) -> None:
        if isinstance(value, type):
            self._class(value)
        else:
            self._function(value)

    def _function(self, function: types.FunctionType) -> None:
        code = read(function.__code__)
        self.emit("code", str(self._numbers[id(function)]), code.digest.hex())
        self.visit(function.__defaults__)
        self.visit(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self.visit(cell.cell_contents if _filled(cell) else None)
        self._names.update(code.names)
        known = function.__globals__
        for name in code.names:
            value = known.get(name, known)
            if isinstance(value, types.ModuleType):
                self._module(value, code.names)
            elif value is not known:
                self._global(known, name, value)

    def _module(self, module: types.ModuleType, names: Iterable[str]) -> None:
        """What code reads of a module that it names."""
        self.emit("module", module.__name__)
        known = vars(module)
        for name in names if _inside(module.__name__) else ():
            if name in known and not isinstance(known[name], types.ModuleType):
                self._global(known, name, known[name])

    def _global(self, known: dict[str, Any], name: str, value: object) -> None:
        home = str(known["__name__"])
        self.emit("global", home, name)
        if home.startswith(ENGINE) and _changes(value):
            self._look(value)
        else:
            self.visit(value)

    def _look(self, value: Any) -> None:
        """Visit the rules that a registry or a cache of the engine leads to.

        What it holds of the engine is said by the engine's text, and changes as the engine works.
        """
        if id(value) in self._looked or isinstance(value, (*PLAIN, enum.Enum, z3.Z3PPObject, Memo)):
            return
        self._looked.add(id(value))
        self._kept.append(value)
        if isinstance(value, types.FunctionType | type):
            if _inside(value.__module__) and not value.__module__.startswith(ENGINE):
                self.visit(value)
            return
        parts: Iterable[object] = ()
        if is_dataclass(value):
            parts = _held(value) or ()
        elif isinstance(value, dict):
            parts = value.values()
        elif isinstance(value, list | tuple | set | frozenset):
            parts = value
        for part in parts:
            self._look(part)

    def _class(self, value: type) -> None:
        self.emit("members", str(self._numbers[id(value)]))
        for base in value.__bases__:
            self.visit(base)
        if issubclass(value, enum.Enum):
            for member in value:
                self.visit(member)
        if is_dataclass(value):
            for field in fields(value):
                self.emit("field", field.name)
                for default in (field.default, field.default_factory):
                    self.visit(None if default is MISSING else default)
        for name, member in vars(value).items():
            if _is_method(member):
                self.emit("method", name)
                self.visit(member)


def _inside(module: str | None) -> bool:
    """Code of that module is followed."""
    return module is not None and module.partition(".")[0] not in OTHERS


def _is_method(member: object) -> bool:
    """A member that was written: `dataclass` makes its own from the fields."""
    code = getattr(member, "__code__", None)
    made = code is not None and code.co_filename in {"<string>", dataclasses.__file__}
    return isinstance(member, METHODS) and not made


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _held(value: Any) -> list[object] | None:
    """What a value is made of, None where it is not made of others."""
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if isinstance(value, staticmethod | classmethod) or hasattr(value, "__wrapped__"):
        return [value.__wrapped__]
    if is_dataclass(value):
        return [type(value), *(getattr(value, field.name) for field in fields(value))]
    if not _inside(type(value).__module__):
        return [] if callable(value) and hasattr(value, "__qualname__") else None
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    state = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return [type(value), state | getattr(value, "__dict__", {})]


def _changes(value: object) -> bool:
    """The value may change while the engine works."""
    parameters = getattr(type(value), "__dataclass_params__", None)
    if parameters is not None:
        return not parameters.frozen
    known = (*PLAIN, *METHODS, tuple, frozenset, type, enum.Enum, functools.partial)
    made_here = _inside(type(value).__module__) and not isinstance(value, known)
    return made_here or isinstance(value, dict | list | set)
