"""`compare --all-sizes`: what two devices do the same, proven for all sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.commands.progress import progress
from conformance.explore.compare import Comparison
from smt_proofs.book.simulation import Same, pairings, simulated
from smt_proofs.solving.means import ORDINARY
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.inputs import OVER

SAME: Final = "the same, proven"
APART: Final = "told apart"
OPEN: Final = "not decided"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was shown of two profiles for all sizes; `apart` are the operations that tell small
    devices of the two apart."""

    same: tuple[Same, ...]
    apart: frozenset[str]

    def verdict(self, one: Same) -> str:
        """What is known of one transition."""
        if one.verdict is Verdict.PROVEN:
            return SAME
        return APART if one.pairing.transition in self.apart else OPEN

    @property
    def open(self) -> list[Same]:
        """Those that are neither proven to be the same nor told apart by a trace."""
        return [one for one in self.same if self.verdict(one) == OPEN]

    def text(self) -> list[str]:
        """What was shown, a line for each way of mapping and verdict."""
        lines = ["", f"for all sizes: {OVER}"]
        for mappings in dict.fromkeys(one.pairing.mappings for one in self.same):
            here = [one for one in self.same if one.pairing.mappings == mappings]
            ways = " and ".join(dict.fromkeys(mapping.value for mapping in mappings))
            but = "" if len(set(mappings)) == 1 else ", but for what is mapped"
            lines.append(f"  mapping {ways}{but}")
            for verdict in (SAME, APART, OPEN):
                names = [one.pairing.transition for one in here if self.verdict(one) == verdict]
                if names:
                    lines.append(f"    {verdict}: {', '.join(names)}")
            lines += [
                f"      {one.pairing.transition}: {one.reason}" for one in here if one in self.open
            ]
        return [*lines, _summary(self.same), _conclusion(self)]

    def document(self) -> dict[str, Any]:
        """The member `all_sizes` of a comparison in JSON."""
        words = {SAME: "same", APART: "apart", OPEN: "not-decided"}
        verdict = "different" if self.apart else "equivalent"
        return {
            "over": OVER,
            "verdict": "not-decided" if self.open else verdict,
            "transitions": [
                {
                    "mappings": [mapping.value for mapping in one.pairing.mappings],
                    "transition": one.pairing.transition,
                    "verdict": words[self.verdict(one)],
                    "obligations": one.obligations,
                    "reason": one.reason,
                    "remembered": one.remembered or None,
                }
                for one in self.same
            ],
        }


def all_sizes(comparison: Comparison) -> Sizes:
    """Prove what can be proven of two profiles that were compared in a small scope."""
    left, right = comparison.left, comparison.right
    with progress("proving") as bars:
        bars.update(bars.task_ids[0], total=len(pairings(left, right)))
        found = simulated(left, right, ORDINARY, lambda _: bars.advance(bars.task_ids[0]))
    causes = {"realize" if one.op is None else one.op.value for one in comparison.causes}
    return Sizes(tuple(found), frozenset(causes))


def _summary(same: Sequence[Same]) -> str:
    proven = [one for one in same if one.verdict is Verdict.PROVEN]
    days = [one.remembered for one in proven if one.remembered]
    told = f"  {sum(one.obligations for one in proven)} obligations answered unsat"
    if days:
        told += f"; {len(days)} transitions remembered from {min(days)} on, "
        told += f"{len(same) - len(days)} decided now"
    return told


def _conclusion(sizes: Sizes) -> str:
    if sizes.open:
        return "not decided for all sizes"
    if not sizes.apart:
        return "equivalent, proven for all sizes: no trace of any length tells two devices apart"
    names = ", ".join(sorted(sizes.apart))
    return f"proven for all sizes: no trace without {names} tells two devices apart"
