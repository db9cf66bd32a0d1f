"""What all tests share: a cache of proofs of their own, so that each is decided once."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from smt_proofs.book.book import Book, prove_book
from smt_proofs.book.plan import theorem_names
from smt_proofs.solving.cache import VARIABLE

SLOW = frozenset({"qemu_book", "exported", "browsers"})
"""Fixtures that take longer to make than a person waits for."""
DEAR = (
    *("browsers", "exported", "generated", "installed", "linux", "made", "qemu_book", "run"),
    *("scheduler", "seed_v2"),
)
"""Fixtures of more than one test: where several processes run the tests, one makes them for all."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make quick` leaves to `make test`, and what one process is to run."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if SLOW & names:
            item.add_marker(pytest.mark.slow)
        for fixture in DEAR:
            if fixture in names:
                item.add_marker(pytest.mark.xdist_group(fixture))
                break


@pytest.fixture(scope="session", autouse=True)
def proof_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for this run alone: what the user proved before neither helps nor is touched."""
    base = tmp_path_factory.getbasetemp()
    # Where several processes run the tests, each has a folder of its own below the run's.
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "proofs"
    place.mkdir(exist_ok=True)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(place)
    yield place
    if before is None:
        del os.environ[VARIABLE]
    else:
        os.environ[VARIABLE] = before


@pytest.fixture(scope="session")
def one_at_a_time(proof_cache: Path) -> Callable[[], AbstractContextManager[None]]:
    """Held by the one of several processes that proves much: the next finds it in the cache."""

    @contextmanager
    def held() -> Iterator[None]:
        with (proof_cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    return held


@pytest.fixture(scope="session")
def qemu_book(one_at_a_time: Callable[[], AbstractContextManager[None]]) -> Book:
    """One run over all that there is to prove of the profile qemu."""
    with one_at_a_time():
        return prove_book(theorem_names("qemu"), profile="qemu")


@pytest.fixture
def cadical() -> None:
    """CaDiCaL is there."""
    if shutil.which("cadical") is None:
        if os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
            pytest.fail("cadical is not installed: apt-get install cadical")
        pytest.skip("cadical is not installed")
