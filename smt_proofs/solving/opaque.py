"""Products made opaque: `times`, a function of which nothing is known.

Forgetting what a product is only adds models, so what is contradictory stays so; and it leaves
linear arithmetic with uninterpreted functions, which solvers decide. What a proof needs to know of
a product comes in as an instance of a lemma.
"""

from __future__ import annotations

from typing import Any, Final

import z3

from smt_proofs.solving.memo import Memo
from smt_proofs.solving.solve import Term

TIMES: Final = z3.Function("times", z3.IntSort(), z3.IntSort(), z3.IntSort())

# Terms by id. They stay alive here, and with them their parts: z3 reuses the ids of freed terms.
_rewritten: Final = Memo[int, tuple[Term, Term]]()
_products: Final = Memo[int, tuple[Term, ...]]()
_names: Final = Memo[int, tuple[Term, str]]()


def opaque(term: Term) -> Term:
    """The term with every product of two unknown integers opaque."""
    key = term.get_id()
    if key not in _rewritten:
        found = _products_in(term.as_ast(), term)
        pairs = [(each, _opaque_product(each)) for each in found]
        _rewritten[key] = (term, z3.substitute(term, *pairs) if pairs else term)
    return _rewritten[key][1]


def _products_in(ast: Any, whole: Term) -> tuple[Term, ...]:
    """The products within a term that lie in no other one; `ast` is z3's own handle of the part of
    `whole` looked at. Most terms hold few, and a Python object for each part costs more than all
    the rest."""
    context = whole.ctx.ref()
    key = z3.Z3_get_ast_id(context, ast)
    if key not in _products:
        found: tuple[Term, ...] = ()
        if z3.Z3_get_ast_kind(context, ast) == z3.Z3_APP_AST:
            kind = z3.Z3_get_decl_kind(context, z3.Z3_get_app_decl(context, ast))
            parts = range(z3.Z3_get_app_num_args(context, ast))
            if kind == z3.Z3_OP_MUL:
                found = (z3.ArithRef(ast, whole.ctx),)
            else:
                each = (_products_in(z3.Z3_get_app_arg(context, ast, n), whole) for n in parts)
                found = tuple({p.get_id(): p for some in each for p in some}.values())
        _products[key] = found
    return _products[key]


def _opaque_product(product: Term) -> Term:
    key = product.get_id()
    if key not in _rewritten:
        whole, *others = product.children()
        first = opaque(whole)
        for other in others:
            first = _times(first, opaque(other))
        _rewritten[key] = (product, first)
    return _rewritten[key][1]


def _times(a: Term, b: Term) -> Term:
    """a * b: sums are multiplied out, so that equal products look alike."""
    for one, other in ((a, b), (b, a)):
        if z3.is_int_value(one):
            return other if one.as_long() == 1 else one * other
        if z3.is_add(one):
            return z3.Sum([_times(part, other) for part in one.children()])
        if z3.is_sub(one):
            first, *rest = (_times(part, other) for part in one.children())
            for part in rest:
                first = first - part
            return first
        if z3.is_mul(one):
            # What is left of a product is a literal times an unknown.
            literal, unknown = one.children()
            return literal * _times(unknown, other)
    # Inputs go before the unknowns that a rule's evaluation named: equal unknowns then stand in
    # the same place, and their products are equal to a solver that knows nothing of products.
    low, high = sorted((a, b), key=_order)
    return TIMES(low, high)


def _order(term: Term) -> tuple[bool, str]:
    key = term.get_id()
    if key not in _names:
        _names[key] = (term, term.sexpr())
    name = _names[key][1]
    return "!" in name, name
