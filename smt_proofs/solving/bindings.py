"""z3's Python functions without what they do beside calling z3, where that is safe.

z3's bindings pass each argument through a Python function that returns it as it is, and ask after
each call whether it failed. Terms are read and counted millions of times a run, which cannot fail
on a term that is alive: those calls go to z3 directly. All that makes or decides something is still
asked whether it failed.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import z3
from z3 import z3core

READING: Final = (
    "Z3_inc_ref",
    "Z3_dec_ref",
    "Z3_get_ast_id",
    "Z3_get_ast_kind",
    "Z3_is_eq_ast",
    "Z3_get_sort",
    "Z3_get_sort_kind",
    "Z3_get_app_decl",
    "Z3_get_app_num_args",
    "Z3_get_app_arg",
    "Z3_get_decl_kind",
)
"""Functions of z3's C interface that say something of a term, or count its uses."""
MAKING: Final = (
    "Z3_get_error_code",
    "Z3_mk_add",
    "Z3_mk_and",
    "Z3_mk_app",
    "Z3_mk_const",
    "Z3_mk_eq",
    "Z3_mk_ge",
    "Z3_mk_gt",
    "Z3_mk_implies",
    "Z3_mk_int_sort",
    "Z3_mk_ite",
    "Z3_mk_le",
    "Z3_mk_lt",
    "Z3_mk_mul",
    "Z3_mk_not",
    "Z3_mk_numeral",
    "Z3_mk_or",
    "Z3_mk_sub",
    "Z3_simplify",
    "Z3_solver_assert",
    "Z3_solver_assert_and_track",
    "Z3_substitute",
)
"""Functions that are called often and asked whether they failed."""
_DIRECT: Final[dict[str, Any]] = {}


def hasten() -> None:
    """Have z3's functions do no more than they need, in this process; again is the same."""
    for name in (*READING, *MAKING):
        direct(name).argtypes = [_pointer(kind) for kind in direct(name).argtypes or ()]
    for name in READING:
        for place in (z3, z3.z3, z3core):
            setattr(place, name, direct(name))


def direct(name: str) -> Any:
    """The function of z3's C interface by name, which asks nothing after a call."""
    if name not in _DIRECT:
        _DIRECT[name] = getattr(z3core, name).__defaults__[0].f
    return _DIRECT[name]


def _pointer(kind: Any) -> Any:
    """Any handle of z3's is the pointer that it is: no Python code need look at it."""
    handle = isinstance(kind, type) and issubclass(kind, ctypes.c_void_p)
    return ctypes.c_void_p if handle else kind
