"""A series of patches applied to a tree or a file, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smt_proofs.source.core import patched_core
from smt_proofs.source.diffs import ApplyError, Hunk, applied, hunks_of, is_of
from smt_proofs.source.mails import Series
from smt_proofs.source.material import C_FILE, HEADER_FILE, Material
from smt_proofs.source.parse import SourceError


@dataclass(frozen=True, slots=True)
class Patched:
    """The texts with the patches; `others` are the files changed that nobody looks at.

    `header_hunks` change a header that the base has not: they could not be applied.
    """

    material: Material
    others: tuple[str, ...] = ()
    header_hunks: tuple[Hunk, ...] = ()


def patched(series: Series, base: Material) -> Patched:
    """The base with each patch. Raises SourceError for the first that cannot be applied."""
    if series.missing:
        numbers = ", ".join(map(str, series.missing))
        raise SourceError(f"of the series these patches are not in it: {numbers}")
    material = base
    others: dict[str, None] = {}
    left: list[Hunk] = []
    for patch in series.patches:
        try:
            hunks = hunks_of(patch.text)
            material, unapplied = _with(hunks, material)
        except ApplyError as error:
            raise SourceError(f"{patch.name}: {error}: expected the tree it was made for") from None
        except SourceError as error:
            raise SourceError(f"{patch.name}: {error}") from None
        left += unapplied
        others |= dict.fromkeys(h.file for h in hunks if not is_own(h))
    return Patched(material, tuple(others), tuple(left))


def is_own(hunk: Hunk) -> bool:
    """The hunk changes virtio-mem.c or its header."""
    return is_of(hunk, C_FILE) or is_of(hunk, HEADER_FILE)


def _with(hunks: list[Hunk], material: Material) -> tuple[Material, list[Hunk]]:
    """The texts with the hunks of one patch, and those of a header that is not at hand."""
    source = [hunk for hunk in hunks if is_of(hunk, C_FILE)]
    header = [hunk for hunk in hunks if is_of(hunk, HEADER_FILE)]
    if material.core is not None:
        material = replace(material, core=patched_core(hunks, material.core))
    if source:
        material = replace(material, source=applied(source, material.source))
    if not header or material.header is None:
        return material, header
    return replace(material, header=applied(header, material.header)), []
