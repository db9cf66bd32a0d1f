"""Obligations as standard SMT-LIB 2.6, the same text in every process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import z3

from smt_proofs.obligation import Obligation
from smt_proofs.solve import Term

PLAIN: Final = {
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
    z3.Z3_OP_NOT: "not",
    z3.Z3_OP_IMPLIES: "=>",
    z3.Z3_OP_EQ: "=",
    z3.Z3_OP_ITE: "ite",
    z3.Z3_OP_LT: "<",
    z3.Z3_OP_LE: "<=",
    z3.Z3_OP_GT: ">",
    z3.Z3_OP_GE: ">=",
    z3.Z3_OP_ADD: "+",
    z3.Z3_OP_SUB: "-",
    z3.Z3_OP_MUL: "*",
    z3.Z3_OP_UMINUS: "-",
    z3.Z3_OP_TRUE: "true",
    z3.Z3_OP_FALSE: "false",
    z3.Z3_OP_DISTINCT: "distinct",
    z3.Z3_OP_BADD: "bvadd",
    z3.Z3_OP_BSUB: "bvsub",
    z3.Z3_OP_BMUL: "bvmul",
    z3.Z3_OP_BUDIV: "bvudiv",
    z3.Z3_OP_BUREM: "bvurem",
    z3.Z3_OP_BUDIV_I: "bvudiv",
    z3.Z3_OP_BUREM_I: "bvurem",
    z3.Z3_OP_ULT: "bvult",
    z3.Z3_OP_ULEQ: "bvule",
    z3.Z3_OP_UGT: "bvugt",
    z3.Z3_OP_UGEQ: "bvuge",
    z3.Z3_OP_BNOT: "bvnot",
    z3.Z3_OP_BNEG: "bvneg",
    z3.Z3_OP_BAND: "bvand",
    z3.Z3_OP_BOR: "bvor",
    z3.Z3_OP_CONCAT: "concat",
}
"""Operators by the kind that z3 gives them."""
INDEXED: Final = {z3.Z3_OP_EXTRACT: "extract", z3.Z3_OP_ZERO_EXT: "zero_extend"}


@dataclass(frozen=True, slots=True)
class Written:
    """A term's text, the declarations it needs, and what else it takes of a logic."""

    text: str
    symbols: frozenset[str]
    needs: frozenset[str]


class Writer:
    """Writes terms, each once. What is written stays alive: z3 reuses the ids of freed terms."""

    def __init__(self) -> None:
        self._written: dict[int, tuple[Term, Written]] = {}

    def write(self, term: Term) -> Written:
        """The term as SMT-LIB. Raises TypeError for an operator that no rule uses."""
        key = term.get_id()
        if key not in self._written:
            self._written[key] = (term, self._new(term))
        return self._written[key][1]

    def _new(self, term: Term) -> Written:
        if z3.is_int_value(term):
            value = term.as_long()
            text = str(value) if value >= 0 else f"(- {-value})"
            return Written(text, frozenset(), frozenset({"int"}))
        if z3.is_bv_value(term):
            text = f"(_ bv{term.as_long()} {term.size()})"
            return Written(text, frozenset(), frozenset({"bits"}))
        kind = term.decl().kind()
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._symbol(term)
        if kind == z3.Z3_OP_MUL:
            return self._product(term)
        parts = [self.write(child) for child in term.children()]
        if kind in INDEXED:
            numbers = " ".join(str(number) for number in term.decl().params())
            return _joined(f"(_ {INDEXED[kind]} {numbers})", parts)
        if kind not in PLAIN:
            raise TypeError(f"no SMT-LIB operator known for {term.decl()}")
        return _joined(PLAIN[kind], parts)

    def _symbol(self, term: Term) -> Written:
        declaration = term.decl()
        domain = [declaration.domain(i) for i in range(declaration.arity())]
        sorts = " ".join(sort.sexpr() for sort in domain)
        declared = f"(declare-fun {declaration.name()} ({sorts}) {declaration.range().sexpr()})"
        parts = [self.write(child) for child in term.children()]
        whole = _joined(declaration.name(), parts)
        needs = {"functions"} if domain else set()
        for sort in (*domain, declaration.range()):
            needs |= {"bits"} if sort.kind() == z3.Z3_BV_SORT else set()
            needs |= {"int"} if sort.kind() == z3.Z3_INT_SORT else set()
        return Written(whole.text, whole.symbols | {declared}, whole.needs | needs)

    def _product(self, term: Term) -> Written:
        whole = _joined("*", [self.write(child) for child in term.children()])
        unknowns = [child for child in term.children() if not z3.is_int_value(child)]
        return Written(
            whole.text, whole.symbols, whole.needs | ({"products"} if unknowns[1:] else set())
        )


def _joined(operator: str, parts: list[Written]) -> Written:
    text = f"({' '.join([operator, *(part.text for part in parts)])})" if parts else operator
    symbols = frozenset[str]().union(*(part.symbols for part in parts))
    return Written(text, symbols, frozenset[str]().union(*(part.needs for part in parts)))


_WRITER: Final = Writer()


def script(obligation: Obligation) -> str:
    """The obligation as a script that is answered `unsat` where it is met."""
    written = [(one.label, _WRITER.write(one.term)) for one in obligation.assertions]
    symbols = frozenset[str]().union(*(part.symbols for _, part in written))
    needs = frozenset[str]().union(*(part.needs for _, part in written))
    lines = [f"; {obligation.theorem}", f"; {obligation.what}"]
    lines += ["(set-info :status unsat)", f"(set-logic {_logic(needs)})", *sorted(symbols)]
    for label, part in written:
        lines += [f"; {label}", f"(assert {part.text})"]
    return "\n".join([*lines, "(check-sat)", ""])


def _logic(needs: frozenset[str]) -> str:
    functions = "UF" if "functions" in needs else ""
    if "bits" in needs:
        return f"QF_{functions}BV" + ("LIA" if "int" in needs else "")
    if "int" in needs:
        return f"QF_{functions}" + ("NIA" if "products" in needs else "LIA")
    return "QF_UF"
