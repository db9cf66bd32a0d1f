"""What the runner asks of a device under test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

from conformance.judge.finding import Kind
from conformance.targets.limits import FREE, Limits
from conformance.traces.codec import FAULT_NAMES
from conformance.traces.faults import FaultsAt
from conformance.traces.layout import PLAIN, Layout, Place
from model.observation import Observation
from model.profiles import Profile
from model.state import ConcreteAction, ConcreteState, Config, Op

PROTOCOL: Final = "slotproof"
PROTOCOL_VERSION: Final = 1

OPERATIONS: Final = frozenset(op.value for op in Op)
"""Capabilities: the operations a target can carry out, by the name of `model.state.Op`."""
OPENINGS: Final = OPERATIONS - {Op.MIGRATION_START.value, Op.UNREALIZE.value}
"""Those that say something of a device in every state: a target needs one of them."""
FAULTS: Final = frozenset(f"fail-{name}" for name in FAULT_NAMES)
"""Capabilities: the host operations that a target can make fail on demand."""
VIEWS: Final = frozenset(
    {"usable", "size", "requested", "mapped", "notified", "slots", "constants", "memory"}
    | {"held", "told", "used"}
)
"""Capabilities: what a target promises to show besides the answer: `slots` and `constants` at the
start, `notified`, `memory` and `told` after every step, `used` with every response, the others at
both start and step."""
FAIL_MEMSLOT: Final = "fail-memslot"
"""Capability: what fails can fail for one memslot of several alone."""
PADDING: Final = "padding"
"""Capability: requests carry arbitrary bytes wherever a device must not look."""
MAPS_PLUGGED: Final = "maps-plugged"
"""Capability: the device promises that a memslot is mapped only while it holds a plugged block."""
BAD_CONFIG: Final = "bad-config"
"""Capability: the configuration of a start reaches the device as it is, so that it can be asked for
one that it must refuse."""
BATCH: Final = "batch"
"""Capability: several requests can go out with one notification."""
FRAMING: Final = "framing"
"""Capability: a request can lie in any number of descriptors, with any room for its response."""
ONE_EACH: Final = "one-each"
"""Capability: the device is known to want a request and a response in one descriptor each, against
VIRTIO 2.7.4.1: a scenario asks for more, traces do not."""
STRAY: Final = "stray"
"""Capability: the response of a request can be sent elsewhere than into the driver's buffers."""
RINGS: Final = "rings"
"""Capability: after a reset, the queue can be a packed ring, and have an event index."""
PERSISTENT: Final = "persistent-suspend"
"""Capability: the device offers PERSISTENT_SUSPEND, and a driver can accept it after a reset."""
LAYOUTS: Final = frozenset({BATCH, FRAMING, ONE_EACH, STRAY, RINGS, PERSISTENT})
OF_DRIVERS: Final = LAYOUTS - {BATCH}
"""Those of targets with a driver and a real virtqueue: nobody could tell a program of them."""
CAPABILITIES: Final = (
    OPERATIONS | FAULTS | VIEWS | {FAIL_MEMSLOT, PADDING, MAPS_PLUGGED, BAD_CONFIG} | LAYOUTS
)


def needs(action: ConcreteAction, layout: Layout = PLAIN) -> frozenset[str]:
    """The capabilities that an action takes."""
    faults = action.faults
    failing = (f"fail-{name}" for name in FAULT_NAMES if getattr(faults, name))
    ways = {BATCH} if layout.more else set()
    if isinstance(faults, FaultsAt):
        ways.add(FAIL_MEMSLOT)
    if layout.place is not Place.OWN:
        ways.add(STRAY)
    elif layout.sets_up:
        ways |= {RINGS} if layout.packed or layout.event_index else set()
        ways |= {PERSISTENT} if layout.persistent_suspend else set()
    elif replace(layout, more=False) != PLAIN:
        ways.add(FRAMING)
    return frozenset({action.op.value, *failing, *ways})


def limits_of(target: Target) -> Limits:
    """What the target says of the configurations that it can have."""
    limits = getattr(target, "limits", FREE)
    assert isinstance(limits, Limits)
    return limits


def states_limits(target: Target) -> bool:
    """The target has limits, and so must accept what lies within."""
    return limits_of(target) != FREE


class TargetError(Exception):
    """The target itself failed; `kind` is one of `conformance.judge.finding.OF_THE_TARGET`.

    The message is one line; `log` is whatever else the target left to look at.
    """

    def __init__(self, kind: Kind, message: str, log: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.log = log

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker of a cluster sends it to whoever asked.
        return type(self), (self.kind, str(self), self.log)


class Target(Protocol):
    """A device under test. Every method but `close` may raise TargetError."""

    @property
    def capabilities(self) -> frozenset[str]:
        """The part of CAPABILITIES that the target has."""

    def fitted(self, profile: Profile, config: Config) -> Config:
        """The configuration nearest to `config` that the target can have; itself for most."""

    def start(self, profile: Profile, config: Config) -> Observation:
        """Replace the device by a fresh one and show it; the answer is `done`."""

    def apply(self, action: ConcreteAction) -> Observation:
        """Carry out one action and show the device afterwards."""

    def state(self) -> ConcreteState | None:
        """The device's whole state, where it is open to the runner."""

    def close(self) -> None:
        """Let go of everything the target holds; a closed target may be closed again.

        It may be started again as well, and then nothing from before is left in it.
        """


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and how it lies in the queue, or a reset and the queue that is set up after it."""

    action: ConcreteAction
    layout: Layout = PLAIN


@runtime_checkable
class Batching(Protocol):
    """What a target with one of the capabilities LAYOUTS has as well."""

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        """Send requests with one notification; what is seen after all of them is in the last of the
        observations (what listeners were told too), those before hold what came with their
        responses. A reset comes by itself. Raises TargetError."""


def carried_out(target: Target, asked: Sequence[Asked]) -> list[tuple[Observation, bool]]:
    """What comes of actions that belong together, and whether all is seen that there is.

    They are carried out one by one where the target knows no batches: a device must not tell the
    difference. Raises TargetError.
    """
    plain = len(asked) == 1 and asked[0].layout == PLAIN
    if plain or not target.capabilities & LAYOUTS or not isinstance(target, Batching):
        return [(target.apply(one.action), True) for one in asked]
    *before, last = target.together(asked)
    return [*((seen, False) for seen in before), (last, True)]
