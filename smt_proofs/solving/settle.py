"""From what the search found to verdicts: each obligation is written down and decided as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from smt_proofs.solving.obligation import GOAL, Obligation, Sought
from smt_proofs.solving.smtlib import script
from smt_proofs.solving.solve import NEGATION_VERDICT, Answer, Verdict

Decide = Callable[[str], Mapping[str, Answer]]
"""What each solver asked says of an SMT-LIB script."""

NOTHING_ASKED: Final = "no obligation was stated"
RESTS_ON: Final = ("hypothesis ", "lemma ", "theorem ")
"""How the labels of assertions begin that stand for something proven or assumed elsewhere."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An obligation with the answers to it.

    `text` is its SMT-LIB script, empty where the search found no proof; `rests_on` names the
    hypotheses, lemmas and theorems among its assertions; `path` and `trail` are those of Sought.
    """

    theorem: str
    what: str
    path: int
    trail: tuple[bool, ...]
    rests_on: frozenset[str]
    text: str
    answers: Mapping[str, Answer]

    @property
    def verdict(self) -> Verdict:
        """Proven where every solver asked says unsat."""
        if not self.text or not self.answers:
            return Verdict.UNKNOWN
        verdicts = {NEGATION_VERDICT[answer] for answer in self.answers.values()}
        if Verdict.REFUTED in verdicts:
            return Verdict.REFUTED
        return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.PROVEN


def settle(found: Iterable[Sought], decide: Decide) -> Iterator[Settled]:
    """Write down and decide what the search found."""
    for sought in found:
        proven = sought.answer is Answer.UNSAT
        yield _settled(sought.obligation, sought, decide if proven else None)


def settle_plain(owed: Iterable[Obligation], decide: Decide) -> Iterator[Settled]:
    """Decide obligations that need no search, such as those of lemmas."""
    for obligation in owed:
        yield _settled(obligation, Sought(Answer.UNSAT, obligation, 0), decide)


def _settled(obligation: Obligation, sought: Sought, decide: Decide | None) -> Settled:
    labels = (assertion.label for assertion in obligation.assertions)
    text = script(obligation) if decide is not None else ""
    return Settled(
        theorem=obligation.theorem,
        what=obligation.what,
        path=sought.path,
        trail=sought.trail,
        rests_on=frozenset(label for label in labels if label.startswith(RESTS_ON)),
        text=text,
        answers=decide(text) if decide is not None else {},
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What the obligations of one theorem came to.

    `cases` counts the paths through the rule that inputs may take, `goals` and `conditions` the
    obligations that are proven, the latter for "does not wrap", "is defined" and "cannot happen".
    """

    verdict: Verdict
    reason: str
    rests_on: tuple[str, ...]
    cases: int
    goals: int
    conditions: int


def tally(settled: Iterable[Settled]) -> Tally:
    """Sum up the obligations of one theorem; the first that is not proven gives the reason.

    A solver that says sat of a script that the search called unsat contradicts another solver:
    that is no counterexample, so the theorem is undecided.
    """
    rests_on: set[str] = set()
    cases: set[int] = set()
    goals = conditions = 0
    verdict, reason = Verdict.PROVEN, ""
    for owed in settled:
        rests_on |= owed.rests_on
        if owed.what == GOAL:
            cases.add(owed.path)
        if owed.verdict is Verdict.PROVEN:
            goals += owed.what == GOAL
            conditions += owed.what != GOAL
        elif verdict is Verdict.PROVEN:
            verdict, reason = Verdict.UNKNOWN, _reason(owed)
    if verdict is Verdict.PROVEN and not goals + conditions:
        verdict, reason = Verdict.UNKNOWN, NOTHING_ASKED
    return Tally(verdict, reason, tuple(sorted(rests_on)), len(cases), goals, conditions)


def _reason(owed: Settled) -> str:
    if not owed.text:
        return f"{owed.what}: no proof found"
    said = ", ".join(f"{solver} says {answer.value}" for solver, answer in owed.answers.items())
    return f"{owed.what}: {said or 'no solver was asked'}"
