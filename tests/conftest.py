"""What all tests share: a cache of proofs of their own, so that each is decided once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smt_proofs.book import Book, prove_book
from smt_proofs.cache import VARIABLE
from smt_proofs.plan import theorem_names


@pytest.fixture(scope="session", autouse=True)
def proof_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for this run alone: what the user proved before neither helps nor is touched."""
    place = tmp_path_factory.mktemp("proofs")
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(place)
    yield place
    if before is None:
        del os.environ[VARIABLE]
    else:
        os.environ[VARIABLE] = before


@pytest.fixture(scope="session")
def qemu_book(proof_cache: Path) -> Book:
    """One run over all that there is to prove of the profile qemu."""
    return prove_book(theorem_names("qemu"), profile="qemu")
