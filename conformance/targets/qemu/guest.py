"""One QEMU with one virtio-mem, and everything that a trace can do to it: guest and host in one.

The driver is set up whenever a reset took its set-up away, because the model answers requests of a
guest in any state. Sizes and addresses are bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance.targets.driver.bus import Bus
from conformance.targets.driver.device import DeviceConfig
from conformance.targets.driver.speech import Done, Speech
from conformance.targets.qemu import migration
from conformance.targets.qemu.accel import KVM, TCG, Accel
from conformance.targets.qemu.fit import machine_of
from conformance.targets.qemu.kvmslots import KvmSlots, differing
from conformance.targets.qemu.machine import DEVICE_ID
from conformance.targets.qemu.process import QemuError, QemuProcess, QmpRefused
from conformance.targets.qemu.processor import Processor
from conformance.targets.qemu.slots import all_mapped_slots, slot_sizes
from conformance.targets.qemu.suspend import woken_up
from conformance.targets.qemu.unplug import look_again, unplugged
from conformance.targets.target import Asked
from conformance.traces.layout import PLAIN, SETS_UP, Layout
from model.extents import Extents
from model.observation import SlotLayout
from model.state import REQUESTS, Answer, ConcreteAction, Config, Op

_RESET_TIMEOUT: Final = 10.0
"""Seconds."""


class QemuGuest:
    """Starts a machine whose device has exactly `config`, and sets its driver up.

    Every method raises `QemuError`; the constructor does so too, with nothing left running, where
    QEMU cannot have such a device. `close` ends it.
    """

    def __init__(
        self,
        binary: Path,
        config: Config,
        processor: Processor,
        *,
        memslots: bool = True,
        accel: Accel = TCG,
    ) -> None:
        """`memslots`: the QEMU has the option `dynamic-memslots`."""
        self._binary = binary
        self._processor = processor
        self._memslots = memslots
        self._accel = accel
        self._kvm: KvmSlots | None = None
        self._config = config
        self._layout = PLAIN
        self._speech = Speech()
        self._numbers = count()
        self.gone = False
        """The device was unplugged, and the machine has none any more."""
        with ExitStack() as stack:
            directory = stack.enter_context(TemporaryDirectory(prefix="slotproof-stream-"))
            self._directory = Path(directory)
            piped = not memslots or not processor.stopped
            self._stream = migration.Stream(self._directory / "stream", piped=piped)
            self._running = stack.enter_context(ExitStack())
            self._process = self._running.enter_context(self._machine())
            self._driver = processor.driver(processor.start(self._process, self._running))
            self._set_up()
            self._check_config()
            self._sizes = slot_sizes(self._process.qmp)
            self._cleanup = stack.pop_all()
        self._events: Mapping[Op, Callable[[int], Answer]] = {
            Op.NEGOTIATE: self._negotiate,
            Op.RESIZE: self._resize,
            Op.SYSTEM_RESET: self._system_reset,
            Op.DEVICE_RESET: self._device_reset,
            Op.WAKE_UP: self._wake_up,
            Op.MIGRATION_START: self._migration_start,
            Op.MIGRATION_END: self._migration_end,
            Op.MIGRATION_IN: self._migration_in,
            Op.UNREALIZE: self._unrealize,
        }

    def close(self) -> None:
        """End the machine, whatever state it is in."""
        self._cleanup.close()

    @property
    def pid(self) -> int:
        """The id of the process that has the device now; it changes with a migration."""
        return self._process.pid

    @property
    def bus(self) -> Bus:
        """The way into that process's machine."""
        return self._driver.bus

    @property
    def ended(self) -> bool:
        """QEMU is gone."""
        return self._process.ended

    def serves(self, config: Config) -> bool:
        """`renew` makes this the machine of `config`: only the requested size may be another."""
        same = replace(config, requested=0) == replace(self._config, requested=0)
        return same and not self.gone

    def renew(self, config: Config) -> None:
        """Make the device what it is in a machine just started, by a system reset."""
        migration.cancel(self._process, self._stream)
        self._config = config
        self._layout = PLAIN
        if self._resize(config.requested) is not Answer.DONE:
            raise QemuError(f"QEMU refuses a requested size of {config.requested}")
        self._system_reset(0)
        self._speech.again()
        if (left := self._driver.config().plugged_size) != 0:
            raise QemuError(f"{left} bytes are still plugged after a system reset")

    def apply(self, action: ConcreteAction, layout: Layout = PLAIN) -> Done:
        """Carry out an action without faults; `layout` is that of the queue after a reset."""
        if self.gone:
            return self._without_device(action)
        if action.op in SETS_UP:
            self._layout = layout
        if action.op in self._events:
            return Done(self._events[action.op](action.value))
        return self._speech.ask(self._driver, action)

    def together(self, asked: Sequence[Asked]) -> list[Done]:
        """Send requests with one notification."""
        if self.gone:
            return [self._without_device(one.action) for one in asked]
        return self._speech.together(self._driver, asked)

    def config(self) -> DeviceConfig:
        """The configuration space."""
        return self._driver.config()

    def notified(self) -> bool:
        """A configuration change notification came since the last call or reset."""
        return self._driver.config_notified()

    def layout(self) -> SlotLayout | None:
        """How QEMU cut the region; None where it has no memslots for it."""
        if not self._sizes:
            return None
        *most, last = (self._sizes[number] for number in sorted(self._sizes))
        if len(set(most)) > 1:
            raise QemuError(f"memslots that are not the last have sizes {sorted(set(most))}")
        return SlotLayout(count=len(self._sizes), size=most[0] if most else last, last=last)

    def mapped(self) -> Extents | None:
        """The mapped memslots; None where the device's memory has none. Under KVM they are those
        that KVM holds, and the whole region must be one where the device has none."""
        slots = all_mapped_slots(self._process.qmp).get(self._config.addr)
        if self._kvm is not None:
            held = self._kvm.spans(*self._place)
            shown = {0: self._config.region} if slots is None else dict(slots.values())
            if (difference := differing(held, shown)) is not None:
                raise QemuError(difference)
        if slots is None:
            return None
        for number, place in slots.items():
            own = number * self._sizes.get(0, 0), self._sizes.get(number)
            if place != own:
                raise QemuError(f"memslot {number} is mapped as {place}, not as {own}")
        return Extents.of_ranges([(number, number + 1) for number in sorted(slots)])

    @property
    def _place(self) -> tuple[int, int]:
        """Address and size of the region."""
        return self._config.addr, self._config.region

    def _negotiate(self, accepts: int) -> Answer:
        if not self._config.inaccessible:
            # Not offered: a driver that would accept it accepts what is offered instead.
            agreed = self._driver.negotiate_again(unplugged_inaccessible=False)
        else:
            agreed = self._driver.negotiate_again(unplugged_inaccessible=bool(accepts))
            if not agreed:
                self._driver.negotiate_again(unplugged_inaccessible=True)
        return Answer.DONE if agreed else Answer.REFUSED

    def _resize(self, requested: int) -> Answer:
        path = f"/machine/peripheral/{DEVICE_ID}"
        wish = {"path": path, "property": "requested-size", "value": requested}
        try:
            self._process.qmp("qom-set", wish)
        except QmpRefused:
            return Answer.REFUSED
        return Answer.DONE

    def _system_reset(self, _: int) -> Answer:
        self._reset_machine()
        self._set_up()
        return Answer.DONE

    def _reset_machine(self) -> None:
        self._process.qmp("system_reset")
        self._process.wait_event("RESET", _RESET_TIMEOUT)
        self._processor.after_reset(self._driver.bus)

    def _device_reset(self, _: int) -> Answer:
        self._driver.reset()
        self._set_up()
        return Answer.DONE

    def _wake_up(self, _: int) -> Answer:
        woken_up(self._process, self._processor, self._driver.bus)
        self._set_up()
        return Answer.DONE

    def _migration_start(self, _: int) -> Answer:
        migration.start(self._process, self._stream)
        return Answer.DONE

    def _migration_end(self, _: int) -> Answer:
        migration.cancel(self._process, self._stream)
        return Answer.DONE

    def _migration_in(self, _: int) -> Answer:
        """Go on in a second QEMU, started like the first; the first one ends."""
        migration.finish(self._process, self._stream)
        with ExitStack() as stack:
            process = stack.enter_context(self._machine("-incoming", "defer"))
            migration.load(process, self._stream)
            bus = self._processor.go_on(process, stack)
            self._running.close()
            self._running.push(stack.pop_all())
        self._stream.path.unlink()
        self._process = process
        self._driver.continue_on(bus)
        return Answer.DONE

    def _unrealize(self, _: int) -> Answer:
        answer = unplugged(self._process, self._driver.bus)
        if answer is Answer.DONE:
            self.gone = True
            self._look_again()
        return answer

    def _without_device(self, action: ConcreteAction) -> Done:
        """What can be done without the device: the machine can be reset, and the host can ask for
        it. There is nothing that a request could go to."""
        answer = Answer.SILENT if action.op in REQUESTS else Answer.REFUSED
        if action.op is Op.SYSTEM_RESET:
            self._reset_machine()
        elif action.op in (Op.RESIZE, Op.UNREALIZE):
            answer = self._events[action.op](action.value)
        self._look_again()
        return Done(answer)

    def _look_again(self) -> None:
        look_again(self._process, self._driver.bus)
        if self._kvm is not None and (left := self._kvm.spans(*self._place)):
            raise QemuError(f"KVM holds memslots of a device that is gone: {left}")

    def _machine(self, *more: str) -> QemuProcess:
        arguments = machine_of(
            self._config, self._memslots, stopped=self._processor.stopped, accel=self._accel
        )
        log = self._directory / f"memslots-{next(self._numbers)}"
        if self._accel is KVM:
            self._kvm = KvmSlots(log)
        more = (*self._accel.memslots_told(log), *more)
        processor = self._processor.arguments(self._accel)
        return QemuProcess(self._binary, [*arguments, *processor, *more])

    def _set_up(self) -> None:
        inaccessible = self._config.inaccessible
        if not self._driver.setup(unplugged_inaccessible=inaccessible, layout=self._layout):
            raise QemuError("virtio-mem refuses the features that it offers")

    def _check_config(self) -> None:
        """Raise QemuError where the device is not the one asked for."""
        seen, want = self._driver.config(), self._config
        for name, have, wanted in (
            ("block size", seen.block_size, want.block),
            ("region size", seen.region_size, want.region),
            ("address", seen.addr, want.addr),
        ):
            if have != wanted:
                raise QemuError(f"virtio-mem has {name} {have}, not {wanted}")
