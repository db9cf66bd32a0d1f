"""One hash of all text that a decision rests on: the rules, the engine, the solvers' versions."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path
from typing import Final

import model
from smt_proofs.solving.solvers import available, version

COMPILED: Final = "__pycache__"


def text_in(folder: Path) -> str:
    """A hash of all files of a package, each under its path there: what is Python, and what goes
    with it, such as a schema or the guest's C."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if COMPILED in within.parts or not path.is_file():
            continue
        # Sizes keep apart what would look alike in a row.
        text = path.read_bytes()
        found.update(f"{within.as_posix()}\0{len(text)}\0".encode() + text)
    return found.hexdigest()


@cache
def text_of(package: str) -> str:
    """A hash of the files of a package that stands beside this one, by name; it is not imported for
    that."""
    return text_in(Path(__file__).parents[2] / package)


@cache
def engine() -> str:
    """A hash of the text of `smt_proofs` and of the versions of Python and of all solvers."""
    text = text_in(Path(__file__).parents[1])
    versions = [platform.python_version(), *(version(solver) for solver in available())]
    return hashlib.sha256("\0".join((text, *versions)).encode()).hexdigest()


@cache
def rules_text() -> str:
    """A hash of the text of `model`."""
    return text_in(Path(model.__file__ or "").parent)


def texts(extra: str) -> str:
    """The hash of the text of all rules and claims, of the engine, and of `extra`: for what depends
    on all of them."""
    return hashlib.sha256("\0".join((rules_text(), engine(), extra)).encode()).hexdigest()
