"""A driver for a virtio-mem device: set-up, configuration space, requests, reset.

Sources: VIRTIO 1.2, sections named at each item. Addresses are guest-physical, sizes are bytes,
timeouts are seconds.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.targets.driver.bus import Access, Bus, DriverError, as_int, load
from conformance.targets.driver.chains import Chain, Used
from conformance.targets.driver.packed import queue_of
from conformance.targets.driver.registers import Register, Registers, Transport
from conformance.targets.driver.virtqueue import (
    DESCRIPTOR_AREA,
    DEVICE_AREA,
    DRIVER_AREA,
    MAX_QUEUE_SIZE,
    Queue,
)
from conformance.traces.layout import PLAIN, Layout

VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE: Final = 1 << 1
VIRTIO_MEM_F_PERSISTENT_SUSPEND: Final = 1 << 2
"""VIRTIO 5.15.3."""
VIRTIO_F_INDIRECT_DESC: Final = 1 << 28
VIRTIO_F_EVENT_IDX: Final = 1 << 29
VIRTIO_F_VERSION_1: Final = 1 << 32
VIRTIO_F_RING_PACKED: Final = 1 << 34
"""VIRTIO 6."""

_ACKNOWLEDGE, _DRIVER, _DRIVER_OK, _FEATURES_OK, _NEEDS_RESET = 1, 2, 4, 8, 64
"""VIRTIO 2.1, device status."""
_FEATURES_AGREED = _ACKNOWLEDGE | _DRIVER | _FEATURES_OK

_USED_BUFFER, _CONFIG_CHANGED = 1, 2
"""VIRTIO 4.1.4.5 and 4.2.2: a buffer came back; the configuration changed, or the device needs a
reset."""

_CONFIG_LAYOUT = "<QH6x5Q"
_CONFIG_ACCESSES = ((0, 4), (4, 4), (8, 2), *((offset, 4) for offset in range(16, 56, 4)))
_CONFIG_PARTS = "<2IH6x10I"
"""VIRTIO 5.15.4, `struct virtio_mem_config`; 4.1.3.1: le64 fields are read as two 32-bit halves."""


_PATIENCE: Final = 0.5
"""Seconds for the answer to a request that deserves none."""


@dataclass(frozen=True)
class DeviceConfig:
    """VIRTIO 5.15.4. `node_id` is a number, everything else is bytes."""

    block_size: int
    node_id: int
    addr: int
    region_size: int
    usable_region_size: int
    plugged_size: int
    requested_size: int


class VirtioMem:
    """The machine's virtio-mem device. `setup` comes first, and again after any reset."""

    def __init__(self, bus: Bus, transport: Transport, *, timeout: float = 5.0) -> None:
        """`timeout` bounds the waits of `reset` and `config`."""
        self.bus = bus
        """The way to the machine that has the device now."""
        self._transport = transport
        self._timeout = timeout
        self._registers: Registers | None = None
        self._queue: Queue | None = None
        self._pending = 0
        """Why the device interrupted, as far as nobody has asked for it."""
        self.features = 0
        """The bits that the device offered at the last set-up."""

    def setup(self, *, unplugged_inaccessible: bool = True, layout: Layout = PLAIN) -> bool:
        """Bring the device up (VIRTIO 3.1.1) with VERSION_1, what is offered for any framing, and,
        if asked, UNPLUGGED_INACCESSIBLE and what `layout` says of the queue.

        False: FEATURES_OK did not stick, and the device takes no requests. Raises `DriverError`
        when there is no such device or it does not offer a feature asked for.
        """
        self._registers = self._transport.attach(self.bus)
        self.reset()
        self._layout = layout
        self._set(self._at.status, _ACKNOWLEDGE)
        if not self._negotiate(0, unplugged_inaccessible):
            return False
        self._queue = self._create_queue()
        self._set(self._at.status, _FEATURES_AGREED | _DRIVER_OK)
        return True

    def negotiate_again(self, *, unplugged_inaccessible: bool) -> bool:
        """Go back to the choice of features without a reset, which VIRTIO 2.1.1 forbids a driver.

        The queue stays, and so does a device that needs a reset. False as for `setup`.
        """
        kept = self._get(self._at.status) & _NEEDS_RESET
        if not self._negotiate(kept, unplugged_inaccessible):
            return False
        self._set(self._at.status, kept | _FEATURES_AGREED | _DRIVER_OK)
        return True

    def continue_on(self, bus: Bus) -> None:
        """Go on with the device, queue included, as a migration brought it into another machine."""
        self.bus = bus

    @property
    def config_address(self) -> int:
        """Where the device configuration begins, a guest physical address."""
        return self._at.config

    def needs_reset(self) -> bool:
        """The device stopped at an error (VIRTIO 2.1.2)."""
        return bool(self._get(self._at.status) & _NEEDS_RESET)

    def config_notified(self) -> bool:
        """A configuration change notification came since the last call or reset."""
        return self._interrupted(_CONFIG_CHANGED)

    def reset(self) -> None:
        """Reset the device (VIRTIO 2.4, 4.1.4.3.2): blocks keep their states, the queue is gone."""
        self._queue = None
        self._pending = 0
        self._set(self._at.status, 0)
        for _ in _attempts(self._timeout):
            if self._get(self._at.status) == 0:
                return
        raise self.bus.late(f"virtio-mem not reset within {self._timeout:g} s")

    def config(self) -> DeviceConfig:
        """One consistent reading of the configuration space (VIRTIO 2.5.1, 4.1.4.3)."""
        at = self._at
        generation = at.generation.get()
        fields = [load(at.config + offset, width) for offset, width in _CONFIG_ACCESSES]
        for _ in _attempts(self._timeout):
            before, *parts, after = map(as_int, self.bus.exchange(generation, *fields, generation))
            if not any(parts):
                raise DriverError(
                    "virtio-mem is not mapped: setup() comes first, and after a reset"
                )
            if before == after:
                layout = struct.pack(_CONFIG_PARTS, *parts)
                return DeviceConfig(*struct.unpack(_CONFIG_LAYOUT, layout))
        raise self.bus.late(f"no stable configuration within {self._timeout:g} s")

    def request(
        self, payload: bytes, response_space: int = 10, timeout: float = 5.0
    ) -> bytes | None:
        """Put one request on the queue; the response, as many bytes as the device says it wrote.

        None as of `together`.
        """
        (used,) = self.together([Chain(payload, response_space)], timeout)
        return None if used is None else used.data

    def together(
        self, chains: Sequence[Chain], timeout: float = 5.0, *, may_be_lost: bool = False
    ) -> list[Used | None]:
        """Put requests on the queue at once, with one notification for all of them.

        None for a request: the device leaves it unanswered, because it marked itself
        DEVICE_NEEDS_RESET (VIRTIO 2.1.2), so that `setup` makes it usable again, or because it is a
        bad one that `may_be_lost`. Raises `DriverError` when it is not set up, does not answer in
        time, or returns a used element that nothing was made available for, and `ValueError` for
        buffers that the queue cannot make available.
        """
        if self._queue is None:
            raise DriverError("virtio-mem has no queue: setup() comes first, and after a reset")
        submit, poll = self._queue.submit(chains), self._queue.poll()
        status = self._at.status.get()
        # The first look goes along: most devices answer before the driver looks.
        waiting = (*submit, self._at.doorbell.set(0))
        if self._queue.event_index:
            self._interrupted(_USED_BUFFER)
            *_, wish = self.bus.exchange(*submit, self._queue.wish())
            waiting = (self._at.doorbell.set(0),) if self._queue.wanted(wish) else ()
        for _ in _attempts(_PATIENCE if may_be_lost else timeout):
            answers = self.bus.exchange(*waiting, *poll, status)[len(waiting) :]
            waiting = ()
            used = self._queue.take(answers[:-1])
            if None not in used:
                self._interrupt_due(timeout)
                return used
            if as_int(answers[-1]) & _NEEDS_RESET:
                return used
            # A system reset unmaps the BARs as well; what is not mapped reads as 0.
            if not as_int(answers[-1]) & _DRIVER_OK:
                raise DriverError("virtio-mem was reset since setup()")
        if may_be_lost:
            self._queue.give_up()
            return used
        # Its answer may still come, and must not be taken for the next request's.
        self._queue = None
        back = sum(one is not None for one in used)
        told = f": {back} of {len(chains)} requests came back" if len(chains) > 1 else ""
        raise self.bus.late(f"virtio-mem did not answer within {timeout:g} s{told}")

    def _interrupt_due(self, timeout: float) -> None:
        """With an event index the device interrupts for the last request. Raises DriverError."""
        if self._queue is None or not self._queue.event_index:
            return
        for _ in _attempts(timeout):
            if self._interrupted(_USED_BUFFER):
                return
        raise self.bus.late(f"requests came back without the interrupt due within {timeout:g} s")

    def _interrupted(self, why: int) -> bool:
        """The device interrupted for that reason since this was asked last."""
        pending = self._get(self._at.interrupt)
        if pending and (acknowledge := self._at.acknowledge) is not None:
            self._set(acknowledge, pending)
        self._pending |= pending
        found = bool(self._pending & why)
        self._pending &= ~why
        return found

    @property
    def _at(self) -> Registers:
        if self._registers is None:
            raise DriverError("virtio-mem is not mapped: setup() comes first")
        return self._registers

    def _negotiate(self, kept: int, unplugged_inaccessible: bool) -> bool:
        """Choose features, with the status bits `kept` set all along; whether they are agreed."""
        status = self._at.status
        choice = self._choice(self._offered(kept), unplugged_inaccessible)
        agreed = status.set(kept | _FEATURES_AGREED)
        *_, after = self.bus.exchange(*choice, agreed, status.get())
        return bool(as_int(after) & _FEATURES_OK)

    def _offered(self, kept: int) -> int:
        """Begin to choose features: those that the device offers."""
        at = self._at
        words = [
            access
            for word in (0, 1)
            for access in (at.device_feature_select.set(word), at.device_feature.get())
        ]
        begun = at.status.set(kept | _ACKNOWLEDGE | _DRIVER)
        _, _, low, _, high = self.bus.exchange(begun, *words)
        return as_int(low) | as_int(high) << 32

    def _choice(self, offered: int, unplugged_inaccessible: bool) -> list[Access]:
        """Write the driver's feature bits, all of which the device must offer (VIRTIO 2.2)."""
        at = self._at
        self.features = offered
        features = VIRTIO_F_VERSION_1 | offered & VIRTIO_F_INDIRECT_DESC
        features |= VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE if unplugged_inaccessible else 0
        features |= VIRTIO_F_RING_PACKED if self._layout.packed else 0
        features |= VIRTIO_F_EVENT_IDX if self._layout.event_index else 0
        features |= VIRTIO_MEM_F_PERSISTENT_SUSPEND if self._layout.persistent_suspend else 0
        if features & ~offered:
            raise DriverError(f"virtio-mem offers {offered:#x}, not {features & ~offered:#x}")
        return [
            access
            for word in (0, 1)
            for access in (
                at.driver_feature_select.set(word),
                at.driver_feature.set(features >> 32 * word & 0xFFFF_FFFF),
            )
        ]

    def _create_queue(self) -> Queue:
        """Set up queue 0 (VIRTIO 4.1.5.1.3, 4.2.3.2)."""
        at = self._at
        _, most = self.bus.exchange(at.queue_select.set(0), at.queue_most.get())
        size = min(as_int(most), MAX_QUEUE_SIZE)
        layout = self._layout
        queue = queue_of(size, packed=layout.packed, event_index=layout.event_index)
        accesses = [*queue.clear(), at.queue_size.set(size)]
        for area, place in zip(at.areas, (DESCRIPTOR_AREA, DRIVER_AREA, DEVICE_AREA), strict=True):
            high = Register(area.address + 4, area.width)
            accesses += [area.set(place & 0xFFFF_FFFF), high.set(place >> 32)]
        self.bus.exchange(*accesses, at.queue_enable.set(1))
        return queue

    def _get(self, register: Register) -> int:
        return self.bus.number(register.get())

    def _set(self, register: Register, value: int) -> None:
        self.bus.exchange(register.set(value))


def _attempts(timeout: float) -> Iterator[None]:
    """Yield once, then again and again until `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    yield
    while time.monotonic() < deadline:
        yield
