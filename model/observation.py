"""What an observer can see of a device after a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.effects import Did
from model.extents import Extents
from model.state import Answer, BlockState


@dataclass(frozen=True, slots=True)
class SlotLayout:
    """How a device cut its region into `count` memslots.

    `last` is the size of the last one, `size` that of every other one (bytes); a single memslot
    gives its own as both.
    """

    count: int
    size: int
    last: int


@dataclass(frozen=True, slots=True)
class Constants:
    """What the configuration space holds that a driver never sees change (bytes, but for `node`).

    `node` is no business of the model, so it takes no part in a comparison.
    """

    block: int
    addr: int
    region: int
    node: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """A byte of guest memory at `addr` that was written and read after a step.

    `fresh`: it was written after this very step; else after an earlier one, and its block stayed
    plugged since. `held`: what was written was read.
    """

    addr: int
    fresh: bool
    held: bool


@dataclass(frozen=True, slots=True)
class HostMemory:
    """How much memory the host spends on guest physical [addr, addr + size), all three in bytes."""

    addr: int
    size: int
    held: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the listeners to the device's memory took note of: POPULATE or DISCARD of guest physical
    [addr, addr + size), in bytes."""

    heard: Did
    addr: int
    size: int


@dataclass(frozen=True, slots=True)
class Observation:
    """What can be seen of a device after a step; None where a device cannot show it.

    `usable`, `size` and `requested` are the configuration space (bytes), `constants` the rest of
    it; `mapped` the mapped memslots; `notified` whether a configuration change notification was
    sent; `slots` how the region was cut, which is settled before the first step and shown at the
    start only; `used` the length that the device gave with a response (bytes); `memory` what was
    tried with the memory itself; `held` the host memory behind ranges of the region; `told` what
    listeners took note of in this step, in order. Where a request went out together with the next
    one, only what comes with its response is there.
    """

    answer: Answer
    block_state: BlockState | None = None
    usable: int | None = None
    size: int | None = None
    requested: int | None = None
    mapped: Extents | None = None
    notified: bool | None = None
    used: int | None = None
    slots: SlotLayout | None = None
    constants: Constants | None = None
    memory: tuple[Probe, ...] | None = None
    held: tuple[HostMemory, ...] | None = None
    told: tuple[Told, ...] | None = None
