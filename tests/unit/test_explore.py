"""State graphs of small devices: complete, distances as the definition says, tours that cover."""

import json
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import networkx as nx
import pytest
from click.testing import CliRunner, Result

from conformance.check.runner import run_trace
from conformance.cli import slotproof
from conformance.explore.alphabet import alphabet
from conformance.explore.distance import diameter
from conformance.explore.export import ExportError, as_dot, as_graphml, as_networkx, as_svg
from conformance.explore.graph import StateGraph, explore
from conformance.explore.scale import scaled_config
from conformance.explore.tour import Tour, as_traces, pair_tour, transition_tour
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import CAPABILITIES
from conformance.traces.schemas import problem
from conformance.traces.trace import read_trace
from model.device import ConfigError, fix
from model.events import realize
from model.machine_ints import INTS
from model.profiles import PROFILES, QEMU, SEED_V2
from model.rules import step
from model.state import ConcreteState, Op


def graph_of(blocks: int, slots: int, profile: str = "qemu") -> StateGraph:
    return explore(PROFILES[profile], scaled_config(PROFILES[profile], blocks, slots))


@pytest.fixture(scope="module")
def small() -> StateGraph:
    return graph_of(2, 2)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(slotproof, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


# The graph


@pytest.mark.parametrize(("blocks", "slots"), [(1, 1), (2, 2), (3, 2), (5, 3), (6, 3)])
def test_a_scaled_device_has_the_blocks_and_memslots_asked_for(blocks: int, slots: int) -> None:
    fixed = fix(QEMU, scaled_config(QEMU, blocks, slots))
    assert (fixed.region // fixed.block, fixed.slots.count) == (blocks, slots)


def test_a_device_that_the_decision_never_makes_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 4 memslots of whole blocks make 3"):
        scaled_config(QEMU, 5, 4)


def test_the_states_are_all_there_are(small: StateGraph) -> None:
    """Found once more by a search without merging."""
    fixed = small.fixed
    queue = deque([realize(INTS, fixed)])
    states: set[ConcreteState] = set(queue)
    while queue:
        state = queue.popleft()
        for done in alphabet(fixed):
            after = step(INTS, fixed, state, done).state
            if after not in states:
                states.add(after)
                queue.append(after)
    assert small.merged and small.complete
    assert {replace(state, accepted=False) for state in states} == set(small.states)
    assert len(states) == 2 * len(small.states)
    assert all(small.node_of(state) is not None for state in states)


def test_every_claim_holds_in_profile_qemu(small: StateGraph) -> None:
    assert small.broken == ()
    assert small.invariant_checks > 6 * len(small.states)
    assert small.contract_checks > 10 * small.steps


def test_the_alphabet_has_every_operation_and_every_failure(small: StateGraph) -> None:
    assert {done.op for done in small.actions} == set(Op)
    assert len(set(small.actions)) == len(small.actions)
    faults = [done.faults for done in small.actions]
    assert any(one.discard for one in faults) and any(one.populate for one in faults)
    accessible = scaled_config(QEMU, 2, 2)
    prealloc = alphabet(fix(QEMU, replace(accessible, prealloc=True)))
    assert any(done.faults.prealloc for done in prealloc)
    left = alphabet(small.fixed, CAPABILITIES - {"wake-up", "fail-discard"})
    assert not any(done.op is Op.WAKE_UP or done.faults.discard for done in left)


def test_the_shortest_paths_are_those_of_the_definition(small: StateGraph) -> None:
    drawn = as_networkx(small)
    lengths = dict(nx.all_pairs_shortest_path_length(drawn))
    assert list(small.depths) == [lengths[0][number] for number in range(len(small.states))]
    assert diameter(small) == max(max(row.values()) for row in lengths.values())
    for number in range(len(small.states)):
        assert len(small.path_to(number)) == small.depths[number]


def test_blocks_of_a_memslot_are_not_interchangeable() -> None:
    """Why states that are alike but for the order of a memslot's blocks stay apart."""
    fixed = fix(QEMU, scaled_config(QEMU, 3, 2))
    state = replace(realize(INTS, fixed), requested=2 * fixed.block, usable=3 * fixed.block)
    answers = []
    for block in (0, 1):
        plugged = state.plugged.with_range(block, block + 1)
        half = replace(state, plugged=plugged, size=fixed.block)
        asked = (replace(done) for done in alphabet(fixed) if done.op is Op.STATE)
        answers.append(sorted(step(INTS, fixed, half, done).block_state is None for done in asked))
        last = next(
            done
            for done in alphabet(fixed)
            if done.op is Op.STATE and done.addr == fixed.addr + fixed.block and done.blocks == 2
        )
        answers.append(step(INTS, fixed, half, last).block_state)
    assert answers[1] is not answers[3]


# Tours


def walked(graph: StateGraph, tour: Tour) -> Iterator[list[tuple[int, int]]]:
    for walk in tour.traces:
        state, taken = 0, []
        for action in walk:
            taken.append((state, action))
            state = graph.targets[state][action]
        yield taken


def test_a_transition_tour_takes_every_transition(small: StateGraph) -> None:
    tour = transition_tour(small)
    taken = {step for walk in walked(small, tour) for step in walk}
    every = {(s, a) for s in range(len(small.states)) for a in range(len(small.actions))}
    assert taken == every
    assert tour.covered == tour.least == len(every) <= tour.steps < 1.1 * len(every)


def test_a_tour_of_pairs_takes_every_pair() -> None:
    graph = graph_of(1, 1)
    tour = pair_tour(graph)
    pairs = {pair for walk in walked(graph, tour) for pair in pairwise(walk)}
    every = {
        ((s, a), (graph.targets[s][a], b))
        for s in range(len(graph.states))
        for a in range(len(graph.actions))
        for b in range(len(graph.actions))
    }
    assert pairs == every
    assert tour.covered == graph.pairs == len(every) < tour.least <= tour.steps < 1.25 * len(every)


def test_the_traces_of_a_tour_run_on_a_target(small: StateGraph) -> None:
    traces = list(as_traces(small, transition_tour(small)))
    assert len(traces) > 1
    for trace in traces:
        assert run_trace(ReferenceTarget(), trace).finding is None


# Files


def test_graphml_comes_back(small: StateGraph) -> None:
    back = nx.parse_graphml(as_graphml(small).decode())
    assert (len(back), back.number_of_edges()) == (len(small.states), small.edges)
    steps = nx.get_edge_attributes(back, "steps").values()
    assert sum(steps) == small.steps
    plugged = {values["plugged"] for _, values in back.nodes(data=True)}
    assert plugged == {"-", "0", "1", "0-1"}


def test_dot_names_every_state(small: StateGraph) -> None:
    text = as_dot(small).decode()
    assert text.startswith("digraph states {")
    assert text.count("label=") == len(small.states) + sum(
        len(set(row) - {number}) for number, row in enumerate(small.targets)
    )


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_draws_every_state(small: StateGraph) -> None:
    text = as_svg(small).decode()
    assert text.startswith("<?xml") and text.count('class="node"') == len(small.states)


def test_svg_needs_graphviz(small: StateGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ExportError, match="apt-get install graphviz"):
        as_svg(small)


def test_a_drawing_that_nobody_can_read_is_refused(
    small: StateGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.explore.export.MOST_DRAWN", 50)
    with pytest.raises(ExportError, match="at most 50 are drawn"):
        as_svg(small)


# The command


def test_the_command_tells_the_counts() -> None:
    result = run("explore", "--blocks", "2", "--slots", "2")
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout == (
        "explored profile qemu: 2 blocks of 1 GiB in 2 memslots, 1 GiB requested at start\n"
        "  states            56 (the feature the driver accepted left out: no rule reads it)\n"
        "  transitions       2632, 47 actions\n"
        "  edges             306 pairs of a state and one that follows\n"
        "  farthest state    5 steps from the start\n"
        "  diameter          7 steps\n"
        "  invariant checks  397\n"
        "  contract checks   59083\n"
        "holds: every invariant in every state, every contract in every step\n"
    )


def test_six_blocks_in_three_memslots_are_explored_whole() -> None:
    """In a process of its own, where no coverage is measured: there are 6 million checks."""
    command = [sys.executable, "-m", "conformance.cli", "explore", "--blocks", "6", "--slots", "3"]
    done = subprocess.run([*command, "--profile", "qemu", "--json"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    document = json.loads(done.stdout)
    assert problem(document, "explore-v1.json") is None
    assert document["complete"] and document["broken"] == []
    assert document["transitions"] == document["states"] * document["actions"] == 391416
    assert document["invariant_checks"] > 6 * document["states"]
    assert document["contract_checks"] > 10 * document["transitions"]


def test_the_patch_ends_1_with_the_fewest_steps(tmp_path: Path) -> None:
    arguments = ("explore", "--blocks", "3", "--slots", "2", "--profile", "seed-v2")
    result = run(*arguments, "--failures", str(tmp_path))
    assert result.exit_code == 1
    fails = [line for line in result.stdout.splitlines() if line.startswith("fails: ")]
    assert fails[0].startswith("fails: invariant plugged-in-mapped after 2 steps, kept as ")
    assert "\ninvariant: plugged-in-mapped does not hold\n" in result.stdout
    kept = read_trace(Path(fails[0].partition("kept as ")[2]))
    assert [step.action.op for step in kept.steps] == [Op.PLUG, Op.MIGRATION_IN]
    document = json.loads(run(*arguments, "--failures", str(tmp_path), "--json").stdout)
    assert problem(document, "explore-v1.json") is None
    assert (document["verdict"], document["complete"]) == ("fails", False)
    assert document["broken"][0]["trace"] == fails[0].partition("kept as ")[2]


def test_tours_and_graphs_are_written_and_replayed(tmp_path: Path) -> None:
    tour, pairs, graphml = tmp_path / "t", tmp_path / "p", tmp_path / "g.graphml"
    options = ("--tour", str(tour), "--pairs", str(pairs), "--graph", str(graphml), "--json")
    result = run("explore", "--blocks", "1", "--slots", "1", *options)
    document = json.loads(result.stdout)
    assert problem(document, "explore-v1.json") is None and document["verdict"] == "holds"
    files = sorted(map(str, tour.iterdir()))
    assert len(files) == document["tours"][0]["traces"]
    assert len(list(pairs.iterdir())) == document["tours"][1]["traces"]
    assert nx.read_graphml(graphml).number_of_nodes() == document["states"]
    replayed = run("trace", "replay", *files, "--target", "reference")
    steps = document["tours"][0]["steps"]
    assert replayed.stdout == (
        f"holds: all {steps} steps of {len(files)} traces are allowed, every invariant and "
        "contract holds\n"
    )


def test_a_replay_stops_at_the_first_trace_that_fails(tmp_path: Path) -> None:
    run("explore", "--blocks", "1", "--slots", "1", "--tour", str(tmp_path / "t"))
    good = sorted(map(str, (tmp_path / "t").iterdir()))[0]
    bad = tmp_path / "bad"
    text = Path(good).read_text()
    bad.write_text(text.replace('"answer":"ack"', '"answer":"nack"', 1))
    result = run("trace", "replay", good, str(bad))
    assert result.exit_code == 1
    assert result.stdout.startswith("recorded as failing: divergence: answer: allowed ack")
    assert f"trace replay {bad}" in result.stdout


def test_only_what_a_target_can_do_is_explored() -> None:
    target = ("--target", "cmd:python3 docs/example_device.py")
    document = json.loads(run("explore", "--blocks", "1", "--slots", "1", *target, "--json").stdout)
    whole = json.loads(run("explore", "--blocks", "1", "--slots", "1", "--json").stdout)
    assert document["actions"] <= whole["actions"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--blocks", "5", "--slots", "4"), "no device has 4"),
        (("--blocks", "11", "--slots", "1"), "11 is not in the range"),
        (("--blocks", "2"), "Missing option '--slots'"),
        (("--blocks", "2", "--slots", "2", "--graph", "x.png"), "ends in none of .graphml"),
        (("--blocks", "2", "--slots", "2", "--graph", "/no/such/dir/x.dot"), "cannot write"),
        (("--blocks", "2", "--slots", "2", "--tour", "tests"), "'tests' exists already"),
        (("--blocks", "1", "--slots", "1", "--pairs", "new"), "--pairs takes at most 1000"),
    ],
)
def test_wrong_use_is_one_line(
    options: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr("conformance.commands.explore.MOST_PAIRS", 1000)
    result = run("explore", *options)
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and told in result.stderr


def test_the_seed_keeps_more_than_one_memslot_with_readable_memory() -> None:
    config = scaled_config(SEED_V2, 2, 2, inaccessible=False)
    graph = explore(SEED_V2, config, judged=False)
    assert graph.complete and graph.merged
