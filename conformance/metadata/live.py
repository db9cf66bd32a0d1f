"""The virtio-mem devices of a running QEMU, asked over its QMP socket with queries alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from qemu.qmp import QMPClient, QMPError

from conformance.metadata.device import DeviceMetadata, of_config
from conformance.targets.qemu.process import QemuError
from conformance.targets.qemu.slots import all_mapped_slots, slot_sizes
from model.caller import MemslotDemand, decision_limit
from model.extents import Extents
from model.geometry import Memslots
from model.metadata import slot_spans
from model.profiles import Mapping as SlotMapping
from model.profiles import Profile
from model.state import USABLE_EXTENT_X86, Config, Fixed

PATIENCE: Final = 10.0
"""Seconds for the greeting and for each answer."""

logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())


class LiveError(ValueError):
    """A QMP socket that gives no answer; the message is one line."""


class QmpQueries:
    """A QMP session as a client of `address`: the path of a unix socket, or HOST:PORT.

    Raises LiveError.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._runner = asyncio.Runner()
        self._client = QMPClient("slotproof")
        host, colon, port = address.rpartition(":")
        place = (host, int(port)) if colon and port.isdigit() else address
        try:
            self._run(self._client.connect(place))
        except BaseException:
            self._runner.close()
            raise

    def __call__(self, command: str, arguments: Mapping[str, object]) -> Any:
        """The return value of a query."""
        return self._run(self._client.execute(command, arguments))

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(LiveError):
            self._run(self._client.disconnect())
        self._runner.close()

    def _run(self, work: Any) -> Any:
        async def bounded() -> Any:
            return await asyncio.wait_for(work, PATIENCE)

        try:
            return self._runner.run(bounded())
        except TimeoutError:
            self._fail(f"no answer within {PATIENCE:g} s: is another client connected?")
        except (QMPError, OSError, EOFError) as error:
            self._fail(" ".join(str(error).split()))

    def _fail(self, reason: str) -> NoReturn:
        raise LiveError(f"{self.address}: {reason}") from None


def devices_at(address: str, profile: Profile) -> tuple[DeviceMetadata, ...]:
    """The virtio-mem devices of the QEMU behind a QMP socket, as they are now.

    Raises LiveError, and model.device.ConfigError.
    """
    qmp = QmpQueries(address)
    try:
        return _devices(qmp, profile)
    except QemuError as error:
        raise LiveError(f"{address}: {error}") from None
    finally:
        qmp.close()


def _devices(qmp: QmpQueries, profile: Profile) -> tuple[DeviceMetadata, ...]:
    memory = qmp("qom-get", {"path": "/machine", "property": "memory"})
    space = memory["max-size"] - memory["size"]
    mapped = all_mapped_slots(qmp)
    devices: list[DeviceMetadata] = []
    used_space = required = 0
    for found in qmp("query-memory-devices", {}):
        data = found["data"]
        size, slots = data.get("max-size", data.get("size", 0)), 1
        if found["type"] == "virtio-mem":
            if data["memaddr"] in mapped:
                device = _seen(qmp, data, mapped[data["memaddr"]], profile)
                slots = device.fixed.slots.count
            else:
                demand = MemslotDemand(size, space, used_space, required)
                device = _if_dynamic(data, decision_limit(demand), profile)
            devices.append(device)
        used_space, required = used_space + size, required + slots
    if not devices:
        raise LiveError(f"{qmp.address}: this QEMU has no virtio-mem device")
    return tuple(devices)


def _seen(
    qmp: QmpQueries,
    data: Mapping[str, Any],
    mapped: Mapping[int, tuple[int, int]],
    profile: Profile,
) -> DeviceMetadata:
    """A device with memslots of its own: those that are mapped now."""
    if "id" not in data:
        raise LiveError(f"{qmp.address}: a virtio-mem device without id= cannot be looked up")
    sizes = slot_sizes(qmp, data["id"])
    fixed = Fixed(
        profile=profile,
        mapping=SlotMapping.PLUGGED,
        slots=Memslots(count=len(sizes), size=sizes[0]),
        region=data["max-size"],
        block=data["block-size"],
        addr=data["memaddr"],
        extent=USABLE_EXTENT_X86,
        start_requested=data["requested-size"],
        inaccessible=True,
        prealloc=False,
    )
    spans = slot_spans(fixed, Extents.EMPTY.with_range(0, len(sizes)))
    seen = Extents.EMPTY
    for number, place in mapped.items():
        if spans[number] != place:
            raise LiveError(f"{qmp.address}: memslot {number} is {place}, expected {spans[number]}")
        seen = seen.with_range(number, number + 1)
    return DeviceMetadata(_name(data), True, None, fixed, data["size"], seen)


def _if_dynamic(data: Mapping[str, Any], limit: int, profile: Profile) -> DeviceMetadata:
    """A device without memslots of its own: what it would have with its option on."""
    config = Config(
        region=data["max-size"],
        block=data["block-size"],
        limit=limit,
        requested=data["requested-size"],
        addr=data["memaddr"],
        option=False,
    )
    return of_config(_name(data), profile, config, data["size"])


def _name(data: Mapping[str, Any]) -> str:
    return str(data.get("id") or f"virtio-mem at {data['memaddr']:#x}")
