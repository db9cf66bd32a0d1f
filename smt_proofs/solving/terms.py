"""z3's terms made and taken apart by less Python: the same calls of z3, in the same order.

z3's bindings look at every argument several times, and make an object for its sort each time. Here
truth values and integers of the main context, which nearly all terms are, go straight to z3, which
compares their sorts itself; whatever else comes is left to z3's own function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import z3
from z3 import z3core

from smt_proofs.solving.bindings import direct

Ast: TypeAlias = Any
"""z3's own handle of a term."""

_CONTEXT: Final = z3.main_ctx()
_REF: Final = _CONTEXT.ref()
_NUMBERS: Final = frozenset({z3.ArithRef, z3.IntNumRef})
_PLACES: Final = (z3, z3.z3)

_inc_ref, _dec_ref = direct("Z3_inc_ref"), direct("Z3_dec_ref")
_ast_kind, _ast_id = direct("Z3_get_ast_kind"), direct("Z3_get_ast_id")
_sort, _sort_kind = direct("Z3_get_sort"), direct("Z3_get_sort_kind")
_decl, _decl_kind = direct("Z3_get_app_decl"), direct("Z3_get_decl_kind")
_count, _argument = direct("Z3_get_app_num_args"), direct("Z3_get_app_arg")


def hasten_terms() -> None:
    """Put all of this in the place of z3's own, in this process; again is the same."""
    for name, quick in _FUNCTIONS.items():
        for place in _PLACES:
            setattr(place, name, _as(quick, name))
    for of, methods in _METHODS.items():
        for name, quick in methods.items():
            setattr(of, name, _as(quick, f"{of.__qualname__}.{name}"))
    z3.z3._to_expr_ref = _term


def _as(quick: Any, name: str) -> Any:
    """The function under the name of z3's own: what follows the rules that a proof depends on ends
    there, as it does at z3. This text is the engine's, which counts whole."""
    quick.__module__, quick.__qualname__ = z3.z3.__name__, name
    return quick


def _init(self: Any, ast: Ast, ctx: Any = None) -> None:
    self.ast = ast
    self.ctx = ctx if ctx is not None else _CONTEXT
    # Sorts and functions are counted as terms are: z3's handles of all are one pointer.
    _inc_ref(self.ctx.ctx, ast)


def _del(self: Any) -> None:
    context = self.ctx.ctx
    if context is not None and self.ast is not None:
        _dec_ref(context, self.ast)
        self.ast = None


def _id(self: Any) -> int:
    return _ast_id(self.ctx.ctx, self.ast)  # type: ignore[no-any-return]


_own_term: Final = z3.z3._to_expr_ref


def _term(ast: Ast, ctx: Any) -> Any:
    """The Python object of a handle."""
    if not isinstance(ast, z3.Pattern):
        ref = ctx.ctx
        sort = _sort_kind(ref, _sort(ref, ast))
        if sort == z3.Z3_BOOL_SORT and _ast_kind(ref, ast) == z3.Z3_APP_AST:
            return z3.BoolRef(ast, ctx)
        if sort == z3.Z3_INT_SORT:
            number = _ast_kind(ref, ast) == z3.Z3_NUMERAL_AST
            return (z3.IntNumRef if number else z3.ArithRef)(ast, ctx)
    return _own_term(ast, ctx)


def _here(kinds: frozenset[Any], *terms: Any) -> bool:
    """All are terms of these Python types and of the main context."""
    for term in terms:  # noqa: SIM110 - a generator takes twice as long.
        if type(term) not in kinds or term.ctx is not _CONTEXT:
            return False
    return True


_TRUTH: Final = frozenset({z3.BoolRef})


def _handles(terms: Sequence[Any]) -> Any:
    return (z3.Ast * len(terms))(*[term.ast for term in terms])


def _joined(make: Callable[..., Ast], own: Callable[..., Any]) -> Callable[..., Any]:
    """`And` and `Or`."""

    def joined(*args: Any) -> Any:
        terms = args[0] if len(args) == 1 and type(args[0]) in (list, tuple) else args
        if not terms or not _here(_TRUTH, *terms):
            return own(*args)
        return z3.BoolRef(make(_REF, len(terms), _handles(terms)), _CONTEXT)

    return joined


_own_not, _own_implies, _own_if = z3.Not, z3.Implies, z3.If


def _not(a: Any, ctx: Any = None) -> Any:
    if ctx is None and _here(_TRUTH, a):
        return z3.BoolRef(z3core.Z3_mk_not(_REF, a.ast), _CONTEXT)
    return _own_not(a, ctx)


def _implies(a: Any, b: Any, ctx: Any = None) -> Any:
    if ctx is None and _here(_TRUTH, a, b):
        return z3.BoolRef(z3core.Z3_mk_implies(_REF, a.ast, b.ast), _CONTEXT)
    return _own_implies(a, b, ctx)


def _if(a: Any, b: Any, c: Any, ctx: Any = None) -> Any:
    alike = _here(_NUMBERS, b, c) or _here(_TRUTH, b, c)
    if ctx is None and _here(_TRUTH, a) and alike:
        return _term(z3core.Z3_mk_ite(_REF, a.ast, b.ast, c.ast), _CONTEXT)
    return _own_if(a, b, c, ctx)


def _number(value: Any) -> Any:
    """A number beside a term: as it is, or made a term; None where it is neither."""
    if type(value) is int:
        return z3.IntVal(value)
    return value if _here(_NUMBERS, value) else None


def _computed(
    make: Callable[..., Ast], own: Callable[..., Any], *, turned: bool = False
) -> Callable[..., Any]:
    """An operator that makes a number of two; `turned` with the second one first."""

    def computed(self: Any, other: Any) -> Any:
        number = _number(other) if _here(_NUMBERS, self) else None
        if number is None:
            return own(self, other)
        pair = (number, self) if turned else (self, number)
        return z3.ArithRef(make(_REF, 2, _handles(pair)), _CONTEXT)

    return computed


def _compared(make: Callable[..., Ast], own: Callable[..., Any]) -> Callable[..., Any]:
    def compared(self: Any, other: Any) -> Any:
        number = _number(other) if _here(_NUMBERS, self) else None
        if number is None:
            return own(self, other)
        return z3.BoolRef(make(_REF, self.ast, number.ast), _CONTEXT)

    return compared


_own_equal: Final = z3.ExprRef.__eq__


def _equal(self: Any, other: Any) -> Any:
    if _here(_NUMBERS, self):
        number = _number(other)
        if number is not None:
            return z3.BoolRef(z3core.Z3_mk_eq(_REF, self.ast, number.ast), _CONTEXT)
    elif _here(_TRUTH, self, other):
        return z3.BoolRef(z3core.Z3_mk_eq(_REF, self.ast, other.ast), _CONTEXT)
    return _own_equal(self, other)


_own_call: Final = z3.FuncDeclRef.__call__


def _call(self: Any, *args: Any) -> Any:
    # z3 looks whether the function takes as many, and integers.
    if args and self.ctx is _CONTEXT and _here(_NUMBERS, *args) and self.arity() == len(args):
        return _term(z3core.Z3_mk_app(_REF, self.ast, len(args), _handles(args)), _CONTEXT)
    return _own_call(self, *args)


def _is_app(a: Any) -> bool:
    if not isinstance(a, z3.ExprRef):
        return False
    return _ast_kind(a.ctx.ctx, a.ast) in (z3.Z3_APP_AST, z3.Z3_NUMERAL_AST)


def _is_app_of(a: Any, kind: int) -> bool:
    return _is_app(a) and _kind(a) == kind


def _kind(self: Any) -> int:
    ref = self.ctx.ctx
    return _decl_kind(ref, _decl(ref, self.ast))  # type: ignore[no-any-return]


def _children(self: Any) -> list[Any]:
    if not _is_app(self):
        return []
    ref, ast, ctx = self.ctx.ctx, self.ast, self.ctx
    return [_term(_argument(ref, ast, at), ctx) for at in range(_count(ref, ast))]


_own_add, _own_track = z3.Solver.assert_exprs, z3.Solver.assert_and_track


def _add(self: Any, *args: Any) -> None:
    if self.ctx is _CONTEXT and _here(_TRUTH, *args):
        for term in args:
            z3core.Z3_solver_assert(_REF, self.solver, term.ast)
    else:
        _own_add(self, *args)


def _track(self: Any, a: Any, p: Any) -> None:
    if self.ctx is _CONTEXT and _here(_TRUTH, a, p) and _is_app(p) and not _count(_REF, p.ast):
        z3core.Z3_solver_assert_and_track(_REF, self.solver, a.ast, p.ast)
    else:
        _own_track(self, a, p)


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "And": _joined(z3core.Z3_mk_and, z3.And),
    "Or": _joined(z3core.Z3_mk_or, z3.Or),
    "Not": _not,
    "Implies": _implies,
    "If": _if,
    "is_app": _is_app,
    "is_app_of": _is_app_of,
}
_METHODS: Final[dict[Any, dict[str, Callable[..., Any]]]] = {
    z3.AstRef: {"__init__": _init, "__del__": _del},
    z3.ExprRef: {"get_id": _id, "__eq__": _equal, "kind": _kind, "children": _children},
    z3.FuncDeclRef: {"__call__": _call},
    z3.Solver: {"assert_exprs": _add, "assert_and_track": _track},
    z3.ArithRef: {
        "__add__": _computed(z3core.Z3_mk_add, z3.ArithRef.__add__),
        "__radd__": _computed(z3core.Z3_mk_add, z3.ArithRef.__radd__, turned=True),
        "__sub__": _computed(z3core.Z3_mk_sub, z3.ArithRef.__sub__),
        "__rsub__": _computed(z3core.Z3_mk_sub, z3.ArithRef.__rsub__, turned=True),
        "__mul__": _computed(z3core.Z3_mk_mul, z3.ArithRef.__mul__),
        "__rmul__": _computed(z3core.Z3_mk_mul, z3.ArithRef.__rmul__, turned=True),
        "__lt__": _compared(z3core.Z3_mk_lt, z3.ArithRef.__lt__),
        "__le__": _compared(z3core.Z3_mk_le, z3.ArithRef.__le__),
        "__gt__": _compared(z3core.Z3_mk_gt, z3.ArithRef.__gt__),
        "__ge__": _compared(z3core.Z3_mk_ge, z3.ArithRef.__ge__),
    },
}
