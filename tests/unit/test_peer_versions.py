"""Devices of other programs by version: what each switch of theirs changes, by hand.

They are the rules own_plug, own_unplug, own_unplug_all, own_unknown, own_short, own_resize,
own_device_reset and own_system_reset.
"""

from dataclasses import replace

import pytest

from conformance.check.campaign import check
from conformance.targets.reference import ReferenceTarget
from model.arithmetic import GIB, MIB
from model.device import ReferenceDevice
from model.own import FailedDiscard, Nonsense, Own, Reach
from model.profiles import PROFILES, QEMU, QEMU_8_2, Profile, profile_named
from model.state import NO_FAULTS, Answer, Config, Op, action
from model.versions import CHECKED, KNOWN, KRUN, STRATOVIRT, VERSIONS

BLOCK = 2 * MIB
ADDR = 4 * GIB


def device(profile: Profile, *, requested: int = GIB, option: bool = False) -> ReferenceDevice:
    config = Config(2 * GIB, BLOCK, 256, requested=requested, addr=ADDR, option=option)
    return ReferenceDevice(profile, config)


def own(**switches: object) -> ReferenceDevice:
    return device(replace(QEMU, own=Own(**switches)))  # type: ignore[arg-type]


def answers(one: ReferenceDevice, *ops: Op, blocks: int = 1) -> list[Answer]:
    return [one.apply(action(op, addr=ADDR, blocks=blocks)).answer for op in ops]


def test_no_switch_means_what_qemu_does() -> None:
    """An `Own` that only tells of host memory: the traces of QEMU's profile find no difference."""

    class Same(ReferenceTarget):
        def start(self, profile: Profile, config: Config) -> object:  # type: ignore[override]
            return super().start(replace(profile, own=Own(gives_back=False)), config)

    report = check(Same(), QEMU_8_2, seed=3, traces=4, steps=60)
    assert report.finding is None and report.steps == 240


def test_a_plug_of_plugged_blocks_beyond_the_requested_size() -> None:
    for first, then in ((False, Answer.NACK), (True, Answer.ERROR)):
        one = own(states_before_size=first)
        assert answers(one, Op.PLUG) == [Answer.ACK]
        assert answers(one, Op.PLUG, blocks=513) == [then]


def test_a_plug_or_unplug_of_no_block() -> None:
    assert answers(own(), Op.PLUG, Op.UNPLUG, blocks=0) == [Answer.ERROR, Answer.ERROR]
    assert answers(own(empty_is_nack=True), Op.PLUG, Op.UNPLUG, blocks=0) == [Answer.NACK] * 2


def test_an_unplug_below_the_requested_size() -> None:
    one = own(unplug_keeps_requested=True)
    assert answers(one, Op.PLUG, Op.UNPLUG) == [Answer.ACK, Answer.NACK]
    one.apply(action(Op.RESIZE, value=0))
    assert answers(one, Op.UNPLUG) == [Answer.ACK]


@pytest.mark.parametrize(
    ("becomes", "answer", "after"),
    [
        (Nonsense.BREAKS, Answer.VIOLATION, Answer.SILENT),
        (Nonsense.ERROR, Answer.ERROR, Answer.ACK),
        (Nonsense.UNANSWERED, Answer.SILENT, Answer.ACK),
    ],
)
def test_what_becomes_of_nonsense(becomes: Nonsense, answer: Answer, after: Answer) -> None:
    for one, nonsense in (
        (own(unknown=becomes), action(Op.UNKNOWN, value=4)),
        (own(short=becomes), action(Op.SHORT)),
    ):
        assert one.apply(nonsense).answer is answer
        assert answers(one, Op.STATE) == [after]


@pytest.mark.parametrize(
    ("meant", "answer", "left"),
    [
        (FailedDiscard.BUSY, Answer.BUSY, BLOCK),
        (FailedDiscard.ERROR, Answer.ERROR, BLOCK),
        (FailedDiscard.IGNORED, Answer.ACK, 0),
    ],
)
def test_a_discard_that_fails(meant: FailedDiscard, answer: Answer, left: int) -> None:
    fails = replace(NO_FAULTS, discard=True)
    for op in (Op.UNPLUG, Op.UNPLUG_ALL):
        one = own(failed_discard=meant)
        answers(one, Op.PLUG)
        addr, blocks = (ADDR, 1) if op is Op.UNPLUG else (0, 0)
        result = one.take(action(op, addr=addr, blocks=blocks, faults=fails))
        assert (result.answer, result.state.size) == (answer, left)
        discards = [effect.done for effect in result.effects if effect.did.value == "host-discard"]
        assert discards == [False]


def test_sizes_that_the_host_may_set() -> None:
    refused, done = Answer.REFUSED, Answer.DONE

    def set_to(one: ReferenceDevice, *sizes: int) -> list[Answer]:
        return [one.apply(action(Op.RESIZE, value=size)).answer for size in sizes]

    assert set_to(own(), GIB, BLOCK) == [done, done]
    assert set_to(own(resize_to_same=False), GIB, BLOCK) == [refused, done]
    assert set_to(own(resize_only_grows=True), GIB, BLOCK) == [done, refused]
    assert set_to(own(resize_unit=128 * MIB), BLOCK, 128 * MIB) == [refused, done]


def test_how_far_the_usable_region_reaches() -> None:
    slots = replace(QEMU, own=Own(reach=Reach.SLOT))
    one = device(slots, requested=BLOCK, option=True)
    assert one.fixed.slots.size == one.state.usable == GIB
    one.apply(action(Op.RESIZE, value=GIB + BLOCK))
    assert one.state.usable == 2 * GIB
    one.apply(action(Op.RESIZE, value=0))
    assert one.state.usable == 2 * GIB
    one.apply(action(Op.UNPLUG_ALL))
    assert one.state.usable == 0
    assert device(replace(QEMU, own=Own(reach=Reach.REGION)), requested=0).state.usable == 2 * GIB
    kept = device(KRUN, requested=128 * MIB)
    kept.apply(action(Op.UNPLUG_ALL))
    assert kept.state.usable == 128 * MIB


def test_a_reset_that_forgets() -> None:
    for op in (Op.DEVICE_RESET, Op.SYSTEM_RESET):
        one = device(STRATOVIRT)
        answers(one, Op.PLUG)
        one.apply(action(op))
        assert one.state.size == BLOCK and not list(one.state.plugged.ranges())


def test_an_unplug_all_of_nothing_where_the_discard_fails() -> None:
    fails = action(Op.UNPLUG_ALL, faults=replace(NO_FAULTS, discard=True))
    assert own(failed_discard=FailedDiscard.ERROR).apply(fails).answer is Answer.ACK
    assert own(discards_all=True).apply(fails).answer is Answer.ERROR


def test_a_system_reset_where_the_discard_fails() -> None:
    for renews, left, then in ((False, BLOCK, Answer.ACK), (True, 0, Answer.SILENT)):
        one = own(reset_renews=renews)
        answers(one, Op.PLUG)
        one.apply(action(Op.SYSTEM_RESET, faults=replace(NO_FAULTS, discard=True)))
        assert one.state.size == left
        assert answers(one, Op.STATE) == [then]
        one.apply(action(Op.DEVICE_RESET))
        assert answers(one, Op.STATE) == [Answer.ACK]


def test_every_version_has_a_name_of_its_own_and_says_how_it_is_known() -> None:
    assert not set(VERSIONS) & set(PROFILES) and set(KNOWN) == {*VERSIONS, *PROFILES}
    assert all(one.by_version and one.peer for one in VERSIONS.values())
    assert not any(one.by_version for one in PROFILES.values())
    assert set(CHECKED) < set(VERSIONS)
    with pytest.raises(ValueError, match=r"unknown profile 'x': known are seed-v2, .*, krun"):
        profile_named("x", KNOWN)
