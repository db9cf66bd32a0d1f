"""A profile's theorems proven in parts, and the documents of the parts joined again."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.commands import prove as command
from conformance.commands.prove_json import document
from conformance.traces.schemas import problem
from model.profiles import PROFILES, QEMU
from smt_proofs.book.book import Book
from smt_proofs.book.plan import TILING, shard_of, stated_names, theorem_names, told_names
from smt_proofs.decision.outcome import Control, Necessity, Proof
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.foundations import LemmaProof
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.means import Means
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import mappings_of, transitions
from smt_proofs.transitions.proofs import INVARIANTS_DEFINED, TransitionProof, exactness_claim

COUNT = 3
PROVEN = Verdict.PROVEN
EVERYWHERE = {TILING, exactness_claim(INVARIANTS_DEFINED)[0]}
"""What every transition rests on."""


def run(*words: str) -> Result:
    return CliRunner().invoke(slotproof, words)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("count", [1, 3])
def test_each_theorem_is_in_one_shard(profile: str, count: int) -> None:
    found = Counter(name for n in range(count) for name in shard_of(profile, n + 1, count))
    assert set(found) == set(theorem_names(profile))
    assert set(found.values()) == {1}


def beside(name: str) -> tuple[tuple[Control, ...], tuple[Necessity, ...]]:
    """What a theorem owes beside its proof, shown."""
    theorem = THEOREMS[name]
    controls = (Control(mutant, Verdict.REFUTED, {}) for mutant in theorem.mutants)
    needs = (Necessity(h.name, h.text, h.why, {}, "", True) for h in theorem.hypotheses)
    return tuple(controls), tuple(needs)


@pytest.fixture(scope="module")
def book() -> Book:
    """A book as a run of all theorems of `qemu` makes it, with nothing decided for it."""
    lemmas = [
        LemmaProof(name, "induction" if name in INDUCTIONS else "lemma", "", PROVEN, "", 1, 0, 0, 0)
        for name in (*LEMMAS, *INDUCTIONS)
    ]
    proofs = [
        Proof(name, PROVEN, "", (), 1, 1, 0, None, None, *beside(name), 0)
        for name in stated_names("qemu")
    ]
    stepwise = [
        TransitionProof(
            name, "qemu", mapping, step, "", "", "", PROVEN, "", (), 1, 1, 1, 0, "wrong", "", 0
        )
        for mapping in mappings_of(QEMU)
        for step in (INVARIANTS_DEFINED, *transitions())
        for name in told_names(QEMU, mapping, step)
    ]
    proofs[0] = replace(proofs[0], remembered="2026-01-02")
    return Book(tuple(lemmas), tuple(proofs), tuple(stepwise), ("a solver",), 1.5)


@pytest.fixture
def written(book: Book, tmp_path: Path) -> Callable[[int], Path]:
    """The document that a shard of the book prints, in a file."""

    def of(number: int) -> Path:
        names = {*shard_of("qemu", number, COUNT), *EVERYWHERE}
        part = replace(
            book,
            proofs=tuple(p for p in book.proofs if p.theorem in names),
            transitions=tuple(t for t in book.transitions if t.theorem in names),
        )
        path = tmp_path / f"prove-{number}.json"
        path.write_text(json.dumps(document(part, {}, part.exit_code())))
        return path

    return of


def timeless(told: dict[str, Any]) -> dict[str, Any]:
    """A document without the seconds of the whole, and by which command it was made."""
    return told | {"seconds": 0.0, "made": None}


def test_the_shards_joined_are_the_whole(
    book: Book, written: Callable[[int], Path], tmp_path: Path
) -> None:
    paths = [str(written(number)) for number in (2, 3, 1)]
    junit = tmp_path / "prove.xml"
    result = run("merge", *paths, "--json", "--junit", str(junit))
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert problem(told, "prove-v2.json") is None
    whole = json.loads(json.dumps(document(book, {}, 0)))
    assert (told["remembered"], told["oldest"]) == (1, "2026-01-02")
    assert timeless(told) == timeless(whole)
    assert junit.read_text().count("<testcase") == len(book.outcomes)


def test_a_shard_that_is_not_there_is_not_decided(written: Callable[[int], Path]) -> None:
    result = run("merge", str(written(1)), str(written(3)))
    assert result.exit_code == 3
    lacking = [x for x in result.stdout.splitlines() if x.startswith("NOT DECIDED ")]
    assert any("(mapping " in line for line in lacking)
    assert lacking[0].endswith(": in none of the documents")


def test_a_refuted_shard_is_refuted_merged(written: Callable[[int], Path]) -> None:
    paths = [written(number) for number in (1, 2, 3)]
    told = json.loads(paths[1].read_text())
    told["theorems"][0]["verdict"] = "refuted"
    name = told["theorems"][0]["name"]
    paths[1].write_text(json.dumps(told | {"exit_code": 1}))
    result = run("merge", *map(str, paths))
    if name == TILING:
        assert (result.exit_code, TILING in result.stderr) == (2, True)
    else:
        assert result.exit_code == 1


@pytest.fixture
def whole(written: Callable[[int], Path]) -> list[Path]:
    """The documents of all shards."""
    return [written(number) for number in (1, 2, 3)]


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A document with a change made to it."""
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def test_a_theorem_that_is_not_there_is_not_decided(whole: list[Path], book: Book) -> None:
    """Of a transition of which the others are there; in one way of mapping."""

    def without(told: dict[str, Any]) -> None:
        lacking = ("realize_never_wraps", "plugged")
        told["transitions"] = [
            t for t in told["transitions"] if (t["theorem"], t["mapping"]) != lacking
        ]

    for path in whole:
        changed(path, without)
    result = run("merge", *map(str, whole))
    every = len(book.outcomes)
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        "NOT DECIDED realize_never_wraps (mapping plugged): in none of the documents",
        f"merged 3 documents: {every - 1} of {every} proven",
    ]


@pytest.mark.parametrize(
    ("part", "change", "code"),
    [
        ("transitions", {"verdict": "refuted"}, 1),
        ("transitions", {"verdict": "unknown"}, 3),
        ("transitions", {"not_shown": "a case reached by execution"}, 3),
        ("theorems", {"verdict": "vacuous"}, 1),
        (
            "theorems",
            {"controls": [{"mutant": "m", "verdict": "proven", "counterexample": None}]},
            3,
        ),
        ("lemmas", {"controlled": 1}, 3),
        # What is not there was not shown.
        ("theorems", {"controls": []}, 3),
        ("theorems", {"necessity": []}, 3),
        ("transitions", {"control": None}, 3),
        ("transitions", {"cases": 2}, 3),
    ],
)
def test_entries_decide_whatever_the_exit_code_says(
    part: str, change: dict[str, Any], code: int, whole: list[Path]
) -> None:
    # Of a theorem that no other document has.
    at = 0 if part == "theorems" else -1
    changed(whole[1], lambda told: told[part][at].update(change))
    result = run("merge", *map(str, whole))
    assert result.exit_code == code, result.output
    # Each is told by name, but what no document has.
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize("change", [{"version": "0.0.1"}, {"commit": "deadbeef"}, {"commit": None}])
def test_documents_of_two_versions_are_wrong_use(change: dict[str, Any], whole: list[Path]) -> None:
    for path in whole:
        changed(path, lambda told: told["made"].update(version="0.1.0", commit="abc"))
    changed(whole[1], lambda told: told["made"].update(change))
    result = run("merge", *map(str, whole))
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert "of several versions or commits: 0.1.0 abc (prove-1.json), " in result.stderr
    assert "(prove-2.json): expected those of one run" in result.stderr


def test_merged_says_which_version_decided(whole: list[Path]) -> None:
    for path in whole:
        changed(path, lambda told: told["made"].update(version="0.0.1", commit="abc"))
    told = json.loads(run("merge", *map(str, whole), "--json").stdout)
    assert (told["made"]["version"], told["made"]["commit"]) == ("0.0.1", "abc")


def test_what_no_run_has_is_wrong_use(whole: list[Path]) -> None:
    changed(whole[0], lambda told: told["transitions"][0].update(theorem="of_another_day"))
    result = run("merge", *map(str, whole))
    assert result.exit_code == 2
    assert "of_another_day (mapping plugged): unknown here" in result.stderr


def test_documents_that_disagree_are_of_no_one_run(written: Callable[[int], Path]) -> None:
    paths = [written(number) for number in (1, 2)]
    told = json.loads(paths[0].read_text())
    told["lemmas"][0]["verdict"] = "unknown"
    paths[0].write_text(json.dumps(told))
    result = run("merge", *map(str, paths))
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert f"{told['lemmas'][0]['lemma']} is proven there and unknown in another" in result.stderr


def test_an_empty_document_is_said_to_be_empty(tmp_path: Path) -> None:
    (path := tmp_path / "prove-1.json").touch()
    result = run("merge", str(path))
    assert result.exit_code == 2
    assert result.stderr.endswith(": empty: expected what a command prints with --json\n")


def test_other_documents_are_wrong_use(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(run("metadata", "--region", "1T", "--plugged", "1G", "--json").stdout)
    result = run("merge", str(path))
    assert result.exit_code == 2
    assert result.stderr == ("slotproof: metadata.json: of metadata: expected what prove printed\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shard", "0/3"], "'0/3' is no part"),
        (["--shard", "4/3"], "'4/3' is no part"),
        (["--shard", "1"], "'1' is no part"),
        (["--shard", "1/2", TILING], "--shard parts all theorems"),
        (["--shard", "1/2", "--mutants"], "--mutants judges all rules"),
    ],
)
def test_wrong_shards_are_one_line(words: list[str], told: str) -> None:
    result = run("prove", *words)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert told in result.stderr


def test_a_shard_proves_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def note(names: Sequence[str], means: Means, *_: object) -> Book:
        asked.append(list(names))
        return Book((), (), (), ("a solver",), 0.0)

    monkeypatch.setattr(command, "prove_book", note)
    assert run("prove", "--shard", "2/5", "--json").exit_code == 0
    assert asked == [shard_of("qemu", 2, 5)]
