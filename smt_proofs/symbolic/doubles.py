"""Whole numbers as C doubles, exactly, in integer arithmetic.

Each function says what a result is by all cases there are: what it defines is satisfiable by
exactly one result for all operands. Products by a power of two are no products to a solver, so a
case is linear but for the one product of a quotient's steps.
"""

from __future__ import annotations

from typing import Final

import z3

from smt_proofs.solving.solve import Term

DIGITS: Final = 53
"""Significant bits of a double."""
EXACT: Final = 1 << DIGITS
"""All whole numbers up to this one are doubles."""
PRODUCT: Final = 97
"""Bits of the largest product rounded: of 32 bits, by a double that stands for a word."""
UINT: Final = 32
"""Bits of the unsigned int that a quotient is stored to."""


def _nearest(n: Term, unit: Term, steps: Term, half: Term) -> Term:
    """`steps` times `unit` is nearest to n; halfway between two, steps is even: twice `half`."""
    off = 2 * (n - steps * unit)
    tie = z3.And(z3.Or(off == unit, off == -unit), steps == 2 * half)
    return z3.Or(z3.And(off < unit, -unit < off), tie)


def rounded(n: Term, bits: int, result: Term, steps: Term, half: Term) -> Term:
    """`result` is the double nearest to n, 0 <= n < 2^bits; `steps` counts its last place."""
    cases = [z3.And(n < EXACT, result == n)]
    for shift in range(1, bits - DIGITS + 1):
        unit = 1 << shift
        place = z3.And(n >= (EXACT >> 1) * unit, n < EXACT * unit)
        near = _nearest(n, z3.IntVal(unit), steps, half)
        cases.append(z3.And(place, near, result == steps * unit))
    return z3.Or(cases)


def quotient_scales() -> range:
    """Of a quotient from 1/2 up to 2^UINT, which power of two times it has DIGITS bits."""
    return range(DIGITS, DIGITS - 1 - UINT, -1)


def rounded_quotient(a: Term, b: Term, result: Term, steps: Term, half: Term) -> Term:
    """`result` is the whole part of the double nearest to a / b, for 0 <= a < 2^UINT * b.

    The double has `steps` times its last place; below 1/2 it has no whole part.
    """
    cases = [z3.And(2 * a < b, result == 0)]
    for scale in quotient_scales():
        unit, shift = 1 << scale, DIGITS - 1 - scale
        low = a * (1 << -shift) >= b if shift < 0 else a >= b * (1 << shift)
        high = a * (1 << -shift) < 2 * b if shift < 0 else a < 2 * b * (1 << shift)
        # Steps of 1 / unit: a / b is nearest to steps / unit.
        near = _nearest(a * unit, b, steps, half)
        whole = z3.And(result * unit <= steps, steps < result * unit + unit)
        cases.append(z3.And(low, high, near, whole))
    return z3.Or(cases)
