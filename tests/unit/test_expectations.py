"""`prove --expect`, counterexamples as traces, and exported obligations, on real runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.check.expected import read_expected
from conformance.check.refutations import Row
from conformance.cli import slotproof
from conformance.commands import prove as command
from conformance.traces.trace import read_trace
from model.state import Op
from smt_proofs.book.book import Book, prove_book
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import claims_of
from smt_proofs.transitions.refuted import REFUTED

DOCS = Path(__file__).parents[2] / "docs"
EXPECTED = DOCS / "refuted-seed-v2.json"
ROWS = [row for row in REFUTED if row.profile == "seed-v2"]
STATED, STEP = "count_never_exceeds_limit", "negotiate_keeps_plugged_in_mapped"


@dataclass(frozen=True)
class Run:
    """One run of the command over all of seed-v2, its book, and the folder it ran in."""

    result: Result
    book: Book
    place: Path


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(slotproof, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    one_at_a_time: Callable[[], AbstractContextManager[None]],
) -> Iterator[Run]:
    place = tmp_path_factory.mktemp("seed")
    books: list[Book] = []

    def kept(*arguments: Any) -> Book:
        books.append(prove_book(*arguments))
        return books[-1]

    with pytest.MonkeyPatch.context() as patch, one_at_a_time():
        patch.chdir(place)
        patch.setattr(command, "prove_book", kept)
        result = invoke("prove", "--profile", "seed-v2", "--expect", str(EXPECTED))
    (book,) = books
    yield Run(result, book, place)


@pytest.fixture
def again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Any], tuple[Result, Path]]:
    """The same run compared with another file."""

    def compared(document: Any) -> tuple[Result, Path]:
        path = tmp_path / "expected.json"
        path.write_text(json.dumps(document))
        monkeypatch.chdir(run.place)
        monkeypatch.setattr(command, "prove_book", lambda *_: run.book)
        return invoke("prove", "--profile", "seed-v2", "--expect", str(path)), path

    return compared


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXPECTED.read_text())
    return found


@pytest.mark.slow
def test_the_refuted_rows_are_those_of_the_file(run: Run) -> None:
    assert run.result.exit_code == 0
    assert run.result.stdout.splitlines()[-1] == (
        f"as expected: {len(ROWS)} claims are refuted and no other"
    )
    rows = {Row(t.profile, t.mapping.value, t.serves, t.transition) for t in run.book.refuted}
    assert rows == set(read_expected(EXPECTED))
    assert rows == {Row(r.profile, r.mapping.value, r.claim, r.op.value) for r in ROWS}
    assert all(t.counterexample for t in run.book.refuted)


def test_every_weakest_hypothesis_is_proven(run: Run) -> None:
    limits = [t for t in run.book.transitions if "_exactly_if_" in t.theorem]
    assert len(limits) == len(ROWS)
    for limit in limits:
        assert limit.verdict is Verdict.PROVEN, limit.theorem
        assert limit.control, limit.theorem
    told = {line.strip() for line in run.result.stdout.splitlines()}
    assert {f"proven: {limit.claim}" for limit in limits} <= told


def test_nothing_else_is_open(run: Run) -> None:
    others = [o for o in run.book.outcomes if o not in run.book.refuted]
    assert {o.verdict for o in others} == {Verdict.PROVEN}


def test_a_row_less_or_more_ends_1_with_the_difference(
    again: Callable[[Any], tuple[Result, Path]],
) -> None:
    less = document()
    row = less["refuted"].pop(0)
    result, _ = again(less)
    assert result.exit_code == 1
    assert f"refuted, but not expected to be: {row['claim']} in {row['transition']}, mapping " in (
        result.stdout
    )
    more = document()
    more["refuted"].append(row | {"transition": "plug", "claim": "plugged-in-mapped"})
    result, _ = again(more)
    assert result.exit_code == 1
    assert "expected to be refuted, but it is not: plugged-in-mapped in plug, " in result.stdout


def test_a_file_that_is_none_or_of_another_profile_ends_2(
    again: Callable[[Any], tuple[Result, Path]],
) -> None:
    result, path = again({"refuted": 1})
    assert result.exit_code == 2
    assert result.stderr.startswith(f"slotproof: {path}: no list of refuted claims: ")
    assert result.stdout == ""
    result, path = again(document() | {"profile": "qemu"})
    assert result.exit_code == 2
    assert f"{path} is about all theorems of one profile: --profile qemu" in result.stderr
    result = invoke("prove", "--expect", str(EXPECTED))
    assert result.exit_code == 2
    assert "--profile seed-v2" in result.stderr
    result = invoke("prove", "--profile", "seed-v2", "--expect", str(EXPECTED), STATED)
    assert result.exit_code == 2


def test_without_a_file_what_is_refuted_ends_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.place)
    monkeypatch.setattr(command, "prove_book", lambda *_: run.book)
    assert invoke("prove", "--profile", "seed-v2").exit_code == 1


def test_every_refuted_claim_has_a_trace_that_fails_again(run: Run) -> None:
    folder = run.place / "slotproof-failures"
    files = sorted(folder.iterdir())
    assert len(files) == len(ROWS)
    for path in files:
        shown = path.relative_to(run.place)
        assert f"from a device just realized: slotproof trace replay {shown}" in run.result.stdout
        finding = read_trace(path).finding
        assert finding is not None
        replayed = invoke("trace", "replay", str(path))
        assert replayed.exit_code == 1
        assert f"{finding.what} does not hold" in replayed.stdout.splitlines()[0]


@pytest.mark.parametrize("profile", ["qemu-7.2", "firecracker", "cloud-hypervisor"])
@pytest.mark.slow
def test_of_other_profiles_unplug_all_is_refuted_as_listed(profile: str) -> None:
    """Of one operation each; `make refuted` proves all that there is of these profiles."""
    rows = [row for row in REFUTED if (row.profile, row.op) == (profile, Op.UNPLUG_ALL)]
    (mapping,) = {row.mapping for row in rows}
    theorems = {claim.serves: claim.theorem for claim in claims_of(mapping, Op.UNPLUG_ALL.value)}
    refuted = [theorems[row.claim] for row in rows]
    exact = [f"{theorems[row.claim]}_exactly_if_{row.holds.__name__}" for row in rows]
    book = prove_book([*refuted, *exact], profile=profile)
    assert sorted(t.theorem for t in book.refuted) == sorted(refuted)
    assert all(t.counterexample for t in book.refuted)
    limits = {t.theorem: (t.verdict, bool(t.control)) for t in book.transitions}
    assert {limits[name] for name in exact} == {(Verdict.PROVEN, True)}
    assert not book.lost


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The obligations of a theorem about the decision, of a transition, and of all lemmas."""
    place = tmp_path_factory.mktemp("exported") / "obligations"
    result = invoke("prove", STATED, STEP, "--export", str(place))
    assert result.exit_code == 0, result.output
    return place


def test_every_theorem_asked_for_and_all_below_is_exported(exported: Path) -> None:
    names = {folder.name for folder in exported.iterdir()}
    exact = {"negotiate_never_wraps", "invariants_never_wrap"}
    assert {STATED, STEP, "slots_tile_region_in_blocks", *LEMMAS} <= names
    assert exact & names


def sample(folder: Path) -> list[Path]:
    """Two files of each theorem, the shortest and the longest."""
    chosen: list[Path] = []
    for theorem in sorted(folder.iterdir()):
        files = sorted(theorem.glob("*.smt2"), key=lambda path: path.stat().st_size)
        chosen += dict.fromkeys([files[0], files[-1]])
    return chosen


def answers(binary: str, arguments: list[str], files: list[Path]) -> dict[str, str]:
    """What a solver's program says of each file."""
    found = {}
    for path in files:
        ran = subprocess.run(
            [binary, *arguments, str(path)], capture_output=True, text=True, timeout=60, check=False
        )
        found[path.name, path.parent.name] = ran.stdout.strip() + ran.stderr.strip()
    return {"/".join(reversed(key)): said for key, said in found.items()}


def test_the_program_z3_says_unsat_of_exported_files(exported: Path) -> None:
    """The one that comes with the package z3-solver."""
    binary = Path(sys.executable).with_name("z3")
    if not binary.exists():
        pytest.skip(f"no program {binary}")
    said = answers(str(binary), ["-T:30"], sample(exported))
    assert said
    assert {name: what for name, what in said.items() if what != "unsat"} == {}


def test_the_program_cvc5_says_unsat_of_exported_files(exported: Path) -> None:
    """Debian's, of another version than the package."""
    binary = shutil.which("cvc5")
    if binary is None:
        pytest.skip("no program cvc5: apt install cvc5")
    said = answers(binary, ["--tlimit=30000"], sample(exported))
    assert said
    assert {name: what for name, what in said.items() if what != "unsat"} == {}


def test_a_file_without_its_last_assertion_is_not_unsat(exported: Path, tmp_path: Path) -> None:
    """The files say what is denied: without that nothing contradicts."""
    binary = Path(sys.executable).with_name("z3")
    if not binary.exists():
        pytest.skip(f"no program {binary}")
    path = next(iter(sorted((exported / "radix_sum").glob("*.smt2"))))
    kept, _, _ = path.read_text().rpartition("(assert")
    shorter = tmp_path / "shorter.smt2"
    shorter.write_text(kept.replace("(set-info :status unsat)\n", "") + "(check-sat)\n")
    assert answers(str(binary), [], [shorter])[f"{tmp_path.name}/shorter.smt2"] == "sat"
