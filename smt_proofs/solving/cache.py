"""What was decided before: answers by script and solver, and outcomes by fingerprint.

A cache never changes what is true, only how long it takes: what cannot be read or written, or was
damaged, counts as never decided. `unknown` is never kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from platformdirs import user_cache_dir

from smt_proofs.solving.solve import Answer
from smt_proofs.solving.solvers import decide, version

VARIABLE: Final = "SLOTPROOF_CACHE"
"""The environment variable that names another folder, or is "off"."""
FORMAT: Final = 3
"""Counts up with every change of how a value is kept: versions that share a folder do not meet."""
FILE: Final = f"proofs-{FORMAT}.sqlite3"
LARGEST: Final = 64 << 20
"""Bytes from which on the oldest quarter is dropped."""
PATIENCE: Final = 5.0
"""Seconds to wait for another process that is writing."""
SUM_DIGITS: Final = 32
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS kept (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, value TEXT, sum TEXT
)
"""
DROP_OLDEST: Final = """
DELETE FROM kept WHERE number IN
    (SELECT number FROM kept ORDER BY number LIMIT (SELECT count(*) / 4 + 1 FROM kept))
"""

KEPT: Final = frozenset({Answer.SAT.value, Answer.UNSAT.value})
"""Answers that are kept; a value that is not one of them and a day counts as never decided."""

T = TypeVar("T")

_INHERITED: Final[list[sqlite3.Connection]] = []


def today() -> str:
    """The day, as what is remembered is dated."""
    return datetime.now(UTC).date().isoformat()


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Within it this process and those that it starts look nothing up and keep nothing."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "off"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def digest(text: str) -> str:
    """The hash by which a script is known."""
    return hashlib.sha256(text.encode()).hexdigest()


def folder() -> Path | None:
    """Where the cache lies, None where it is off. Raises ValueError for a place named by the user
    that is no folder."""
    named = os.environ.get(VARIABLE, "")
    if named == "off":
        return None
    place = Path(named) if named else Path(user_cache_dir("slotproof"))
    if named and place.exists() and not place.is_dir():
        raise ValueError(f"{VARIABLE}={named} is no folder; name one, or say off")
    return place


class Cache:
    """One store, shared by all processes; each opens it for itself."""

    def __init__(self, place: Path | None) -> None:
        """`place` is the folder, None for a cache that keeps nothing."""
        self._path = None if place is None else place / FILE
        self._store: sqlite3.Connection | None = None
        self._owner = 0

    @classmethod
    def of_user(cls) -> Cache:
        """The user's own. Raises ValueError as `folder`."""
        return cls(folder())

    def answer(self, text: str, solver: str) -> Answer | None:
        """What the solver, in its present version, said of the script; None if never asked."""
        found = self.answered(text, solver)
        return None if found is None else found[0]

    def answered(self, text: str, solver: str) -> tuple[Answer, str] | None:
        """The same, with the day on which it said so."""
        found = self._said(text, solver)
        return None if found is None else found[:2]

    def _said(self, text: str, solver: str) -> tuple[Answer, str, str] | None:
        """An answer, its day, and the run that it was given in."""
        found = self._get(_answer_key(text, solver))
        if found is None:
            return None
        answer, day, run = [*found.split(" "), "", ""][:3]
        return (Answer(answer), day, run) if answer in KEPT and day else None

    def keep_answer(self, text: str, solver: str, answer: Answer, run: str = "") -> None:
        """Remember an answer, and the run that it was given in; UNKNOWN is none."""
        if answer is not Answer.UNKNOWN:
            self._put(_answer_key(text, solver), f"{answer.value} {today()} {run}".rstrip())

    def decide(self, text: str, solver: str, timeout: float, run: str = "") -> tuple[Answer, str]:
        """As `solvers.decide`, unless it was decided before; and the day of that, empty for now:
        by this call, or in this `run` by another process."""
        known = self._said(text, solver)
        if known is not None:
            answer, day, when = known
            return answer, "" if run and when == run else day
        answer = decide(text, solver, timeout)
        self.keep_answer(text, solver, answer, run)
        return answer, ""

    def record(self, fingerprint: str) -> dict[str, Any] | None:
        """What was kept under the fingerprint, None if nothing was."""
        found = self._get(f"record {fingerprint}")
        try:
            record = None if found is None else json.loads(found)
        except ValueError:
            return None
        return record if isinstance(record, dict) else None

    def keep_record(self, fingerprint: str, record: Mapping[str, Any]) -> None:
        """Remember an outcome that JSON can hold."""
        self._put(f"record {fingerprint}", json.dumps(record))

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        if self._store is not None and self._owner == os.getpid():
            self._store.close()
            self._store = None

    def _get(self, key: str) -> str | None:
        def read(store: sqlite3.Connection) -> str | None:
            query = "SELECT value, sum FROM kept WHERE key = ?"
            row = store.execute(query, (key,)).fetchone()
            if row is None or row[1] != _sum(key, str(row[0])):
                return None
            return str(row[0])

        return self._within(read)

    def _put(self, key: str, value: str) -> None:
        def write(store: sqlite3.Connection) -> None:
            row = key, value, _sum(key, value)
            store.execute("INSERT OR REPLACE INTO kept (key, value, sum) VALUES (?, ?, ?)", row)
            if _size(store) > LARGEST:
                store.execute(DROP_OLDEST)

        self._within(write)

    def _within(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Work with the store; None where it cannot be had. A damaged one is begun anew."""
        if self._path is None:
            return None
        try:
            return work(self._opened(self._path))
        except sqlite3.OperationalError:
            # Locked for too long, read-only or full: as if there were none.
            return None
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.DatabaseError, OSError):
            self._begin_anew(self._path)
            return None

    def _opened(self, path: Path) -> sqlite3.Connection:
        if self._store is None or self._owner != os.getpid():
            path.parent.mkdir(parents=True, exist_ok=True)
            if self._store is not None:
                # A fork inherited it, and must not close what is open in its parent.
                _INHERITED.append(self._store)
            store = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            # Readers and a writer at a time; a crash of the machine may cost the last answers.
            store.execute("PRAGMA journal_mode = WAL")
            store.execute("PRAGMA synchronous = NORMAL")
            store.execute(SCHEMA)
            self._store, self._owner = store, os.getpid()
        return self._store

    def _begin_anew(self, path: Path) -> None:
        self.close()
        with suppress(OSError):
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)


def _answer_key(text: str, solver: str) -> str:
    return f"answer {digest(text)} {version(solver)}"


def _sum(key: str, value: str) -> str:
    """What tells a damaged row: it is the hash of the key with the value."""
    return hashlib.sha256(f"{key}\0{value}".encode()).hexdigest()[:SUM_DIGITS]


def _size(store: sqlite3.Connection) -> int:
    """Bytes in use."""
    pages, free, size = (
        int(store.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
