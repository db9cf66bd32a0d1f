"""The virtio-mem devices of a running QEMU, asked over its QMP socket with queries alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from qemu.qmp import QMPClient, QMPError

from conformance.metadata.device import DeviceMetadata, of_config
from conformance.metadata.found import Found
from conformance.metadata.kernel import Switches
from conformance.metadata.vhost import (
    KERNEL,
    USER,
    driver_vhost,
    found,
    regions_of,
)
from conformance.targets.qemu.process import QemuError
from conformance.targets.qemu.slots import Qmp, all_mapped_slots, slot_sizes
from model.caller import demand_for, device_limit
from model.extents import Extents
from model.geometry import Memslots
from model.metadata import slot_spans
from model.profiles import Mapping as SlotMapping
from model.profiles import Profile
from model.state import USABLE_EXTENT_X86, Config, Fixed

PATIENCE: Final = 10.0
"""Seconds for the greeting and for each answer."""

_DEVICE_MEMORY: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \(prio -?\d+, i/o\): device-memory")

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


def found_at(
    address: str, profile: Profile, regions: int | None = None, here: int | None = None
) -> Found:
    """The devices of the QEMU behind a QMP socket, as they are now; `regions` and `here` are those
    of `vhost.found`.

    Raises LiveError, and model.device.ConfigError.
    """
    qmp = QmpQueries(address)
    try:
        vhosts = tuple(found(vhosts_of(qmp), regions, here))
        devices = _devices(qmp, profile, regions_of(vhosts, regions))
        enabled = qmp("query-kvm", {})["enabled"]
        notes = () if enabled else ("this QEMU does not use KVM: told as if it did",)
        return Found(devices, vhosts, switches=switches_of(qmp), notes=notes)
    except QemuError as error:
        raise LiveError(f"{address}: {error}") from None
    finally:
        qmp.close()


def switches_of(qmp: Qmp) -> Switches:
    """What the machine says; one that is not a PC has no SMM to speak of."""
    named = {one["name"] for one in qmp("qom-list", {"path": "/machine"})}

    def value(name: str) -> Any:
        return qmp("qom-get", {"path": "/machine", "property": name}) if name in named else None

    smm = value("smm")
    return Switches(
        smm=None if smm is None else smm != "off",
        private=bool(value("confidential-guest-support")) or None,
    )


def vhosts_of(qmp: Qmp) -> list[tuple[str, str]]:
    """Name and kind of the vhost devices. That of a network device shows once its driver runs."""
    named = []
    for folder in ("peripheral", "peripheral-anon"):
        for child in qmp("qom-list", {"path": f"/machine/{folder}"}):
            driver = child["type"].removeprefix("child<").removesuffix(">")
            if kind := driver_vhost(driver):
                named.append((driver if folder.endswith("anon") else child["name"], kind))
    network = qmp("human-monitor-command", {"command-line": "info network"})
    commands = {command["name"] for command in qmp("query-commands", {})}
    for device in qmp("x-query-virtio", {}) if "x-query-virtio" in commands else []:
        status = qmp("x-query-virtio-status", {"path": device["path"]})
        if device["name"] == "virtio-net" and status["vhost-started"]:
            kind = USER if f"type={USER}" in network else KERNEL
            named.append((device["path"].removesuffix("/virtio-backend").rsplit("/")[-1], kind))
    return named


def _device_space(qmp: QmpQueries) -> int:
    """The bytes for memory devices. A machine without slots does not tell its largest memory."""
    memory = qmp("qom-get", {"path": "/machine", "property": "memory"})
    if "max-size" in memory:
        return int(memory["max-size"] - memory["size"])
    tree = qmp("human-monitor-command", {"command-line": "info mtree"})
    match = _DEVICE_MEMORY.search(tree)
    if match is None:
        raise LiveError(f"{qmp.address}: this QEMU has no space for memory devices: -m maxmem=")
    return int(match[2], 16) - int(match[1], 16) + 1


def _devices(qmp: QmpQueries, profile: Profile, most: int) -> tuple[DeviceMetadata, ...]:
    memory_devices = qmp("query-memory-devices", {})
    if not any(one["type"] == "virtio-mem" for one in memory_devices):
        raise LiveError(f"{qmp.address}: this QEMU has no virtio-mem device")
    space = _device_space(qmp)
    mapped = all_mapped_slots(qmp)
    devices: list[DeviceMetadata] = []
    used_space = required = 0
    for one in memory_devices:
        data = one["data"]
        size, slots = data.get("max-size", data.get("size", 0)), 1
        if one["type"] == "virtio-mem":
            if data["memaddr"] in mapped:
                device = _seen(qmp, data, mapped[data["memaddr"]], profile)
                slots = device.fixed.slots.count
            else:
                demand = demand_for(size, space, used_space, required, maximum=most, free=most)
                device = _if_dynamic(data, device_limit(demand), profile)
            devices.append(device)
        used_space, required = used_space + size, required + slots
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
