"""SPIN as a second opinion: the same states and failing claims, of wrong rules too; and Quint."""

import os
import re
import shutil
import subprocess
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.explore.graph import StateGraph, explore
from conformance.explore.printing import Unprintable
from conformance.explore.promela import as_promela
from conformance.explore.quint import as_quint
from conformance.explore.scale import scaled_config
from conformance.judge.oracle import invariants_of
from model import events, requests
from model.contracts import contracts_of
from model.machine_ints import INTS
from model.profiles import QEMU, SEED_V2, Profile
from model.rules import step
from model.state import REQUESTS
from smt_proofs.decision.mutants import Mutant

FORGETS = Mutant(
    "migration-forgets",
    events.migration_in,
    "mapped = mapped_for_blocks(d, f, mapped, s.plugged)",
    "mapped = mapped",
)
FAR = Mutant(
    "far",
    requests.plug,
    "d.filled(s.plugged, first, d.add(first, d.div(size, f.block)))",
    "d.filled(s.plugged, d.lit(99), d.lit(100))",
)


@pytest.fixture
def spin() -> None:
    """SPIN and a C compiler are there."""
    missing = [name for name in ("spin", "gcc") if shutil.which(name) is None]
    if missing and os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
        pytest.fail(f"{missing[0]} is not installed: apt-get install {missing[0]}")
    if missing:
        pytest.skip(f"{missing[0]} is not installed")


def spun(text: str, folder: Path) -> tuple[int, set[str], int | None]:
    """The states that SPIN stores, the claims that fail, and the steps to the first of them."""

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout

    (folder / "device.pml").write_text(text)
    run("spin", "-a", "device.pml")
    run("gcc", "-DBFS", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c")
    told = run("./pan", "-c0", "-w16")
    states = re.search(r"(\d+) states, stored", told)
    assert states is not None
    first = re.search(r"assertion violated .*\(at depth (\d+)\)", told)
    fails = set(re.findall(r"fails: (.*)", told))
    return int(states[1]), fails, None if first is None else int(first[1]) + 1


def failing(graph: StateGraph) -> set[str]:
    """Every claim that fails in a step or in the state after it, asked of the rules themselves."""
    fixed, found = graph.fixed, set()
    invariants = invariants_of(fixed.mapping)
    for state, row in zip(graph.states, graph.targets, strict=True):
        for done in graph.actions if row else ():
            both = graph.merged and done.op not in REQUESTS
            for flag in (False, True) if both else (state.accepted,):
                before = replace(state, accepted=flag)
                result = step(INTS, fixed, before, done)
                found |= {
                    f"contract {one.name}"
                    for one in contracts_of(done.op, fixed.mapping)
                    if not one.holds(INTS, fixed, before, done, result)
                }
                found |= {
                    f"invariant {one.name}"
                    for one in invariants
                    if not one.holds(INTS, fixed, result.state)
                }
    return found


@pytest.mark.usefixtures("spin")
@pytest.mark.parametrize(
    ("profile", "merge", "mutant"),
    [(QEMU, True, None), (SEED_V2, False, None), (QEMU, True, FORGETS)],
    ids=["right", "seed", "forgets"],
)
def test_spin_finds_the_same(
    profile: Profile, merge: bool, mutant: Mutant | None, tmp_path: Path
) -> None:
    wrong: AbstractContextManager[None] = nullcontext() if mutant is None else mutant.applied()
    with wrong:
        graph = explore(profile, scaled_config(profile, 2, 2), merge=merge)
        fails, text = failing(graph), as_promela(graph)
    fewest = min((len(one.trace.steps) for one in graph.broken), default=None)
    assert spun(text, tmp_path) == (len(graph.states), fails, fewest)
    assert bool(fails) is (profile is SEED_V2 or mutant is not None)


def test_every_action_and_claim_is_there() -> None:
    graph = explore(QEMU, scaled_config(QEMU, 2, 2))
    text = as_promela(graph)
    assert len(re.findall(r"^  STEP\(", text, re.MULTILINE)) == len(graph.actions)
    names = {one.name for one in invariants_of(graph.fixed.mapping)}
    names |= {c.name for a in graph.actions for c in contracts_of(a.op, graph.fixed.mapping)}
    told = set(re.findall(r'^  "(?:contract|invariant) (.+)",?$', text, re.MULTILINE))
    plain = text.partition("plainly true of this device: ")[2].partition(".")[0]
    assert told | set(re.sub(r"\s+\*?\s*", " ", plain).split(", ")) == names
    assert len(told) > 30 and "plug-error" in told


def test_quint_has_every_action_and_claim() -> None:
    graph = explore(QEMU, scaled_config(QEMU, 2, 2))
    text = as_quint(graph)
    assert len(re.findall(r"^      do_\w+\(\d+, \d+, \d+\),$", text, re.MULTILINE)) == len(
        graph.actions
    )
    for one in invariants_of(graph.fixed.mapping):
        assert f"  val {one.name.replace('-', '_')} = " in text
    plain = re.sub(r"\s+(?://)?\s*", " ", text.partition("plainly true of this device: ")[2])
    known = {*re.findall(r'^ +\("([a-z-]+)", ', text, re.MULTILINE)}
    known |= {*plain.partition(".")[0].split(", ")}
    assert known == {c.name for a in graph.actions for c in contracts_of(a.op, graph.fixed.mapping)}
    assert text.count("{") == text.count("}") and text.count("(") == text.count(")")


def test_a_block_that_no_set_has_is_told() -> None:
    config = scaled_config(QEMU, 2, 2)
    with FAR.applied():
        graph = explore(QEMU, config)
        with pytest.raises(Unprintable, match="is not below"):
            as_promela(graph)
        with pytest.raises(Unprintable, match="is not below"):
            as_quint(graph)


def test_the_command_writes_it(tmp_path: Path) -> None:
    def run(name: str) -> tuple[int, str]:
        path = str(tmp_path / name)
        done = CliRunner().invoke(
            slotproof, ["explore", "--blocks", "1", "--slots", "1", "--export", path]
        )
        return done.exit_code, done.output

    assert run("device.pml")[0] == 0
    assert (tmp_path / "device.pml").read_text().startswith("/*\n * The virtio-mem device")
    assert run("device.pml") == (
        2,
        f"slotproof: Invalid value for '--export': '{tmp_path / 'device.pml'}' exists already: "
        "expected the name of a new file\n",
    )
    assert run("device.tla")[0] == 2
