"""The refuted claims that the proofs know of, by the rows of the search.

`python -m conformance.commands.refuted` writes docs/refuted-PROFILE.json; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from conformance.expected import expected_text
from conformance.refutations import Row
from smt_proofs.refuted import REFUTED, RefutedClaim


def row_of(refuted: RefutedClaim) -> Row:
    """The row of a refuted claim."""
    return Row(refuted.profile, refuted.mapping.value, refuted.claim, refuted.op.value)


def known_text(profile: str) -> str:
    """The text of the file that lists what is refuted of a profile."""
    rows = {row_of(refuted): refuted.text for refuted in REFUTED if refuted.profile == profile}
    return expected_text(profile, rows)


if __name__ == "__main__":
    for name in sorted({refuted.profile for refuted in REFUTED}):
        docs = Path(__file__).parents[2] / "docs"
        (docs / f"refuted-{name}.json").write_text(known_text(name))
