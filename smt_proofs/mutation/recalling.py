"""A search that tries first what sufficed before.

Right and wrong rule are compared in many transitions, which owe much the same. Nothing is taken
for proven that way: what a search finds is written down and decided, wherever it found it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from smt_proofs.solving.obligation import Assertion
from smt_proofs.solving.opaque import opaque
from smt_proofs.solving.search import Search
from smt_proofs.solving.solve import Answer

Cores: TypeAlias = dict[tuple[int, ...], list[frozenset[int]]]
"""What contradicted the assertions asked about, by the ids of all terms."""


class RecallingSearch(Search):
    """A search; `cores` is shared by those of one proof."""

    def __init__(self, cores: Cores) -> None:
        super().__init__()
        self._cores = cores

    def refute(self, assertions: Iterable[Assertion]) -> tuple[Answer, tuple[Assertion, ...]]:
        asked = [Assertion(one.label, opaque(one.term)) for one in assertions]
        key = tuple(one.term.get_id() for one in asked)
        found = self._cores.setdefault(key, [])
        if found:
            here = {one.term.get_id(): one for one in (*self.known(), *asked)}
            for core in found:
                if core <= here.keys():
                    return Answer.UNSAT, tuple(one for name, one in here.items() if name in core)
        answer, needed = super().refute(asked)
        if answer is Answer.UNSAT:
            found.append(frozenset(one.term.get_id() for one in needed))
        return answer, needed
