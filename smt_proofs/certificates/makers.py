"""Who writes the proof of a script, and what checks it: by what the script speaks of."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from smt_proofs.certificates import alethe, drat
from smt_proofs.certificates.alethe import Rejected
from smt_proofs.certificates.bits import clauses_of
from smt_proofs.solving.solve import units
from smt_proofs.solving.solvers import read_into, require, version

DEFAULT_TIMEOUT: Final = 20.0
"""Seconds that the solver may take for a proof."""
CONFLICTS_A_SECOND: Final = 10_000
"""What CaDiCaL counts in about a second: its limit too does not depend on load."""
UNSATISFIABLE: Final = 20
"""The exit code by which SAT solvers say so; 10 is satisfiable."""
_BITS: Final = re.compile(r"\(_ (BitVec|bv\d+) ")


@dataclass(frozen=True, slots=True)
class Maker:
    """A solver that writes proofs into files with the `suffix`, and what checks each step of one.

    `proof_of` takes a script and its limit in seconds, and raises ValueError where it finds no
    proof; `check` takes script and proof, returns the number of steps and raises Rejected.
    `comment` opens a line that says nothing to other checkers; `solver` and `checker` name both
    with their versions.
    """

    name: str
    suffix: str
    comment: str
    proof_of: Callable[[str, float], str]
    check: Callable[[str, str], int]
    solver: Callable[[], str]
    checker: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A proof of a script with the number of its steps, all of them checked.

    Where `trouble` says why there is none, or why it was not accepted, nothing is certified. `kept`
    says that the proof was there already.
    """

    proof: str
    steps: int
    trouble: str
    kept: bool = False

    @property
    def checked(self) -> bool:
        """Every step was seen to follow."""
        return not self.trouble


def proof_of(text: str, timeout: float = DEFAULT_TIMEOUT) -> str:
    """cvc5's proof, in Alethe, that the script is unsatisfiable.

    Raises ValueError where it finds none, or writes one with a hole.
    """
    require("cvc5")
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("produce-proofs", "true")
    # What is rewritten beforehand would have to be proven as well.
    solver.setOption("simplification", "none")
    solver.setOption("rlimit-per", str(units("cvc5", timeout)))
    try:
        read_into(solver, text)
        answer = solver.checkSat()
        if not answer.isUnsat():
            raise ValueError(f"cvc5 finds no proof: it says {str(answer).split()[0]}")
        said = solver.proofToString(solver.getProof()[0], cvc5.ProofFormat.ALETHE)
    except RuntimeError as error:
        raise ValueError(f"cvc5 writes no proof: {error}") from None
    proof = said.decode() if isinstance(said, bytes) else str(said)
    if not proof.lstrip().startswith("("):
        raise ValueError(f"cvc5 writes no proof: {proof.strip().splitlines()[0]}")
    if ":rule hole" in proof:
        raise ValueError("cvc5 leaves a hole in its proof")
    return proof


def refutation_of(text: str, timeout: float = DEFAULT_TIMEOUT) -> str:
    """CaDiCaL's proof, in DRAT, that the clauses of the script are unsatisfiable.

    Raises ValueError where it finds none, is not installed, or the script cannot be read.
    """
    program = shutil.which("cadical")
    if program is None:
        raise ValueError("cadical is not installed: apt install cadical")
    if importlib.util.find_spec("dratify") is None:
        raise ValueError("dratify is not installed: pip install dratify")
    with TemporaryDirectory() as folder:
        formula, proof = Path(folder, "script.cnf"), Path(folder, "script.drat")
        formula.write_text(clauses_of(text).dimacs(), encoding="utf-8")
        limit = str(max(int(CONFLICTS_A_SECOND * timeout), 1))
        options = ("-q", "-n", "--no-binary", "-c", limit)
        run = subprocess.run([program, *options, formula, proof], capture_output=True, text=True)
        if run.returncode != UNSATISFIABLE:
            said = (run.stdout.strip() or run.stderr.strip()).splitlines()
            raise ValueError(f"cadical finds no proof: it says {said[0] if said else 'nothing'}")
        return proof.read_text(encoding="utf-8")


@cache
def _cadical() -> str:
    run = subprocess.run(["cadical", "--version"], capture_output=True, text=True, check=True)
    return f"cadical {run.stdout.strip()}"


ALETHE: Final = Maker(
    "cvc5", ".alethe", ";", proof_of, alethe.check, lambda: version("cvc5"), lambda: "slotproof"
)
DRAT: Final = Maker(
    "cadical",
    ".drat",
    "c",
    refutation_of,
    drat.check,
    _cadical,
    lambda: f"dratify {metadata.version('dratify')}",
)


def maker_of(text: str) -> Maker:
    """Who proves the script: `alethe` knows no bit-vectors."""
    return DRAT if _BITS.search(text) else ALETHE


def certify(text: str, timeout: float = DEFAULT_TIMEOUT, known: str = "") -> Certificate:
    """Check the `known` proof of the script; where there is none, or it is none of the script, have
    one made and check that."""
    maker = maker_of(text)
    if known:
        try:
            return Certificate(known, maker.check(text, known), "", kept=True)
        except (Rejected, ImportError):
            pass
    try:
        proof = maker.proof_of(text, timeout)
    except ValueError as error:
        return Certificate("", 0, str(error))
    try:
        return Certificate(proof, maker.check(text, proof), "")
    except Rejected as error:
        return Certificate(proof, 0, str(error))
