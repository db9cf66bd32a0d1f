"""Solver terms as SMT-LIB text: z3's terms, read once each into what is quick to write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import z3
from z3 import z3core

from smt_proofs.solving.solve import Term

OPERATORS: Final = {
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
    z3.Z3_OP_NOT: "not",
    z3.Z3_OP_XOR: "xor",
    z3.Z3_OP_IMPLIES: "=>",
    z3.Z3_OP_EQ: "=",
    z3.Z3_OP_DISTINCT: "distinct",
    z3.Z3_OP_ITE: "ite",
    z3.Z3_OP_TRUE: "true",
    z3.Z3_OP_FALSE: "false",
    z3.Z3_OP_LT: "<",
    z3.Z3_OP_LE: "<=",
    z3.Z3_OP_GT: ">",
    z3.Z3_OP_GE: ">=",
    z3.Z3_OP_ADD: "+",
    z3.Z3_OP_SUB: "-",
    z3.Z3_OP_UMINUS: "-",
    z3.Z3_OP_MUL: "*",
    z3.Z3_OP_BADD: "bvadd",
    z3.Z3_OP_BSUB: "bvsub",
    z3.Z3_OP_BMUL: "bvmul",
    z3.Z3_OP_BUDIV: "bvudiv",
    z3.Z3_OP_BUREM: "bvurem",
    z3.Z3_OP_BNEG: "bvneg",
    z3.Z3_OP_BNOT: "bvnot",
    z3.Z3_OP_BAND: "bvand",
    z3.Z3_OP_BOR: "bvor",
    z3.Z3_OP_ULT: "bvult",
    z3.Z3_OP_ULEQ: "bvule",
    z3.Z3_OP_UGT: "bvugt",
    z3.Z3_OP_UGEQ: "bvuge",
    z3.Z3_OP_CONCAT: "concat",
}
"""What the operators that rules use are called."""
INDEXED: Final = {z3.Z3_OP_EXTRACT: "extract", z3.Z3_OP_ZERO_EXT: "zero_extend"}
"""Operators that carry numbers."""
OF_NOTHING: Final = {z3.Z3_OP_AND: "true", z3.Z3_OP_OR: "false"}
OF_ONE: Final = frozenset({z3.Z3_OP_AND, z3.Z3_OP_OR, z3.Z3_OP_ADD, z3.Z3_OP_MUL})
"""Operators that z3 also takes of no or one argument, which SMT-LIB does not know."""

RESERVED: Final = frozenset(
    {*OPERATORS.values(), *INDEXED.values(), "_", "!", "as", "let", "par", "match", "exists"}
    | {"forall", "abs", "div", "mod", "assert", "Int", "Bool", "BitVec"}
)
_SIMPLE: Final = re.compile(r"[A-Za-z~!$%^&*_+=<>/-][A-Za-z0-9~!@$%^&*_+=<>.?/-]*")
_UNUSABLE: Final = re.compile(r'[|\\"\s()]|^[?@.0-9]')

INT: Final = frozenset({"int"})
BITS: Final = frozenset({"bits"})
FUNCTIONS: Final = frozenset({"functions"})
PRODUCTS: Final = frozenset({"products"})
_NOTHING: Final = frozenset[str]()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A term: an operator on parts, or a leaf; two nodes are equal where they are one object.

    `size` is the length of its text; `declarations` are those that it rests on, `needs` what it
    takes of a logic (INT, BITS, FUNCTIONS, PRODUCTS).
    """

    operator: str
    parts: tuple[Node, ...]
    size: int
    declarations: frozenset[str]
    needs: frozenset[str]

    @property
    def is_number(self) -> bool:
        """It is an integer written out."""
        return self.operator[0] in "(0123456789" and not self.parts

    def text(self, names: dict[Node, str] | None = None) -> str:
        """The term as SMT-LIB, with the subterms in `names` by their name."""
        if names and self in names:
            return names[self]
        if not self.parts:
            return self.operator
        return f"({' '.join([self.operator, *(part.text(names) for part in self.parts)])})"


def node(
    operator: str,
    parts: tuple[Node, ...] = (),
    declarations: frozenset[str] = _NOTHING,
    needs: frozenset[str] = _NOTHING,
) -> Node:
    """An operator on parts."""
    return Node(
        operator,
        parts,
        len(operator) + sum(part.size + 1 for part in parts) + 2 * bool(parts),
        declarations.union(*(part.declarations for part in parts)),
        needs.union(*(part.needs for part in parts)),
    )


def symbol(name: str) -> str:
    """The name as an SMT-LIB symbol. Raises ValueError for one that SMT-LIB gives a meaning of its
    own or cannot write."""
    if _UNUSABLE.search(name) or name in RESERVED:
        raise ValueError(f"{name!r} cannot be the name of a variable in SMT-LIB")
    return name if _SIMPLE.fullmatch(name) else f"|{name}|"


def declaration(name: str, result: str, domain: Iterable[str] = ()) -> str:
    """The declaration of a constant, or of a function where it has a domain."""
    if sorts := " ".join(domain):
        return f"(declare-fun {name} ({sorts}) {result})"
    return f"(declare-const {name} {result})"


class Reader:
    """Reads terms of z3's main context, each once.

    Reading goes past z3's Python objects, which cost more than the terms.
    """

    def __init__(self) -> None:
        self._context = z3.main_ctx()
        self._ref = self._context.ref()
        # What was read stays alive: z3 gives the id of a freed term to another one.
        self._kept: list[Term] = []
        self._nodes: dict[int, Node] = {}
        self._symbols: dict[int, tuple[str, frozenset[str], frozenset[str]]] = {}

    def read(self, term: Term) -> Node:
        """The term. Raises TypeError for an operator or a sort that no rule uses, and ValueError
        for a name that cannot be written or a term of another context."""
        if term.ctx is not self._context:
            raise ValueError("the term is not of z3's main context")
        if term.get_id() not in self._nodes:
            self._kept.append(term)
        return self._node(term.as_ast())

    def _node(self, ast: Any) -> Node:
        key = z3core.Z3_get_ast_id(self._ref, ast)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = self._new(ast)
        return found

    def _new(self, ast: Any) -> Node:
        ref = self._ref
        shape = z3core.Z3_get_ast_kind(ref, ast)
        if shape == z3.Z3_NUMERAL_AST:
            return self._number(ast)
        if shape != z3.Z3_APP_AST:
            raise TypeError("only terms without quantifiers can be written")
        operator = z3core.Z3_get_app_decl(ref, ast)
        kind = z3core.Z3_get_decl_kind(ref, operator)
        count = z3core.Z3_get_app_num_args(ref, ast)
        parts = tuple(self._node(z3core.Z3_get_app_arg(ref, ast, i)) for i in range(count))
        if kind == z3.Z3_OP_UNINTERPRETED:
            name, declarations, needs = self._symbol(operator)
            return node(name, parts, declarations, needs)
        if kind in OF_ONE and count < 2:
            return parts[0] if parts else node(OF_NOTHING[kind])
        if kind == z3.Z3_OP_MUL:
            unknown = sum(not part.is_number for part in parts)
            return node("*", parts, needs=PRODUCTS if unknown > 1 else _NOTHING)
        if kind in OPERATORS:
            return node(OPERATORS[kind], parts)
        if kind in INDEXED:
            amount = z3core.Z3_get_decl_num_parameters(ref, operator)
            numbers = (z3core.Z3_get_decl_int_parameter(ref, operator, i) for i in range(amount))
            return node(f"(_ {INDEXED[kind]} {' '.join(map(str, numbers))})", parts)
        raise TypeError(f"no SMT-LIB operator known for {z3.FuncDeclRef(operator).name()}")

    def _number(self, ast: Any) -> Node:
        sort = z3.ExprRef(ast).sort()
        digits = z3core.Z3_get_numeral_string(self._ref, ast)
        if _sort(sort)[1] == BITS:
            return node(f"(_ bv{digits} {sort.size()})", needs=BITS)
        return node(f"(- {digits[1:]})" if digits.startswith("-") else digits, needs=INT)

    def _symbol(self, operator: Any) -> tuple[str, frozenset[str], frozenset[str]]:
        """Name, declaration and needs of a constant or function."""
        key = z3core.Z3_get_ast_id(self._ref, operator)
        if key not in self._symbols:
            about = z3.FuncDeclRef(operator)
            name = symbol(about.name())
            domain = [_sort(about.domain(i)) for i in range(about.arity())]
            result, needs = _sort(about.range())
            declared = declaration(name, result, (text for text, _ in domain))
            needs = needs.union(*(need for _, need in domain), FUNCTIONS if domain else ())
            self._symbols[key] = name, frozenset({declared}), needs
        return self._symbols[key]


def _sort(sort: Any) -> tuple[str, frozenset[str]]:
    """A sort's name and what it takes of a logic."""
    kind = sort.kind()
    if kind == z3.Z3_BOOL_SORT:
        return "Bool", _NOTHING
    if kind == z3.Z3_INT_SORT:
        return "Int", INT
    if kind == z3.Z3_BV_SORT:
        return f"(_ BitVec {sort.size()})", BITS
    raise TypeError(f"no rule uses the sort {sort}")
