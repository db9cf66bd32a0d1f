"""Theorems about the helpers of `model.arithmetic`, said without them.

Rules and claims use the same helpers, so a wrong helper could make a wrong rule look right. Here
each is claimed to mean what its name says, in products and quotients alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic

from model.arithmetic import (
    U64_MASK,
    W,
    align_down,
    align_up,
    ceil_div,
    is_aligned,
    maximum,
    minimum,
)
from smt_proofs.decision.theorem import Arithmetic, Hints, Hypothesis, Outside, Theorem, register
from smt_proofs.lemmas.products import multiple_has_no_remainder
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.terms import IntTerms


@dataclass(frozen=True, slots=True)
class TwoWords(Generic[W]):
    """A word to be rounded and what it is rounded to, or two words to choose from."""

    n: W
    m: W


def any_two_words(d: Terms) -> TwoWords[Any]:
    """All pairs of words."""
    return TwoWords(d.word("n"), d.word("m"))


DIVISOR_SET: Final = Hypothesis(
    "divisor-set",
    "m >= 1",
    "nothing is a multiple of 0, and C does not define the division",
    lambda d, c: d.le(d.lit(1), c.m),
)
SUM_FITS: Final = Hypothesis(
    "sum-fits",
    "n + m - 1 < 2^64",
    "the rounded value may lie above all words otherwise",
    lambda d, c: d.le(c.n, d.sub(d.lit(U64_MASK), d.sub(c.m, d.lit(1)))),
)


def multiple(d: Any, value: Any, m: Any) -> Any:
    """m divides the value, by the definition of a quotient."""
    return d.eq(d.mul(d.div(value, m), m), value)


def rounds_up(d: Any, c: TwoWords[Any]) -> Any:
    """The result is a multiple of m, not below n, and n + m lies above it."""
    up = align_up(d, c.n, c.m)
    near = d.both(d.le(c.n, up), d.lt(d.sub(up, d.select(d.le(c.n, up), c.n, up)), c.m))
    return d.both(multiple(d, up, c.m), near)


def rounds_down(d: Any, c: TwoWords[Any]) -> Any:
    """The result is a multiple of m, not above n, and less than m below it."""
    down = align_down(d, c.n, c.m)
    near = d.both(d.le(down, c.n), d.lt(d.sub(c.n, d.select(d.le(down, c.n), down, c.n)), c.m))
    return d.both(multiple(d, down, c.m), near)


def counts_shares(d: Any, c: TwoWords[Any]) -> Any:
    """So many shares of m cover n, and one less does not."""
    covered = d.mul(ceil_div(d, c.n, c.m), c.m)
    enough = d.le(c.n, covered)
    return d.both(enough, d.lt(d.sub(covered, d.select(enough, c.n, covered)), c.m))


def tells_multiples(d: Any, c: TwoWords[Any]) -> Any:
    """n counts as aligned if and only if m divides it."""
    return d.same_truth(is_aligned(d, c.n, c.m), multiple(d, c.n, c.m))


def chooses_smaller(d: Any, c: TwoWords[Any]) -> Any:
    """The minimum is one of both and above neither."""
    least = minimum(d, c.n, c.m)
    return d.both(d.both(d.le(least, c.n), d.le(least, c.m)), one_of_both(d, least, c))


def chooses_larger(d: Any, c: TwoWords[Any]) -> Any:
    """The maximum is one of both and below neither."""
    most = maximum(d, c.n, c.m)
    return d.both(d.both(d.le(c.n, most), d.le(c.m, most)), one_of_both(d, most, c))


def one_of_both(d: Any, value: Any, c: TwoWords[Any]) -> Any:
    """The value is n or m."""
    return d.either(d.eq(value, c.n), d.eq(value, c.m))


def of_multiple(
    rounded: Callable[[IntTerms, Term, Term], Term],
) -> Callable[[IntTerms, TwoWords[Any]], Hints]:
    """The rounded value is a product by m, and so leaves no remainder."""

    def hints(d: IntTerms, c: TwoWords[Any]) -> Hints:
        value = rounded(d, c.n, c.m)
        quotient = d.divided(dividend(d, c, value), c.m)[0]
        return [(multiple_has_no_remainder, (value, c.m, quotient, *d.divided(value, c.m)))]

    def dividend(d: IntTerms, c: TwoWords[Any], value: Term) -> Term:
        return c.n if rounded is align_down else c.n + (c.m - 1)

    return hints


NOTHING: Final = Outside("divisor-set", TwoWords(0, 0), "there are no multiples of 0")
TOO_FAR: Final = Outside("sum-fits", TwoWords(U64_MASK, 2), "the next multiple of 2 is 2^64")
ROUNDING: Final = (DIVISOR_SET, SUM_FITS)


def helper(
    name: str,
    claim: str,
    source: str,
    goal: Callable[[Any, TwoWords[Any]], Any],
    mutants: tuple[str, ...],
    outside: tuple[Outside[TwoWords[int]], ...] = (),
    hints: Callable[[IntTerms, TwoWords[Any]], Hints] | None = None,
) -> None:
    """Register a theorem over two words, assuming what has a witness outside."""
    shown = {witness.hypothesis for witness in outside}
    register(
        Theorem(
            name=name,
            claim=claim,
            source=source,
            arithmetic=Arithmetic.INTEGERS,
            inputs=any_two_words,
            over="all pairs of 64-bit words",
            hypotheses=tuple(h for h in ROUNDING if h.name in shown),
            goal=goal,
            mutants=mutants,
            outside=outside,
            hints=hints,
        )
    )


helper(
    "align_up_is_next_multiple",
    "aligning n up to m gives the smallest multiple of m not below n",
    "QEMU_ALIGN_UP",
    rounds_up,
    ("align-up-rounds-down", "align-up-one-too-far"),
    (NOTHING, TOO_FAR),
    of_multiple(align_up),
)
helper(
    "align_down_is_last_multiple",
    "aligning n down to m gives the largest multiple of m not above n",
    "QEMU_ALIGN_DOWN",
    rounds_down,
    ("align-down-keeps-rest",),
    (NOTHING,),
    of_multiple(align_down),
)
helper(
    "ceil_div_counts_shares",
    "dividing n by m and rounding up gives the number of shares of m that cover n",
    "the quotient (n + m - 1) / m of the patch",
    counts_shares,
    ("ceil-div-rounds-down",),
    (NOTHING, TOO_FAR),
)
helper(
    "is_aligned_tells_multiples",
    "n is aligned to m if and only if m divides n",
    "QEMU_IS_ALIGNED",
    tells_multiples,
    ("everything-aligned",),
    (NOTHING,),
)
helper(
    "minimum_is_smaller_of_both",
    "the minimum of two numbers is one of them, and not above either",
    "MIN",
    chooses_smaller,
    ("minimum-is-larger",),
)
helper(
    "maximum_is_larger_of_both",
    "the maximum of two numbers is one of them, and not below either",
    "MAX",
    chooses_larger,
    ("maximum-is-smaller",),
)
