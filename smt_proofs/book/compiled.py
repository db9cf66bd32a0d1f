"""What compiled code says, as a hash that is the same in every process."""

from __future__ import annotations

import enum
import hashlib
import types
from typing import Any, Final

PLAIN: Final = (int, str, bytes, float, complex, types.NoneType, types.EllipsisType)
"""Values that are what they print as."""


class Code:
    """What a code object says by itself, with the code inside it."""

    code: types.CodeType
    digest: bytes
    names: tuple[str, ...]
    """The names that it uses, with the words that it quotes: those may name an attribute."""

    def __init__(self, code: types.CodeType) -> None:
        self.code = code
        inner = [read(const) for const in code.co_consts if isinstance(const, types.CodeType)]
        words = [word for const in code.co_consts for word in _words(const)]
        within = [name for part in inner for name in part.names]
        self.names = tuple(dict.fromkeys([*code.co_names, *words, *within]))
        counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
        bound = code.co_varnames, code.co_freevars, code.co_cellvars, code.co_names
        said = repr((code.co_name, counts, bound, [_constant(const) for const in code.co_consts]))
        parts = (code.co_code, code.co_exceptiontable, said.encode(), *(p.digest for p in inner))
        self.digest = hashlib.sha256(b"\0".join(parts)).digest()


def _constant(const: object) -> str:
    """A constant of a code object; code inside it counts by itself."""
    if isinstance(const, types.CodeType):
        return "code"
    if isinstance(const, tuple):
        return f"tuple {[_constant(part) for part in const]}"
    return f"{type(const).__name__} {order_of(const)}"


def _words(const: object) -> list[str]:
    if isinstance(const, tuple | frozenset):
        return sorted(word for part in const for word in _words(part))
    return [const] if isinstance(const, str) and const.isidentifier() else []


# By identity, with the code itself, so that no other code takes its id: code is never changed in
# place, a swapped rule has another one.
_codes: dict[int, Code] = {}


def read(code: types.CodeType) -> Code:
    """What the code says; read once."""
    found = _codes.get(id(code))
    if found is None:
        found = _codes[id(code)] = Code(code)
    return found


def order_of(value: Any) -> str:
    """An order of keys that is the same in every process."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__} {value.name}"
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple):
        return f"tuple {[order_of(part) for part in value]}"
    if isinstance(value, frozenset):
        return f"frozenset {sorted(map(order_of, value))}"
    return f"{getattr(value, '__module__', '')} {getattr(value, '__qualname__', '')}"
