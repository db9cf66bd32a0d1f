"""What verify-source says of an edit."""

from __future__ import annotations

from model.profiles import QEMU
from smt_proofs.source.lower import Lowering
from smt_proofs.source.material import Material, source_of
from smt_proofs.source.parse import SourceError
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.trust import trusted
from smt_proofs.source.verify import timed
from source_edits.edit import Edit, Texts

PREFIX = "virtio_mem_"
NOT_COVERED = "not covered"


def judged(edit: Edit, texts: Texts) -> dict[str, str]:
    """The verdict on each function that the edit bears on, with its reason, by short name."""
    edited = edit.applied(texts)
    try:
        source = source_of(Material("virtio-mem.c", edited.source, edited.header))
    except SourceError as error:
        return dict.fromkeys(edit.functions, f"not read: {error}")
    program = Lowering(source)
    said = dict.fromkeys(edit.functions, NOT_COVERED)
    said |= {
        found.function.removeprefix(PREFIX): found.verdict.value
        for found in trusted(source)
        if found.function.removeprefix(PREFIX) in said
    }
    for name in edit.functions:
        rule = RULE_NAMED.get(PREFIX + name)
        if rule is not None:
            found = timed(rule, source, program, QEMU, "virtio-mem.c")
            said[name] = f"{found.verdict.value}: {found.reason or found.what}".rstrip(": ")
    return said
