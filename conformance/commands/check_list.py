"""`slotproof check --list`: every scenario and every rule, with the clause it stands for."""

from __future__ import annotations

from conformance.check.scenarios import SCENARIOS
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.virtio.rules import RULES


def listed() -> str:
    """A line each: id, kind or level, clause, and what it says."""
    rows = [
        (scenario.id, "scenario", ", ".join(scenario.rules) or "the profile", scenario.says)
        for scenario in SCENARIOS
    ]
    for rule in (*RULES, *DRIVER_RULES):
        unjudged = f" (not judged: {rule.unjudged})" if rule.unjudged else ""
        rows.append((rule.id, rule.level.value, rule.clause, rule.says + unjudged))
    wide = max(len(row[0]) for row in rows)
    return "\n".join(
        f"{id:<{wide}}  {kind:<10}  {says}\n{'':<{wide}}  {'':<10}  [{clause}]"
        for id, kind, clause, says in rows
    )
