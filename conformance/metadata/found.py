"""What a source told of a virtual machine, whichever source it was."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.metadata.device import DeviceMetadata
from conformance.metadata.kernel import Switches
from conformance.metadata.vhost import Vhost


@dataclass(frozen=True, slots=True)
class Found:
    """Its virtio-mem devices; the vhost devices there before the first of them, and those that come
    later; what it says of the machine. `notes` are lines worth reading."""

    devices: tuple[DeviceMetadata, ...]
    vhosts: tuple[Vhost, ...] = ()
    later: tuple[Vhost, ...] = ()
    switches: Switches = field(default_factory=Switches)
    steps: tuple[DeviceMetadata, ...] = ()
    notes: tuple[str, ...] = ()
