"""One hash of all text that a decision rests on: the rules, the engine, the solvers' versions."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path

import model
import smt_proofs
from smt_proofs.solving.solvers import available, version


@cache
def engine() -> str:
    """A hash of the text of `smt_proofs` and of the versions of Python and of all solvers."""
    found = hashlib.sha256()
    for path in sorted(Path(smt_proofs.__file__ or "").parent.rglob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    versions = [platform.python_version(), *(version(solver) for solver in available())]
    found.update("\0".join(versions).encode())
    return found.hexdigest()


@cache
def rules_text() -> str:
    """A hash of the text of `model`."""
    found = hashlib.sha256()
    for path in sorted(Path(model.__file__ or "").parent.rglob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def texts(extra: str) -> str:
    """The hash of the text of all rules and claims, of the engine, and of `extra`: for what depends
    on all of them."""
    return hashlib.sha256("\0".join((rules_text(), engine(), extra)).encode()).hexdigest()
