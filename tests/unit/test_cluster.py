"""Work on the workers of a Dask scheduler: the same documents as here, whatever dies."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from click.testing import CliRunner
from processes import runs

from conformance.cli import slotproof
from smt_proofs.solving.apart import apart, code_here
from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.cluster import dask
from smt_proofs.solving.pool import LostWork, OtherCode, carried_out, carried_out_by

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("distributed") is None, reason="no distributed"),
]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Any]:
    """A scheduler with two workers, each a process."""
    # What is dear to import is not, where other tests of the suite are collected.
    from distributed import LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    # The tasks of this module are known to the workers by its name.
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", os.pathsep.join(map(str, Path(__file__).parents[:2])))
    with LocalCluster(processes=True, **options) as made:
        yield made
    patch.undo()


@pytest.fixture(scope="module")
def address(scheduler: Any) -> str:
    return str(scheduler.scheduler_address)


def told(*words: str) -> dict[str, Any]:
    """The JSON document of a command, without times and days."""
    result = CliRunner().invoke(slotproof, [*words, "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout, object_hook=_timeless)
    return document


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    times = {"seconds", "made", "remembered", "decided", "oldest"}
    return {key: value for key, value in record.items() if key not in times}


COMMANDS = [
    ["prove", "slots_no_smaller_than_minimum", "is_aligned_tells_multiples"],
    ["check", "--seed", "3", "--traces", "6", "--steps", "20", "-j", "2", "--failures", "kept"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_command_tells_the_same_by_workers(
    words: list[str], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Nothing is remembered of the first when the second decides.
    monkeypatch.setenv(VARIABLE, "off")
    here = told(*words)
    assert told(*words, "--executor", f"dask:{address}") == here


def _dies_once(number: int, place: str) -> int:
    """Kills the worker above, but only the first time, and would go on."""
    mark = Path(place) / "died"
    if number == 1 and not mark.exists():
        mark.write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()
    return number


def test_what_a_worker_left_when_it_was_killed_is_done_by_another(
    address: str, tmp_path: Path
) -> None:
    with dask(address) as executor, carried_out_by(executor):
        found = dict(carried_out(_dies_once, [0, 1, 2, 3], str(tmp_path)))
    assert found == {number: number for number in range(4)}
    # Its end comes soon, and whoever is its parent then need not have heard of it.
    task = int((tmp_path / "died").read_text())
    deadline = monotonic() + 60
    while runs(task):
        assert monotonic() < deadline, "the task of a worker that was killed goes on"


def _ends(number: int) -> int:
    if number == 1:
        os._exit(7)
    return number


def test_a_task_whose_process_ends_is_lost_by_name(address: str) -> None:
    found: list[int] = []
    with dask(address) as executor, carried_out_by(executor), pytest.raises(LostWork) as lost:
        found.extend(number for number, _ in carried_out(_ends, [0, 1, 2]))
    assert sorted(found) == [0, 2] and lost.value.items == (1,)


OTHER = ("code of another day", "Python 2.7")
"""What no worker has."""


def test_other_code_does_no_work() -> None:
    assert apart(code_here(), None, abs, -1) == 1
    with pytest.raises(OtherCode, match=r"here are code of another day, Python 2\.7:"):
        apart(OTHER, None, abs, -1)


def test_a_worker_with_other_code_is_wrong_use(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything begins; a worker is named by its address."""
    monkeypatch.setattr("smt_proofs.solving.cluster.code_here", lambda: OTHER)
    result = CliRunner().invoke(slotproof, ["prove", "--executor", f"dask:{address}"])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert "tcp://" in result.stderr
    assert result.stderr.endswith(
        ": expected the same slotproof, Python and solvers on all machines\n"
    )


def test_a_worker_that_comes_later_with_other_code_is_wrong_use(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the proofs alone: whatever is handed to the cluster is carried out apart."""
    monkeypatch.chdir(tmp_path)
    codes = iter([code_here(), OTHER])
    monkeypatch.setattr("smt_proofs.solving.cluster.code_here", lambda: next(codes))
    words = ["check", "--traces", "1", "-j", "1", "--executor", f"dask:{address}"]
    result = CliRunner().invoke(slotproof, words)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert "a worker on " in result.stderr and "; here are code of another day" in result.stderr


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ("ray:tcp://127.0.0.1:1", "'ray:tcp://127.0.0.1:1' is none: expected dask:tcp://HOST:8786"),
        ("dask:", "'dask:' is none: expected dask:tcp://HOST:8786"),
        ("dask:nowhere", "no Dask scheduler answers at nowhere"),
    ],
)
def test_wrong_use_is_one_line(wanted: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smt_proofs.solving.cluster.PATIENCE", 1)
    result = CliRunner().invoke(slotproof, ["prove", "--executor", wanted])
    assert result.exit_code == 2
    assert line in result.stderr and "Traceback" not in result.stderr
