"""virtio-mmio devices named on a Linux command line. Source: VIRTIO 4.2.2; Linux, virtio_mmio.c."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from conformance.targets.driver.bus import Bus, DriverError, as_int, load
from conformance.targets.driver.registers import Register, Registers, Transport

_PARAMETER: Final = re.compile(r"virtio_mmio\.device=\w+@(0x[0-9a-fA-F]+):\d+")
_MAGIC: Final = 0x74726976
_MODERN: Final = 2
_MEMORY_DEVICE: Final = 24
"""VIRTIO 5.15.1."""


def addresses(command_line: str) -> tuple[int, ...]:
    """Where the command line says that virtio-mmio devices are."""
    return tuple(int(match[1], 16) for match in _PARAMETER.finditer(command_line))


class MmioTransport(Transport):
    """The virtio-mem device among those at `places`."""

    def __init__(self, places: Sequence[int]) -> None:
        self._places = tuple(places)

    def attach(self, bus: Bus) -> Registers:
        found = []
        for base in self._places:
            magic, version, device = map(
                as_int, bus.exchange(*(load(base + offset, 4) for offset in (0, 4, 8)))
            )
            found.append(f"{base:#x}: device {device}")
            if (magic, version, device) == (_MAGIC, _MODERN, _MEMORY_DEVICE):
                return _registers(base)
        raise DriverError(f"no virtio-mem among {len(found)} mmio devices: {', '.join(found)}")


def _registers(base: int) -> Registers:
    def at(offset: int) -> Register:
        return Register(base + offset, 4)

    return Registers(
        status=at(0x70),
        generation=at(0xFC),
        device_feature_select=at(0x14),
        device_feature=at(0x10),
        driver_feature_select=at(0x24),
        driver_feature=at(0x20),
        queue_select=at(0x30),
        queue_most=at(0x34),
        queue_size=at(0x38),
        queue_enable=at(0x44),
        areas=(at(0x80), at(0x90), at(0xA0)),
        doorbell=at(0x50),
        interrupt=at(0x60),
        acknowledge=at(0x64),
        config=base + 0x100,
    )
