"""A C file or a patch against a profile: one verdict a function."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from enum import Enum
from itertools import repeat
from typing import Any, Final

from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import QEMU, QEMU_8_2, SEED_V2, Mapping, Profile
from smt_proofs.source.compiled import confirm
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.ir import Function, UnsupportedError
from smt_proofs.source.lower import Lowering
from smt_proofs.source.parse import PartText, Source, SourceError, read_c
from smt_proofs.source.patch import is_patch, read_patch
from smt_proofs.source.proof import Equality, prove
from smt_proofs.source.rules import PROTOTYPES, RULES, Rule
from smt_proofs.source.search import Witness, find


class Verdict(Enum):
    """What is known of a function of the source."""

    EQUAL = "equal"
    """Proven equal to the rule for all inputs."""
    DIFFERS = "differs"
    """There is an input at which it and the rule differ."""
    NOT_VERIFIED = "not verified"
    """Neither: outside the subset, or the solver could not tell."""
    UNSEEN = "unseen"
    """A patch shows it in part, or not at all."""


FAULT_WIDTH: Final = 200
"""Characters of a fault of our own that are told."""
DECIDED: Final = frozenset({Verdict.EQUAL, Verdict.DIFFERS})
"""The verdicts that the text alone can change."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one function; `line` counts in `file`, 0 where there is none.

    `confirmed` says whether a compiled run does on the inputs what our own run did, None where none
    was tried. `remembered`: it was decided by an earlier run.
    """

    function: str
    rule: str
    file: str
    line: int
    verdict: Verdict
    reason: str = ""
    over: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()
    unseen: tuple[int, int] | None = None
    paths: int = 0
    queries: int = 0
    mapping: str | None = None
    inputs: dict[str, Any] | None = None
    what: str = ""
    source_says: str = ""
    model_says: str = ""
    confirmed: bool | None = None
    seconds: float = 0.0
    remembered: bool = False


def read_source(data: bytes, file: str) -> Source:
    """The C file or patch. Raises SourceError."""
    if not data.strip():
        raise SourceError("the file is empty: C source or a patch is right")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise SourceError("not UTF-8 text: C source or a patch is right")
    text = text.replace("\r\n", "\n")
    source = read_patch(text, PROTOTYPES) if is_patch(text) else read_c(text, file)
    if not any(rule.function in source.functions for rule in RULES):
        kind = "patch shows whole" if source.is_patch else "file has"
        raise SourceError(
            f"the {kind} none of the functions to verify ({RULES[0].function}, ...): virtio-mem.c "
            "or a patch of it is right"
        )
    return source


def infer_profile(source: Source) -> Profile | None:
    """The profile by the options that the source names, None where they do not tell."""
    if "dynamic_memslots" in source.words:
        wakes = {"RESET_TYPE_WAKEUP", "VIRTIO_MEM_F_PERSISTENT_SUSPEND"} & source.words
        return QEMU if wakes or source.is_patch else QEMU_8_2
    return SEED_V2 if "multiple_memslots" in source.words else None


def mappings_of(rule: Rule, profile: Profile) -> list[Mapping]:
    """The ways of mapping in which a function is to be verified."""
    permitted = {
        Mapping.PLUGGED: True,
        Mapping.USABLE: profile.accessible_slots,
        Mapping.STATIC: not profile.container_when_off,
    }
    if rule.mappings is None:
        return [Mapping.PLUGGED]
    return [m for m, there in permitted.items() if there and m in rule.mappings]


def verify(source: Source, profile: Profile, file: str) -> Iterator[Finding]:
    """The verdicts, in the order of the rules, as they are reached."""
    program = Lowering(source)
    for rule in RULES:
        yield timed(rule, source, program, profile, file)


def timed(rule: Rule, source: Source, program: Lowering, profile: Profile, file: str) -> Finding:
    """The verdict on one function; a fault of our own leaves that function undecided."""
    start = time.monotonic()
    try:
        finding = verdict(rule, source, program, profile, file)
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:FAULT_WIDTH]
        place, line = file, 0
        for text in source.functions.get(rule.function, []):
            place, line = text.file, text.lines[0]
        reason = f"a fault of slotproof, please report it: {told}"
        finding = Finding(rule.function, rule.rule, place, line, Verdict.NOT_VERIFIED, reason)
    return replace(finding, seconds=round(time.monotonic() - start, 3))


def verdict(rule: Rule, source: Source, program: Lowering, profile: Profile, file: str) -> Finding:
    """The verdict on one function."""
    texts = source.functions.get(rule.function)
    if not texts:
        return _absent(rule, source, file)
    found = Finding(
        rule.function,
        rule.rule,
        texts[0].file,
        texts[0].lines[0],
        Verdict.NOT_VERIFIED,
        unseen=texts[0].unseen,
    )
    try:
        function = program.function(rule.function)
    except UnsupportedError as error:
        return replace(found, line=error.line, reason=f"not in the subset: {error.construct}")
    assert function is not None
    return _decided(found, rule, source, program, profile, function)


def _decided(
    found: Finding,
    rule: Rule,
    source: Source,
    program: Lowering,
    profile: Profile,
    function: Function,
) -> Finding:
    """Prove it, or look for a difference."""
    mappings = mappings_of(rule, profile)
    paths = queries = 0
    reason, line = "", found.line
    guessed: Iterable[tuple[Mapping, Inputs]] | None = None
    try:
        for mapping in mappings:
            proof = prove(rule, function, program.function, profile, mapping)
            paths, queries = paths + proof.paths, queries + proof.queries
            if proof.equality is not Equality.PROVEN:
                reason = f"no proof ({proof.reason}) and no input found that differs"
                guessed = zip(repeat(mapping), proof.tries, strict=False)
                break
    except UnsupportedError as error:
        reason, line = f"not in the subset: {error.construct}", error.line or found.line
    found = replace(found, paths=paths, queries=queries)
    if reason and guessed is None:
        guessed = ()
    try:
        witness = find(rule, function, program.function, profile, mappings, guessed)
    except UnsupportedError as error:
        return replace(found, line=error.line, reason=f"not in the subset: {error.construct}")
    if witness is not None:
        if not reason:
            return replace(found, reason="proven equal, yet a run differs: please report this")
        return _different(found, rule, source, program, profile, witness)
    if reason:
        return replace(found, reason=reason, line=line)
    return replace(
        found,
        verdict=Verdict.EQUAL,
        over=hypotheses(rule),
        mappings=tuple(m.value for m in mappings) if rule.mappings is not None else (),
    )


def _different(
    found: Finding,
    rule: Rule,
    source: Source,
    program: Lowering,
    profile: Profile,
    witness: Witness,
) -> Finding:
    """The function differs; a compiled run is to say so too."""
    reason, confirmed = "", None
    if found.unseen is None:
        compiled = confirm(rule, source, program, profile, witness)
        reason, confirmed = compiled.reason, compiled.confirmed
    return replace(
        found,
        verdict=Verdict.DIFFERS,
        mapping=witness.mapping.value if rule.mappings is not None else None,
        inputs=shown_inputs(witness.inputs),
        what=witness.what,
        source_says=shown(witness.source),
        model_says=shown(witness.model),
        confirmed=confirmed,
        reason=reason and f"not compiled and run: {reason}",
    )


def _absent(rule: Rule, source: Source, file: str) -> Finding:
    """A function that the source does not show whole."""
    part: PartText | None = source.parts.get(rule.function)
    if part is not None:
        lines = ", ".join(f"{a}-{b}" for a, b in part.shown)
        how = "changes it but shows" if part.changed else "shows"
        reason = f"the patch {how} only lines {lines}"
        return Finding(
            rule.function, rule.rule, part.file, part.shown[0][0], Verdict.UNSEEN, reason
        )
    if source.is_patch:
        reason = "no hunk names it"
        return Finding(rule.function, rule.rule, "", 0, Verdict.UNSEEN, reason)
    reason = "there is no function of this name"
    return Finding(rule.function, rule.rule, file, 0, Verdict.NOT_VERIFIED, reason)


def hypotheses(rule: Rule) -> tuple[str, ...]:
    """What is assumed of the inputs of a function."""
    anything: dict[str, Any] = {f.name: 1 for f in fields(Inputs)}
    anything |= {"plugged": Extents(), "mapped": Extents()}
    return tuple(text for text, _ in rule.hypotheses(INTS, Inputs(**anything)))


def shown_inputs(x: Inputs) -> dict[str, Any]:
    """The inputs that are not 0, false or empty."""
    values = {f.name: getattr(x, f.name) for f in fields(Inputs)}
    return {
        name: [list(run) for run in value.ranges()] if isinstance(value, Extents) else value
        for name, value in values.items()
        if value
    }


def shown(value: Any) -> str:
    """A value of either side."""
    if isinstance(value, Extents):
        return " ".join(f"[{a}, {b})" for a, b in value.ranges()) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
