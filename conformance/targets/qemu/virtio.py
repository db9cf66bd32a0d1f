"""A driver for QEMU's virtio-mem PCI device: set-up, configuration space, requests, reset.

Sources: VIRTIO 1.2, sections named at each item. Addresses are guest-physical, sizes are bytes,
timeouts are seconds.
"""

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.targets.qemu.machine import PCI_DEVICE
from conformance.targets.qemu.pci import PciFunction
from conformance.targets.qemu.process import QemuError
from conformance.targets.qemu.qtest import QtestSocket, as_int, load, store
from conformance.targets.qemu.virtqueue import MAX_QUEUE_SIZE, RequestQueue

VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE = 1 << 1
"""VIRTIO 5.15.3."""
VIRTIO_F_VERSION_1 = 1 << 32
"""VIRTIO 6."""

_PCI_ID = (0x1AF4, 0x1040 + 24)
"""VIRTIO 4.1.2: vendor, and 0x1040 plus the device id; 5.15.1: that is 24."""

_ACKNOWLEDGE, _DRIVER, _DRIVER_OK, _FEATURES_OK, _NEEDS_RESET = 1, 2, 4, 8, 64
"""VIRTIO 2.1, device status."""
_FEATURES_AGREED = _ACKNOWLEDGE | _DRIVER | _FEATURES_OK

_CAPABILITY_VENDOR = 0x09
_CAPABILITY_TYPE, _CAPABILITY_BAR, _CAPABILITY_OFFSET, _CAPABILITY_MULTIPLIER = 3, 4, 8, 16
_TYPE_COMMON, _TYPE_NOTIFY, _TYPE_ISR, _TYPE_DEVICE = 1, 2, 3, 4
"""VIRTIO 4.1.4, `struct virtio_pci_cap`, and 4.1.4.4, `struct virtio_pci_notify_cap`."""

_DEVICE_FEATURE_SELECT, _DEVICE_FEATURE, _DRIVER_FEATURE_SELECT, _DRIVER_FEATURE = 0, 4, 8, 12
_DEVICE_STATUS, _CONFIG_GENERATION = 20, 21
_QUEUE_SELECT, _QUEUE_SIZE, _QUEUE_ENABLE, _QUEUE_NOTIFY_OFF = 22, 24, 28, 30
_QUEUE_DESCRIPTORS, _QUEUE_DRIVER, _QUEUE_DEVICE = 32, 40, 48
"""VIRTIO 4.1.4.3, `struct virtio_pci_common_cfg`."""

_ISR_CONFIG = 2
"""VIRTIO 4.1.4.5, ISR status: the configuration changed, or the device needs a reset."""

_CONFIG_LAYOUT = "<QH6x5Q"
_CONFIG_ACCESSES = ((0, 4), (4, 4), (8, 2), *((offset, 4) for offset in range(16, 56, 4)))
_CONFIG_PARTS = "<2IH6x10I"
"""VIRTIO 5.15.4, `struct virtio_mem_config`; 4.1.3.1: le64 fields are read as two 32-bit halves."""


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


class VirtioMemPci:
    """The virtio-mem function at 00:04.0. `setup` comes first, and again after any reset."""

    def __init__(self, qtest: QtestSocket, *, timeout: float = 5.0) -> None:
        """`timeout` bounds the waits of `reset` and `config`."""
        self.qtest = qtest
        """The connection of the QEMU that has the device now."""
        self._pci = PciFunction(qtest, PCI_DEVICE)
        self._timeout = timeout
        self._common = self._device = self._isr = self._doorbell = 0
        self._queue: RequestQueue | None = None

    def setup(self, *, unplugged_inaccessible: bool = True) -> bool:
        """Bring the device up (VIRTIO 3.1.1) with VERSION_1 and, if asked, UNPLUGGED_INACCESSIBLE.

        False: FEATURES_OK did not stick, and the device takes no requests. Raises `QemuError` when
        there is no such device or it does not offer a feature asked for.
        """
        vendor, device = self._pci.identity()
        if (vendor, device) != _PCI_ID:
            raise QemuError(f"no virtio-mem at 00:{PCI_DEVICE:02x}.0: {vendor:04x}:{device:04x}")
        self._pci.assign_bars()
        self._common, _ = self._structure(_TYPE_COMMON)
        self._device, _ = self._structure(_TYPE_DEVICE)
        self._isr, _ = self._structure(_TYPE_ISR)
        self.reset()
        self._set_common(_DEVICE_STATUS, _ACKNOWLEDGE, 1)
        if not self._negotiate(0, unplugged_inaccessible):
            return False
        self._queue = self._create_queue()
        self._set_common(_DEVICE_STATUS, _FEATURES_AGREED | _DRIVER_OK, 1)
        return True

    def negotiate_again(self, *, unplugged_inaccessible: bool) -> bool:
        """Go back to the choice of features without a reset, which VIRTIO 2.1.1 forbids a driver.

        The queue stays, and so does a device that needs a reset. False as for `setup`.
        """
        kept = self._get_common(_DEVICE_STATUS, 1) & _NEEDS_RESET
        if not self._negotiate(kept, unplugged_inaccessible):
            return False
        self._set_common(_DEVICE_STATUS, kept | _FEATURES_AGREED | _DRIVER_OK, 1)
        return True

    def continue_on(self, qtest: QtestSocket) -> None:
        """Go on with the device, queue included, as a migration brought it into another QEMU."""
        self.qtest = qtest
        self._pci = PciFunction(qtest, PCI_DEVICE)

    @property
    def config_address(self) -> int:
        """Where the device configuration begins, a guest physical address."""
        return self._device

    def needs_reset(self) -> bool:
        """The device stopped at an error (VIRTIO 2.1.2)."""
        return bool(self._get_common(_DEVICE_STATUS, 1) & _NEEDS_RESET)

    def config_notified(self) -> bool:
        """A configuration change notification came since the last call or reset."""
        return bool(self.qtest.number(load(self._isr, 1)) & _ISR_CONFIG)

    def reset(self) -> None:
        """Reset the device (VIRTIO 2.4, 4.1.4.3.2): blocks keep their states, the queue is gone."""
        self._queue = None
        self._set_common(_DEVICE_STATUS, 0, 1)
        for _ in _attempts(self._timeout):
            if self._get_common(_DEVICE_STATUS, 1) == 0:
                return
        raise self.qtest.process.error(
            f"virtio-mem not reset within {self._timeout:g} s", late=True
        )

    def config(self) -> DeviceConfig:
        """One consistent reading of the configuration space (VIRTIO 2.5.1, 4.1.4.3)."""
        generation = load(self._register(_CONFIG_GENERATION), 1)
        fields = [load(self._device + offset, width) for offset, width in _CONFIG_ACCESSES]
        for _ in _attempts(self._timeout):
            before, *parts, after = map(
                as_int, self.qtest.exchange(generation, *fields, generation)
            )
            if not any(parts):
                raise QemuError("virtio-mem is not mapped: setup() comes first, and after a reset")
            if before == after:
                layout = struct.pack(_CONFIG_PARTS, *parts)
                return DeviceConfig(*struct.unpack(_CONFIG_LAYOUT, layout))
        raise self.qtest.process.error(
            f"no stable configuration within {self._timeout:g} s", late=True
        )

    def request(
        self, payload: bytes, response_space: int = 10, timeout: float = 5.0
    ) -> bytes | None:
        """Put one request on the queue; the response, as many bytes as the device says it wrote.

        None: the device marked itself DEVICE_NEEDS_RESET (VIRTIO 2.1.2) and leaves the request
        unanswered; `setup` makes it usable again. Raises `QemuError` when it is not set up, does
        not answer in time, or returns a used element that nothing was made available for, and
        `ValueError` for buffers that `RequestQueue` cannot make available.
        """
        if self._queue is None:
            raise QemuError("virtio-mem has no queue: setup() comes first, and after a reset")
        submit = self._queue.submit(payload, response_space)
        poll = self._queue.poll(response_space)
        poll_status = load(self._register(_DEVICE_STATUS), 1)
        self.qtest.exchange(*submit, store(self._doorbell, 0, 2))
        for _ in _attempts(timeout):
            status, *answers = self.qtest.exchange(poll_status, *poll)
            response = self._queue.take(answers)
            if response is not None:
                return response
            if as_int(status) & _NEEDS_RESET:
                return None
            # A system reset unmaps the BARs as well; what is not mapped reads as 0.
            if not as_int(status) & _DRIVER_OK:
                raise QemuError("virtio-mem was reset since setup()")
        # Its answer may still come, and must not be taken for the next request's.
        self._queue = None
        raise self.qtest.process.error(f"virtio-mem did not answer within {timeout:g} s", late=True)

    def _structure(self, kind: int) -> tuple[int, int]:
        """Address of the first structure of a type, and its capability's offset (4.1.4)."""
        for capability in self._pci.capabilities(_CAPABILITY_VENDOR):
            bar = self._pci.read(capability + _CAPABILITY_BAR, 1)
            if self._pci.read(capability + _CAPABILITY_TYPE, 1) == kind and bar in self._pci.bars:
                offset = self._pci.read(capability + _CAPABILITY_OFFSET, 4)
                return self._pci.bars[bar] + offset, capability
        raise QemuError(f"virtio-mem has no structure of type {kind} in a memory BAR")

    def _negotiate(self, kept: int, unplugged_inaccessible: bool) -> bool:
        """Choose features, with the status bits `kept` set all along; whether they are agreed."""
        self._set_common(_DEVICE_STATUS, kept | _ACKNOWLEDGE | _DRIVER, 1)
        inaccessible = VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE if unplugged_inaccessible else 0
        self._accept(VIRTIO_F_VERSION_1 | inaccessible)
        self._set_common(_DEVICE_STATUS, kept | _FEATURES_AGREED, 1)
        return bool(self._get_common(_DEVICE_STATUS, 1) & _FEATURES_OK)

    def _accept(self, features: int) -> None:
        """Write the driver's feature bits, all of which the device must offer (VIRTIO 2.2)."""
        offered = 0
        for word in (0, 1):
            self._set_common(_DEVICE_FEATURE_SELECT, word, 4)
            offered |= self._get_common(_DEVICE_FEATURE, 4) << 32 * word
        if features & ~offered:
            raise QemuError(f"virtio-mem offers {offered:#x}, not {features & ~offered:#x}")
        for word in (0, 1):
            self._set_common(_DRIVER_FEATURE_SELECT, word, 4)
            self._set_common(_DRIVER_FEATURE, features >> 32 * word & 0xFFFF_FFFF, 4)

    def _create_queue(self) -> RequestQueue:
        """Set up queue 0 (VIRTIO 4.1.5.1.3) and find its doorbell (4.1.4.4)."""
        self._set_common(_QUEUE_SELECT, 0, 2)
        size = min(self._get_common(_QUEUE_SIZE, 2), MAX_QUEUE_SIZE)
        queue = RequestQueue(size)
        self.qtest.exchange(*queue.clear())
        self._set_common(_QUEUE_SIZE, size, 2)
        for offset, area in (
            (_QUEUE_DESCRIPTORS, queue.descriptor_area),
            (_QUEUE_DRIVER, queue.driver_area),
            (_QUEUE_DEVICE, queue.device_area),
        ):
            self._set_common(offset, area & 0xFFFF_FFFF, 4)
            self._set_common(offset + 4, area >> 32, 4)
        notify, capability = self._structure(_TYPE_NOTIFY)
        multiplier = self._pci.read(capability + _CAPABILITY_MULTIPLIER, 4)
        self._doorbell = notify + self._get_common(_QUEUE_NOTIFY_OFF, 2) * multiplier
        self._set_common(_QUEUE_ENABLE, 1, 2)
        return queue

    def _register(self, offset: int) -> int:
        """Address of a common configuration register."""
        if not self._common:
            raise QemuError("virtio-mem is not mapped: setup() comes first")
        return self._common + offset

    def _get_common(self, offset: int, width: int) -> int:
        return self.qtest.number(load(self._register(offset), width))

    def _set_common(self, offset: int, value: int, width: int) -> None:
        self.qtest.exchange(store(self._register(offset), value, width))


def _attempts(timeout: float) -> Iterator[None]:
    """Yield once, then again and again until `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    yield
    while time.monotonic() < deadline:
        yield
