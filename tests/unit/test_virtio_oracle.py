"""The VIRTIO oracle: what it leaves open, what it concludes, and the catalogue of its rules."""

import re
from dataclasses import replace

import pytest

from conformance.check.campaign import check
from conformance.check.runner import run_trace
from conformance.check.scenarios import SCENARIOS
from conformance.check.shrink import shrink
from conformance.check.suite import judge_for
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.judge import EXACT, Judge, judge_of
from conformance.judge.virtio.belief import Belief
from conformance.judge.virtio.judge import VirtioOracle
from conformance.judge.virtio.rule import Level
from conformance.judge.virtio.rules import RULE_NAMED, RULES, UNPROFILED
from conformance.targets.reference import ReferenceTarget
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.extents import Extents
from model.observation import Constants, Observation, SlotLayout
from model.profiles import QEMU
from model.state import Answer, BlockState, ConcreteAction, Config, Faults, Op, action

CONFIG = Config(region=GIB, block=2 * MIB, limit=1, requested=GIB)
FIRST = CONFIG.addr


VIRTIO = ("Memory Device", "Split Virtqueues")


def test_rules_have_ids_of_their_own_and_say_something() -> None:
    assert len(RULE_NAMED) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.id)
        assert rule.section.startswith((*VIRTIO, "Host", "Drivers"))
        assert rule.clause.startswith("VIRTIO, ") == rule.section.startswith(VIRTIO)
        assert rule.says and "\n" not in rule.says


def test_every_level_is_there() -> None:
    assert {rule.level for rule in (*RULES, *DRIVER_RULES)} == set(Level)


def test_scenarios_name_rules_that_there_are() -> None:
    assert {rule for scenario in SCENARIOS for rule in scenario.rules} <= set(RULE_NAMED)


def shown(answer: Answer, size: int, state: BlockState | None = None) -> Observation:
    return Observation(answer, state, usable=GIB, size=size * CONFIG.block, requested=GIB)


def oracle() -> VirtioOracle:
    made = VirtioOracle(CONFIG)
    assert made.start(shown(Answer.DONE, 0)) == []
    return made


@pytest.mark.parametrize("answer", [Answer.NACK, Answer.BUSY, Answer.ERROR])
def test_a_plug_may_be_rejected_in_any_way_but_no_driver_can_use_that(answer: Answer) -> None:
    told = oracle().step(action(Op.PLUG, addr=FIRST, blocks=1), shown(answer, 0))
    assert [breach.rule for breach in told] == ["plug-possible"]
    assert not RULE_NAMED["plug-possible"].binding


@pytest.mark.parametrize("answer", [Answer.NACK, Answer.BUSY, Answer.ERROR])
def test_a_plug_may_be_rejected_where_the_host_has_a_reason(answer: Answer) -> None:
    failing = Faults(discard=False, prealloc=False, populate=True)
    plug = action(Op.PLUG, addr=FIRST, blocks=1, faults=failing)
    assert oracle().step(plug, shown(answer, 0)) == []
    busy = oracle()
    assert busy.step(action(Op.MIGRATION_START), shown(Answer.DONE, 0)) == []
    assert busy.step(action(Op.PLUG, addr=FIRST, blocks=1), shown(answer, 0)) == []


def test_a_request_done_in_part_breaks_no_must_and_leaves_open_which_blocks() -> None:
    judge = oracle()
    told = judge.step(action(Op.PLUG, addr=FIRST, blocks=4), shown(Answer.ERROR, 2))
    assert {breach.rule for breach in told} == {"plug-possible", "rejected-changes-nothing"}
    ask = action(Op.STATE, addr=FIRST, blocks=2)
    assert judge.step(ask, shown(Answer.ACK, 2, BlockState.PLUGGED)) == []
    ask = action(Op.STATE, addr=FIRST + 2 * CONFIG.block, blocks=2)
    assert judge.step(ask, shown(Answer.ACK, 2, BlockState.UNPLUGGED)) == []


def test_after_a_reset_with_blocks_left_only_their_number_is_known() -> None:
    judge = oracle()
    judge.step(action(Op.PLUG, addr=FIRST, blocks=3), shown(Answer.ACK, 3))
    told = judge.step(action(Op.SYSTEM_RESET), shown(Answer.DONE, 2))
    assert [breach.rule for breach in told] == ["reset-unplugs-all"]
    assert judge.belief == Belief(Extents.EMPTY, Extents.of_ranges([(0, GIB // CONFIG.block)]))
    # Two of them are found, so that the others must be unplugged.
    ask = action(Op.STATE, addr=FIRST + 8 * CONFIG.block, blocks=2)
    assert judge.step(ask, shown(Answer.ACK, 2, BlockState.PLUGGED)) == []
    far = action(Op.STATE, addr=FIRST, blocks=1)
    told = judge.step(far, shown(Answer.ACK, 2, BlockState.PLUGGED))
    assert {breach.rule for breach in told} == {"state-unplugged", "config-plugged-size"}


def test_one_block_is_never_mixed() -> None:
    judge = oracle()
    judge.step(action(Op.PLUG, addr=FIRST, blocks=3), shown(Answer.ACK, 3))
    judge.step(action(Op.SYSTEM_RESET), shown(Answer.DONE, 2))
    told = judge.step(
        action(Op.STATE, addr=FIRST, blocks=1), shown(Answer.ACK, 2, BlockState.MIXED)
    )
    assert [breach.rule for breach in told] == ["state-mixed"]


def test_a_device_may_be_silent_once_it_was_given_nonsense() -> None:
    judge = oracle()
    judge.step(action(Op.UNKNOWN, value=9), shown(Answer.VIOLATION, 0))
    ask = action(Op.STATE, addr=FIRST, blocks=1)
    assert judge.step(ask, shown(Answer.SILENT, 0)) == []
    judge.step(action(Op.DEVICE_RESET), shown(Answer.DONE, 0))
    told = judge.step(ask, shown(Answer.SILENT, 0))
    assert [breach.rule for breach in told] == ["answers-every-request"]


def test_without_views_only_answers_are_judged() -> None:
    judge = VirtioOracle(CONFIG)
    assert judge.start(Observation(Answer.DONE)) == []
    plug = action(Op.PLUG, addr=FIRST, blocks=1)
    assert judge.step(plug, Observation(Answer.ACK)) == []
    told = judge.step(plug, Observation(Answer.NACK))
    assert [breach.rule for breach in told] == ["plug-plugged-is-error"]


def test_what_qemu_answers_against_the_text_is_found_and_made_small() -> None:
    rules = frozenset(rule.id for rule in RULES if rule.binding)
    judge = Judge(exact=False, rules=rules)
    report = check(ReferenceTarget(), QEMU, seed=1, traces=50, steps=60, judge=judge)
    assert report.failing is not None and report.finding is not None
    assert report.finding.what == "plug-plugged-is-error"
    small = shrink(ReferenceTarget(), report.failing)
    assert [step.action.op for step in small.steps] == [Op.PLUG, Op.PLUG]
    assert judge_of(small.finding).rules == {"plug-plugged-is-error"}
    assert run_trace(ReferenceTarget(), small).finding == small.finding


def test_the_exact_oracle_counts_what_the_text_does_not_allow() -> None:
    plug = TraceStep(action(Op.PLUG, addr=FIRST, blocks=512))
    outcome = run_trace(ReferenceTarget(), Trace(QEMU, CONFIG, (plug, plug)))
    assert outcome.finding is None
    (told,) = outcome.breaches.items()
    assert (told[0], told[1].step, told[1].count) == ("plug-plugged-is-error", 2, 1)


@pytest.mark.parametrize("block", [0, 4 * MIB, 4 * GIB])
def test_another_block_size_after_a_reset_is_judged_and_harms_no_later_step(block: int) -> None:
    slots = SlotLayout(count=1, size=GIB, last=GIB)
    start = Constants(CONFIG.block, FIRST, GIB)
    made = VirtioOracle(CONFIG)
    first = replace(shown(Answer.DONE, 0), slots=slots, constants=start, mapped=Extents.EMPTY)
    assert made.start(first) == []
    seen = replace(first, slots=None, constants=replace(start, block=block))
    told = made.step(action(Op.DEVICE_RESET), seen)
    assert "config-constant" in {breach.rule for breach in told}
    told = made.step(action(Op.SYSTEM_RESET), seen)
    assert ("config-block-power-of-two" in {breach.rule for breach in told}) == (block == 0)
    made.step(action(Op.PLUG, addr=FIRST, blocks=1), replace(seen, answer=Answer.ACK))
    assert made.constants.block == (block or CONFIG.block)


class Shows(ReferenceTarget):
    """A right device that shows something no profile speaks of after each step."""

    def __init__(self, **more: object) -> None:
        super().__init__()
        self.more = more

    def apply(self, action: ConcreteAction) -> Observation:
        return replace(super().apply(action), **self.more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"used": 2}, "used-length"),
        ({"constants": Constants(CONFIG.block, FIRST, GIB, node=1)}, "config-constant"),
        ({"used": 10, "constants": Constants(CONFIG.block, FIRST, GIB)}, None),
    ],
)
def test_a_must_of_which_no_profile_speaks_fails_beside_the_profile(
    more: dict[str, object], rule: str | None
) -> None:
    plug = TraceStep(action(Op.PLUG, addr=FIRST, blocks=1))
    found = run_trace(Shows(**more), Trace(QEMU, CONFIG, (plug,)), judge_for("exact")).finding
    assert (found and found.what) == rule
    assert rule is None or rule in UNPROFILED
    assert run_trace(Shows(**more), Trace(QEMU, CONFIG, (plug,)), EXACT).finding == found


def test_each_oracle_counts_the_views_that_it_judged() -> None:
    trace = Trace(QEMU, CONFIG, (TraceStep(action(Op.PLUG, addr=FIRST, blocks=1)),))
    exact = run_trace(Shows(used=10), trace).compared
    text = run_trace(Shows(used=10), trace, judge_for("virtio")).compared
    for each in (exact, text):
        assert each["used"] == each["told"] == 1 and each["held"] == 2 and not each["memory"]
    hidden = run_trace(Shows(usable=None, told=None), trace, judge_for("virtio")).compared
    assert not hidden["told"] and not hidden["used"] and hidden["usable"] == 1


def suspending() -> VirtioOracle:
    """With a block plugged, and a driver that accepted PERSISTENT_SUSPEND."""
    made = oracle()
    made.suspends = True
    plug = action(Op.PLUG, addr=FIRST, blocks=1)
    assert made.step(plug, shown(Answer.ACK, 1)) == []
    return made


@pytest.mark.parametrize("after", [0, 2])
def test_a_suspend_neither_unplugs_nor_plugs_where_the_driver_relies_on_it(after: int) -> None:
    told = suspending().step(action(Op.WAKE_UP), shown(Answer.DONE, after))
    assert "suspend-keeps-blocks" in [breach.rule for breach in told]
    assert suspending().step(action(Op.WAKE_UP), shown(Answer.DONE, 1)) == []


def test_a_device_that_was_given_nonsense_answers_after_such_a_suspend() -> None:
    judge = suspending()
    assert judge.step(action(Op.UNKNOWN, value=4), shown(Answer.VIOLATION, 1)) == []
    state = action(Op.STATE, addr=FIRST, blocks=1)
    assert judge.step(state, shown(Answer.SILENT, 1)) == []
    assert judge.step(action(Op.WAKE_UP), shown(Answer.DONE, 1)) == []
    told = judge.step(state, shown(Answer.SILENT, 1))
    assert [breach.rule for breach in told] == ["answers-every-request"]


def test_a_device_is_judged_until_it_is_gone_and_no_longer() -> None:
    for answer, judged in ((Answer.REFUSED, True), (Answer.DONE, False)):
        judge = oracle()
        assert judge.step(action(Op.UNREALIZE), shown(answer, 0)) == []
        told = judge.step(action(Op.STATE, addr=FIRST, blocks=1), shown(Answer.SILENT, 0))
        assert bool(told) is judged
