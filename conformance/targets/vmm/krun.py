"""libkrun as a VMM: the library is loaded by a process of its own. Source: libkrun.h.

The device memory grows in steps of 128 MiB, and only grows.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.guest.build import guest_elf
from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.mmio import MmioTransport, addresses
from conformance.targets.limits import Bound, Limits
from conformance.targets.vmm.line import Line
from conformance.targets.vmm.machine import ASKED, Machine, Vmm
from model.arithmetic import GIB, MIB
from model.state import Answer, Config

_REGION: Final = 64 * GIB
_BLOCK: Final = 2 * MIB
_STEP: Final = 128 * MIB
_BOOT_RAM: Final = 4 * GIB
_ADDRESS: Final = 0x1_3000_0000
"""The region starts where the boot RAM ends. With less of it, the region lies on the devices below
4 GiB, which are gone once it has grown that far. All as seen of smolmachines 1.32.2.
"""
_CALL_SECONDS: Final = 10.0
_CHILD: Final = (sys.executable, "-P", "-m", "conformance.targets.vmm.krun_child")


def library(path: str | None) -> Path:
    """libkrun at `path`, by default that of the extra `krun`. Raises DriverError."""
    if path is not None:
        found = Path(path)
    else:
        spec = importlib.util.find_spec("smol")
        places = spec.submodule_search_locations if spec else None
        if not places:
            raise DriverError("no libkrun: install the extra: pip install 'slotproof[krun]'")
        found = Path(places[0]) / "libkrun.so"
    if not found.is_file():
        raise DriverError(f"{found}: no such file: expected a libkrun.so")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise DriverError("libkrun needs /dev/kvm, which cannot be opened here")
    if (wrong := _unlike(found)) is not None:
        raise DriverError(f"{found} {wrong}: expected a libkrun.so with live resize")
    return found


def _unlike(path: Path) -> str | None:
    """What a library lacks of libkrun, asked of a process of its own; None for nothing."""
    try:
        said = subprocess.run([*_CHILD, str(path)], capture_output=True, timeout=ASKED)
    except subprocess.TimeoutExpired:
        return f"does not load within {ASKED:g} s"
    if not said.returncode:
        return None
    told = said.stderr.decode(errors="replace").split("\n")
    return next((line for line in told[::-1] if line), f"ends with status {said.returncode}")


class KrunMachine(Machine):
    """One machine of libkrun's."""

    def __init__(self, path: Path, prefix: Sequence[str]) -> None:
        self._library = path
        self._grown = 0
        super().__init__(prefix)

    def started(self) -> Line:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._control = self.directory / "control"
        self.spawn(
            [
                *_CHILD,
                *(str(self._library), str(guest_elf()), str(_BOOT_RAM // MIB)),
                *(str(theirs_in), str(theirs_out), str(self._control)),
            ],
            pass_fds=(theirs_in, theirs_out),
        )
        for number in (ours_in, ours_out):
            self.keep(lambda number=number: os.close(number))  # type: ignore[misc]
        os.close(theirs_in)
        os.close(theirs_out)
        return Line(ours_in, ours_out, self.fate)

    def transport(self) -> MmioTransport:
        return MmioTransport(addresses(self.hello.command_line))

    def resize(self, requested: int) -> Answer:
        if requested < self._grown or requested % _STEP or requested > _REGION:
            # What the control socket cannot say, or does not do.
            return Answer.REFUSED
        if not self._ask(f"PROTOTYPE_GROW_MEMORY {requested // MIB}").startswith("OK"):
            return Answer.REFUSED
        self._grown = requested
        return Answer.DONE

    def _ask(self, line: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(_CALL_SECONDS)
                control.connect(str(self._control))
                control.sendall(f"{line}\n".encode())
                return control.recv(4096).decode(errors="replace")
        except OSError as error:
            raise self.line.late(f"libkrun did not answer {line!r}: {error}") from error


def krun(path: str | None) -> Vmm:
    """libkrun. Raises DriverError."""
    found = library(path)

    def start(config: Config, prefix: Sequence[str]) -> Machine:
        return KrunMachine(found, prefix)

    return Vmm(
        name="krun",
        limits=Limits(
            bounds={
                "region": Bound(_REGION, _REGION),
                "block": Bound(_BLOCK, _BLOCK),
                "addr": Bound(_ADDRESS, _ADDRESS),
                "requested": Bound(0, 0),
                "extent": Bound(0, 0),
            },
            switches={"option": False, "inaccessible": True, "prealloc": False},
            slot=_STEP,
        ),
        capabilities=frozenset({"resize", "notified"}),
        start=start,
        slot=lambda config: _STEP,
    )
