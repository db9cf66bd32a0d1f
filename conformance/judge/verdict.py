"""How something that was run by its name can end."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """How a scenario or a rule ended; the last two take an expected failure into account."""

    PASS = "pass"
    FAIL = "fail"
    REJECTED = "rejected"
    """The target refused the device that was asked for."""
    HUNG = "hung"
    """The target did not answer in time."""
    SKIPPED = "skipped"
    """It was not asked, or never applied."""
    EXPECTED = "expected"
    """It failed, as was expected."""
    UNEXPECTED = "unexpected pass"
    """It was expected to fail and passed."""


FAILURES = frozenset({Verdict.FAIL, Verdict.REJECTED, Verdict.HUNG, Verdict.UNEXPECTED})
