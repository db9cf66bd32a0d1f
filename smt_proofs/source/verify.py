"""A C file or a patch against a profile: one verdict a function."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import Final

from model.profiles import QEMU, QEMU_8_2, SEED_V2, Mapping, Profile
from smt_proofs.source.calls import calls_of, followed, parts_of
from smt_proofs.source.compiled import confirm
from smt_proofs.source.findings import (
    DECIDED,
    Finding,
    Verdict,
    hypotheses,
    shown,
    shown_inputs,
    shown_sets,
)
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.ir import Function
from smt_proofs.source.lower import Lowering
from smt_proofs.source.macros import OpenConditionError
from smt_proofs.source.mails import read_series
from smt_proofs.source.material import Material, decoded, source_of
from smt_proofs.source.parse import PartText, Source, SourceError
from smt_proofs.source.partial import partial
from smt_proofs.source.proof import Equality, prove
from smt_proofs.source.rules import RANGES, RULE_NAMED, RULES, Rule, power_of_two
from smt_proofs.source.search import Witness, find
from smt_proofs.source.trust import assumed, narrowed, settled, trusted
from smt_proofs.source.typed import Masked, UnsupportedError

CHANGED: Final = "changed by the patch"
FAULT_WIDTH: Final = 200
"""Characters of a fault of our own that are told."""
MOST_CONDITIONS: Final = 3
"""Conditions of the preprocessor that a function is verified under, met or not."""
__all__ = ["DECIDED", "Finding", "Verdict", "read_source", "timed", "verdict", "verify", "whole"]


def read_source(data: bytes, file: str) -> Source:
    """The C file, or the patch or series without its base. Raises SourceError."""
    series = read_series(data)
    if series is not None:
        return partial(series)
    return whole(Material(file, decoded(data, "C source or a patch")))


def whole(material: Material) -> Source:
    """What is in the C file. Raises SourceError where that is none of the functions to verify."""
    source = source_of(material)
    if not any(rule.function in source.functions for rule in RULES):
        raise SourceError(
            f"it has none of the functions to verify ({RULES[0].function}, ...): expected "
            "virtio-mem.c or a patch of it"
        )
    return source


def infer_profile(source: Source) -> Profile | None:
    """The profile by the names that the source has, None where they do not tell.

    QEMU 8.1 has no memslots of the device's own yet and is as 8.2 with the option off; what came
    with it is early migration.
    """
    if "dynamic_memslots" in source.words:
        wakes = {"RESET_TYPE_WAKEUP", "VIRTIO_MEM_F_PERSISTENT_SUSPEND"} & source.words
        return QEMU if wakes or source.is_patch else QEMU_8_2
    if "multiple_memslots" in source.words:
        return SEED_V2
    return QEMU_8_2 if "early_migration" in source.words else None


def has_memslots(source: Source, profile: Profile) -> bool:
    """The source's devices may have memslots of their own; a patch does not show that they not."""
    options = {"dynamic_memslots", "multiple_memslots"}
    return bool(profile.option_name) and (source.is_patch or bool(options & source.words))


def mappings_of(rule: Rule, profile: Profile, *, memslots: bool = True) -> list[Mapping]:
    """The ways of mapping in which a function is to be verified."""
    permitted = {
        Mapping.PLUGGED: memslots,
        Mapping.USABLE: memslots and profile.accessible_slots,
        Mapping.STATIC: not memslots or not profile.container_when_off,
    }
    if rule.mappings is None:
        return [Mapping.PLUGGED if memslots or rule.core else Mapping.STATIC]
    return [m for m, there in permitted.items() if there and m in rule.mappings]


def verify(source: Source, profile: Profile, file: str) -> Iterator[Finding]:
    """The verdicts: on virtio-mem.c's functions by the rules, then on what is taken on trust."""
    program = Lowering(source)
    found = [timed(rule, source, program, profile, file) for rule in RULES if not rule.core]
    yield from settled(found, source)
    yield from trusted(source)


def timed(rule: Rule, source: Source, program: Lowering, profile: Profile, file: str) -> Finding:
    """The verdict on one function; a fault of our own leaves that function undecided."""
    start = time.monotonic()
    try:
        finding = verdict(rule, source, program, profile, file)
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:FAULT_WIDTH]
        reason = f"a fault of slotproof, please report it: {told}"
        finding = replace(_found(rule, source, file), reason=reason)
    return replace(finding, seconds=round(time.monotonic() - start, 3))


def verdict(rule: Rule, source: Source, program: Lowering, profile: Profile, file: str) -> Finding:
    """The verdict on one function, with conditions of the preprocessor that nothing tells both met
    and not."""
    findings: list[Finding] = []
    waiting = [program]
    while waiting:
        chosen = waiting.pop()
        try:
            finding = _under(chosen, rule, source, profile, file)
        except OpenConditionError as error:
            if len(chosen.chosen) == MOST_CONDITIONS:
                why = f"more conditions than {MOST_CONDITIONS} ({error.condition})"
                finding = replace(_found(rule, source, file), line=error.line, reason=why)
            else:
                waiting += [chosen.choosing(error.condition, holds=h) for h in (False, True)]
                continue
        if finding.verdict is not Verdict.EQUAL:
            told = ", ".join(c if h else f"not {c}" for c, h in chosen.chosen.items())
            reason = "; ".join(part for part in (finding.reason, told and f"where {told}") if part)
            return replace(finding, reason=reason)
        findings.append(finding)
    paths, queries = (sum(getattr(f, name) for f in findings) for name in ("paths", "queries"))
    return replace(findings[-1], paths=paths, queries=queries)


def _found(rule: Rule, source: Source, file: str) -> Finding:
    """Where the function is."""
    for text in source.functions.get(rule.function, []):
        return Finding(
            rule.function,
            rule.rule,
            text.file,
            text.lines[0],
            Verdict.NOT_VERIFIED,
            unseen=text.unseen,
        )
    return Finding(rule.function, rule.rule, file, 0, Verdict.NOT_VERIFIED)


def _under(program: Lowering, rule: Rule, source: Source, profile: Profile, file: str) -> Finding:
    """The verdict under conditions that were chosen."""
    found = _found(rule, source, file)
    memslots = has_memslots(source, profile)
    if not mappings_of(rule, profile, memslots=memslots):
        return replace(
            found, verdict=Verdict.NOT_HERE, reason="the device has no memslots of its own"
        )
    if not source.functions.get(rule.function):
        return _absent(rule, source, file)
    try:
        function = program.function(rule.function)
        if function is None:
            return replace(found, reason="it is defined under conditions that do not hold")
        own = [name for name in RANGES if name != rule.function and name in source.functions]
        own = [name for name in own if name in calls_of(function.body, followed(program.function))]
        # What is not as its rule has it counts as it is, not as the rule.
        own = [name for name in own if not _as_its_rule(name, program, profile)]
        if own:
            program = program.following(frozenset(own))
            function = program.function(rule.function)
            assert function is not None
    except UnsupportedError as error:
        return replace(found, line=error.line, reason=f"not in the subset: {error.construct}")
    names = {function.name, *calls_of(function.body, followed(program.function))}
    bodies = [f.body for name in names if (f := followed(program.function)(name)) is not None]
    if any(isinstance(part, Masked) for part in parts_of((function.body, *bodies))):
        rule = replace(rule, hypotheses=power_of_two(rule.hypotheses))
    decided = _decided(found, rule, source, program, profile, function)
    decided = replace(decided, assumed=assumed(function, source, program))
    other = narrowed(function, source, program)
    if decided.verdict is Verdict.EQUAL and other:
        why = f"proven for other types of {', '.join(other)} than the header has"
        return replace(decided, verdict=Verdict.NOT_VERIFIED, reason=why)
    return decided


def _as_its_rule(name: str, program: Lowering, profile: Profile) -> bool:
    """A helper for a range of blocks is what calls take it for."""
    try:
        function = program.function(name)
        if function is None:
            return True
        proof = prove(RULE_NAMED[name], function, program.function, profile, Mapping.PLUGGED)
    except UnsupportedError:
        return False
    return proof.equality is Equality.PROVEN


def _decided(
    found: Finding,
    rule: Rule,
    source: Source,
    program: Lowering,
    profile: Profile,
    function: Function,
) -> Finding:
    """Prove it, or look for a difference."""
    mappings = mappings_of(rule, profile, memslots=has_memslots(source, profile))
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
    if found.unseen is None and rule.stubbed:
        compiled = confirm(rule, source, program, profile, witness)
        reason, confirmed = compiled.reason, compiled.confirmed
    return replace(
        found,
        verdict=Verdict.DIFFERS,
        mapping=witness.mapping.value if rule.mappings is not None else None,
        inputs=shown_inputs(witness.inputs, rule.told),
        what=witness.what,
        source_says=shown(witness.source),
        model_says=shown(witness.model),
        after=shown_sets(witness.after),
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
            rule.function,
            rule.rule,
            part.file,
            part.shown[0][0],
            Verdict.UNSEEN,
            reason,
            change=CHANGED if part.changed else "",
        )
    if source.is_patch:
        reason = "no hunk names it"
        return Finding(rule.function, rule.rule, "", 0, Verdict.UNSEEN, reason)
    if rule.since:
        return Finding(rule.function, rule.rule, file, 0, Verdict.NOT_HERE, f"since {rule.since}")
    reason = "there is no function of this name"
    return Finding(rule.function, rule.rule, file, 0, Verdict.NOT_VERIFIED, reason)
