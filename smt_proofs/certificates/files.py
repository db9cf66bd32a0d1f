"""Certificates: proofs that cvc5 writes in the Alethe format, and a check that trusts no solver.

A certificate stands beside the script that it proves: `NAME.smt2` and `NAME.alethe`. It is checked
here by `alethe`; any other checker of that format can be given the same two files.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Final

from smt_proofs.certificates.alethe import Rejected, check
from smt_proofs.solving.copies import end_with_parent
from smt_proofs.solving.solve import units
from smt_proofs.solving.solvers import read_into, require, version

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


def certify(text: str, timeout: float = DEFAULT_TIMEOUT) -> Certificate:
    """Have the script proven, and check the proof. There is none of a script with bit-vectors: the
    checker knows integers and truth values."""
    if "BitVec" in text:
        return Certificate("", 0, "it speaks of bit-vectors")
    try:
        proof = proof_of(text, timeout)
    except ValueError as error:
        return Certificate("", 0, str(error))
    try:
        return Certificate(proof, check(text, proof), "")
    except Rejected as error:
        return Certificate(proof, 0, str(error))


def keep(script: Path, certificate: Certificate) -> None:
    """Write a proof beside its script, headed by what became of the check."""
    judged = f"each of {certificate.steps} steps checked by slotproof"
    if not certificate.checked:
        judged = f"not accepted by slotproof: {certificate.trouble}"
    if certificate.proof:
        head = f"; by {version('cvc5')}; {judged}\n"
        beside(script).write_text(head + certificate.proof, encoding="utf-8")


def beside(script: Path) -> Path:
    """Where the proof of a script goes."""
    return script.with_suffix(".alethe")


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the scripts of a folder.

    `certified` counts those with a proof of which every step was checked, `steps` the steps of the
    different proofs; `unproven` counts scripts by why cvc5 wrote no proof, and `refused` gives, by
    script, why a proof was not accepted.
    """

    certified: int
    steps: int
    unproven: dict[str, int]
    refused: dict[Path, str]


def certify_folder(
    folder: Path,
    timeout: float = DEFAULT_TIMEOUT,
    listener: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Certify every script in the folder and those below it, on all cores.

    Scripts that differ in comments alone share one proof, linked where the file system can.
    `listener` hears how many proofs are done, of how many.
    """
    alike: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.smt2")):
        alike.setdefault(_said(path.read_text(encoding="utf-8")), []).append(path)
    certified = steps = 0
    unproven: Counter[str] = Counter()
    refused: dict[Path, str] = {}
    for done, (text, certificate) in enumerate(_certificates(list(alike), timeout), 1):
        first, *others = alike[text]
        keep(first, certificate)
        for other in others if certificate.proof else ():
            _share(beside(first), beside(other))
        if certificate.checked:
            certified += 1 + len(others)
            steps += certificate.steps
        elif certificate.proof:
            refused[first] = certificate.trouble
        else:
            unproven[certificate.trouble] += 1 + len(others)
        listener(done, len(alike))
    return Summary(certified, steps, dict(unproven), refused)


def _certificates(texts: list[str], timeout: float) -> Iterator[tuple[str, Certificate]]:
    """The certificate of each script, as they come."""
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=get_context("spawn"), initializer=_depend_on_the_parent
    ) as pool:
        waiting = {pool.submit(certify, text, timeout): text for text in texts}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            # Whoever interrupts does not want to wait for the proofs that are being made.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise


def _depend_on_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _said(text: str) -> str:
    """A script without its comments."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(";"))


def _share(proof: Path, other: Path) -> None:
    try:
        other.hardlink_to(proof)
    except OSError:
        shutil.copyfile(proof, other)
