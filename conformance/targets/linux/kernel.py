"""The kernel of a guest under test: its image and the modules of its driver."""

from __future__ import annotations

import lzma
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.targets.linux.initramfs import DRIVER

_WANTED: Final = ("virtio_pci", DRIVER)
_BOOT: Final = Path("/boot")
_MAGIC_AT, _VERSION_AT, _HEADER = 0x202, 0x20E, 0x200
"""Source: Linux's Documentation/arch/x86/boot.rst, the real-mode kernel header."""


class KernelError(Exception):
    """There is no such kernel, or it cannot be a guest here; the message is one line."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """`modules` by name, in the order in which they are to be loaded; none that is built in."""

    image: bytes
    version: str
    modules: dict[str, bytes]


def read_kernel(path: Path, *, alone: bool = False) -> Kernel:
    """A bzImage, with its modules from beside it or from where they are installed.

    `alone`: the user's initramfs has the modules. Raises KernelError.
    """
    try:
        image = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise KernelError(f"{path}: {reason}: expected a kernel image (bzImage)") from None
    version = _version(path, image)
    if alone:
        return Kernel(image, version, {})
    places = (path.parent, path.parents[1] / "lib/modules" / version, Path("/lib/modules", version))
    for place in places:
        if (place / "kernel").is_dir():
            return Kernel(image, version, _modules(place))
    raise KernelError(f"{path}: no modules of {version} at {places[1]} or {places[2]}")


def installed_kernel() -> Path | None:
    """The newest kernel in /boot whose modules are installed as well."""
    known = [
        path
        for path in _BOOT.glob("vmlinuz-*")
        if Path("/lib/modules", path.name.removeprefix("vmlinuz-"), "kernel").is_dir()
    ]
    return max(known, key=_numbers, default=None)


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _version(path: Path, image: bytes) -> str:
    """The release that a bzImage says it is."""
    if image[_MAGIC_AT : _MAGIC_AT + 4] != b"HdrS":
        raise KernelError(f"{path}: not a kernel image for x86 (bzImage)")
    (at,) = struct.unpack_from("<H", image, _VERSION_AT)
    text = image[at + _HEADER : at + _HEADER + 256].split(b"\0")[0].decode(errors="replace")
    return text.split(" ")[0]


def _modules(place: Path) -> dict[str, bytes]:
    """The modules of the driver, each after those that it depends on."""
    files = {file.name.split(".ko")[0]: file for file in (place / "kernel").rglob("*.ko*")}
    if DRIVER not in files:
        raise KernelError(f"{place}: no module {DRIVER}: expected a kernel that has it as a module")
    found: dict[str, bytes] = {}

    def load(name: str) -> None:
        # What is no module is built in.
        if name in found or name not in files:
            return
        content = _content(files[name])
        depends = re.search(rb"(?:^|\0)depends=([^\0]*)\0", content)
        for other in depends[1].decode().split(",") if depends else ():
            load(other)
        found[name] = content

    for name in _WANTED:
        load(name)
    return found


def _content(file: Path) -> bytes:
    content = file.read_bytes()
    if file.suffix == ".ko":
        return content
    if file.suffix == ".xz":
        return lzma.decompress(content)
    raise KernelError(f"{file}: a module that is neither plain nor compressed by xz")
