"""Scripts with bit-vectors become clauses that mean the same, and their refutations are checked."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import pytest

from smt_proofs.book.work import THEOREMS
from smt_proofs.certificates import drat
from smt_proofs.certificates.bits import Clauses, clauses_of
from smt_proofs.certificates.circuits import Bits, Circuit
from smt_proofs.certificates.makers import DRAT, certify, maker_of
from smt_proofs.decision.prover import prove
from smt_proofs.solving.means import ORDINARY, Decider
from smt_proofs.solving.written import OPERATORS

WIDTH: Final = 3
MASK: Final = (1 << WIDTH) - 1
WORDS: Final[dict[str, Callable[[int, int], int]]] = {
    "(bvadd a b)": lambda a, b: (a + b) & MASK,
    "(bvsub a b)": lambda a, b: (a - b) & MASK,
    "(bvmul a b)": lambda a, b: a * b & MASK,
    "(bvadd (_ bv5 3) b)": lambda a, b: (5 + b) & MASK,
    "(bvsub a (_ bv5 3))": lambda a, b: (a - 5) & MASK,
    "(bvmul a (_ bv5 3))": lambda a, b: a * 5 & MASK,
    "((_ zero_extend 1) ((_ extract 2 1) a))": lambda a, b: a >> 1,
    "((_ zero_extend 2) ((_ extract 0 0) b))": lambda a, b: b & 1,
    "(ite (bvult a b) a b)": min,
    "(let ((x (bvadd a b)) (y a)) (bvadd x y))": lambda a, b: (2 * a + b) & MASK,
}
TRUTHS: Final[dict[str, Callable[[int, int], bool]]] = {
    "(bvult a b)": lambda a, b: a < b,
    "(bvule a b)": lambda a, b: a <= b,
    "(bvugt a b)": lambda a, b: a > b,
    "(bvuge a b)": lambda a, b: a >= b,
    "(= a b)": lambda a, b: a == b,
    "(distinct a b)": lambda a, b: a != b,
    "(bvult a (_ bv5 3))": lambda a, b: a < 5,
    "(not (= a (_ bv5 3)))": lambda a, b: a != 5,
    "(and (bvult a b) (bvult (_ bv1 3) a) true)": lambda a, b: 1 < a < b,
    "(or (bvult a b) (= b (_ bv0 3)) false)": lambda a, b: a < b or b == 0,
    "(=> (bvult a b) (= b (_ bv7 3)))": lambda a, b: a >= b or b == 7,
    "(xor (bvult a b) (bvult a (_ bv4 3)))": lambda a, b: (a < b) != (a < 4),
    "(ite (bvult a b) (= a (_ bv0 3)) (= b (_ bv0 3)))": lambda a, b: min(a, b) == 0,
}
HEAD: Final = "(declare-const a (_ BitVec 3))(declare-const b (_ BitVec 3))"


def propagated(formula: Clauses, known: set[int]) -> set[int]:
    """What the clauses force, clause by clause."""
    while True:
        before = len(known)
        for clause in formula.clauses:
            left = [literal for literal in clause if -literal not in known]
            assert left, "the clauses contradict what is known"
            if len(left) == 1:
                known.add(left[0])
        if len(known) == before:
            return known


def fixed(bits: Bits, value: int) -> set[int]:
    return {bit if value >> place & 1 else -bit for place, bit in enumerate(bits)}


def wrong(term: str, sort: str, right: Callable[[int, int], int]) -> list[tuple[int, int]]:
    """The values at which the clauses of a term give something else."""
    formula = clauses_of(f"{HEAD}(declare-const r {sort})(assert (= r {term}))")
    a, b, r = (formula.constants[name] for name in "abr")
    return [
        (x, y)
        for x, y in itertools.product(range(MASK + 1), repeat=2)
        if not fixed(r, right(x, y)) <= propagated(formula, fixed(a, x) | fixed(b, y))
    ]


@pytest.mark.parametrize("term", WORDS)
def test_words_are_computed_as_smt_lib_says(term: str) -> None:
    assert wrong(term, "(_ BitVec 3)", WORDS[term]) == []


@pytest.mark.parametrize("term", TRUTHS)
def test_truths_are_computed_as_smt_lib_says(term: str) -> None:
    assert wrong(term, "Bool", TRUTHS[term]) == []


def test_wrong_gates_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Circuit, "either", lambda self, a, b: self.differ(a, b))
    # Both carries at once cannot be, so this much is right; a choice takes one side alone too.
    assert wrong("(bvadd a b)", "(_ BitVec 3)", WORDS["(bvadd a b)"]) == []
    monkeypatch.setattr(Circuit, "either", Circuit.both)
    assert wrong("(bvadd a b)", "(_ BitVec 3)", WORDS["(bvadd a b)"])
    assert wrong("(bvult a b)", "Bool", TRUTHS["(bvult a b)"])


def test_every_operator_of_bit_vectors_is_read_or_refused_by_name() -> None:
    read = {term.strip("(").split(" ")[0] for term in (*WORDS, *TRUTHS)}
    assert {name for name in OPERATORS.values() if name[:2] == "bv" and name not in read} == {
        *("bvudiv", "bvurem", "bvneg", "bvnot", "bvand", "bvor")
    }
    for name in ("bvudiv", "bvurem", "bvand", "bvor"):
        trouble = certify(f"{HEAD}(assert (= a ({name} a b)))").trouble
        assert trouble == f"the script cannot be read: {name} of 2 parts is not read"


@pytest.mark.usefixtures("cadical")
@pytest.mark.parametrize(
    "claims",
    [
        ("(not (= (bvmul a (bvadd b (_ bv1 3))) (bvadd (bvmul a b) a)))",),
        ("(bvult a b)", "(bvule b a)"),
        ("(= a b)", "(not (= (f a) (f b)))"),
        ("(= (f a) a)", "(= a b)", "(distinct b (f (f b)))"),
    ],
)
def test_small_scripts_are_certified(claims: tuple[str, ...]) -> None:
    function = "(declare-fun f ((_ BitVec 3)) (_ BitVec 3))"
    text = f"{HEAD}{function}{''.join(f'(assert {claim})' for claim in claims)}(check-sat)"
    found = certify(text)
    assert found.trouble == ""
    assert drat.check(text, found.proof) == found.steps > 0
    # With any assertion less there is no proof.
    for number in range(len(claims)):
        less = text.replace(f"(assert {claims[number]})", "")
        assert certify(less).trouble == "cadical finds no proof: it says s SATISFIABLE"


@pytest.mark.usefixtures("cadical")
def test_theorem_over_bits_is_certified() -> None:
    theorem = THEOREMS["default_block_covers_pages"]
    proof = prove(theorem, Decider(ORDINARY), ORDINARY.timeout)
    texts = {owed.text for owed in proof.obligations if owed.text}
    assert len(texts) > 5
    for text in texts:
        assert maker_of(text) is DRAT
        assert certify(text).trouble == ""
