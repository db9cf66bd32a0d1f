"""Small devices and every action worth trying on one: the bound of an exhaustive search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Final

from conformance.traces.codec import FAULT_NAMES, USES
from model.arithmetic import GIB, MIB, U64_MASK
from model.device import ConfigError, fix
from model.profiles import Profile
from model.state import RANGE_REQUESTS, ConcreteAction, Config, Faults, Op, action

ONE_BLOCK: Final = Config(region=GIB, block=GIB, limit=1)
TWO_SLOTS: Final = Config(region=2 * GIB, block=GIB, limit=2)
SHORT_LAST: Final = Config(region=3 * 512 * MIB, block=512 * MIB, limit=2)
SMALL: Final = (
    ONE_BLOCK,
    TWO_SLOTS,
    replace(TWO_SLOTS, prealloc=True),
    SHORT_LAST,
)
"""One memslot of one block; two memslots of one block each, without and with preallocation; a
memslot of two blocks and a last one of one block."""


def small_devices(profile: Profile) -> Iterator[Config]:
    """The devices that a search covers, the smallest first.

    Each of SMALL in every way of mapping, with nothing and with all of the region requested at
    start.
    """
    for size in SMALL:
        for option in (True, False):
            for inaccessible in (True, False):
                modes = replace(size, option=option, inaccessible=inaccessible)
                try:
                    fix(profile, modes)
                except ConfigError:
                    continue
                yield from (replace(modes, requested=requested) for requested in (0, size.region))


def _ranges(config: Config) -> Iterator[tuple[int, int]]:
    """Addresses and numbers of blocks: every range of whole blocks in the region, and some that no
    device takes."""
    block, blocks = config.block, config.region // config.block
    for first, end in combinations(range(blocks + 1), 2):
        yield config.addr + first * block, end - first
    yield config.addr, 0
    yield config.addr, blocks + 1
    yield config.addr + block // 2, 1
    yield config.addr - block, 1
    yield config.addr + config.region, 1
    yield U64_MASK + 1 - block, 2


def _values(config: Config, op: Op) -> Iterator[int]:
    if op is Op.RESIZE:
        yield from range(0, config.region + config.block + 1, config.block)
        yield config.block // 2
    else:
        low, high = USES[op].values
        yield from {low, high}


def actions(config: Config) -> tuple[ConcreteAction, ...]:
    """Every operation with every choice of its fields and of the host operations that fail."""
    found = []
    for op in Op:
        uses = USES[op]
        ranges = _ranges(config) if op in RANGE_REQUESTS else [(0, 0)]
        values = sorted(_values(config, op)) if "value" in uses.numbers else [0]
        failing = [
            {name: name in chosen for name in FAULT_NAMES}
            for size in range(len(uses.faults) + 1)
            for chosen in combinations(uses.faults, size)
        ]
        found += [
            action(op, addr=addr, blocks=blocks, value=value, faults=Faults(**faults))
            for addr, blocks in ranges
            for value in values
            for faults in failing
        ]
    return tuple(found)
