"""Certificates: proofs that cvc5 writes in the Alethe format, and a check that trusts no solver.

A certificate stands beside the script that it proves: `NAME.smt2` and `NAME.alethe`. It is checked
here by `smt_proofs.alethe`; any other checker of that format can be given the same two files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smt_proofs.alethe import Rejected, check
from smt_proofs.solvers import read_into, require, version

DEFAULT_TIMEOUT: Final = 20.0
"""Seconds that the solver may take for a proof."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A proof of a script with the number of its steps, all of them checked.

    Where `trouble` says why there is none, or why it was not accepted, nothing is certified.
    """

    proof: str
    steps: int
    trouble: str

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
    solver.setOption("tlimit-per", str(max(int(timeout * 1000), 1)))
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


def certify(text: str, timeout: float = DEFAULT_TIMEOUT) -> Certificate:
    """Have the script proven, and check the proof."""
    try:
        proof = proof_of(text, timeout)
    except ValueError as error:
        return Certificate("", 0, str(error))
    try:
        return Certificate(proof, check(text, proof), "")
    except Rejected as error:
        return Certificate(proof, 0, str(error))


def write(folder: Path, name: str, text: str, certificate: Certificate) -> None:
    """Write script and proof into the folder, with what became of the check."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.smt2").write_text(text, encoding="utf-8")
    judged = "not accepted: " + certificate.trouble
    if certificate.checked:
        judged = f"each of {certificate.steps} steps checked"
    if certificate.proof:
        head = f"; by {version('cvc5')}; {judged}\n"
        (folder / f"{name}.alethe").write_text(head + certificate.proof, encoding="utf-8")
