"""Long work tells how far it has come: a bar on a terminal, a line a minute in a log."""

import io
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console
from rich.progress import Progress, Task

from conformance.commands import progress as told
from conformance.explore.graph import explore
from conformance.explore.scale import scaled_config
from model.profiles import QEMU
from smt_proofs.book.plan import expected_outcomes, tasks_for
from smt_proofs.book.work import Stated, Transition, carry_out
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.mutation import alike, testing
from smt_proofs.mutation.testing import Judged
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.solve import Answer
from smt_proofs.source import work
from smt_proofs.source.verify import read_source


def task(description: str, elapsed: float, completed: float, total: float | None) -> Task:
    now = [0.0]
    bars = Progress(disable=True, get_time=lambda: now[0])
    number = bars.add_task(description, total=total, completed=int(completed))
    now[0] = elapsed
    return bars.tasks[number]


@pytest.mark.parametrize(
    ("elapsed", "completed", "total", "line"),
    [
        (60.0, 0, None, "proving: after 0:01:00"),
        (60.0, 7, None, "proving: 7 after 0:01:00"),
        (60.0, 0, 657, "proving: 0 of 657 after 0:01:00"),
        (120.0, 200, 300, "proving: 200 of 300 after 0:02:00, about 0:01:00 left"),
        (3600.4, 300, 300, "proving: 300 of 300 after 1:00:00"),
    ],
)
def test_a_line_says_how_much_of_how_much(
    elapsed: float, completed: int, total: int | None, line: str
) -> None:
    assert told.line(task("proving", elapsed, completed, total)) == line


class Minutes(Event):
    """Ends after so many minutes, none of which anybody waits for."""

    def __init__(self, minutes: int) -> None:
        super().__init__()
        self.left = minutes

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == told.EVERY == 60
        self.left -= 1
        return self.left < 0


def test_a_log_gets_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    troubles = iter(["", "nobody is there"])
    one = task("checking", 90.0, 1, 4)
    told._tell(one, Minutes(2), lambda: next(troubles), Console())
    seen = capsys.readouterr()
    line = "slotproof: checking: 1 of 4 after 0:01:30, about 0:04:30 left"
    assert seen.out == ""
    assert seen.err == f"{line}\n{line}; nobody is there\n"


def test_a_terminal_is_told_of_trouble_alone() -> None:
    troubles, seen = iter(["", "nobody is there"]), io.StringIO()
    one = task("checking", 90.0, 1, 4)
    told._tell_trouble(one, Minutes(2), lambda: next(troubles), Console(file=seen))
    assert seen.getvalue() == "slotproof: nobody is there\n"


@pytest.mark.parametrize("profile", ["qemu-7.2", "firecracker"])
def test_a_run_of_named_theorems_counts_what_they_rest_on(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decides(self: Decider, text: str) -> dict[str, Answer]:
        return {"z3": Answer.UNSAT}

    monkeypatch.setattr(Decider, "__call__", decides)
    names = ["wake_up_keeps_plugged_in_mapped"]
    tasks = tasks_for(names, profile)
    stepwise = [each for each in tasks if isinstance(each, Transition)]
    outcomes = sum(len(carry_out(each, Means())) for each in stepwise)
    # Those of the registry have one each.
    others = len(LEMMAS) + len(INDUCTIONS) + sum(isinstance(each, Stated) for each in tasks)
    assert expected_outcomes(names, profile) == outcomes + others


def test_what_takes_less_than_a_minute_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with told.progress("checking") as bars:
        bars.update(bars.task_ids[0], completed=1, total=2)
    assert capsys.readouterr() == ("", "")


def test_an_exploration_tells_every_state() -> None:
    heard: list[tuple[int, int]] = []
    graph = explore(
        QEMU, scaled_config(QEMU, 1, 1), listener=lambda left, found: heard.append((left, found))
    )
    assert [left for left, _ in heard] == list(range(len(graph.states)))
    assert heard[0][1] == 1 and heard[-1][1] == len(graph.states)


def test_mutants_tell_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, int, int]] = []
    names = list(alike.ALIKE)[:1]

    def judged(chosen: object, listener: testing.Counted) -> list[Judged]:
        listener(0, 1)
        return [Judged(name, None) for name in names]

    def carried_out(work: object, items: list[str], means: object) -> list[tuple[str, object]]:
        return [(item, alike.Equivalence(item, alike.Verdict.UNKNOWN, 0, "")) for item in items]

    monkeypatch.setattr(alike, "judge_all", judged)
    monkeypatch.setattr(alike, "carried_out", carried_out)
    alike.explain_all(listener=lambda *what: heard.append(what))
    assert heard[0] == ("judging mutants", 0, 1)
    assert heard[-1] == ("proving mutants equivalent", 1, 1)


def test_a_source_tells_how_many_functions_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are remembered, and each as it comes, whatever its place in the order."""
    monkeypatch.setattr(
        work, "carried_out", lambda do, items, *more: ((i, do(i, *more)) for i in items)
    )
    monkeypatch.setattr(work, "SHARED", 1)
    source = read_source((Path(__file__).parent / "sources" / "small.c").read_bytes(), "small.c")
    names = frozenset({"virtio_mem_valid_range", "virtio_mem_is_busy"})
    heard: list[int] = []
    found = list(work.verified(source, QEMU, "small.c", Cache(None), names, heard.append))
    assert heard == [0, 1, 2] and len(found) == 2
