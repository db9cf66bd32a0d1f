"""`metadata --qmp` against a running QEMU: what it maps is what is counted."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.targets.driver.requests import RequestType, encode_request
from conformance.targets.qemu.machine import machine_args
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB


def asked(socket: Path) -> dict[str, Any]:
    words = ["metadata", "--qmp", str(socket), "--kernel", "6.1", "--json"]
    result = CliRunner().invoke(slotproof, words)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert problem(found, "metadata-v2.json") is None
    return found


def test_a_running_qemu_is_asked_for_what_it_maps(qemu_binary: Path, tmp_path: Path) -> None:
    socket = tmp_path / "qmp"
    args = machine_args(
        region=5 * GIB + 128 * MIB,
        requested=5 * GIB,
        earlier=[(GIB, "dynamic-memslots=off")],
        device_space=6 * GIB + 128 * MIB,
    )
    with QemuProcess(qemu_binary, [*args, "-qmp", f"unix:{socket},server=on,wait=off"]) as process:
        static, dynamic = sorted(asked(socket)["devices"], key=lambda d: d["option"])
        assert (static["option"], static["region"], static["limit"]) == (False, GIB, 41)
        assert (dynamic["option"], dynamic["mapped"], dynamic["limit"]) == (True, [], None)
        assert dynamic["slots"]["count"] == 6
        assert dynamic["slots"]["last"] == 128 * MIB
        driver = qtest_driver(QtestSocket(process))
        assert driver.setup()
        addr = driver.config().addr
        for number in (1, 4):
            driver.request(encode_request(RequestType.PLUG, addr + number * GIB, 1))
        found = asked(socket)
    seen = next(device for device in found["devices"] if device["option"])
    assert seen["mapped"] == [[1, 2], [4, 5]]
    assert seen["plugged"] == 2 * seen["block"]
    assert seen["dynamic"]["memslots"] == 2
    # 128 pages and their pointers for each memslot, twice because the machine has SMM.
    assert found["kernel"]["switches"]["smm"] == {"on": True, "why": "the machine"}
    assert seen["dynamic"]["items"]["write_track"] == 2 * 2 * (128 * 4096 + 1024)
    assert "this QEMU does not use KVM: told as if it did" in found["remarks"]


def started(qemu: Path, socket: Path) -> QemuProcess:
    """A QEMU as the README has it: with a maximum of memory and no slots."""
    return QemuProcess(
        qemu,
        [
            *("-machine", "q35,smm=off", "-accel", "tcg", "-S", "-cpu", "max,phys-bits=46"),
            *("-display", "none", "-nodefaults", "-m", "1G,maxmem=9G"),
            *("-object", "memory-backend-ram,id=m0,size=8G,reserve=off"),
            *("-device", "virtio-mem-pci,id=v0,memdev=m0,requested-size=1G"),
            *("-qmp", f"unix:{socket},server=on,wait=off"),
        ],
    )


def test_a_machine_without_slots_is_asked_for_its_device_space(
    qemu_binary: Path, tmp_path: Path
) -> None:
    socket = tmp_path / "qmp"
    with started(qemu_binary, socket):
        found = asked(socket)
    (device,) = found["devices"]
    assert (device["option"], device["limit"]) == (False, 256)
    assert found["kernel"]["address_spaces"] == 1


@pytest.mark.parametrize(
    ("memory", "size", "device", "qemu_says", "line"),
    [
        ("1G,maxmem=9G", "8G", "dynamic_memslots=on", "not found", "has no option"),
        ("1G,maxmem=9G", "8G", "requested_size=1G", "not found", "has no option"),
        ("1G,max_mem=9G", "8G", "id=v0", "Invalid parameter", "has no option"),
        ("1G,maxmem=9G", "8GB", "id=v0", "expects a size value", "is not a size"),
        ("0x400,maxmem=9G", "8G", "id=v0", "expects", "is not a size"),
        ("1.5,maxmem=9G", "8G", "id=v0", "expects", "is a part of a byte"),
        ("1G,maxmem=8G", "8G", "id=v0", "not enough space", "write maxmem=9G or more"),
        *(
            (
                "1G,maxmem=9G",
                "8G",
                f"dynamic-memslots=on,unplugged-inaccessible={value}",
                "requires 'unplugged-inaccessible' to be 'on'",
                "write unplugged-inaccessible=on",
            )
            for value in ("off", "auto")
        ),
    ],
)
def test_what_qemu_refuses_is_refused(
    qemu_binary: Path, memory: str, size: str, device: str, qemu_says: str, line: str
) -> None:
    words = [
        *(str(qemu_binary), "-machine", "q35", "-accel", "tcg", "-S", "-cpu", "max,phys-bits=46"),
        *("-display", "none", "-nodefaults", "-m", memory),
        *("-object", f"memory-backend-ram,id=m0,size={size},reserve=off"),
        *("-device", f"virtio-mem-pci,memdev=m0,{device}"),
    ]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1 and qemu_says in refused.stderr
    asked = ["metadata", "--kernel", "6.1", "--qemu-cmdline", " ".join(words)]
    result = CliRunner().invoke(slotproof, asked)
    assert result.exit_code == 2 and line in result.stderr
