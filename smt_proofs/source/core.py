"""memory-device.c, whose core hands the limit to the device, with the headers that declare it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smt_proofs.source.diffs import Hunk, applied, is_of
from smt_proofs.source.header import declared_macros, struct_fields
from smt_proofs.source.names import CORE_FIELDS, CORE_POINTERS, MACHINE
from smt_proofs.source.parse import Source, SourceError, read_c
from smt_proofs.source.typed import UnsupportedError

CORE_FILE: Final = "hw/mem/memory-device.c"
CORE_HEADER: Final = "include/hw/mem/memory-device.h"
"""Where MEMORY_DEVICES_SAFE_MAX_MEMSLOTS and MEMORY_DEVICES_SOFT_MEMSLOT_LIMIT are defined."""
BOARDS: Final = ("include/hw/boards.h", "include/hw/core/boards.h")
"""Where MachineState and DeviceMemoryState are declared, in QEMU before and since 11.0."""
FILES: Final = {"source": (CORE_FILE,), "header": (CORE_HEADER,), "boards": BOARDS}
"""By the field of `Core`: where it may be in a tree."""
STRUCTS: Final = {MACHINE: "", "DeviceMemoryState": "device_memory."}
"""By struct: the way to its fields from the machine."""


@dataclass(frozen=True, slots=True)
class Core:
    """The texts; `place` is the C file as a person names it. A header not at hand is None."""

    place: str
    source: str
    header: str | None = None
    boards: str | None = None


def is_core(path: str) -> bool:
    """A file that a patch names is the core's C file."""
    return path.endswith(CORE_FILE)


def core_files(tree: Path) -> dict[str, Path]:
    """The files of the core that are in a tree, by the field of `Core`."""
    named = [(field, tree / path) for field, paths in FILES.items() for path in paths]
    return {field: file for field, file in named if file.is_file()}


def patched_core(hunks: list[Hunk], core: Core) -> Core:
    """The texts with the hunks that are theirs. Raises ApplyError."""
    for field, paths in FILES.items():
        text: str | None = getattr(core, field)
        own = [hunk for hunk in hunks if any(is_of(hunk, path) for path in paths)]
        if own and text is not None:
            core = replace(core, **{field: applied(own, text)})
    return core


def read_core(core: Core) -> Source:
    """The functions, macros and field types of the texts. Raises SourceError."""
    source = replace(read_c(core.source, core.place), struct=MACHINE)
    if core.header is not None:
        source = replace(source, macros=[*declared_macros(core.header), *source.macros])
    if core.boards is None:
        return source
    known = CORE_FIELDS.keys() | CORE_POINTERS.keys()
    try:
        found = {
            f"{way}{name}": kind
            for struct, way in STRUCTS.items()
            for name, kind in struct_fields(core.boards, struct, CORE_POINTERS).items()
        }
    except UnsupportedError:
        # Macros that cannot be expanded: nothing is known of any type.
        return replace(source, fields=dict.fromkeys(known), complete=True)
    except ValueError as error:
        raise SourceError(f"{BOARDS[0]}: {error}") from None
    fields = {name: kind for name, kind in found.items() if name in known}
    return replace(source, fields=fields, complete=True)
