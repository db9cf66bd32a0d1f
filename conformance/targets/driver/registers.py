"""Where a virtio device has its registers. Source: VIRTIO 4.1.4.3 and 4.2.2."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.targets.driver.bus import Access, Bus, load, store


@dataclass(frozen=True, slots=True)
class Register:
    """An address and the width of every access to it (bytes)."""

    address: int
    width: int

    def get(self) -> Access:
        """Read it."""
        return load(self.address, self.width)

    def set(self, value: int) -> Access:
        """Write it."""
        return store(self.address, value, self.width)


@dataclass(frozen=True, slots=True)
class Registers:
    """What a driver needs of a device; the queue registers are those of the queue selected.

    `areas` are the addresses of the descriptor, driver and device areas, as pairs of low and high
    halves. `interrupt` tells why the device interrupts; `acknowledge` takes what was read there,
    where reading it does not. `config` is the address of the device's own configuration.
    """

    status: Register
    generation: Register
    device_feature_select: Register
    device_feature: Register
    driver_feature_select: Register
    driver_feature: Register
    queue_select: Register
    queue_most: Register
    queue_size: Register
    queue_enable: Register
    areas: tuple[Register, Register, Register]
    doorbell: Register
    interrupt: Register
    acknowledge: Register | None
    config: int


class Transport:
    """A way to find the registers of the machine's virtio-mem device."""

    def attach(self, bus: Bus) -> Registers:
        """Find the device anew, as after a start or a reset of the machine. Raises DriverError."""
        raise NotImplementedError
