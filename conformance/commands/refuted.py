"""The refuted claims that the proofs know of, as the file and the table in docs/.

`python -m conformance.commands.refuted` brings both up to date; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.check.expected import expected_text
from conformance.check.refutations import Row, search
from model.profiles import PROFILES
from smt_proofs.transitions.refuted import REFUTED

DOCS: Final = Path(__file__).parents[2] / "docs"
BEGIN: Final = "<!-- refuted: begin -->\n"
END: Final = "<!-- refuted: end -->\n"


def known_rows(profile: str) -> dict[Row, str]:
    """The rows of a profile that the proofs know of, each with its weakest hypothesis in words."""
    return {
        Row(refuted.profile, refuted.mapping.value, refuted.claim, refuted.op.value): refuted.text
        for refuted in REFUTED
        if refuted.profile == profile
    }


def known_text(profile: str) -> str:
    """The text of the file that lists what is refuted of a profile."""
    return expected_text(profile, known_rows(profile))


def table(profile: str) -> Iterator[str]:
    """The same as the lines of a table, with the shortest way to show each row."""
    rows = known_rows(profile)
    yield "| mapping | claim | not kept by | shortest way | holds exactly if |\n"
    yield "| --- | --- | --- | --- | --- |\n"
    for refuted in search(PROFILES[profile], wanted=rows).refuted:
        row = refuted.row
        way = ", ".join(step.action.op.value for step in refuted.trace.steps)
        text = f"| {row.mapping} | `{row.claim}` | {row.transition} | {way} | {rows[row]} |\n"
        yield text


def with_table(page: str, profile: str) -> str:
    """A page with the table between its marks brought up to date."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "".join([before, BEGIN, *table(profile), END, after])


if __name__ == "__main__":
    for name in sorted({refuted.profile for refuted in REFUTED}):
        (DOCS / f"refuted-{name}.json").write_text(known_text(name))
    page = DOCS / "proofs.md"
    page.write_text(with_table(page.read_text(), "seed-v2"))
