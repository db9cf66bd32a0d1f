"""A fingerprint changes with what a theorem depends on, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from model import arithmetic, caller, geometry, invariants, machine
from model.arithmetic import MIB
from model.device import decision_input
from model.events import wake_up
from model.geometry import decide_memslots
from model.machine_ints import INTS
from model.profiles import QEMU, QEMU_8_2, SEED_V2, Profile
from model.requests import unplug_all
from model.rules import step
from model.state import Config, Op
from smt_proofs.book.fingerprints import fingerprint
from smt_proofs.decision.memslots import count_in_limit
from smt_proofs.decision.mutants import MUTANTS
from smt_proofs.decision.theorem import THEOREMS


def of_step(op: Op, profile: Profile = QEMU) -> str:
    return fingerprint(step, profile, extra="", ops=[op])


def test_same_question_same_fingerprint() -> None:
    before = fingerprint(decide_memslots, extra="a")
    for region in range(100):
        decide_memslots(INTS, decision_input(Config(region=region * MIB, block=MIB, limit=4)))
    assert fingerprint(decide_memslots, extra="a") == before
    assert fingerprint(decide_memslots, extra="b") != before


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_swapped_rule_changes_what_rests_on_it(mutant: str) -> None:
    roots = (arithmetic, caller, geometry, invariants, machine)
    functions = [f for module in roots for f in vars(module).values() if callable(f)]
    wrong = MUTANTS[mutant].function
    before = fingerprint(wrong, extra="")
    every = fingerprint(functions, extra="")
    with MUTANTS[mutant].applied():
        assert fingerprint(wrong, extra="") != before
        assert fingerprint(functions, extra="") != every
    assert fingerprint(wrong, extra="") == before


def test_swapped_rule_leaves_the_others_alone() -> None:
    slot, minimum = geometry.slot_length, geometry.minimum_memslot
    before = fingerprint(slot, extra=""), fingerprint(minimum, extra="")
    with MUTANTS["minimum-of-one-block"].applied():
        assert fingerprint(slot, extra="") == before[0]
        assert fingerprint(minimum, extra="") != before[1]


def test_rules_are_found_through_theorems_closures_and_registries() -> None:
    """The goal of a theorem is a closure in `smt_proofs` over a rule of `model`."""
    theorem = THEOREMS["slots_tile_region_last_smaller"]
    before = fingerprint(theorem, extra="")
    for mutant in theorem.mutants:
        with MUTANTS[mutant].applied():
            assert fingerprint(theorem, extra="") != before
    with MUTANTS["huge-page-for-any-backend"].applied():
        assert fingerprint(theorem, extra="") == before


@pytest.mark.parametrize("op", Op)
def test_switches_count_only_where_they_are_read(op: Op) -> None:
    """QEMU 8.2 differs from later versions in what a wake-up does."""
    same = of_step(op, QEMU) == of_step(op, QEMU_8_2)
    assert same == (op is not Op.WAKE_UP)


def test_switches_read_below_count() -> None:
    busy = replace(QEMU, busy_before_empty=True)
    assert of_step(Op.UNPLUG_ALL, busy) != of_step(Op.UNPLUG_ALL)
    assert of_step(Op.SYSTEM_RESET, busy) != of_step(Op.SYSTEM_RESET)
    assert of_step(Op.PLUG, busy) == of_step(Op.PLUG)
    assert of_step(Op.PLUG, SEED_V2) == of_step(Op.PLUG)


def test_tables_are_followed_for_the_operations_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(d: Any, f: Any, s: Any, a: Any) -> Any:
        return unplug_all(d, f, s, a)

    before = {op: of_step(op) for op in (Op.PLUG, Op.WAKE_UP)}
    monkeypatch.setattr(wake_up, "__code__", other.__code__)
    assert of_step(Op.PLUG) == before[Op.PLUG]
    assert of_step(Op.WAKE_UP) != before[Op.WAKE_UP]
    assert fingerprint(step, extra="", ops=[Op.PLUG]) != fingerprint(step, extra="")


def made(number: int, table: dict[str, Any], text: str = "a") -> Callable[[], Any]:
    def inner(again: int = number) -> Any:
        return [number, table, lambda: text]

    return inner


@pytest.mark.parametrize(
    "other",
    [
        made(2, {"rule": step}),
        made(1, {"rule": wake_up}),
        made(1, {"law": step}),
        made(1, {"rule": step, "also": step}),
        made(1, {"rule": partial(step, 1)}),
        made(1, {"rule": step}, "b"),
    ],
)
def test_closures_and_defaults_count(other: Callable[[], Any]) -> None:
    assert fingerprint(made(1, {"rule": step}), extra="") == fingerprint(
        made(1, {"rule": step}), extra=""
    )
    assert fingerprint(made(1, {"rule": step}), extra="") != fingerprint(other, extra="")


def test_constants_of_the_model_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(decide_memslots, extra=""), fingerprint(count_in_limit, extra="")
    monkeypatch.setattr(geometry, "MIN_MEMSLOT_SIZE", 1 << 29)
    assert fingerprint(decide_memslots, extra="") != before[0]
    assert fingerprint(count_in_limit, extra="") == before[1]


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(TypeError, match="no fingerprint can be taken of <generator"):
        fingerprint((x for x in ()), extra="")


ONE = """
import sys
from model.rules import step
if len(sys.argv) > 1:
    import smt_proofs.book.book
    from smt_proofs.lemmas.lemma import LEMMAS
    from smt_proofs.solving.smtlib import script
    script(LEMMAS["quotient_grows"].obligation())
from model.profiles import QEMU
from smt_proofs.decision import memslots as decision
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.book.fingerprints import fingerprint
print(fingerprint(step, QEMU, THEOREMS["count_never_exceeds_limit"], extra=""))
"""


def test_fingerprint_is_the_same_in_every_process() -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", ONE, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert run() == run("prove something first")
