"""Which of a request's memslots the host fails for, chosen from the trace's seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from conformance.generate.choices import RandomChoices
from conformance.targets.target import FAIL_MEMSLOT
from conformance.traces.faults import FaultsAt
from conformance.traces.streamed import Streamed, held
from conformance.traces.trace import Trace, TraceStep
from model.device import ReferenceDevice
from model.geometry import end_slot, first_slot
from model.machine_ints import INTS
from model.profiles import Mapping
from model.state import RANGE_REQUESTS, ConcreteAction, ConcreteState, Fixed

_SALT: Final = 0xFA17
"""These choices are none of those that made the trace."""


def placed(trace: Trace, capabilities: frozenset[str]) -> Trace:
    """The trace with memslots chosen for the failing operations of a target that can do so."""
    if FAIL_MEMSLOT not in capabilities or trace.seed is None:
        return trace
    make = partial(_placed, trace, trace.seed ^ _SALT)
    return replace(trace, steps=held(Streamed(make, len(trace.steps))))


def _placed(trace: Trace, seed: int) -> Iterator[TraceStep]:
    choices = RandomChoices(seed)
    device = ReferenceDevice(trace.profile, trace.config)
    for step in trace.steps:
        action, faults = step.action, step.action.faults
        most = memslots_of(device.fixed, device.state, action)
        # Now and then all of them fail, as for a target that can have no other.
        if most > 1 and (number := choices.integer(0, most)):
            at = FaultsAt(faults.discard, faults.prealloc, faults.populate, number)
            step = replace(step, action=replace(action, faults=at))
        yield step
        device.apply(action)


def memslots_of(fixed: Fixed[int, bool], state: ConcreteState, action: ConcreteAction) -> int:
    """How many memslots an operation of the host that fails is for; 0 where none fails, or where
    memslots do not follow the plugged blocks."""
    faults = action.faults
    if fixed.mapping is not Mapping.PLUGGED or not (faults.discard or faults.populate):
        return 0
    if action.op not in RANGE_REQUESTS:
        return len(state.mapped)
    size = action.blocks * fixed.block
    if not size or not fixed.addr <= action.addr <= fixed.addr + fixed.region - size:
        return 0
    offset = action.addr - fixed.addr
    return end_slot(INTS, fixed.slots, offset, size) - first_slot(INTS, fixed.slots, offset)
