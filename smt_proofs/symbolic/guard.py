"""Terms that Python may not decide about: a rule branches through its domain or not at all.

z3 lets Python ask whether a term is true and answers by its shape: `if d.eq(a, b)` would take one
way without a word about the other. Here every such question is an error.
"""

from __future__ import annotations

from typing import NoReturn

import z3


def refuse(self: object) -> NoReturn:
    """Python asked for the truth of a term, or for its place in a set or dictionary."""
    raise TypeError("a rule asks its domain (d.test, d.eq): Python cannot decide about a term")


def refuse_comparison(self: object, other: object) -> NoReturn:
    """Python compared words: `==`, `!=`, or `in` among them."""
    refuse(self)


class Undecided:
    """A word that Python neither compares nor asks for its truth."""

    __slots__ = ()
    __bool__ = refuse
    __eq__ = refuse_comparison
    __ne__ = refuse_comparison
    __hash__ = refuse


def guard_terms() -> None:
    """Have z3's terms refuse from here on, in this process."""
    z3.AstRef.__bool__ = refuse
    z3.ExprRef.__bool__ = refuse
    z3.BoolRef.__bool__ = refuse
