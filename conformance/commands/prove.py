"""`slotproof prove`: decide the theorems and show what each rests on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from difflib import get_close_matches
from math import nan
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from conformance.check.expected import ExpectedError, compare, read_expected
from conformance.check.refutations import Row, search, write_counterexamples
from conformance.commands.common import exit_with, profile_option
from conformance.commands.executor import chosen_executor, executor_option
from conformance.commands.mutants import run_mutants
from conformance.commands.no_cache import no_cache_option
from conformance.commands.options import failures_option, report_options, write_reports
from conformance.commands.progress import progress
from conformance.commands.prove_certificates import certificate_option, certify, writable
from conformance.commands.prove_json import document
from conformance.commands.prove_list import complete_theorem, listed
from conformance.commands.prove_text import print_book, row_of
from conformance.commands.prove_without import without_option
from model.profiles import Profile, profile_named
from smt_proofs.book.book import Book, prove_book
from smt_proofs.book.plan import expected_outcomes, shard_of, theorem_names
from smt_proofs.book.work import Outcome
from smt_proofs.solving.means import DEFAULT_SOLVERS, DEFAULT_TIMEOUT, Means
from smt_proofs.solving.solve import LONGEST, Verdict
from smt_proofs.solving.solvers import SOLVERS, every
from smt_proofs.transitions.determined_proofs import SERVES

ALL = "all"


def seconds(text: str) -> float:
    """A time on the command line. Raises click.BadParameter."""
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not 0 < number <= LONGEST:
        raise click.BadParameter(
            f"{text!r} is not a number of seconds above 0 and up to {LONGEST:g}"
        )
    return number


def shard(text: str) -> tuple[int, int]:
    """Which part of how many. Raises click.BadParameter."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{text!r} is no part: 1/4 is the first of four")
    return int(match[1]), int(match[2])


@click.command()
@click.argument("theorems", nargs=-1, metavar="[THEOREM]...", shell_complete=complete_theorem)
@profile_option
@click.option(
    "--solver",
    type=click.Choice([*SOLVERS, ALL]),
    default=DEFAULT_SOLVERS[0],
    show_default=True,
    help="Who decides the obligations; all: every solver, each of which must say unsat.",
)
@click.option(
    "--timeout",
    type=seconds,
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Work that a solver may do for a query, in seconds of an ordinary core. It is counted in "
    "the solver's own resource units, so that load decides nothing.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write every obligation as an SMT-LIB 2 script.",
)
@certificate_option
@click.option(
    "--expect",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Hold if exactly the claims in FILE are refuted, and nothing else is open.",
)
@click.option(
    "--mutants",
    is_flag=True,
    help="Judge wrong rules instead: which theorem notices, or the proof that none can.",
)
@click.option(
    "--shard",
    type=shard,
    metavar="I/N",
    help="Prove part I of N of all theorems, each in one: slotproof merge joins their documents. "
    "Goes without names, --expect, --mutants and --without.",
)
@executor_option
@click.option(
    "--list", "listing", is_flag=True, help="List every theorem with what it says; prove nothing."
)
@no_cache_option
@failures_option
@report_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@without_option
def prove(
    theorems: tuple[str, ...],
    profile: Profile,
    solver: str,
    timeout: float,
    export: Path | None,
    certificate: Path | None,
    expect: Path | None,
    mutants: bool,
    shard: tuple[int, int] | None,
    listing: bool,
    failures: Path,
    junit_file: Path | None,
    sarif_file: Path | None,
    as_json: bool,
) -> None:
    """Prove the theorems about a profile's rules, all of them or those named.

    Ends 0 if each is proven, its negative controls are refuted and its hypotheses are shown to be
    needed; 1 if one is refuted; 3 if one is not decided within its limit.

    \b
    Examples:
      slotproof prove --profile qemu
      slotproof prove --profile seed-v2 --expect docs/refuted-seed-v2.json
      slotproof prove --solver all --export obligations
      slotproof prove plug_keeps_plugged_in_mapped --certificate proofs
      slotproof prove --list
      slotproof prove --mutants
      slotproof prove --shard 1/4 --json > prove-1.json
      slotproof prove --without plug-does
    """
    if listing:
        click.echo(listed(profile, chosen(theorems, profile)))
        return
    alone = (theorems, export, certificate, expect, shard, junit_file, sarif_file)
    if mutants and any(alone):
        raise click.UsageError("--mutants judges all rules by itself: only --json goes with it")
    solvers = every() if solver == ALL else (solver,)
    if mutants:
        means = Means(solvers=solvers, timeout=timeout)
        exit_with(run_mutants(Console(), means, as_json=as_json))
    if shard and (theorems or expect):
        raise click.UsageError(
            "--shard parts all theorems: it goes without names and without --expect"
        )
    names = shard_of(profile.name, *shard) if shard else chosen(theorems, profile)
    wanted = None if expect is None else expected_rows(expect, profile, theorems)
    if export and certificate:
        raise click.UsageError("--certificate writes the scripts as well: name one folder")
    folder = export or certificate
    if folder and chosen_executor():
        raise click.UsageError(
            "--export and --certificate write where it is proven: --executor does not go with them"
        )
    writable(folder, earlier=certificate is not None)
    means = Means(solvers=solvers, timeout=timeout, export=folder)
    with progress("proving") as bars:
        task = bars.task_ids[0]
        bars.update(task, total=expected_outcomes(names, profile.name))

        def show(outcome: Outcome) -> None:
            bars.advance(task)

        book = prove_book(names, means, show, profile.name)
    traces = counterexamples(book, failures)
    code, differences = judged(book, wanted)
    if certificate is not None:
        open_ones, said = certify(certificate, timeout)
        differences += said
        code = 3 if open_ones and code == 0 else code
    told = document(book, traces, code)
    write_reports(told, junit_file, sarif_file)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        print_book(book, traces, details=bool(theorems))
    lost = [f"NOT DECIDED {task}" for task in book.lost]
    for line in [*plain(theorems, book), *lost, *differences]:
        click.echo(line, err=as_json)
    exit_with(code)


def chosen(theorems: tuple[str, ...], profile: Profile) -> list[str]:
    """The theorems to prove. Raises click.UsageError for a name that is none of them."""
    known = theorem_names(profile.name)
    for name in theorems:
        if name not in known:
            close = get_close_matches(name, known, n=3)
            meant = f"did you mean {' or '.join(close)}? " if close else ""
            raise click.UsageError(
                f"unknown theorem {name!r}: {meant}"
                f"slotproof prove --profile {profile.name} --list names all {len(known)}"
            )
    return [name for name in known if not theorems or name in theorems]


def plain(theorems: tuple[str, ...], book: Book) -> list[str]:
    """What is to be said of named theorems that are none of this profile: their claim is plainly
    true in every case."""
    found = {p.theorem for p in book.proofs} | {p.theorem for p in book.transitions}
    return [
        f"{name} says nothing of this profile's rules: there is nothing to prove"
        for name in dict.fromkeys(theorems)
        if name not in found
    ]


def expected_rows(path: Path, profile: Profile, theorems: tuple[str, ...]) -> frozenset[Row]:
    """The claims that are expected to be refuted. Raises click.UsageError."""
    try:
        rows = read_expected(path)
    except ExpectedError as error:
        raise click.UsageError(str(error)) from None
    named = {row.profile for row in rows}
    if theorems or named - {profile.name}:
        of = ", ".join(sorted(named)) or "the profile it is about"
        raise click.UsageError(f"{path} is about all theorems of one profile: --profile {of}")
    return rows


def counterexamples(book: Book, place: Path) -> dict[Row, Path]:
    """Traces from a device just realized to what is refuted, written to a folder."""
    written: dict[Row, Path] = {}
    rows = {row_of(proof) for proof in book.refuted if proof.serves != SERVES}
    for name in sorted({row.profile for row in rows}):
        here = [row for row in rows if row.profile == name]
        with progress(f"searching counterexamples of {name}") as bars:

            def told(found: int, bars: Progress = bars, total: int = len(here)) -> None:
                bars.update(bars.task_ids[0], total=total, completed=found)

            found = search(profile_named(name), wanted=here, told=told).refuted
        written |= write_counterexamples(found, place)
    return written


def judged(book: Book, expected: frozenset[Row] | None) -> tuple[int, list[str]]:
    """The exit code, and what is to be said of the refuted claims where some are expected."""
    code = book.exit_code()
    if expected is None:
        return code, []
    difference = compare(expected, {row_of(proof) for proof in book.refuted})
    if difference:
        return 1, difference.lines()
    rest = tuple(t for t in book.transitions if t.verdict is not Verdict.REFUTED)
    code = replace(book, transitions=rest).exit_code()
    same = f"as expected: {len(expected)} claims are refuted and no other"
    return code, [same] if code == 0 else []
