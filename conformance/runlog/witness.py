"""A run that writes a log: what the model chose where the log is silent, as a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.runlog.validate import Explained
from conformance.runlog.written import resized, written
from conformance.targets.qemu.log import Event
from conformance.targets.reference import at_start
from conformance.traces.trace import Trace, TraceStep
from model.device import ReferenceDevice
from model.extents import Extents
from model.profiles import Profile
from model.state import ConcreteAction, Config, Op, action


@dataclass(frozen=True, slots=True)
class Witness:
    """A trace and the lines that a device writes which carries it out.

    `chosen` counts the steps that are in no line: RESIZE, and a migration's start and end.
    """

    trace: Trace
    lines: tuple[Event, ...]
    chosen: int


def witness(profile: Profile, config: Config, explained: Explained) -> Witness:
    """One of the runs that explain a log."""
    requested, actions = _chosen(explained, config.block)
    device = ReferenceDevice(profile, replace(config, requested=requested * config.block))
    start = at_start(device)
    lines = [resized(0, device.state.usable)]
    steps = []
    for done in actions:
        before = device.state
        result = device.take(done)
        lines += written(device.fixed, before, done, result)
        steps.append(TraceStep(done, device.seen_after(result)))
    trace = Trace(profile, device.config, tuple(steps), seen=start)
    return Witness(trace, tuple(lines), len(steps) - len(explained.groups))


def _chosen(explained: Explained, block: int) -> tuple[int, list[ConcreteAction]]:
    """The requested size at start (blocks) and every action, those that no line tells included.

    From the end backwards: each action leaves a requested size that the next one can begin with.
    """
    groups = explained.groups
    after = groups[-1].left.bounds[0] if groups else explained.start.bounds[0]
    parts: list[list[ConcreteAction]] = []
    for number in range(len(groups) - 1, -1, -1):
        group = groups[number]
        known = groups[number - 1].left if number else explained.start
        done, want = group.done, after
        if done.op is Op.RESIZE:
            done = replace(done, value=after * block)
            want = _other(known, group.free, after)
        part = [done]
        after = want
        if want not in known:
            part.insert(0, action(Op.RESIZE, value=want * block))
            after = known.bounds[0]
        parts.append(part)
    return after, list(_migrating(parts[::-1], [group.busy for group in groups]))


def _other(known: Extents, free: Extents, size: int) -> int:
    """A possible requested size that is not `size`, one that needs no step if there is one."""
    ends = (n for sizes in (known, free) for a, b in sizes.ranges() for n in (a, b - 1))
    return next(n for n in ends if n != size)


def _migrating(parts: list[list[ConcreteAction]], busy: list[bool]) -> Iterator[ConcreteAction]:
    """The parts, with a migration around those that need one."""
    runs = False
    for part, needed in zip(parts, busy, strict=True):
        if runs != needed:
            yield action(Op.MIGRATION_START if needed else Op.MIGRATION_END)
            runs = needed
        yield from part
