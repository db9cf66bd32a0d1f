"""One hash of all text that a decision rests on: the rules, the engine, the solvers' versions."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path

import model
from smt_proofs.solving.solvers import available, version


def _text_in(folder: Path) -> str:
    """A hash of the Python text in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


@cache
def text_of(package: str) -> str:
    """A hash of the text of a package that stands beside this one, by name; it is not imported for
    that."""
    return _text_in(Path(__file__).parents[2] / package)


@cache
def engine() -> str:
    """A hash of the text of `smt_proofs` and of the versions of Python and of all solvers."""
    text = _text_in(Path(__file__).parents[1])
    versions = [platform.python_version(), *(version(solver) for solver in available())]
    return hashlib.sha256("\0".join((text, *versions)).encode()).hexdigest()


@cache
def rules_text() -> str:
    """A hash of the text of `model`."""
    return _text_in(Path(model.__file__ or "").parent)


def texts(extra: str) -> str:
    """The hash of the text of all rules and claims, of the engine, and of `extra`: for what depends
    on all of them."""
    return hashlib.sha256("\0".join((rules_text(), engine(), extra)).encode()).hexdigest()
