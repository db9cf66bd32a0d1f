"""The patch hunk by hunk: what the model says of each, or why it says nothing.

The patch is "virtio-mem: Expose device memory via multiple memslots if enabled", v2 14/16. Hunks
are named by file and by the line of the new file at which they start. Every rule, claim and theorem
that a row names is looked up in the code.
"""

from __future__ import annotations

from collections.abc import Iterable

from patchlines import HUNKS, LINES_OF_C, PCI, WIRING, H, Line
from rulebook import claims, rules, theorems

LINES = (
    *LINES_OF_C,
    Line(
        PCI,
        48,
        "the PCI device hands the limit on to the device's decision, and its count back to "
        "the core",
        why_not="two calls that pass on what they are given; that the core sees the decided "
        "count is "
        "measured on a real QEMU (tests/qemu/test_decision.py)",
    ),
    Line(PCI, 169, "both are registered with the memory device core", why_not=WIRING),
    Line(
        H,
        33,
        "the option is called multiple-memslots",
        why_not="a name; the profile has it, and commands print it",
    ),
    Line(
        H,
        45,
        "the count has 16 bits, the size 64",
        ("decide_memslots",),
        theorems=("stored_count_fits_16_bits",),
    ),
    Line(H, 98, "the option is a truth value", why_not="an input here as there, on or off"),
    Line(H, 115, "the class has room for two functions more", why_not=WIRING),
)
SENTENCES = (
    Line(
        "message",
        0,
        "with the feature, only memslots that have memory plugged are mapped",
        claims=("plugged-in-mapped", "mapped-needs-plugged"),
        theorems=("invariants_determine_mapped",),
    ),
    Line(
        "message",
        0,
        "without it, the memslots covered by the usable region are mapped",
        claims=("legacy-usable-mapped",),
        theorems=("invariants_determine_mapped",),
    ),
    Line(
        "message",
        0,
        "at most one memslot per gigabyte",
        claims=("slot-minimum",),
        theorems=("slots_no_smaller_than_minimum",),
        why_not="",
    ),
    Line(
        "message",
        0,
        "even with several large devices the number of memslots is sane",
        ("decision_limit", "addable", "with_device"),
        theorems=("caller_limit_is_sane", "plugging_a_device_stays_sane"),
    ),
    Line(
        "message",
        0,
        "source and destination of a migration can differ in the option",
        why_not="a migration is between two devices of one configuration here; tried on a "
        "real QEMU "
        "by hand only",
    ),
    Line(
        "message",
        0,
        "what KVM allocates for 1 TiB",
        why_not="a table of KVM and not of the device: see [what memslots cost](metadata.md)",
    ),
)


def patch_page() -> str:
    """`docs/patch.md`."""
    lines = [
        "# The patch, hunk by hunk",
        "",
        "Every behaviour of every hunk of the patch (v2 14/16), in our words, with the rule, "
        "claim and",
        "theorem that say it, or why it is not modelled. `slotproof verify-source` goes the "
        "other way:",
        "it takes the patch's own text and proves its functions equal to the rules. A hunk "
        "is named by",
        "the line of the new file where it starts.",
    ]
    for file in HUNKS:
        lines += ["", f"## {file}", "", *_table(line for line in LINES if line.file == file)]
    lines += ["", "## The message", "", *_table(SENTENCES, hunks=False)]
    return "\n".join(lines) + "\n"


def _table(lines: Iterable[Line], *, hunks: bool = True) -> list[str]:
    heads = [*(["at"] if hunks else []), "what", "rules", "claims", "theorems, or why not"]
    rows = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for line in lines:
        first = [f"+{line.hunk}"] if hunks else []
        cells = [*first, line.what, _links(line.rules), _links(line.claims), _last(line)]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _links(names: tuple[str, ...]) -> str:
    return ", ".join(f"[{name}](rules.md#{name})" for name in names)


def _last(line: Line) -> str:
    proven = ", ".join(f"`{name}`" for name in line.theorems)
    why_not = f"not modelled: {line.why_not}" if line.why_not else ""
    return "; ".join(text for text in (proven, why_not) if text)


def unknown_names() -> list[str]:
    """What a row names and the code does not have."""
    known_rules = {rule.id for rule in rules()}
    known_claims = {claim.id for claim in claims()}
    proven = set(theorems())
    return [
        name
        for line in (*LINES, *SENTENCES)
        for names, known in (
            (line.rules, known_rules),
            (line.claims, known_claims),
            (line.theorems, proven),
        )
        for name in names
        if name not in known
    ]


def unaccounted() -> list[str]:
    """Rows that neither name something proven nor say why not."""
    return [line.what for line in (*LINES, *SENTENCES) if not line.theorems and not line.why_not]


def unnamed_hunks() -> list[tuple[str, int]]:
    """Hunks without a row, and rows of no hunk."""
    there = {(file, at) for file, starts in HUNKS.items() for at in starts}
    return sorted(there ^ {(line.file, line.hunk) for line in LINES})
