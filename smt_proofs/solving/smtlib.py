"""Obligations as SMT-LIB 2.6 scripts: the same text for the same formula in every process.

The text is plain, so that any solver reads it: declarations, assertions, one `check-sat`. Subterms
that a long assertion shares are named by `let`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from smt_proofs.solving.obligation import Obligation
from smt_proofs.solving.opaque import TIMES
from smt_proofs.solving.written import BITS, FUNCTIONS, INT, PRODUCTS, Node, Reader

LONG: Final = 4000
"""Characters from which on an assertion names the subterms that it shares."""
WORTH_A_NAME: Final = 20
"""Characters from which on a shared subterm gets a name."""


_READER: Final = Reader()


def script(obligation: Obligation) -> str:
    """The obligation as a script; where it is met, a solver answers `unsat`.

    Raises TypeError and ValueError as `Reader.read`, and ValueError for a name with two sorts.
    """
    nodes = [(one.label, _READER.read(one.term)) for one in obligation.assertions]
    declarations = sorted(frozenset[str]().union(*(node.declarations for _, node in nodes)))
    names = Counter(map(declared, declarations))
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"{twice[0]} is declared with two sorts")
    needs = frozenset[str]().union(*(node.needs for _, node in nodes))
    lines = [*_comment(obligation.theorem), *_comment(obligation.what), "; expected: unsat"]
    if TIMES.name() in names:
        lines.append(f"; {TIMES.name()} stands for the product, of which nothing is assumed")
    lines += ["(set-info :status unsat)", f"(set-logic {logic(needs)})", *declarations]
    for label, node in nodes:
        lines += [*_comment(label), f"(assert {with_lets(node)})"]
    return "\n".join([*lines, "(check-sat)", ""])


def declared(line: str) -> str:
    """The name in a declaration."""
    rest = line.split(" ", 1)[1]
    return rest[: rest.index("|", 1) + 1] if rest.startswith("|") else rest.split(" ", 1)[0]


def _comment(text: str) -> list[str]:
    return [f"; {line}" for line in text.splitlines()]


def logic(needs: frozenset[str]) -> str:
    """The narrowest of the usual quantifier-free logics. Raises TypeError where there is none."""
    functions = "UF" if needs >= FUNCTIONS else ""
    if needs >= BITS:
        if needs >= INT:
            raise TypeError("no usual logic has both integers and bit-vectors")
        return f"QF_{functions}BV"
    if needs >= INT:
        return f"QF_{functions}{'NIA' if needs >= PRODUCTS else 'LIA'}"
    return "QF_UF"


def with_lets(node: Node) -> str:
    """The term's text, with shared subterms named where it would be long."""
    if node.size < LONG:
        return node.text()
    uses: Counter[Node] = Counter()
    each = list(_each_once(node, uses))
    names: dict[Node, str] = {}
    opened = []
    for part in each:
        if uses[part] > 1 and part.parts and part.size >= WORTH_A_NAME:
            name = f"?{len(names) + 1}"
            opened.append(f"(let (({name} {part.text(names)}))\n")
            names[part] = name
    return f"{''.join(opened)}{node.text(names)}{')' * len(opened)}"


def _each_once(node: Node, uses: Counter[Node]) -> Iterator[Node]:
    """The subterms, parts before wholes; `uses` counts how often each is a part."""
    for part in node.parts:
        uses[part] += 1
        if uses[part] == 1:
            yield from _each_once(part, uses)
    yield node
