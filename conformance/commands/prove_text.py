"""What `slotproof prove` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.check.refutations import Row
from conformance.traces.sizes import format_size
from model.arithmetic import MIB
from smt_proofs.book.book import RESTS, Book
from smt_proofs.book.work import Outcome, unshown
from smt_proofs.decision.hypotheses import DECISION_HYPOTHESES
from smt_proofs.decision.outcome import Proof
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.foundations import LemmaProof
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.proofs import TransitionProof

COUNTED = ("cases", "goals", "conditions", "refuted", "needed", "seconds")
"""The columns of numbers of the theorems about the decision."""
STEPPED = ("theorems", "proven", "cases", "goals", "conditions", "refuted", "seconds")
"""The columns of numbers of the transitions."""
WIDE = 120
"""Columns of a terminal that shows all of a table; a narrower one shows what fits."""
PLAIN_WIDTH = 140
"""Columns of a table where the output is no terminal."""
COUNTS = frozenset({"limit", "count", "other_count", "option", "has_ram", "several"})
"""Inputs that are no sizes in bytes."""
USUAL = {"page": 4096, "default_block": 2 * MIB, "option": 1, "has_ram": 1, "several": 1}
"""Values left out where inputs are shown."""
STYLES = {
    Verdict.PROVEN: "green",
    Verdict.REFUTED: "red",
    Verdict.UNKNOWN: "yellow",
    Verdict.VACUOUS: "red",
}
FOLLOWS = {
    "plugged": "a memslot is mapped while it holds a plugged block",
    "usable": "a memslot is mapped where the usable region covers its start",
    "static": "one memslot, always mapped",
}
"""The ways of mapping in words."""


def row_of(proof: TransitionProof) -> Row:
    """The row of the table of refuted claims that a proof is about."""
    return Row(proof.profile, proof.mapping.value, proof.serves, proof.transition)


def print_book(book: Book, traces: Mapping[Row, Path], *, details: bool) -> None:
    """The tables, what is not proven, with `details` each theorem about the decision in words, and
    the totals.

    Columns: `cases` paths through the rule, `goals` and `conditions` obligations answered unsat,
    `refuted` negative controls, `needed` hypotheses shown to be needed, `serves` the invariant that
    the theorem is part of. `traces` are the counterexamples written, by row.
    """
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=PLAIN_WIDTH)
    if book.proofs:
        console.print(_decision_table(book, console.width >= WIDE))
    for (profile, mapping), proofs in groupby(
        book.transitions, key=lambda t: (t.profile, t.mapping.value)
    ):
        title = f"Transitions, profile {profile}, mapping {mapping}: {FOLLOWS[mapping]}"
        console.print(_transition_table(title, list(proofs), console.width >= WIDE))
    lines = [*trouble(book, traces)]
    if details:
        lines += [*claims(book), *transition_claims(book), *hypotheses(book), *controls(book)]
    for line in [*lines, *summary(book)]:
        console.print(Text(line), soft_wrap=True)


def _decision_table(book: Book, wide: bool) -> Table:
    table = Table(title="Theorems about the decision", title_justify="left", box=SIMPLE)
    for heading in ("theorem", "verdict"):
        table.add_column(heading, no_wrap=True)
    for heading in COUNTED if wide else ("seconds",):
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column("serves", no_wrap=True)
    for proof in book.proofs:
        theorem, verdict, *counts, seconds = _row(proof)
        served = THEOREMS[proof.theorem].invariant
        table.add_row(theorem, verdict, *([*counts, seconds, served] if wide else [seconds]))
    return table


def _transition_table(title: str, proofs: list[TransitionProof], wide: bool) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE)
    table.add_column("transition", no_wrap=True)
    for heading in STEPPED if wide else STEPPED[:2]:
        table.add_column(heading, justify="right", no_wrap=True)
    for transition, members in groupby(proofs, key=lambda proof: proof.transition):
        group = list(members)
        proven = sum(proof.verdict is Verdict.PROVEN for proof in group)
        counts = [
            max(proof.cases for proof in group),
            sum(proof.goals for proof in group),
            sum(proof.conditions for proof in group),
            sum(bool(proof.control) for proof in group),
        ]
        style = "green" if proven == len(group) else "red"
        numbers = [*map(str, counts), f"{group[0].seconds:.1f}"]
        table.add_row(
            transition,
            str(len(group)),
            Text(str(proven), style=style),
            *(numbers if wide else []),
        )
    return table


def _row(proof: Proof) -> tuple[str | Text, ...]:
    refuted = sum(c.verdict is Verdict.REFUTED for c in proof.controls)
    needed = sum(n.confirmed for n in proof.necessity)
    return (
        proof.theorem,
        Text(proof.verdict.value, style=STYLES[proof.verdict]),
        str(proof.cases),
        str(proof.goals),
        str(proof.conditions),
        f"{refuted}/{len(proof.controls)}",
        f"{needed}/{len(proof.necessity)}",
        f"{proof.seconds:.1f}",
    )


def name_of(outcome: Outcome) -> str:
    """What an outcome is about."""
    if isinstance(outcome, LemmaProof):
        return f"{outcome.kind} {outcome.lemma}"
    if isinstance(outcome, TransitionProof):
        return f"{outcome.theorem} ({outcome.profile}, mapping {outcome.mapping.value})"
    return outcome.theorem


def trouble(book: Book, traces: Mapping[Row, Path]) -> Iterator[str]:
    """What is not proven, or not shown beside, and why."""
    fallen: dict[str, int] = {}
    for outcome in book.outcomes:
        if outcome.verdict is Verdict.UNKNOWN and outcome.reason.startswith(RESTS):
            fallen[outcome.reason] = fallen.get(outcome.reason, 0) + 1
        elif outcome.verdict is not Verdict.PROVEN:
            yield f"{outcome.verdict.value.upper()} {name_of(outcome)}: {_why(outcome)}"
            yield from _evidence(outcome, traces)
        elif owed := unshown(outcome):
            yield f"NOT SHOWN of {name_of(outcome)}: {owed}"
        if outcome.verdict is Verdict.REFUTED and isinstance(outcome, TransitionProof):
            yield from (f"  proven: {limit}" for limit in _limits_of(outcome, book))
    for reason, count in fallen.items():
        yield f"UNKNOWN {count} theorems: each {reason}"


def _limits_of(proof: TransitionProof, book: Book) -> list[str]:
    """The weakest hypotheses under which a refuted claim is proven to hold."""
    return [
        other.claim
        for other in book.transitions
        if other.theorem.startswith(f"{proof.theorem}_exactly_if_")
        and (other.profile, other.mapping) == (proof.profile, proof.mapping)
        and other.verdict is Verdict.PROVEN
    ]


def _why(outcome: Outcome) -> str:
    if isinstance(outcome, TransitionProof) and outcome.verdict is Verdict.REFUTED:
        return outcome.claim
    claim = f"{outcome.claim} " if isinstance(outcome, LemmaProof) else ""
    return f"{claim}{outcome.reason}"


def _evidence(outcome: Outcome, traces: Mapping[Row, Path]) -> Iterator[str]:
    if isinstance(outcome, Proof) and outcome.counterexample is not None:
        yield f"  executed counterexample: {assignment(outcome.counterexample)}"
    if isinstance(outcome, TransitionProof) and outcome.counterexample:
        yield f"  executed counterexample: {outcome.counterexample}"
        if (trace := traces.get(row_of(outcome))) is not None:
            yield f"  from a device just realized: slotproof trace replay {trace}"


def transition_claims(book: Book) -> Iterator[str]:
    """Each theorem about a transition in words, once."""
    told: set[str] = set()
    for proof in book.transitions:
        if proof.theorem not in told:
            told.add(proof.theorem)
            yield f"  {proof.theorem}: {proof.claim}"
            yield (
                f"    read from {proof.source}" if proof.source else "    of the rule's arithmetic"
            )
            if proof.control:
                yield f"    broken, executed, by: {proof.control}"


def not_assumed(name: str) -> list[str]:
    """The hypotheses of other theorems about the decision that this one does without.

    None where it assumes nothing of the kind: it may not speak of a decision at all.
    """
    assumed = {h.name for h in THEOREMS[name].hypotheses}
    if not assumed & {h.name for h in DECISION_HYPOTHESES}:
        return []
    return [h.text for h in DECISION_HYPOTHESES if h.name not in assumed]


def claims(book: Book) -> list[str]:
    """Each theorem in words, with inputs that meet its hypotheses and what it does without."""
    lines = ["Claims, for all C inputs within the hypotheses"]
    for proof in book.proofs:
        theorem = THEOREMS[proof.theorem]
        lines.append(f"  {theorem.name}: {theorem.claim}")
        lines.append(f"    over {theorem.over}; read from {theorem.source}")
        if proof.example is not None:
            lines.append(f"    hypotheses met by {assignment(proof.example)}")
        if not theorem.hypotheses:
            lines.append("    assumes nothing more")
        if without := not_assumed(theorem.name):
            lines.append(f"    holds without: {'; '.join(without)}")
    return lines


def hypotheses(book: Book) -> list[str]:
    """Each hypothesis once, with the inputs outside it at which a claim fails."""
    shown: dict[str, dict[str, tuple[str, list[str]]]] = {}
    for proof in book.proofs:
        for need in proof.necessity:
            what = need.shows if need.confirmed else f"{need.shows} NOT CONFIRMED"
            witnesses = shown.setdefault(f"{need.text}  ({need.why})", {})
            # Theorems that differ only in the block they look at share a witness.
            _, theorems = witnesses.setdefault(what, (assignment(need.inputs), []))
            theorems.append(proof.theorem)
    if not shown:
        return []
    lines = ["", "Hypotheses, each with executed inputs outside it at which the claim fails"]
    for hypothesis, witnesses in shown.items():
        lines.append(f"  {hypothesis}")
        for what, (inputs, theorems) in witnesses.items():
            lines += [f"    outside: {inputs}: {what}", f"      for {', '.join(theorems)}"]
    return lines


def controls(book: Book) -> list[str]:
    """Each negative control with the executed counterexample."""
    lines = ["", "Negative controls: wrong rules and the inputs at which the claim then fails"]
    for proof in book.proofs:
        for control in proof.controls:
            found = control.counterexample
            shown = f"NOT REFUTED ({control.verdict.value})" if found is None else assignment(found)
            lines.append(f"  {control.mutant}, {proof.theorem}: {shown}")
    return lines


def assignment(inputs: dict[str, int]) -> str:
    """Inputs as `name=value` pairs, without those at their usual value."""
    return " ".join(
        f"{name}={_value(name, value)}"
        for name, value in inputs.items()
        if USUAL.get(name) != value
    )


def _value(name: str, value: int) -> str:
    if name in COUNTS or value % MIB or value == 0:
        return str(value)
    return format_size(value).replace(" ", "").removesuffix("iB")


def summary(book: Book) -> list[str]:
    """The last lines: what was decided when, how many of how many, by which solver."""
    stated: list[Proof | TransitionProof] = [*book.proofs, *book.transitions]
    proven = sum(p.verdict is Verdict.PROVEN for p in stated)
    lemmas = sum(x.verdict is Verdict.PROVEN for x in book.lemmas)
    goals = sum(p.goals for p in stated)
    conditions = sum(p.conditions for p in stated)
    queries = sum(lemma.queries for lemma in book.lemmas)
    refuted = f", {len(book.refuted)} refuted" if book.refuted else ""
    return [
        "",
        recalled(book.remembered, len(book.outcomes)),
        f"proven: {proven} of {len(stated)} theorems{refuted}, {lemmas} of {len(book.lemmas)} "
        "lemmas and inductions",
        f"obligations answered unsat: {goals + conditions + queries} ({goals} goals, {conditions} "
        f"that nothing wraps, is undefined or left out, {queries} of lemmas), "
        f"each by {' and '.join(book.solvers)}, in {book.seconds:.1f} s",
    ]


def recalled(days: Sequence[str], every: int) -> str:
    """How much of all was decided by earlier runs, on these days, and how much by this one."""
    since = f" from {min(days)}" if days else ""
    return f"{len(days)} remembered{since}, {every - len(days)} decided now"
