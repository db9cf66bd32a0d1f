"""`docs/theorems.md`: what each theorem says."""

from __future__ import annotations

from rulebook import claims

from model.profiles import PROFILES
from smt_proofs.book.statements import Statement, statements_of

INTRODUCTION = """\
# Every theorem

What each theorem says, and the invariant or contract that it is about, where the code and the
source are named. A theorem is about all profiles in which it makes sense; where not all, they are
named. [The proofs](proofs.md) tell how they are proven, within which hypotheses, and
what is not kept; `slotproof prove NAME` proves one now, `slotproof prove --list` prints this page.
"""
DECISION = "The decision"
INVARIANTS = "invariants"


def theorems_page() -> str:
    """The page, the theorems of each transition together."""
    found: dict[Statement, list[str]] = {}
    for profile in PROFILES.values():
        for one in statements_of(profile):
            found.setdefault(one, []).append(profile.name)
    known = {claim.id for claim in claims()}
    lines = [INTRODUCTION]
    for about in dict.fromkeys(one.about for one in found):
        lines += [f"## {_heading(about)}", ""]
        for one, profiles in found.items():
            if one.about == about:
                lines += [f"`{one.name}`", f": {_told(one, profiles, known)}", ""]
    return "\n".join(lines)


def _heading(about: str) -> str:
    if about == INVARIANTS:
        return "The invariants themselves"
    return about or DECISION


def _told(one: Statement, profiles: list[str], known: set[str]) -> str:
    told = one.words.rstrip(".") + "."
    if one.serves in known:
        told += f" ([{one.serves}](rules.md#{one.serves}))"
    if len(profiles) < len(PROFILES):
        told += f" Of {', '.join(profiles)}."
    return told
