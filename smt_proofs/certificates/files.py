"""Certificates: scripts with proofs beside them, each checked by what is no solver.

A certificate of `NAME.smt2` is `NAME.alethe`, or of a script with bit-vectors `NAME.drat` with the
clauses it refutes, `NAME.cnf`. It is checked here by `alethe` or `drat`; any other checker of these
formats can be given the same files.
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

from smt_proofs.certificates.bits import clauses_of
from smt_proofs.certificates.makers import DEFAULT_TIMEOUT, DRAT, Certificate, certify, maker_of
from smt_proofs.solving.copies import end_with_parent

SUFFIXES: Final = frozenset({".smt2", ".alethe", ".drat", ".cnf"})
"""Of the files in a folder of certificates."""


def keep(script: Path, text: str, certificate: Certificate) -> list[Path]:
    """Write a proof beside its script, headed by what became of the check; which files there are.

    A file that was there is replaced as a whole, but for a proof that is kept.
    """
    if not certificate.proof:
        return []
    maker, proof = maker_of(text), beside(script, text)
    if not certificate.kept:
        judged = f"each of {certificate.steps} steps checked by {maker.checker()}"
        if not certificate.checked:
            judged = f"not accepted by {maker.checker()}: {certificate.trouble}"
        _put(proof, f"{maker.comment} by {maker.solver()}; {judged}\n{certificate.proof}")
    if maker is not DRAT:
        return [proof]
    clauses = script.with_suffix(".cnf")
    _put(clauses, clauses_of(text).dimacs())
    return [proof, clauses]


def beside(script: Path, text: str) -> Path:
    """Where the proof of a script goes."""
    return script.with_suffix(maker_of(text).suffix)


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the scripts of a folder.

    `certified` counts those with a proof of which every step was checked, by who wrote it, `steps`
    the steps of the different proofs, and `kept` the different proofs that were there already;
    `unproven` counts scripts by why there is no proof, and `refused` gives, by script, why a proof
    was not accepted.
    """

    certified: Counter[str]
    steps: int
    kept: int
    unproven: dict[str, int]
    refused: dict[Path, str]


def certify_folder(
    folder: Path,
    timeout: float = DEFAULT_TIMEOUT,
    listener: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Certify every script in the folder and those below it, on all cores.

    A proof that is there and is accepted is not made again. Scripts that differ in comments alone
    share one proof, linked where the file system can. `listener` hears how many proofs are done, of
    how many.
    """
    alike: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.smt2")):
        alike.setdefault(_said(path.read_text(encoding="utf-8")), []).append(path)
    certified: Counter[str] = Counter()
    unproven: Counter[str] = Counter()
    refused: dict[Path, str] = {}
    steps = kept = 0
    for done, (text, certificate) in enumerate(_certificates(alike, timeout), 1):
        first, *others = alike[text]
        for made in keep(first, text, certificate):
            for other in others:
                _share(made, other.with_suffix(made.suffix))
        if certificate.checked:
            certified[maker_of(text).name] += 1 + len(others)
            steps += certificate.steps
            kept += certificate.kept
        elif certificate.proof:
            refused[first] = certificate.trouble
        else:
            unproven[certificate.trouble] += 1 + len(others)
        listener(done, len(alike))
    return Summary(certified, steps, kept, dict(unproven), refused)


def _certificates(
    alike: dict[str, list[Path]], timeout: float
) -> Iterator[tuple[str, Certificate]]:
    """The certificate of each script, as they come."""
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=get_context("spawn"), initializer=_depend_on_the_parent
    ) as pool:
        waiting = {
            pool.submit(_certificate, text, timeout, beside(paths[0], text)): text
            for text, paths in alike.items()
        }
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


def _certificate(text: str, timeout: float, place: Path) -> Certificate:
    """The certificate of a script, whose proof may be there."""
    try:
        known = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        known = ""
    return certify(text, timeout, known)


def _said(text: str) -> str:
    """A script without its comments."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(";"))


def _put(path: Path, text: str) -> None:
    # A file that is linked to others must not change for them.
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _share(proof: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        other.hardlink_to(proof)
    except OSError:
        shutil.copyfile(proof, other)
