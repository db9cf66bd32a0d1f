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
    named = [("source", CORE_FILE), ("header", CORE_HEADER), *(("boards", b) for b in BOARDS)]
    return {field: tree / path for field, path in named if (tree / path).is_file()}


def patched_core(hunks: list[Hunk], core: Core) -> Core:
    """The texts with the hunks that are theirs. Raises ApplyError."""
    own = [h for h in hunks if is_of(h, CORE_FILE)]
    if own:
        core = replace(core, source=applied(own, core.source))
    own = [h for h in hunks if is_of(h, CORE_HEADER)]
    if own and core.header is not None:
        core = replace(core, header=applied(own, core.header))
    own = [h for h in hunks if any(is_of(h, path) for path in BOARDS)]
    if own and core.boards is not None:
        core = replace(core, boards=applied(own, core.boards))
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
