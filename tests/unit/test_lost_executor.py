"""Who carries out work elsewhere is lost: one line says so, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from conformance.check.campaign import Plan, promise, run_there
from conformance.cli import slotproof
from conformance.commands import check as command
from conformance.commands import check_run
from conformance.commands.executor import KEPT
from conformance.judge.finding import Kind
from conformance.judge.judge import EXACT
from conformance.targets.limits import Limits
from conformance.targets.qemu.process import QemuError
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import TargetError
from model.profiles import QEMU
from smt_proofs.solving.cache import VARIABLE, nothing_remembered
from smt_proofs.solving.cluster import Workers
from smt_proofs.solving.pool import LostExecutor, LostWork, carried_out, carried_out_by
from smt_proofs.solving.solve import Answer
from smt_proofs.solving.solvers import Disagreement


class Killed(Exception):
    """What a scheduler says of a task whose workers died."""

    __module__ = "distributed.scheduler"


class Theirs:
    """A future of Dask: what awaiting it comes to, and how its task ended."""

    def __init__(self, found: Any, status: str) -> None:
        self.found, self.status = found, status

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def workers() -> Iterator[Callable[..., Workers]]:
    """Makes an executor whose client has such futures, one a task."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    def made(*theirs: Theirs, workers: int = 1, status: str = "running") -> Workers:
        waiting = iter(theirs)
        client = SimpleNamespace(
            submit=lambda *task, pure: next(waiting),
            loop=SimpleNamespace(asyncio_loop=loop),
            scheduler_info=lambda: {"workers": {}, "n_workers": workers},
            status=status,
        )
        return Workers(client, "tcp://boss:8786")

    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize(
    ("found", "status", "raised"),
    [
        (CancelledError(), "cancelled", LostExecutor),
        # The scheduler went while it handed over the result.
        (OSError("closed"), "finished", LostExecutor),
        (OSError("the task's own"), "error", OSError),
        (Killed("four workers"), "error", ChildProcessError),
        (KeyError("the task's own"), "error", KeyError),
    ],
)
def test_a_task_comes_to_an_end(
    found: Exception, status: str, raised: type[Exception], workers: Callable[..., Workers]
) -> None:
    error = workers(Theirs(found, status)).submit(abs, 1).exception(10)
    assert type(error) is raised


def test_without_a_scheduler_nothing_more_is_asked(workers: Callable[..., Workers]) -> None:
    executor = workers(Theirs(CancelledError(), "cancelled"))
    with carried_out_by(executor), pytest.raises(LostExecutor) as lost:
        list(carried_out(abs, [0]))
    assert str(lost.value) == (
        "the connection to the Dask scheduler at tcp://boss:8786 was lost: start it and its "
        "workers, and this again"
    )
    for lost_executor in (executor, workers(status="closed")):
        with pytest.raises(LostExecutor):
            lost_executor.submit(abs, 1)


def test_that_nothing_is_remembered_holds_on_workers_too(
    workers: Callable[..., Workers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where `--no-cache` comes after `--executor`."""
    monkeypatch.delenv(VARIABLE, raising=False)
    executor, asked = workers(), []

    def note(apart: object, code: object, cache: str | None, *task: object, pure: bool) -> Theirs:
        asked.append(cache)
        return Theirs(1, "finished")

    monkeypatch.setattr(executor._client, "submit", note)
    executor.submit(abs, 1).result(10)
    with nothing_remembered():
        executor.submit(abs, 1).result(10)
    assert asked == [None, "off"]


def test_what_all_workers_died_of_is_lost_by_name(workers: Callable[..., Workers]) -> None:
    executor = workers(Theirs(Killed(), "error"), Theirs(1, "finished"))
    found: list[tuple[int, int]] = []
    with carried_out_by(executor), pytest.raises(LostWork) as lost:
        found.extend(carried_out(abs, [-2, -1]))
    assert lost.value.items == (-2,) and found == [(-1, 1)]


def test_no_worker_is_told(workers: Callable[..., Workers]) -> None:
    told = "no worker is connected: dask worker tcp://boss:8786"
    assert workers(workers=0).trouble() == told
    assert workers(workers=1).trouble() == ""
    assert workers(workers=0, status="connecting").trouble() == ""


@pytest.mark.parametrize(
    "error",
    [
        LostExecutor("the scheduler is gone"),
        LostWork([1, 2]),
        ChildProcessError("a task ended with -9 on elsewhere"),
        BrokenExecutor("a process was ended"),
    ],
)
def test_a_check_that_is_cut_off_is_not_decided(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(wish: object) -> None:
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "checked", cut_off)
    result = CliRunner().invoke(slotproof, ["check", "--json", "--junit", "check.xml"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"slotproof: not decided: {error}\n"
    assert not Path("check.xml").exists()


class Never(Executor):
    """No worker comes."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, work: Any, /, *about: Any, **named: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def test_an_interrupted_check_does_not_wait_for_a_worker() -> None:
    executor, looks = Never(), count()
    wish: Any = SimpleNamespace(spec="reference", answer_timeout=None)
    with click.Context(command.check) as context:
        context.meta[KEPT] = executor
        there = check_run._elsewhere(wish, ReferenceTarget())
    assert there is not None
    nothing: Any = None
    assert there(nothing, nothing, 1, lambda: next(looks) > 0) == []
    assert executor.futures[0].cancelled()


def run_with(executor: Executor, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """A command that such an executor is given to."""

    @contextmanager
    def dask(address: str) -> Iterator[Executor]:
        executor.trouble = lambda: ""  # type: ignore[attr-defined]
        yield executor

    monkeypatch.setattr("smt_proofs.solving.cluster.dask", dask)
    return CliRunner().invoke(slotproof, [*words, "--executor", "dask:tcp://boss:8786"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", "--faults"], "--faults is about this machine"),
        (["check", "--log", "log"], "--log is about this machine"),
        (["check", "--driver", "linux"], "--executor is about a device"),
        (["compare", "qemu", "qemu-8.2"], "--executor is for what --all-sizes proves"),
        (["prove", "--export", "DIR"], "--export and --certificate write where it is proven"),
        (["prove", "--certificate", "DIR"], "--export and --certificate write where it is proven"),
    ],
)
def test_what_is_of_this_machine_goes_to_no_other(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_with(executor := Never(), monkeypatch, *words)
    assert result.exit_code == 2 and told in result.stderr and not executor.futures


@pytest.mark.parametrize(
    ("raised", "code"),
    [(click.UsageError("no such program"), 2), (TargetError(Kind.DIED, "it ended"), 1)],
)
def test_a_target_that_a_worker_has_not_is_told(
    raised: Exception, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails(Never):
        def submit(self, work: Any, /, *about: Any, **named: Any) -> Future[Any]:
            future = super().submit(work)
            future.set_exception(raised)
            return future

    monkeypatch.chdir(tmp_path)
    result = run_with(Fails(), monkeypatch, "check", "--traces", "1")
    assert result.exit_code == code and result.stderr.count("\n") == 1
    assert "a worker" in result.stderr and str(raised) in result.stderr


def test_another_target_of_the_same_words_is_told() -> None:
    """As where a worker has an older build of it."""
    plan, here = Plan(QEMU, 1, 5), promise(ReferenceTarget())
    ((_, outcome),) = run_there("reference", None, here, plan, EXACT, 1)
    assert outcome.steps
    lacking = here[0] - {"wake-up"}, here[1]
    with pytest.raises(click.UsageError, match="is another there than here: wake-up"):
        run_there("reference", None, lacking, plan, EXACT, 1)
    limited = here[0], Limits({}, {"option": True})
    with pytest.raises(click.UsageError, match="is another there than here: other limits"):
        run_there("reference", None, limited, plan, EXACT, 1)


@pytest.mark.parametrize(
    "error",
    [
        TargetError(Kind.DIED, "it ended", "the log"),
        QemuError(Kind.DIED, "no answer"),
        Disagreement({"z3": Answer.SAT, "cvc5": Answer.UNSAT}),
    ],
)
def test_an_error_comes_from_another_process_as_it_was(error: Exception) -> None:
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert (str(found), vars(found)) == (str(error), vars(error))
