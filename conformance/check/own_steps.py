"""The steps of scenarios whose faults `docs/wrong_devices` has: borders, numbers, long lives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Final

from conformance.check.steps import Site, Steps, Unsuited, on, state, whole
from conformance.traces.codec import MAX_BLOCKS
from conformance.traces.faults import FaultsAt
from model.state import NO_FAULTS, ConcreteAction, Config, Op, action

RUNS: Final = 33
"""Ranges of plugged blocks that lie apart, where the region has so many."""
ROUNDS: Final = 34
"""How often a long life has each operation that is cheap on every device."""
RARE: Final = 4
"""Every so-manieth round has those as well that take a machine long."""


def short_last(site: Site) -> Iterator[ConcreteAction]:
    """A last memslot that is shorter than the others, emptied from its start."""
    start = (site.region - 1) // site.slot * site.slot
    blocks = (site.region - start) // site.block
    if not start or blocks < 2 or site.region % site.slot == 0:
        raise Unsuited("the device has no short last memslot of several blocks")
    end = site.region - site.block
    yield on(Op.PLUG, site, start - site.block, blocks + 1)
    yield on(Op.STATE, site, start, blocks)
    yield on(Op.UNPLUG, site, start - site.block, blocks)
    yield on(Op.STATE, site, end)
    yield action(Op.MIGRATION_IN)
    yield on(Op.UNPLUG, site, end)
    yield on(Op.PLUG, site, start)
    yield action(Op.MIGRATION_IN)
    yield on(Op.PLUG, site, start + site.block, blocks - 1)
    yield on(Op.STATE, site, start, blocks)
    yield on(Op.UNPLUG, site, start)
    yield action(Op.UNPLUG_ALL)


def largest(config: Config) -> Iterator[ConcreteAction]:
    """The most blocks that a request can count: in one state all, all but one, and but one."""
    most = whole(config)
    middle, end = most // 2 * config.block, config.region - config.block
    for request in (Op.PLUG, Op.STATE):
        yield on(request, config, 0, most)
    yield on(Op.UNPLUG, config, middle)
    yield on(Op.STATE, config, 0, most)
    yield from (on(op, config, end, MAX_BLOCKS) for op in (Op.PLUG, Op.UNPLUG, Op.STATE))
    yield action(Op.UNPLUG_ALL)
    yield on(Op.PLUG, config, middle)
    yield on(Op.STATE, config, 0, most)
    yield on(Op.PLUG, config, end)
    yield from (on(op, config, end, MAX_BLOCKS) for op in (Op.UNPLUG, Op.STATE))


def full(site: Site) -> Iterator[ConcreteAction]:
    """The first memslot filled, with as many blocks in each request as it can count."""
    blocks = min(site.slot, site.region) // site.block
    for first in range(0, blocks, MAX_BLOCKS):
        yield on(Op.PLUG, site, first * site.block, min(blocks - first, MAX_BLOCKS))
    yield on(Op.STATE, site, 0, min(blocks, MAX_BLOCKS))
    yield on(Op.UNPLUG, site, 0)
    yield on(Op.STATE, site, (blocks - 1) * site.block)
    yield on(Op.PLUG, site, 0)
    yield on(Op.STATE, site, 0)
    yield action(Op.UNPLUG_ALL)


def apart(config: Config) -> Iterator[ConcreteAction]:
    """Blocks that lie apart, through every operation that goes over all plugged ranges."""
    total = config.region // config.block
    offsets = [at * config.block for at in range(0, total, max(total // RUNS, 2))][:RUNS]
    yield from (on(Op.PLUG, config, offset) for offset in offsets)
    for event in (Op.MIGRATION_IN, Op.DEVICE_RESET, Op.WAKE_UP):
        # Twice: the first may use up what the second needs.
        yield action(event)
        yield action(event)
    # What a wake-up leaves is open: only a STATE request tells it.
    yield on(Op.STATE, config, offsets[-1])
    yield from (on(Op.UNPLUG, config, offset) for offset in offsets)
    for clearing in (Op.UNPLUG_ALL, Op.SYSTEM_RESET):
        yield from (on(Op.PLUG, config, offset) for offset in offsets)
        yield action(clearing)
        yield state(config)


def long_life(config: Config) -> Iterator[ConcreteAction]:
    """Round after round of everything that may happen to a device."""
    for number in range(1, ROUNDS + 1):
        yield on(Op.PLUG, config, 0)
        yield on(Op.STATE, config, 0, 2)
        yield action(Op.UNKNOWN, value=3 + number) if number % 2 else action(Op.SHORT)
        yield action(Op.DEVICE_RESET)
        yield action(Op.RESIZE, value=config.region - number % 2 * config.block)
        if number % RARE == 0:
            yield action(Op.MIGRATION_START)
            yield on(Op.UNPLUG, config, 0)
            if number % (2 * RARE) == 0:
                yield action(Op.MIGRATION_END)
            yield action(Op.MIGRATION_IN)
            yield action(Op.WAKE_UP)
            yield action(Op.SYSTEM_RESET)
        else:
            yield on(Op.UNPLUG, config, 0) if number % 2 else action(Op.UNPLUG_ALL)
        yield on(Op.STATE, config, 0, 2)


def across(power: int) -> Steps:
    """Requests on both sides of the address 2^power, and next to it."""

    def steps(config: Config) -> Iterator[ConcreteAction]:
        middle = (1 << power) - config.addr
        if not config.block <= middle <= config.region - config.block:
            raise Unsuited(f"the target has no region across the address 2^{power}")
        below = middle - config.block
        yield on(Op.PLUG, config, below, 2)
        yield on(Op.STATE, config, below, 2)
        for op in (Op.STATE, Op.PLUG, Op.UNPLUG):
            yield on(op, config, below + 1)
            yield on(op, config, middle + 1)
        yield on(Op.UNPLUG, config, below, 2)
        yield on(Op.STATE, config, below, 2)
        yield action(Op.UNPLUG_ALL)

    return steps


def stays_broken(config: Config) -> Iterator[ConcreteAction]:
    yield on(Op.PLUG, config, 0)
    for wrong in (action(Op.UNKNOWN, value=4), action(Op.SHORT)):
        yield wrong
        yield action(Op.MIGRATION_IN)
        yield on(Op.STATE, config, 0)
        yield action(Op.DEVICE_RESET)
        yield on(Op.STATE, config, 0)


def readable(config: Config) -> Iterator[ConcreteAction]:
    """Drivers with and without UNPLUGGED_INACCESSIBLE on a device that does not offer it."""
    if config.inaccessible:
        raise Unsuited("the target has no device whose unplugged memory is readable")
    for accepted in (0, 1, 0):
        yield action(Op.NEGOTIATE, value=accepted)
        yield on(Op.PLUG, config, config.block, 2)
        yield on(Op.STATE, config, config.block, 2)
        yield on(Op.UNPLUG, config, config.block, 2)
        yield action(Op.DEVICE_RESET)


def one_memslot_fails(site: Site) -> Iterator[ConcreteAction]:
    """A range across a border of memslots, of which the host fails for the one or the other."""
    if site.slot >= site.region:
        raise Unsuited("the device has one memslot, which borders on no other")
    edge = site.slot - site.block

    def failing(done: ConcreteAction, memslot: int, name: str) -> ConcreteAction:
        return replace(done, faults=FaultsAt(**asdict(NO_FAULTS) | {name: True}, memslot=memslot))

    yield from (failing(on(Op.PLUG, site, edge, 2), memslot, "populate") for memslot in (1, 2))
    yield on(Op.PLUG, site, edge)
    yield failing(on(Op.PLUG, site, edge + site.block), 1, "populate")
    yield on(Op.PLUG, site, edge + site.block)
    yield from (failing(on(Op.UNPLUG, site, edge, 2), memslot, "discard") for memslot in (1, 2))
    yield from (failing(action(Op.UNPLUG_ALL), memslot, "discard") for memslot in (1, 2))
    yield on(Op.STATE, site, edge, 2)
    yield on(Op.UNPLUG, site, edge, 2)


def taken_away(config: Config) -> Iterator[ConcreteAction]:
    """A device is unplugged from the machine: not while it is in use, and then for good."""
    yield on(Op.PLUG, config, 0)
    yield action(Op.UNREALIZE)
    yield action(Op.RESIZE, value=0)
    yield action(Op.UNREALIZE)
    yield on(Op.STATE, config, 0)
    yield action(Op.UNPLUG_ALL)
    yield action(Op.RESIZE, value=config.block)
    yield action(Op.UNREALIZE)
    yield action(Op.RESIZE, value=0)
    yield action(Op.MIGRATION_START)
    yield action(Op.UNREALIZE)
    yield action(Op.MIGRATION_END)
    yield action(Op.UNREALIZE)
    yield on(Op.STATE, config, 0)
    yield action(Op.RESIZE, value=config.block)
    yield action(Op.SYSTEM_RESET)
    yield on(Op.STATE, config, 0)
