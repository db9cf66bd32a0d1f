"""The steps of the named scenarios: made for a configuration, so offsets into its region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from conformance.traces.codec import MAX_BLOCKS
from conformance.traces.layout import MAX_BATCH, Layout, Place
from conformance.traces.trace import TraceStep
from model.arithmetic import GIB, MIB, U64_MASK
from model.state import ConcreteAction, Config, Op, action


@dataclass(frozen=True, slots=True)
class Site(Config):
    """A device's configuration, with the size in bytes of each of its memslots but the last."""

    slot: int = 0


class Unsuited(Exception):
    """A device on which the steps would show nothing; the message says why, in one line."""


Steps = Callable[[Site], Iterator[ConcreteAction | TraceStep]]

TURNS: Final = 1_050
"""How often memory comes and goes: a device whose memslots' ids only grow has used up 1,024."""
BORDERS: Final = 8
"""Borders of memslots that are tried, the first and the last ones."""


def laid_out(done: ConcreteAction, **layout: Any) -> TraceStep:
    """A request that lies in the queue in a way of its own."""
    return TraceStep(done, layout=Layout(**layout))


def batch(*requests: ConcreteAction) -> Iterator[TraceStep]:
    """Requests that go out with one notification."""
    *before, last = requests
    yield from (laid_out(one, more=True) for one in before)
    yield TraceStep(last)


def on(op: Op, config: Config, offset: int, blocks: int = 1) -> ConcreteAction:
    """A range request at an offset of bytes into the region."""
    return action(op, addr=config.addr + offset, blocks=blocks)


def whole(config: Config) -> int:
    """The blocks of the region, as many as one request can count."""
    return min(config.region // config.block, MAX_BLOCKS)


def state(config: Config) -> ConcreteAction:
    return on(Op.STATE, config, 0, whole(config))


def huge_size(config: Config) -> Iterator[ConcreteAction]:
    yield action(Op.RESIZE, value=U64_MASK // config.block * config.block)
    yield action(Op.RESIZE, value=U64_MASK // MIB)
    yield action(Op.RESIZE, value=1 << 63)
    yield on(Op.PLUG, config, 0)


def across_slots(site: Site) -> Iterator[ConcreteAction]:
    edges = list(range(site.slot, site.region, site.slot))
    if not edges:
        raise Unsuited("the device has one memslot, which borders on no other")
    if len(edges) > BORDERS:
        edges = edges[: BORDERS // 2] + edges[-BORDERS // 2 :]
    yield from (on(Op.PLUG, site, edge - site.block, 2) for edge in edges)
    yield action(Op.MIGRATION_IN)
    yield from (on(Op.STATE, site, edge - site.block, 2) for edge in edges)
    yield from (on(Op.UNPLUG, site, edge, 1) for edge in edges)
    yield action(Op.MIGRATION_IN)
    yield state(site)


def reboot(config: Config) -> Iterator[ConcreteAction]:
    yield on(Op.PLUG, config, 0, 3)
    yield action(Op.SYSTEM_RESET)
    yield state(config)
    yield on(Op.PLUG, config, 0, 3)
    yield action(Op.DEVICE_RESET)
    yield on(Op.STATE, config, 0, 3)
    yield action(Op.UNPLUG_ALL)
    yield state(config)


def restore(config: Config) -> Iterator[ConcreteAction]:
    yield on(Op.PLUG, config, config.block, 4)
    yield action(Op.MIGRATION_IN)
    yield on(Op.STATE, config, config.block, 4)
    yield on(Op.UNPLUG, config, 2 * config.block, 2)
    yield on(Op.STATE, config, 0, 6)
    yield on(Op.PLUG, config, 2 * config.block, 2)
    yield action(Op.MIGRATION_IN)
    yield action(Op.DEVICE_RESET)
    yield on(Op.STATE, config, config.block, 4)


def reused(config: Config) -> Iterator[ConcreteAction]:
    for turn in range(TURNS):
        offset = turn * GIB % config.region
        yield on(Op.PLUG, config, offset)
        if turn % (MAX_BATCH // 2) == 0:
            yield action(Op.UNPLUG_ALL)
            # A device may give up what it made usable, and makes it so again when asked.
            yield action(Op.RESIZE, value=config.region)
        else:
            yield on(Op.UNPLUG, config, offset)


def early_resize(config: Config) -> Iterator[ConcreteAction]:
    yield action(Op.DEVICE_RESET)
    yield action(Op.RESIZE, value=config.region)
    yield on(Op.PLUG, config, 0)
    yield action(Op.SYSTEM_RESET)
    yield action(Op.RESIZE, value=config.block)
    yield on(Op.PLUG, config, 0)


def unknown(config: Config) -> Iterator[ConcreteAction]:
    for value in (*range(4, 16), 0x100, 0xFFFF):
        yield action(Op.UNKNOWN, value=value)
        yield action(Op.DEVICE_RESET)
        yield on(Op.STATE, config, 0)
    yield action(Op.SHORT)
    yield action(Op.DEVICE_RESET)
    yield on(Op.PLUG, config, 0)


def plain(config: Config) -> Iterator[ConcreteAction]:
    yield on(Op.PLUG, config, 0)
    yield on(Op.UNPLUG, config, 0)
    yield on(Op.PLUG, config, config.region - config.block)
    yield action(Op.UNPLUG_ALL)
    yield state(config)


def busy(config: Config) -> Iterator[ConcreteAction]:
    yield action(Op.MIGRATION_START)
    yield action(Op.UNPLUG_ALL)
    yield action(Op.MIGRATION_END)


def nothing(config: Config) -> Iterator[ConcreteAction]:
    yield on(Op.PLUG, config, 0)
    yield on(Op.STATE, config, 0)
    yield action(Op.UNPLUG_ALL)
    yield action(Op.RESIZE, value=config.block)
    yield on(Op.PLUG, config, 0)
    yield action(Op.RESIZE, value=0)
    yield on(Op.UNPLUG, config, 0)


def mixed(config: Config) -> Iterator[ConcreteAction]:
    yield on(Op.PLUG, config, config.block)
    yield on(Op.STATE, config, 0, 2)
    yield on(Op.PLUG, config, 0, 2)
    yield on(Op.UNPLUG, config, 0, 2)
    yield on(Op.STATE, config, 0, 3)
    # The same question, and another answer.
    yield on(Op.UNPLUG, config, config.block)
    yield on(Op.STATE, config, 0, 3)


def four(config: Config) -> Iterator[TraceStep]:
    blocks = range(0, 4 * config.block, config.block)
    yield from batch(*(on(Op.PLUG, config, offset) for offset in blocks))
    yield TraceStep(on(Op.STATE, config, 0, 4))
    yield from batch(*(on(Op.UNPLUG, config, offset) for offset in blocks))
    yield TraceStep(on(Op.STATE, config, 0, 4))


def in_and_out(config: Config) -> Iterator[TraceStep]:
    turn = [on(op, config, 0, 2) for op in (Op.PLUG, Op.STATE, Op.UNPLUG, Op.STATE) * 4]
    # The last one is answered as none before it.
    yield from batch(*turn[:-1], on(Op.UNPLUG, config, 0, 2))
    yield from batch(on(Op.PLUG, config, 0, 2), action(Op.UNPLUG_ALL), on(Op.STATE, config, 0))


def framed(config: Config) -> Iterator[TraceStep]:
    for number, indirect in enumerate((False, True)):
        many = {"parts": 16, "response_parts": 10, "indirect": indirect}
        yield laid_out(on(Op.PLUG, config, number * config.block), **many)
        yield laid_out(on(Op.STATE, config, 0), room=4096, indirect=indirect)


def rings(config: Config) -> Iterator[TraceStep]:
    kinds = ((True, False), (False, True), (True, True))
    for number, (packed, event_index) in enumerate(kinds):
        yield laid_out(action(Op.DEVICE_RESET), packed=packed, event_index=event_index)
        blocks = [(4 * number + one) * config.block for one in range(4)]
        yield from batch(*(on(Op.PLUG, config, offset) for offset in blocks))
        # Five times sixteen descriptors wrap a ring of 64.
        for offset in (*blocks, blocks[0]):
            yield laid_out(on(Op.STATE, config, offset), parts=8, response_parts=8)
        yield TraceStep(on(Op.UNPLUG, config, blocks[0]))
        yield TraceStep(on(Op.STATE, config, blocks[0], 4))
    yield TraceStep(action(Op.DEVICE_RESET))
    yield TraceStep(on(Op.STATE, config, config.block, 3))


def suspended(config: Config) -> Iterator[TraceStep]:
    yield laid_out(action(Op.DEVICE_RESET), persistent_suspend=True)
    yield TraceStep(on(Op.PLUG, config, config.block, 2))
    yield TraceStep(action(Op.WAKE_UP))
    yield TraceStep(on(Op.STATE, config, config.block, 2))
    yield TraceStep(on(Op.UNPLUG, config, config.block, 2))


def stray(place: Place) -> Steps:
    """A request whose response has no place, and what the device makes of others afterwards."""

    def steps(config: Config) -> Iterator[TraceStep]:
        yield TraceStep(on(Op.PLUG, config, 0, 2))
        yield laid_out(action(Op.SHORT), place=place)
        yield TraceStep(action(Op.DEVICE_RESET))
        yield TraceStep(on(Op.STATE, config, 0, 2))
        yield TraceStep(on(Op.UNPLUG, config, 0, 2))

    return steps
