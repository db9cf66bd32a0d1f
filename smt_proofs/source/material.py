"""virtio-mem.c with the header that declares its device, from a tree or a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smt_proofs.source.core import Core, core_files, read_core
from smt_proofs.source.header import read_header
from smt_proofs.source.parse import Source, SourceError, read_c

C_FILE: Final = "hw/virtio/virtio-mem.c"
HEADER_FILE: Final = "include/hw/virtio/virtio-mem.h"
LARGEST: Final = 16 << 20
"""Bytes of a file that is read; virtio-mem.c has 64 KiB."""


@dataclass(frozen=True, slots=True)
class Material:
    """The texts by their paths in the tree; `header` is None where the header is not at hand, and
    so is `core`, memory-device.c with its headers.

    `place` is the C file as a person names it.
    """

    place: str
    source: str
    header: str | None = None
    core: Core | None = None


def decoded(data: bytes, right: str) -> str:
    """The text of a file. Raises SourceError, which says what is `right`."""
    if not data.strip():
        raise SourceError(f"the file is empty: expected {right}")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise SourceError(f"not UTF-8 text: expected {right}")
    return text.replace("\r\n", "\n")


def read_whole(file: Path) -> bytes:
    """The bytes of a file. Raises SourceError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise SourceError((error.strerror or str(error)).lower()) from None
    if len(data) > LARGEST:
        raise SourceError(f"above {LARGEST} bytes")
    return data


def material_of(path: Path) -> Material:
    """virtio-mem.c at `path`, a tree or the file; the header as the tree has it.

    Raises SourceError.
    """
    right = "a QEMU tree or its virtio-mem.c"
    file = path / C_FILE if path.is_dir() else path
    if path.is_dir() and not file.is_file():
        raise SourceError(f"no {C_FILE} in it: expected {right}")
    text = decoded(read_whole(file), right)
    if not _in_tree(file):
        return Material(str(file), text)
    tree = path if path.is_dir() else file.absolute().parents[2]
    header, core = tree / HEADER_FILE, core_files(tree)
    return Material(
        str(file),
        text,
        decoded(read_whole(header), "virtio-mem.h") if header.is_file() else None,
        _core(core) if "source" in core else None,
    )


def _core(files: dict[str, Path]) -> Core:
    """The core's texts. Raises SourceError."""
    texts = {name: decoded(read_whole(file), file.name) for name, file in files.items()}
    return Core(str(files["source"]), **texts)


def _in_tree(file: Path) -> bool:
    return file.absolute().parts[-3:] == Path(C_FILE).parts


def source_of(material: Material) -> Source:
    """The functions, macros and field types of the texts. Raises SourceError."""
    source = read_c(material.source, material.place)
    if material.core is not None:
        source = replace(source, core=read_core(material.core))
    if material.header is None:
        return source
    try:
        kinds, macros = read_header(material.header)
    except ValueError as error:
        raise SourceError(f"{HEADER_FILE}: {error}") from None
    return replace(source, fields=kinds, complete=True, macros=[*macros, *source.macros])
