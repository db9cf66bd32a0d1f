"""`slotproof prove`: decide the theorems and show what each rests on."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import nan
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.commands.common import exit_with, profile
from conformance.commands.options import progress
from conformance.sizes import format_size
from model.arithmetic import MIB
from model.profiles import PROFILES, Profile
from smt_proofs.book import DEFAULT_TIMEOUT, Book, Outcome, prove_book, theorem_names
from smt_proofs.hypotheses import DECISION_HYPOTHESES
from smt_proofs.lemmas import LEMMAS
from smt_proofs.prover import Proof
from smt_proofs.solve import Verdict
from smt_proofs.theorem import THEOREMS

PROVE_VERSION = 1
LONGEST_TIMEOUT = 86_400
"""Seconds: a day. The solver counts milliseconds in 32 bits, where a larger number would wrap."""
COUNTED = ("cases", "goals", "conditions", "refuted", "needed", "seconds")
"""The columns of numbers."""
WIDE = 120
"""Columns of a terminal that shows all of the table; a narrower one shows what fits."""
PLAIN_WIDTH = 140
"""Columns of the table where the output is no terminal."""
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


def seconds(text: str) -> float:
    """A time on the command line. Raises click.BadParameter."""
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not 0 < number <= LONGEST_TIMEOUT:
        raise click.BadParameter(
            f"{text!r} is not a number of seconds above 0 and up to {LONGEST_TIMEOUT}"
        )
    return number


@click.command()
@click.argument("theorems", nargs=-1, metavar="[THEOREM]...")
@click.option(
    "--profile", type=profile, help=f"Only theorems of these rules: {', '.join(PROFILES)}."
)
@click.option(
    "--timeout",
    type=seconds,
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Seconds a query.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def prove(
    theorems: tuple[str, ...], profile: Profile | None, timeout: float, as_json: bool
) -> None:
    """Prove the theorems, all of them or those named.

    Ends 0 if each is proven, its negative controls are refuted and its hypotheses are shown to be
    needed; 1 if one is refuted; 3 if one is not decided in time.
    """
    names = chosen(theorems, profile)
    with progress("proving") as bars:
        task = bars.task_ids[0]
        bars.update(task, total=len(names) + len(LEMMAS))

        def show(outcome: Outcome) -> None:
            bars.advance(task)

        book = prove_book(names, timeout, show)
    click.echo(json.dumps(document(book), indent=2)) if as_json else print_book(book)
    exit_with(book.exit_code())


def chosen(theorems: tuple[str, ...], profile: Profile | None) -> list[str]:
    """The theorems to prove. Raises click.UsageError for a name that is none of them."""
    known = theorem_names(None if profile is None else profile.name)
    for name in theorems:
        if name not in known:
            raise click.UsageError(f"unknown theorem {name!r}: known are {', '.join(known)}")
    return [name for name in known if not theorems or name in theorems]


def document(book: Book) -> dict[str, Any]:
    """The JSON document of `conformance/schema/prove-v1.json`."""
    return {
        "schema": PROVE_VERSION,
        "command": "prove",
        "solver": book.solver,
        "seconds": round(book.seconds, 3),
        "exit_code": book.exit_code(),
        "theorems": [_theorem(proof) for proof in book.proofs],
        "lemmas": [
            asdict(lemma) | {"verdict": lemma.verdict.value, "seconds": round(lemma.seconds, 3)}
            for lemma in book.lemmas
        ],
    }


def _theorem(proof: Proof) -> dict[str, Any]:
    theorem = THEOREMS[proof.theorem]
    about = {
        "name": proof.theorem,
        "invariant": theorem.invariant or None,
        "claim": theorem.claim,
        "over": theorem.over,
        "source": theorem.source,
        "arithmetic": theorem.arithmetic.value,
        "profiles": list(theorem.profiles),
        "not_assumed": not_assumed(proof.theorem),
    }
    outcome = asdict(proof) | {
        "verdict": proof.verdict.value,
        "seconds": round(proof.seconds, 3),
        "controls": [asdict(c) | {"verdict": c.verdict.value} for c in proof.controls],
    }
    del outcome["theorem"]
    return about | outcome


def not_assumed(name: str) -> list[str]:
    """The hypotheses of other theorems about the decision that this one does without.

    None where it assumes nothing of the kind: it may not speak of a decision at all.
    """
    assumed = {h.name for h in THEOREMS[name].hypotheses}
    if not assumed & {h.name for h in DECISION_HYPOTHESES}:
        return []
    return [h.text for h in DECISION_HYPOTHESES if h.name not in assumed]


def print_book(book: Book) -> None:
    """The proof table, then claims, hypotheses, negative controls and totals.

    Columns: `cases` paths through the rule, `goals` and `conditions` queries answered unsat,
    `refuted` negative controls, `needed` hypotheses shown to be needed, `serves` the invariant that
    the theorem is part of.
    """
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=PLAIN_WIDTH)
    table = Table(title=f"Theorems, decided by {book.solver}", title_justify="left", box=SIMPLE)
    wide = console.width >= WIDE
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
    console.print(table)
    for line in [*trouble(book), *claims(book), *hypotheses(book), *controls(book), *summary(book)]:
        console.print(Text(line), soft_wrap=True)


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


def trouble(book: Book) -> list[str]:
    """What is not proven, and why."""
    lines = []
    for proof in book.proofs:
        if proof.verdict is not Verdict.PROVEN:
            lines.append(f"{proof.verdict.value.upper()} {proof.theorem}: {proof.reason}")
        if proof.counterexample is not None:
            lines.append(f"  executed counterexample: {assignment(proof.counterexample)}")
    lines += [
        f"{lemma.verdict.value.upper()} lemma {lemma.lemma}: {lemma.claim}"
        for lemma in book.lemmas
        if lemma.verdict is not Verdict.PROVEN
    ]
    return lines


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
    """The last line: how many of how many, by which solver, in what time."""
    proven = sum(p.verdict is Verdict.PROVEN for p in book.proofs)
    lemmas = sum(x.verdict is Verdict.PROVEN for x in book.lemmas)
    goals = sum(p.goals for p in book.proofs)
    conditions = sum(p.conditions for p in book.proofs)
    return [
        "",
        f"proven: {proven} of {len(book.proofs)} theorems, {lemmas} of {len(book.lemmas)} lemmas; "
        f"{goals} goals and {conditions} no-wrap and definedness conditions answered unsat "
        f"in {book.seconds:.1f} s",
    ]
