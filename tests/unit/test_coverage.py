"""Coverage of runs against the state graph, and the generator steered to what is left."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.explore.coverage import (
    Case,
    Situation,
    cases_of_graph,
    cases_of_trace,
    covered,
    exactly_covered,
    situation_of,
)
from conformance.explore.graph import explore
from conformance.explore.scale import scaled_config
from conformance.explore.steer import Steered
from conformance.explore.tour import as_traces, transition_tour
from conformance.generate.traces import random_trace, trace_seed
from conformance.traces.schemas import problem
from conformance.traces.trace import Trace
from model.device import ReferenceDevice
from model.extents import Extents
from model.profiles import QEMU
from model.state import Answer, Op, State

PAGE = Path(__file__).parents[2] / "docs" / "explore.md"
MODES = {"option": True, "inaccessible": True, "prealloc": False}


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(slotproof, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.fixture(scope="module")
def cases() -> frozenset[Case]:
    return cases_of_graph(explore(QEMU, scaled_config(QEMU, 5, 3), judged=False))


def traces(count: int, chooser: Steered | None = None) -> list[Trace]:
    return [
        random_trace(QEMU, trace_seed(1, number), 60, given=MODES, chooser=chooser)
        for number in range(1, count + 1)
    ]


def met(made: list[Trace]) -> Counter[Case]:
    return Counter(case for trace in made for case in cases_of_trace(trace))


def test_the_situation_of_a_state() -> None:
    device = ReferenceDevice(QEMU, scaled_config(QEMU, 5, 3, requested=2))
    assert situation_of(device.fixed, device.state) == Situation(
        "none", "part", "more", "none", cut=False, busy=False, broken=False, realized=True
    )
    half = State(
        plugged=Extents.of_ranges([(1, 3)]),
        mapped=Extents.of_ranges([(0, 2)]),
        size=2 * device.fixed.block,
        requested=2 * device.fixed.block,
        usable=device.fixed.region,
        busy=True,
        accepted=False,
        broken=False,
        realized=True,
    )
    assert situation_of(device.fixed, half) == Situation(
        "part", "all", "as much", "several", cut=True, busy=True, broken=False, realized=True
    )


def test_a_tour_covers_everything_there_is() -> None:
    graph = explore(QEMU, scaled_config(QEMU, 2, 2), judged=False)
    tour = list(as_traces(graph, transition_tour(graph)))
    found = covered(cases_of_graph(graph), met(tour))
    assert found.cases == found.all_cases > 1000 and found.situations == found.all_situations
    assert found.beyond == 0 and found.left == ()
    exact = exactly_covered(graph, tour)
    assert exact is not None
    assert (exact.states, exact.transitions) == (len(graph.states), graph.steps)
    part = exactly_covered(graph, tour[:1])
    assert part is not None and 0 < part.transitions < graph.steps
    assert exactly_covered(graph, traces(1)) is None


def test_what_is_left_is_what_was_not_met(cases: frozenset[Case]) -> None:
    counted = met(traces(5))
    found = covered(cases, counted)
    assert found.cases + len(found.left) == found.all_cases == len(cases)
    assert not set(found.left) & counted.keys()
    assert found.steps == 300


def test_what_a_device_answers_wrong_is_beyond(cases: frozenset[Case]) -> None:
    known = next(case for case in cases if case.op is Op.STATE and case.answer is Answer.ACK)
    found = covered(cases, Counter([known._replace(answer=Answer.BUSY)]))
    assert (found.cases, found.beyond) == (0, 1)


def test_steering_is_repeatable_and_draws_from_the_same_actions() -> None:
    first, second = traces(3, Steered()), traces(3, Steered())
    assert first == second != traces(3)


def test_steering_goes_on_from_earlier_runs(cases: frozenset[Case]) -> None:
    earlier = traces(40)
    before = met(earlier)
    later = traces(10, Steered(earlier))
    blind = [random_trace(QEMU, trace_seed(2, n), 60, given=MODES) for n in range(1, 11)]
    new = len((met(later).keys() - before.keys()) & cases)
    assert new > 2 * len((met(blind).keys() - before.keys()) & cases)


def test_the_gain_on_the_page_is_the_gain_measured(cases: frozenset[Case]) -> None:
    """Same seeds, same steps; the page's table is what comes out."""
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE.read_text(), re.M)
    assert [int(row[0]) for row in rows] == [1200, 3000]
    for row in rows:
        steps, *shown = map(int, row)
        plain, steered = (
            covered(cases, met(traces(steps // 60, chooser))) for chooser in (None, Steered())
        )
        every = f"the {plain.all_situations} situations and {plain.all_cases} cases of"
        assert every in PAGE.read_text()
        assert shown == [plain.situations, steered.situations, plain.cases, steered.cases]
        assert steered.cases > 1.5 * plain.cases


# The command


def test_the_command_counts_and_lists(tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert run("trace", "generate", one, "--seed", "1").exit_code == 0
    assert run("trace", "generate", two, "--seed", "1", "--after", one).exit_code == 0
    small = ("--blocks", "2", "--slots", "2")
    result = run("trace", "coverage", one, two, "--left", "2", *small)
    assert result.exit_code == 0
    assert result.stdout.startswith("2 traces of 120 steps against 2 blocks and 2 memslots of ")
    assert result.stdout.count("\n  left: ") == 2
    document = json.loads(
        run("trace", "coverage", one, two, "--left", "2", "--json", *small).stdout
    )
    assert problem(document, "coverage-v1.json") is None
    assert document["exact"] is None and len(document["left"]) == 2
    alone = json.loads(run("trace", "coverage", one, "--json", *small).stdout)
    assert document["cases"]["reached"] > alone["cases"]["reached"]


def test_traces_of_the_small_device_are_counted_exactly(tmp_path: Path) -> None:
    tour = tmp_path / "tour"
    run("explore", "--blocks", "1", "--slots", "1", "--tour", str(tour))
    files = map(str, tour.iterdir())
    result = run("trace", "coverage", *files, "--blocks", "1", "--slots", "1", "--json")
    document = json.loads(result.stdout)
    assert problem(document, "coverage-v1.json") is None
    assert document["exact"] == {
        "states": {"reached": 24, "all": 24},
        "transitions": {"reached": 864, "all": 864},
    }


def test_traces_of_two_profiles_are_wrong_use(tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    run("trace", "generate", one)
    run("trace", "generate", two, "--profile", "seed-v2")
    result = run("trace", "coverage", one, two)
    assert result.exit_code == 2 and result.stdout == ""
    assert "of several profiles" in result.stderr
