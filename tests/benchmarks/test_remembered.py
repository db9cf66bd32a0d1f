"""How fast what was proven before is found again; run with `make bench`, never asserted."""

from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from model.profiles import QEMU, SEED_V2
from model.rules import step
from model.state import Op
from smt_proofs.book.fingerprints import fingerprint
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.solve import Answer
from smt_proofs.transitions.claims import claims_of, mappings_of

SCRIPTS = 2000


def test_answers_read_from_the_cache(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    kept = Cache(tmp_path)
    texts = [f"; script {number}" for number in range(SCRIPTS)]
    for text in texts:
        kept.keep_answer(text, "z3", Answer.UNSAT)
    assert benchmark(lambda: sum(kept.answer(text, "z3") is not None for text in texts)) == SCRIPTS


def test_fingerprints_of_claims(benchmark: BenchmarkFixture) -> None:
    def taken() -> set[str]:
        return {
            fingerprint(step, claim, profile, mapping, extra="", ops=[op])
            for profile in (SEED_V2, QEMU)
            for mapping in mappings_of(profile)
            for op in (Op.PLUG, Op.UNPLUG)
            for claim in claims_of(mapping, op.value)
        }

    assert len(benchmark(taken)) > 100
