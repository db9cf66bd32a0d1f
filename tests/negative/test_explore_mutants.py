"""A wrong rule is caught in the state graph, with the fewest steps that show it."""

import pytest

from conformance.explore.graph import explore
from conformance.explore.scale import scaled_config
from conformance.judge.finding import Kind
from model import events, mapping, requests
from model.profiles import QEMU
from model.state import Op
from smt_proofs.decision.mutants import Mutant

CONFIG = scaled_config(QEMU, 3, 2)

# The rule, the claim that gives it away first, and the operations of the shortest trace.
CASES = [
    (
        Mutant("unmap-only-whole", mapping.mapped_after_unplug, "d.negate(cut)", "d.truth(False)"),
        None,
        None,
    ),
    (
        Mutant(
            "unmap-early",
            mapping.mapped_after_unplug,
            "d.either(d.negate(cut), range_unplugged(d, f, plugged, start, length))",
            "d.truth(True)",
        ),
        "plugged-in-mapped",
        [Op.PLUG, Op.RESIZE, Op.PLUG],
    ),
    (
        Mutant(
            "plug-maps-nothing",
            requests.plug,
            "plugged=plugged, mapped=mapped",
            "plugged=plugged",
        ),
        "plugged-in-mapped",
        [Op.PLUG],
    ),
    (
        Mutant(
            "size-drifts",
            requests.plug,
            "size=d.add(s.size, size))",
            "size=s.size)",
        ),
        "size-matches-bitmap",
        [Op.PLUG],
    ),
    (
        Mutant(
            "migration-forgets",
            events.migration_in,
            "mapped = mapped_for_blocks(d, f, mapped, s.plugged)",
            "mapped = mapped",
        ),
        "plugged-in-mapped",
        [Op.PLUG, Op.MIGRATION_IN],
    ),
    (
        Mutant("resize-shrinks", events.resize, "can_shrink=False", "can_shrink=True"),
        "plugged-in-usable",
        [Op.PLUG, Op.RESIZE],
    ),
]


@pytest.mark.parametrize(("mutant", "claim", "ops"), CASES, ids=[c[0].name for c in CASES])
def test_a_wrong_rule_is_caught_with_the_fewest_steps(
    mutant: Mutant, claim: str | None, ops: list[Op] | None
) -> None:
    with mutant.applied():
        graph = explore(QEMU, CONFIG)
    if claim is None:
        # Dropping whole memslots unasked is only a short cut.
        assert graph.broken == ()
        return
    invariants = [
        one
        for one in graph.broken
        if one.trace.finding is not None and one.trace.finding.kind is Kind.INVARIANT
    ]
    assert (invariants[0].claim, [s.action.op for s in invariants[0].trace.steps]) == (claim, ops)
    assert not graph.complete


def test_a_rule_that_reads_the_accepted_feature_keeps_states_apart() -> None:
    mutant = Mutant(
        "feature-read",
        requests.plug,
        "if d.test(s.busy):",
        "if d.test(d.either(s.busy, s.accepted)):",
    )
    apart = explore(QEMU, CONFIG, judged=False)
    with mutant.applied():
        graph = explore(QEMU, CONFIG)
    assert apart.merged and not graph.merged
    assert graph.broken != ()
    assert any(state.accepted for state in graph.states)
