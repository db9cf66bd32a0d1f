"""What a check says of the views that were promised: compared with what, judged by which rules."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from conformance.check.suite import Result
from conformance.check.unseen import NOT_WITHOUT
from conformance.commands.check_views import RULES_OF, never_told, skipped_told, views_told
from conformance.generate.traces import random_trace
from conformance.judge.oracle import FIELDS
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.host import HostSide
from conformance.judge.virtio.judge import VirtioOracle
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import VIEWS
from model.observation import Observation, Probe
from model.profiles import QEMU

PROMISED = frozenset({"held", "mapped", "slots", "told"})


def told(
    shown: dict[str, int],
    compared: dict[str, int],
    exercised: dict[str, int],
    profile: str | None = "krun",
) -> list[str]:
    return list(views_told(PROMISED, shown, compared, exercised, profile))


SHOWN = {"held": 90, "mapped": 61, "slots": 1, "told": 0, "size": 61}


def test_what_only_the_rules_judged_is_told_with_them() -> None:
    assert told(SHOWN, {"told": 5, "slots": 1}, {"memory-given-back": 1, "memslot-exists": 60}) == [
        "  not compared      held: profile krun has no word on it here; "
        "judged by memory-given-back once",
        "  not compared      mapped: profile krun has no word on it here; "
        "judged by memslot-exists 60 times",
    ]


def test_what_was_neither_compared_nor_judged_or_never_shown_is_warned_of() -> None:
    exercised = {"memory-given-back": 61, "used-length": 7}
    assert told({"mapped": 61, "held": 9}, {"held": 9}, exercised) == [
        "  warning           mapped: shown, and never compared with profile krun or judged by a "
        "rule",
        "  warning           slots: promised, and never shown: "
        "no device here has memslots of its own",
        "  warning           told: promised, and never shown",
    ]
    by_text = told(SHOWN, SHOWN, {"memory-given-back": 61, "memslot-exists": 1}, profile=None)
    assert by_text == [
        "  warning           slots: shown, and never judged by a rule",
        "  warning           told: shown, and never judged by a rule",
    ]


@cache
def exercised(without: str | None) -> set[str]:
    """The rules that apply to traces of a device that does not show one view, None for none."""
    found: set[str] = set()
    for seed in (1, 2):
        trace, target = random_trace(QEMU, seed, 150), ReferenceTarget()
        oracle = VirtioOracle(trace.config, host=HostSide(maps_plugged=True))

        def shown(seen: Observation) -> Observation:
            probes = [Probe(addr=trace.config.addr, held=True, fresh=new) for new in (True, False)]  # noqa: B023
            made = replace(seen, used=10, memory=tuple(probes))
            hidden = {} if without is None else {FIELDS.get(without, without): None}
            return replace(made, **hidden)  # type: ignore[arg-type]

        oracle.start(replace(shown(target.start(QEMU, trace.config)), memory=None))
        for step in trace.steps:
            oracle.step(step.action, shown(target.apply(step.action)))
        found |= set(oracle.exercised)
    return found


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_what_a_view_is_needed_for(view: str) -> None:
    lost = exercised(None) - exercised(view)
    assert set(NOT_WITHOUT) == VIEWS
    # What is constant shows nothing of constants here, as no machine is reset.
    assert NOT_WITHOUT[view] - {"config-constant"} == lost


def test_a_rule_that_never_applied_is_told_with_the_views_that_it_takes() -> None:
    never = ["state-mixed", "memslot-exists", "plug-possible", "memory-unmapped-gone"]
    assert list(never_told(never, VIEWS)) == [f"  never exercised   {', '.join(never)}"]
    assert list(never_told(never, VIEWS - {"mapped", "size"})) == [
        "  never exercised   state-mixed",
        "  never exercised   memslot-exists, memory-unmapped-gone: the target does not show mapped",
        "  never exercised   plug-possible: the target does not show size",
    ]
    assert list(never_told([], VIEWS)) == []


def test_scenarios_that_are_skipped_for_one_reason_are_one_line() -> None:
    results = [
        Result("reboot", Verdict.SKIPPED, "the target cannot do plug"),
        Result("mixed-range", Verdict.PASS),
        Result("option-off", Verdict.SKIPPED, "another"),
        Result("long-life", Verdict.SKIPPED, "the target cannot do plug"),
    ]
    assert list(skipped_told(results)) == [
        "  skipped           2 scenarios: the target cannot do plug: reboot, long-life",
        "  skipped           option-off: another",
    ]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_the_rules_of_a_view_do_not_apply_where_it_is_not_shown(view: str) -> None:
    assert set(RULES_OF) == VIEWS and set(RULES_OF[view]) <= set(RULE_NAMED)
    assert not exercised(view) & set(RULES_OF[view])


def test_they_apply_where_it_is() -> None:
    of_views = {rule for rules in RULES_OF.values() for rule in rules}
    assert of_views - exercised("state") <= {"config-constant", "memory-unmapped-gone"}
