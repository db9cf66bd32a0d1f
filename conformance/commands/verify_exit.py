"""How verify-source ends."""

from __future__ import annotations

from smt_proofs.source.findings import Finding, Verdict


def exit_code(found: list[Finding], uncovered: list[str]) -> int:
    """1 where a function differs, 3 where one is not verified or changed and unseen, else 0."""
    verdicts = {finding.verdict for finding in found}
    if Verdict.DIFFERS in verdicts:
        return 1
    unseen = any(f.verdict is Verdict.UNSEEN and f.change for f in found)
    undecided = {Verdict.NOT_VERIFIED, Verdict.TRUSTED_CHANGED} & verdicts
    return 3 if undecided or Verdict.EQUAL not in verdicts or unseen or uncovered else 0
