"""A real QEMU as a target: its virtio-mem device, driven without a guest. See docs/qemu.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.judge.finding import Kind
from conformance.targets.driver.bus import DriverError, DriverLate
from conformance.targets.driver.memory import GuestMemory
from conformance.targets.driver.speech import Done, observed, only_answered
from conformance.targets.qemu.accel import TCG, Accel
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.guest import QemuGuest
from conformance.targets.qemu.processor import Processor, StoppedProcessor
from conformance.targets.target import (
    BATCH,
    FRAMING,
    MAPS_PLUGGED,
    OPERATIONS,
    PADDING,
    PERSISTENT,
    RINGS,
    STRAY,
    Asked,
    TargetError,
)
from conformance.targets.tracing import failing, preallocates_at_once, tracer
from conformance.traces.codec import config_to_json
from conformance.traces.layout import SETS_UP
from conformance.traces.sizes import format_size
from model.device import ConfigError, fix
from model.observation import Observation
from model.profiles import Profile
from model.state import Answer, ConcreteAction, Config, Op

_FAILING: Final = frozenset({"fail-discard"})
_FAILING_PREALLOC: Final = frozenset({"fail-prealloc"})
_RESETS: Final = frozenset({Op.SYSTEM_RESET, Op.DEVICE_RESET, Op.WAKE_UP})


class QemuTarget:
    """The device of a QEMU. A process serves every trace whose machine is the same, with a system
    reset between two of them, until it fails or `close` ends it.

    A notification is shown where it can be told: a reset forgets it, and for a protocol violation
    QEMU sends one about the device status (VIRTIO 2.1.2), which looks the same.
    """

    capabilities = OPERATIONS | {
        *("usable", "size", "requested", "mapped", "slots", "constants", "memory", "used"),
        *(PADDING, MAPS_PLUGGED, BATCH, FRAMING, STRAY, RINGS, PERSISTENT),
    }

    def __init__(
        self,
        binary: Path,
        *,
        memslots: bool = True,
        lacking: frozenset[str] = frozenset(),
        processor: Callable[[], Processor] = StoppedProcessor,
        accel: Accel = TCG,
        faults: bool = False,
    ) -> None:
        """`memslots`: the QEMU has the option `dynamic-memslots`; one without runs with it off.
        `lacking`: the operations that its machines cannot carry out.
        `faults`: a discard can be made to fail, and so can a preallocation where the system has
        one that is a system call.

        `processor` makes what runs in each machine, which `accel` carries.
        """
        self.binary = binary
        self.memslots = memslots
        self.accel = accel
        self._processor = processor
        self._faults = faults
        self._lacking = lacking
        self.capabilities = self.capabilities - lacking
        self._preallocates = faults and preallocates_at_once()
        if faults:
            self.capabilities = self.capabilities | _FAILING
        if self._preallocates:
            self.capabilities = self.capabilities | _FAILING_PREALLOC
        self._guest: QemuGuest | None = None

    def another(self) -> QemuTarget:
        """A target like this one, for another thread."""
        return self._like(faults=self._faults)

    def failing(self) -> QemuTarget | None:
        """One like this whose host can fail; None where there is no tracer."""
        return None if tracer() is None else self._like(faults=True)

    def _like(self, *, faults: bool) -> QemuTarget:
        return QemuTarget(
            self.binary,
            memslots=self.memslots,
            lacking=self._lacking,
            processor=self._processor,
            accel=self.accel,
            faults=faults,
        )

    @property
    def stopped(self) -> bool:
        """No guest runs in its machines."""
        return self._processor is StoppedProcessor

    @property
    def pid(self) -> int:
        """The id of the QEMU that runs the trace's device now."""
        return self._started().pid

    def fitted(self, profile: Profile, config: Config) -> Config:
        possible = config if self.memslots else replace(config, option=False)
        return fitted(possible, prealloc=self._preallocates and config.prealloc)

    def start(self, profile: Profile, config: Config) -> Observation:
        good = possible(profile, config)
        if good and (nearest := self.fitted(profile, config)) != config:
            raise TargetError(Kind.REFUSED, _no_such(config, nearest))
        if good and self._guest is not None and self._guest.serves(config):
            with self._failures():
                self._guest.renew(config)
        else:
            self.close()
            try:
                self._guest = QemuGuest(
                    self.binary,
                    config,
                    self._processor(),
                    memslots=self.memslots,
                    accel=self.accel,
                )
            except DriverLate as error:
                raise TargetError(Kind.HUNG, str(error), error.log) from error
            except DriverError as error:
                raise TargetError(Kind.REFUSED, str(error), error.log) from error
        with self._failures():
            # What came while the driver was set up is no answer to anything.
            self._guest.notified()
            layout = self._guest.layout()
            # QEMU 10.0.2 with TCG aborts where the device's memory was written while a migration
            # ran: tlb_reset_dirty_range_all, `block == qemu_get_ram_block(end - 1)`.
            self._memory = GuestMemory(config, layout, while_busy=self.accel is not TCG)
            return replace(self._seen(self._guest, Done(Answer.DONE)), slots=layout)

    def apply(self, action: ConcreteAction) -> Observation:
        return self._alone(Asked(action))

    def _alone(self, asked: Asked) -> Observation:
        guest, action = self._started(), asked.action
        with self._failures():
            with failing(guest.pid, action.faults):
                done = guest.apply(action, asked.layout)
            return self._after(guest, action, done)

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        guest = self._started()
        if asked[0].action.op in SETS_UP:
            return [self._alone(one) for one in asked]
        with self._failures():
            done = guest.together(asked)
            before = [only_answered(one) for one in done[:-1]]
            for one, seen in zip(asked, before, strict=False):
                self._memory.passed(one.action, seen)
            return [*before, self._after(guest, asked[-1].action, done[-1])]

    def state(self) -> None:
        return None

    def close(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.close()

    def _after(self, guest: QemuGuest, action: ConcreteAction, done: Done) -> Observation:
        """What is seen after an action; of a device that is gone, the answer alone."""
        if guest.gone:
            return only_answered(done)
        notified = None if action.op in _RESETS else guest.notified()
        seen = self._seen(guest, done, notified)
        return replace(seen, memory=self._memory.tried(guest.bus, action, seen))

    def _seen(self, guest: QemuGuest, done: Done, notified: bool | None = None) -> Observation:
        return replace(observed(guest.config(), done, notified), mapped=guest.mapped())

    def _started(self) -> QemuGuest:
        if self._guest is None:
            raise RuntimeError("the device was not started")
        return self._guest

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Tell a QEMU that died, one that hangs and one that shows nonsense apart."""
        try:
            yield
        except DriverError as error:
            late = isinstance(error, DriverLate)
            kind = Kind.HUNG if late else Kind.DIED if self._started().ended else Kind.GARBAGE
            # The next trace has a process of its own.
            self.close()
            raise TargetError(kind, str(error), error.log) from error


def _no_such(config: Config, nearest: Config) -> str:
    """What of a configuration no QEMU machine has, and what the nearest has instead."""
    asked, there = (_told(config_to_json(one)) for one in (config, nearest))
    differing = [name for name in asked if asked[name] != there[name]]
    return "no such QEMU machine: " + ", ".join(
        f"{name} {asked[name]}, where the nearest has {there[name]}" for name in differing
    )


def _told(values: dict[str, Any]) -> dict[str, str]:
    """The values of a configuration for a person: sizes with units, the address in hexadecimal."""
    sizes = ("region", "block", "requested", "page", "extent")
    return {
        name: format_size(value)
        if name in sizes
        else f"{value:#x}"
        if name == "addr"
        else ("on" if value else "off")
        if isinstance(value, bool)
        else str(value)
        for name, value in values.items()
    }


def possible(profile: Profile, config: Config) -> bool:
    """The rules of the profile have a device of this configuration."""
    try:
        fix(profile, config)
    except ConfigError:
        return False
    return True
