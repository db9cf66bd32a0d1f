"""One hash of all text that a decision rests on: the rules, the engine, the solvers' versions."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from smt_proofs.solving.solvers import available, version


@cache
def text_of(package: str) -> str:
    """A hash of the text of a package of this program, by name, which is not imported for that."""
    found = hashlib.sha256()
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(place).rglob("*.py")):
            found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


@cache
def engine() -> str:
    """A hash of the text of `smt_proofs` and of the versions of Python and of all solvers."""
    versions = [platform.python_version(), *(version(solver) for solver in available())]
    return hashlib.sha256("\0".join((text_of("smt_proofs"), *versions)).encode()).hexdigest()


@cache
def rules_text() -> str:
    """A hash of the text of `model`."""
    return text_of("model")


def texts(extra: str) -> str:
    """The hash of the text of all rules and claims, of the engine, and of `extra`: for what depends
    on all of them."""
    return hashlib.sha256("\0".join((rules_text(), engine(), extra)).encode()).hexdigest()
