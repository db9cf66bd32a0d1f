"""The symbolic domains at literal values: they say what machine integers and their sets say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import z3
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.extents import Extents
from model.machine_ints import INTS
from smt_proofs.solving.opaque import TIMES, opaque
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.paths import Script, explore
from smt_proofs.symbolic.radix import Bytes, Count, Literal, RadixTerms, Word
from smt_proofs.symbolic.terms import IntTerms
from smt_proofs.transitions.sets import Members, SetTerms
from smt_proofs.transitions.statements import Kind

LIMIT = 1 << 64
QUICK = settings(deadline=None, max_examples=25)


def number(value: int) -> Term:
    return z3.IntVal(value)


# Words.


@st.composite
def radix_words(draw: st.DrawFn) -> tuple[int, int, int]:
    """A block size, and two 64-bit words."""
    block = 1 << draw(st.integers(1, 48))
    near = st.integers(0, 3).map(lambda n: n * block)
    word = st.one_of(
        st.integers(0, LIMIT - 1),
        near,
        st.tuples(near, st.integers(-2, 2)).map(lambda p: max(p[0] + p[1], 0)),
        near.map(lambda n: LIMIT - 1 - n),
    )
    return block, draw(word), draw(word)


def as_bytes(value: int, block: int) -> Bytes:
    return Bytes(number(value // block), number(value % block))


def value_of(word: Word, block: int) -> Term:
    if isinstance(word, Bytes):
        return word.blocks * block + word.rest
    return word.term if isinstance(word, Count) else number(word.value)


def agrees(
    block: int, evaluate: Callable[[Any, Any, Any], Any], operands: tuple[Any, Any], want: Any
) -> None:
    """Evaluated on every path, with the duties met, the value is the one wanted."""

    def run(script: Script) -> tuple[RadixTerms, Any]:
        d = RadixTerms(script)
        return d, evaluate(d, *operands)

    reached = 0
    for d, found in explore(run):
        solver = z3.Solver()
        solver.add(d.block_term == block, 2 * d.half * block == LIMIT)
        solver.add(*d.facts, *d.path, *(duty.condition for duty in d.duties))
        reached += solver.check() == z3.sat
        got = found if z3.is_bool(found) else value_of(found, block)
        solver.add(got != want)
        assert solver.check() == z3.unsat
    assert reached <= 1
    exact = evaluate(INTS, *(value_at(each, block) for each in operands)) == want
    assert exact


def value_at(word: Any, block: int) -> int:
    if isinstance(word, Bytes):
        return int(word.blocks.as_long()) * block + int(word.rest.as_long())
    return int(word.value) if isinstance(word, Literal) else int(word.term.as_long())


OPERATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda d, a, b: d.add(a, b),
    "wrapping_add": lambda d, a, b: d.wrapping_add(a, b),
    "sub": lambda d, a, b: d.sub(a, b),
    "eq": lambda d, a, b: d.eq(a, b),
    "lt": lambda d, a, b: d.lt(a, b),
    "le": lambda d, a, b: d.le(a, b),
    "select": lambda d, a, b: d.select(d.lt(a, b), b, a),
}
BY_BLOCKS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "div": lambda d, a, b: d.div(a, b),
    "mod": lambda d, a, b: d.mod(a, b),
}


@QUICK
@given(radix_words(), st.sampled_from(sorted(OPERATIONS)))
def test_words_in_blocks_agree_with_machine_integers(
    words: tuple[int, int, int], name: str
) -> None:
    block, a, b = words
    operate = OPERATIONS[name]
    agrees(block, operate, (as_bytes(a, block), as_bytes(b, block)), operate(INTS, a, b))


@QUICK
@given(radix_words(), st.integers(0, 1), st.sampled_from(sorted(OPERATIONS)))
def test_literals_among_bytes_agree_with_machine_integers(
    words: tuple[int, int, int], value: int, name: str
) -> None:
    block, a, _ = words
    operate = OPERATIONS[name]
    agrees(block, operate, (as_bytes(a, block), Literal(value)), operate(INTS, a, value))


@QUICK
@given(radix_words(), st.sampled_from(sorted(BY_BLOCKS)))
def test_division_by_whole_blocks_agrees_with_machine_integers(
    words: tuple[int, int, int], name: str
) -> None:
    block, a, b = words
    whole = b // block * block
    assume(whole)
    operate = BY_BLOCKS[name]
    divisor = Bytes(number(whole // block))
    agrees(block, operate, (as_bytes(a, block), divisor), operate(INTS, a, whole))


@QUICK
@given(radix_words(), st.integers(0, 1 << 20))
def test_products_with_whole_blocks_agree_with_machine_integers(
    words: tuple[int, int, int], factor: int
) -> None:
    block, a, _ = words
    whole = Bytes(number(a // block))
    product = factor * (a // block * block)
    assume(product < LIMIT)
    operate = lambda d, x, y: d.mul(x, y)  # noqa: E731
    agrees(block, operate, (Count(number(factor)), whole), product)


def fails(evaluate: Callable[[RadixTerms], Any], block: int) -> bool:
    """Some duty of a path that is taken is not met."""

    def run(script: Script) -> RadixTerms:
        d = RadixTerms(script)
        evaluate(d)
        return d

    for d in explore(run):
        solver = z3.Solver()
        solver.add(d.block_term == block, 2 * d.half * block == LIMIT, *d.facts, *d.path)
        for duty in d.duties:
            solver.push()
            solver.add(z3.Not(duty.condition))
            if solver.check() == z3.sat:
                return True
            solver.pop()
    return False


@QUICK
@given(radix_words())
def test_a_duty_fails_exactly_where_a_word_wraps(words: tuple[int, int, int]) -> None:
    block, a, b = words
    x, y = as_bytes(a, block), as_bytes(b, block)
    assert fails(lambda d: d.add(x, y), block) == (a + b >= LIMIT)
    assert fails(lambda d: d.sub(x, y), block) == (a < b)
    assert not fails(lambda d: d.wrapping_add(x, y), block)


# Sets.

SIZE = 5
indices = st.integers(0, SIZE)
extents = st.lists(st.tuples(indices, st.integers(1, 3)), max_size=2).map(
    lambda runs: Extents.of_ranges([(a, a + n) for a, n in runs])
)


class Pinned:
    """Sets of which every membership is known, and what a solver then says."""

    def __init__(self) -> None:
        self.d = SetTerms(Script([]))
        self.known: list[Term] = [self.d.slot_count == 5]

    def set(self, items: Extents, kind: Kind) -> Members:
        """A set of known members; statements are used at every index that matters."""
        for index in range(SIZE + 4):
            self.d.subject(kind, number(index))
        inside = list(items.members(0, 2 * SIZE))
        return Members(kind, lambda i: z3.Or(*(i == each for each in inside)), number(len(items)))

    def must(self, *claims: tuple[Term, Any]) -> None:
        """Each claim has the value wanted, and what is known does not contradict itself."""
        d = self.d
        solver = z3.Solver()
        solver.add(*self.known, *(term for _, term in d.instances()), *d.facts, *d.path)
        assert solver.check() == z3.sat
        for claim, want in claims:
            solver.push()
            solver.add(claim != want)
            assert solver.check() == z3.unsat
            solver.pop()

    def count(self, value: int) -> Count:
        return Count(number(value))


CHANGES = ("filled", "cleared", "dropped", "chosen")


def odd(d: Any, index: Any) -> Any:
    """A test of a loop body: the index is one of 1, 2, 5."""
    return d.either(d.eq(index, d.lit(5)), d.both(d.le(d.lit(1), index), d.lt(index, d.lit(3))))


@QUICK
@given(extents, indices, indices, st.sampled_from(CHANGES), st.sampled_from(Kind))
def test_changed_sets_have_the_members_of_executed_ones(
    items: Extents, start: int, end: int, change: str, kind: Kind
) -> None:
    pinned = Pinned()
    before = pinned.set(items, kind)
    d = pinned.d
    bounds = pinned.count(start), pinned.count(end)
    if change in ("filled", "cleared"):
        after = getattr(d, change)(before, *bounds)
        want = getattr(INTS, change)(items, start, end)
    else:
        after = getattr(d, change)(before, *bounds, lambda i: odd(d, i))
        want = getattr(INTS, change)(items, start, end, lambda i: odd(INTS, i))
    pinned.must(*((d.member(after, pinned.count(i)), i in want) for i in range(SIZE + 4)))


@QUICK
@given(extents, indices, indices)
def test_numbers_of_members_are_those_of_executed_sets(
    items: Extents, start: int, end: int
) -> None:
    """Where the lemmas tell the number: a range of gaps is filled, a range of members cleared."""
    pinned = Pinned()
    d = pinned.d
    before = pinned.set(items, Kind.BLOCK)
    bounds = pinned.count(start), pinned.count(end)
    same = [(d.count(before), len(items))]
    if start <= end and items.none_in(start, end):
        same.append((d.count(d.filled(before, *bounds)), len(items.with_range(start, end))))
    if start <= end and items.all_in(start, end):
        same.append((d.count(d.cleared(before, *bounds)), len(items.without_range(start, end))))
    pinned.must(*((d.eq(found, pinned.count(want)), True) for found, want in same))


@QUICK
@given(extents, extents, indices, indices, st.integers(0, 6))
def test_statements_about_all_members_are_true_and_false_as_executed(
    items: Extents, others: Extents, start: int, end: int, which: int
) -> None:
    pinned = Pinned()
    d = pinned.d
    a = pinned.set(items, Kind.BLOCK)
    b = pinned.set(others, Kind.SLOT if which == 5 else Kind.BLOCK)
    bounds = pinned.count(start), pinned.count(end)
    statements: list[Callable[[], tuple[Term, bool]]] = [
        lambda: (d.all_in(a, *bounds), items.all_in(start, end)),
        lambda: (d.none_in(a, *bounds), items.none_in(start, end)),
        lambda: (d.all_below(a, bounds[1]), INTS.all_below(items, end)),
        lambda: (d.same_members(a, b), items == others),
        lambda: (
            d.every_member(a, lambda i: odd(d, i)),
            INTS.every_member(items, lambda i: odd(INTS, i)),
        ),
        lambda: (
            d.every_index(bounds[1], lambda i: d.member(b, i)),
            INTS.every_index(end, lambda i: i in others),
        ),
        # A statement about all members in one about all members.
        lambda: (
            d.every_member(a, lambda i: d.negate(d.none_in(b, i, d.add(i, d.lit(2))))),
            INTS.every_member(items, lambda i: not others.none_in(i, i + 2)),
        ),
    ]
    said, want = statements[which]()
    pinned.must((said, want), (d.negate(said), not want))


@QUICK
@given(extents, extents, st.integers(1, 4))
def test_groups_of_members_are_those_of_executed_sets(
    blocks: Extents, slots: Extents, group: int
) -> None:
    pinned = Pinned()
    d = pinned.d
    pinned.known.append(d.group == group)
    plugged = pinned.set(blocks, Kind.BLOCK)
    mapped = pinned.set(slots, Kind.SLOT)
    inside = d.groups_within(plugged, pinned.count(group), mapped)
    grown = d.with_groups(mapped, plugged, pinned.count(group))
    want = INTS.with_groups(slots, blocks, group)
    pinned.must(
        (inside, INTS.groups_within(blocks, group, slots)),
        *((d.member(grown, pinned.count(slot)), slot in want) for slot in (0, 1, 3)),
    )


# Products.

X, Y, Z = z3.Ints("x y z")


def terms(depth: int) -> st.SearchStrategy[Term]:
    if depth == 0:
        return st.sampled_from([X, Y, Z, z3.IntVal(2), z3.IntVal(-3), z3.IntVal(1), z3.IntVal(0)])
    part = terms(depth - 1)
    return st.one_of(
        part,
        st.tuples(part, part).map(lambda p: p[0] * p[1]),
        st.tuples(part, part).map(lambda p: p[0] + p[1]),
        st.tuples(part, part).map(lambda p: p[0] - p[1]),
        part.map(lambda t: -t),
        st.tuples(part, part).map(lambda p: z3.If(p[0] < p[1], p[0], p[1])),
    )


@settings(deadline=None, max_examples=150)
@given(terms(3), *(st.integers(-4, 4) for _ in range(3)))
def test_opaque_products_only_forget(term: Term, x: int, y: int, z: int) -> None:
    """With `times` read as the product, the opaque term has the value of the real one: a model of
    the real formula is one of the opaque formula, so what contradicts itself opaquely does."""
    values = [(X, number(x)), (Y, number(y)), (Z, number(z))]
    real = z3.simplify(z3.substitute(term, *values))
    read = z3.substitute_funs(
        opaque(term), (TIMES, z3.Var(0, z3.IntSort()) * z3.Var(1, z3.IntSort()))
    )
    assert z3.simplify(z3.substitute(read, *values)).eq(real)


# Doubles.


@st.composite
def near_doubles(draw: st.DrawFn, bits: int) -> int:
    """A number around a place where doubles lie, or halfway between two."""
    shift = draw(st.integers(0, bits - 54))
    digits = draw(st.integers(1 << 52, (1 << 53) - 1) | st.sampled_from([1, 3, (1 << 53) - 1]))
    half = (1 << shift) // 2
    return max((digits << shift) + draw(st.sampled_from([0, 1, -1, half, half + 1, half - 1])), 0)


def only_value(evaluate: Callable[[IntTerms], Term], want: int) -> None:
    """At literals the definition has one result, which is the machine's."""

    def run(script: Script) -> tuple[IntTerms, Term]:
        d = IntTerms(script)
        return d, evaluate(d)

    for d, found in explore(run):
        solver = z3.Solver()
        solver.add(*d.facts, *d.path, *(duty.condition for duty in d.duties))
        assert solver.check(found == want) == z3.sat
        assert solver.check(found != want) == z3.unsat


@QUICK
@given(near_doubles(64), near_doubles(64), st.integers(0, (1 << 32) - 1))
def test_doubles_are_those_of_the_machine(a: int, b: int, few: int) -> None:
    only_value(lambda d: d.double(number(a)), INTS.double(a))
    small, large, times = INTS.double(a), INTS.double(b), INTS.double(few)
    product = INTS.double_product(times, small)
    only_value(lambda d: d.double_product(number(times), number(small)), product)
    if large and product < large << 32:
        quotient = INTS.double_quotient(product, large)
        only_value(lambda d: d.double_quotient(number(product), number(large)), quotient)


@pytest.mark.parametrize(
    ("a", "b"),
    [(0, 3), (1, 3), ((1 << 60) - 1, 1 << 60), (1, 1 << 64), ((1 << 53) - 1, 1), (255, 256)],
)
def test_quotients_at_the_edge_of_a_whole_number(a: int, b: int) -> None:
    """One part in 2^60 less than the whole is rounded up to it."""
    a, b = INTS.double(a), INTS.double(b)
    if a < b << 32:
        want = INTS.double_quotient(a, b)
        only_value(lambda d: d.double_quotient(number(a), number(b)), want)


def test_a_wrong_rounding_is_noticed() -> None:
    with pytest.raises(AssertionError):
        only_value(lambda d: d.double(number((1 << 53) + 1)), (1 << 53) + 2)
