"""What each rule says that a case of a report may be about."""

from __future__ import annotations

from typing import Final

from conformance.check.scenarios import SCENARIOS
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.virtio.rules import RULES
from conformance.report.cases import Case
from model.contracts import CONTRACT_NAMED
from model.invariants import INVARIANT_NAMED

_CLAIMS: Final = INVARIANT_NAMED | CONTRACT_NAMED
SAYS: Final = (
    {name: claim.claim for name, claim in _CLAIMS.items()}
    | {rule.id: rule.says for rule in (*RULES, *DRIVER_RULES)}
    | {scenario.id: scenario.says for scenario in SCENARIOS}
)


def rule_text(case: Case) -> str:
    """What was held against the device or the source; nothing where no rule has that id."""
    return case.says or SAYS.get(case.id, "")
