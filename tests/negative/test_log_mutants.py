"""A wrong rule does not explain the log of a real QEMU: it is rejected where the rule shows."""

from pathlib import Path

import pytest

from conformance.runlog.validate import Rejected, explain_log
from conformance.targets.qemu.log import read_lines
from model import answers, requests
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Config
from smt_proofs.decision.mutants import Mutant

LINES = read_lines((Path(__file__).parents[2] / "docs" / "virtio-mem.log").read_text())
CONFIG = Config(region=4 * GIB, block=2 * MIB, limit=4, addr=4 * GIB)

# The rule, and the line of the log that it cannot write.
CASES = [
    (
        Mutant("mixed-unplugged", answers.report_state, "BlockState.MIXED", "BlockState.UNPLUGGED"),
        7,
    ),
    (Mutant("any-range", answers.valid_range, "d.eq(size, d.lit(0))", "d.eq(size, d.lit(1))"), 10),
    (
        Mutant(
            "plug-over-request",
            requests.plug,
            "d.lt(s.requested, d.add(s.size, size))",
            "d.lt(f.region, d.add(s.size, size))",
        ),
        14,
    ),
    (
        Mutant("usable-kept", requests.unplug_everything, "can_shrink=True", "can_shrink=False"),
        18,
    ),
]


@pytest.mark.parametrize(("mutant", "line"), CASES, ids=[case[0].name for case in CASES])
def test_a_wrong_rule_does_not_explain_a_real_log(mutant: Mutant, line: int) -> None:
    assert explain_log(QEMU, CONFIG, LINES).groups
    with mutant.applied(), pytest.raises(Rejected) as caught:
        explain_log(QEMU, CONFIG, LINES)
    assert caught.value.line is not None and caught.value.line.number == line
