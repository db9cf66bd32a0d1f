"""What verify-source says of an edit."""

from __future__ import annotations

from model.profiles import QEMU
from smt_proofs.source.findings import Finding, Verdict
from smt_proofs.source.lower import Lowering
from smt_proofs.source.material import Material, source_of
from smt_proofs.source.parse import SourceError
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.trust import settled, trusted
from smt_proofs.source.verify import timed
from source_edits.edit import Edit, Texts

PREFIX = "virtio_mem_"
NOT_COVERED = "not covered"


def judged(edit: Edit, texts: Texts, *, settling: bool = False) -> dict[str, str]:
    """The verdict on each function that the edit bears on, with its reason, by short name.

    `settling`: where one is not equal, all others are judged too, which may make it another
    interface.
    """
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
    named = [PREFIX + name for name in edit.functions if PREFIX + name in RULE_NAMED]

    def judge(name: str) -> Finding:
        return timed(RULE_NAMED[name], source, program, QEMU, "virtio-mem.c")

    by_name = {name: judge(name) for name in named}
    if settling and any(found.verdict is not Verdict.EQUAL for found in by_name.values()):
        every = [by_name[name] if name in by_name else judge(name) for name in RULE_NAMED]
        by_name = {found.function: found for found in settled(every, source)}
    for name in named:
        found = by_name[name]
        told = f"{found.verdict.value}: {found.reason or found.what}".rstrip(": ")
        said[name.removeprefix(PREFIX)] = told
    return said
