"""Traces that sit on a device's boundaries and yet get memory plugged.

One text for both sources of choices (`generate.choices`). The generator follows the state of the
model, so that a choice can mean "a plugged run" or "one block over the requested size".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol

from conformance.generate.choices import Choices, RandomChoices
from conformance.generate.config import Given, choose_config
from conformance.generate.ranges import (
    PLUG_SHAPES,
    STATE_SHAPES,
    UNPLUG_SHAPES,
    Range,
    View,
    view_of,
)
from conformance.targets.reference import at_start
from conformance.targets.target import CAPABILITIES
from conformance.traces.codec import FAULT_NAMES, USES
from conformance.traces.streamed import Streamed, held
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import U64_MASK
from model.device import ReferenceDevice
from model.geometry import Memslots
from model.profiles import Profile
from model.state import (
    NO_FAULTS,
    RANGE_REQUESTS,
    ConcreteAction,
    ConcreteState,
    Config,
    Faults,
    Fixed,
    Op,
    action,
)

SHAPES = {Op.PLUG: PLUG_SHAPES, Op.UNPLUG: UNPLUG_SHAPES, Op.STATE: STATE_SHAPES}
ALWAYS_OPEN = (
    (12, Op.PLUG),
    (3, Op.UNPLUG),
    (12, Op.STATE),
    (12, Op.RESIZE),
    (4, Op.UNPLUG_ALL),
    (3, Op.NEGOTIATE),
    (3, Op.SYSTEM_RESET),
    (3, Op.DEVICE_RESET),
    (3, Op.WAKE_UP),
    (1, Op.MIGRATION_END),
    (6, Op.MIGRATION_IN),
    (2, Op.UNKNOWN),
    (2, Op.SHORT),
)
"""Operations that are worth choosing in every state, with their weights; the simplest first."""
FAULT_PERCENT = 8
"""How often an operation meets a failing host, of 100."""


Fit = Callable[[Profile, Config], Config]
"""Makes a configuration one that a target can have."""


class Chooser(Protocol):
    """Chooses an action like `choose_action`."""

    def __call__(
        self,
        choices: Choices,
        fixed: Fixed[int, bool],
        state: ConcreteState,
        capabilities: frozenset[str],
        *,
        late: bool,
    ) -> ConcreteAction: ...


def trace_seed(seed: int, number: int) -> int:
    """The seed of trace `number` of a check: the traces of two seeds are unrelated."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:6])


def random_trace(
    profile: Profile,
    seed: int,
    steps: int,
    capabilities: frozenset[str] = CAPABILITIES,
    given: Given | None = None,
    fitted: Fit | None = None,
    chooser: Chooser | None = None,
    slot: int | None = None,
) -> Trace:
    """The trace of a seed, exactly `steps` long; `fitted` has the last word on the device, and
    `chooser` on each action if there is one. `slot` is the size of the device's memslots in bytes
    where that is not what the profile chooses.

    Raises model.device.ConfigError where the `given` fields make a configuration that is refused.
    """
    config = choose_config(RandomChoices(seed), profile, given)
    if fitted is not None:
        config = fitted(profile, config)
    device = ReferenceDevice(profile, config)
    make = partial(_of_seed, profile, seed, steps, capabilities, given, config, chooser, slot)
    stream = Streamed(make, steps)
    # What a chooser remembers of one pass would be in the way of the next one.
    made = held(stream) if chooser is None else tuple(stream)
    return Trace(profile, config, made, seed, seen=at_start(device))


def _of_seed(
    profile: Profile,
    seed: int,
    steps: int,
    capabilities: frozenset[str],
    given: Given | None,
    config: Config,
    chooser: Chooser | None,
    slot: int | None,
) -> Iterator[TraceStep]:
    """The steps of a seed on the device of `config`, which may be another than it chose."""
    choices = RandomChoices(seed)
    choose_config(choices, profile, given)
    making = _Making(ReferenceDevice(profile, config), steps, capabilities, chooser, slot)
    return (making.step(choices) for _ in range(steps))


def choose_trace(
    choices: Choices,
    profile: Profile,
    config: Config,
    most: int,
    capabilities: frozenset[str] = CAPABILITIES,
) -> Trace:
    """A trace of at most `most` steps with what the model says to each, all of them held.

    Raises model.device.ConfigError where the profile refuses the configuration.
    """
    device = ReferenceDevice(profile, config)
    shown = at_start(device)
    making = _Making(device, most, capabilities)
    steps: list[TraceStep] = []
    choices.repeat(lambda choices: steps.append(making.step(choices)), most)
    return Trace(profile, config, tuple(steps), seen=shown)


class _Making:
    """Makes steps one after the other, and follows the state of the model."""

    def __init__(
        self,
        device: ReferenceDevice,
        most: int,
        capabilities: frozenset[str],
        chooser: Chooser | None = None,
        slot: int | None = None,
    ) -> None:
        self._device, self._most, self._able = device, most, capabilities
        self._choose = choose_action if chooser is None else chooser
        self._fixed = device.fixed
        if slot is not None:
            count = -(-device.config.region // slot)
            self._fixed = replace(device.fixed, slots=Memslots(count, slot))
        self._made = 0

    def step(self, choices: Choices) -> TraceStep:
        late = 10 * self._made >= 9 * self._most
        chosen = self._choose(choices, self._fixed, self._device.state, self._able, late=late)
        self._made += 1
        return TraceStep(chosen, self._device.apply(chosen))


def choose_action(
    choices: Choices,
    fixed: Fixed[int, bool],
    state: ConcreteState,
    capabilities: frozenset[str] = CAPABILITIES,
    *,
    late: bool = True,
) -> ConcreteAction:
    """An action for a device in this state, of those the `capabilities` allow.

    Before it is `late` nothing is chosen that would end the device. Raises ValueError if the
    capabilities name no operation.
    """
    options = op_options(state, late=late)
    able = [(weight, op) for weight, op in options if op.value in capabilities]
    if not able:
        raise ValueError("the target can carry out no operation")
    op = choices.pick(able)
    faults = choose_faults(choices, fixed, op, capabilities)
    if op in RANGE_REQUESTS:
        addr, blocks = choose_range(choices, op, view_of(fixed, state))
        return action(op, addr=addr, blocks=blocks, faults=faults)
    return action(op, value=choose_value(choices, fixed, state, op), faults=faults)


def op_options(state: ConcreteState, *, late: bool) -> list[tuple[int, Op]]:
    """The operations with their weights: what is always open, then what this state calls for.

    What is always open comes first, so that a drawn position there keeps its meaning when a
    shrinker takes away earlier steps.
    """
    plugged = state.size > 0
    options = [*ALWAYS_OPEN]
    options.append((48, Op.PLUG) if state.size < state.requested else (24, Op.RESIZE))
    options.append((20, Op.MIGRATION_END) if state.busy else (5, Op.MIGRATION_START))
    if plugged:
        options.append((27, Op.UNPLUG))
    if plugged and state.busy:
        # What was written since the migration started must arrive.
        options.append((20, Op.MIGRATION_IN))
    if state.broken:
        options.append((200, Op.DEVICE_RESET))
    if plugged or state.requested or state.busy:
        # Refused in such a state, so the device stays.
        options.append((2, Op.UNREALIZE))
    elif late:
        options.append((40, Op.UNREALIZE))
    return options


def choose_range(choices: Choices, op: Op, view: View) -> Range:
    """Address and number of blocks of a range request."""
    return choices.pick(SHAPES[op])(choices, view)


def choose_value(choices: Choices, fixed: Fixed[int, bool], state: ConcreteState, op: Op) -> int:
    """What RESIZE, NEGOTIATE and UNKNOWN carry; 0 for the rest."""
    if op is Op.NEGOTIATE:
        return choices.pick([(4, 1), (1, 0)])
    if op is Op.UNKNOWN:
        anything = choices.integer(4, 65535)
        # Every other one is near those that there are.
        near = anything if anything % 2 else 4 + anything // 2 % 12
        return choices.pick([(1, 4), (1, 65535), (1, near)])
    return choose_requested(choices, fixed, state) if op is Op.RESIZE else 0


def choose_requested(choices: Choices, fixed: Fixed[int, bool], state: ConcreteState) -> int:
    """A requested size in bytes: on a boundary, anywhere, or one that the device refuses."""
    block, region = fixed.block, fixed.region
    before_full = max(region - fixed.extent, 0) // block * block
    return choices.pick(
        [
            (8, region),
            (3, block),
            (3, 0),
            (8, choices.integer(0, region // block) * block),
            (4, min(choices.integer(1, fixed.slots.count) * fixed.slots.size, region)),
            (2, state.size),
            (2, min(state.size + block, region)),
            (1, state.requested),
            (2, before_full),
            (1, min(before_full + block, region)),
            (1, choices.integer(0, region // block) * block + 1),
            (1, block // 2),
            (1, region + block),
            (1, (U64_MASK + 1) - block),
            # Where a size kept in 32 bits, in 63, or in 32 bits of MiB wraps to nothing.
            *((1, 1 << power) for power in (32, 63, 52)),
        ]
    )


def choose_faults(
    choices: Choices, fixed: Fixed[int, bool], op: Op, capabilities: frozenset[str]
) -> Faults[bool]:
    """Which of the host operations that `op` needs fail; most often none."""
    failing = {
        name
        for name in USES[op].faults
        if f"fail-{name}" in capabilities
        and (name != "prealloc" or fixed.prealloc)
        and choices.chance(FAULT_PERCENT)
    }
    return Faults(**{name: name in failing for name in FAULT_NAMES}) if failing else NO_FAULTS
