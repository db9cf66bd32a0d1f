"""Configurations that must be refused, asked of a real QEMU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.generate.choices import RandomChoices
from conformance.generate.refusals import REFUSALS
from conformance.judge.finding import Kind
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.guest import QemuGuest
from conformance.targets.qemu.machine import BOOT_RAM
from conformance.targets.qemu.process import QemuError
from conformance.targets.qemu.processor import StoppedProcessor
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import TargetError
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Answer, Config, Op, action

GOOD = fitted(Config(region=2 * GIB, block=2 * MIB, limit=256, requested=GIB))
WORDS = {
    "misaligned requested": "'requested-size' property has to be multiples of 'block-size'",
    "misaligned addr": "address must be aligned to 0x200000 bytes",
    "misaligned region": "backend memory size must be multiple of 0x200000",
    "block": "'block-size' property has to be a power of two",
    "addr": "can't add memory device",
    # No machine has room for memory devices of nothing.
    "empty region": "invalid value of maxmem",
    "small block": "'block-size' property has to be at least 0x100000",
    "no block": "'block-size' property has to be at least 0x100000",
}
SEED = 1
"""Every misaligned size is off by half a block."""


@pytest.fixture
def target(qemu_binary: Path) -> Iterator[QemuTarget]:
    made = QemuTarget(qemu_binary)
    yield made
    made.close()


def wrong(way: str) -> Config:
    return REFUSALS[way](RandomChoices(SEED), GOOD)


@pytest.mark.parametrize("way", WORDS)
def test_qemu_itself_refuses(target: QemuTarget, way: str) -> None:
    with pytest.raises(TargetError) as caught:
        target.start(QEMU, wrong(way))
    assert caught.value.kind is Kind.REFUSED
    assert WORDS[way] in str(caught.value)


@pytest.mark.parametrize("addr", [BOOT_RAM // 2, BOOT_RAM - GOOD.block], ids=["half", "a block"])
def test_a_region_that_overlaps_boot_ram_is_refused(qemu_binary: Path, addr: int) -> None:
    """No rule of the model: the machine's memory is the caller's."""
    with pytest.raises(QemuError, match="can't add memory device"):
        QemuGuest(qemu_binary, replace(GOOD, addr=addr), StoppedProcessor())


def test_qemu_accepts_more_requested_than_there_is_and_stays_in_its_region(
    target: QemuTarget,
) -> None:
    """virtio_mem_device_realize does not ask; what comes of it harms nothing."""
    assert set(REFUSALS) == {*WORDS, "requested"}
    config = wrong("requested")
    start = target.start(QEMU, config)
    assert (start.requested, start.usable) == (config.requested, config.region)
    end = config.addr + config.region
    asked = [(end - config.block, 1), (end - config.block, 2), (end, 1)]
    seen = [target.apply(action(Op.PLUG, addr=addr, blocks=blocks)) for addr, blocks in asked]
    assert [one.answer for one in seen] == [Answer.ACK, Answer.ERROR, Answer.ERROR]
    assert {(one.size, one.usable) for one in seen} == {(config.block, config.region)}
    assert target.apply(action(Op.RESIZE, value=config.requested)).answer is Answer.REFUSED
    # A good configuration afterwards has a machine of its own.
    assert target.start(QEMU, GOOD).requested == GOOD.requested
