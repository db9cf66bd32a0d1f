"""Firecracker's device.rs against profile firecracker: one verdict a function."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, Final

from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import Mapping
from smt_proofs.rust.claims import ASSUMED, RULE_NAMED, RULES, RustCase, RustRule, hypotheses
from smt_proofs.rust.methods import GIVEN
from smt_proofs.rust.syntax import RustSource, read_rust, text_of
from smt_proofs.rust.texts import KNOWN
from smt_proofs.solving.pool import carried_out
from smt_proofs.source.case import Claim
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.evaluation import UndefinedError
from smt_proofs.source.findings import Finding, Verdict, shown, shown_inputs
from smt_proofs.source.inputs import Inputs, any_inputs
from smt_proofs.source.parse import SourceError
from smt_proofs.source.proof import Equality, proven
from smt_proofs.source.realistic import believable
from smt_proofs.source.search import FEW, SEED, Witness, device, simplified
from smt_proofs.source.trust import digest
from smt_proofs.source.typed import UnsupportedError
from smt_proofs.symbolic.paths import Script

RUST_FILE: Final = "src/vmm/src/devices/virtio/mem/device.rs"
FAULT_WIDTH: Final = 200
"""Characters of a fault of our own that are told."""
MORE: Final = 2_000
"""Inputs at random where there is no proof."""


def rust_source(text: str, file: str) -> RustSource:
    """The file. Raises SourceError where it has none of the functions to verify."""
    source = read_rust(text, file)
    if not source.functions.keys() & RULE_NAMED.keys():
        names = ", ".join(RULE_NAMED)
        raise SourceError(
            f"it has no impl VirtioMem with {names}: expected Firecracker's device.rs"
        )
    return source


def in_tree(path: Path) -> Path | None:
    """The Rust file that `path` is or holds, None where it is none."""
    if path.is_dir():
        return path / RUST_FILE if (path / RUST_FILE).is_file() else None
    return path if path.suffix == ".rs" else None


def verified(text: str, file: str, only: frozenset[str] | None = None) -> Iterator[Finding]:
    """The verdicts in the order of the rules, then what is taken on trust; each is found in a
    process of its own."""
    names = [name for name in RULE_NAMED if only is None or name in only]
    found = dict(carried_out(_judged, names, text, file))
    yield from (found[name] for name in names)
    if only is None:
        yield from trusted(rust_source(text, file))


def _judged(name: str, text: str, file: str) -> Finding:
    return judge(RULE_NAMED[name], rust_source(text, file))


def judge(rule: RustRule, source: RustSource) -> Finding:
    """The verdict on one function; a fault of our own leaves it undecided."""
    start = time.monotonic()
    places = source.functions.get(rule.function, [])
    line = places[0].line if places else 0
    found = Finding(rule.function, rule.rule, source.file, line, Verdict.NOT_VERIFIED)
    try:
        found = _decided(rule, source, found)
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:FAULT_WIDTH]
        found = replace(found, reason=f"a fault of slotproof, please report it: {told}")
    return replace(found, seconds=round(time.monotonic() - start, 3))


def _decided(rule: RustRule, source: RustSource, found: Finding) -> Finding:
    """Run it on a few inputs, prove it, and where that fails look for a difference.

    Where an input differs no proof is tried.
    """
    if not source.functions.get(rule.function):
        return replace(found, reason="there is no function of this name")
    own = sorted(GIVEN & source.named)
    if own:
        return replace(found, reason=f"the file gives {own[0]} a meaning of its own")

    random = Random(SEED)
    witness = _find(rule, source, (device(random) for _ in range(FEW)))
    reason, line = "", found.line
    if witness is None:
        tries: Iterable[Inputs] = ()
        try:
            proof = proven(lambda script: _compared(rule, source, script))
            found = replace(found, paths=proof.paths, queries=proof.queries)
            if proof.equality is not Equality.PROVEN:
                reason = f"no proof ({proof.reason}) and no input found that differs"
                tries = proof.tries
        except UnsupportedError as error:
            reason, line = f"not in the subset: {error.construct}", error.line or line
        if not reason:
            return replace(found, verdict=Verdict.EQUAL, over=_over())
        more = (device(random) for _ in range(MORE))
        witness = _find(rule, source, chain(tries, more))
    if witness is None:
        return replace(found, reason=reason, line=line)
    return replace(
        found,
        verdict=Verdict.DIFFERS,
        inputs=shown_inputs(witness.inputs),
        what=witness.what,
        source_says=shown(witness.source),
        model_says=shown(witness.model),
    )


def _compared(
    rule: RustRule, source: RustSource, script: Script
) -> tuple[SourceTerms, list[Claim]]:
    """The function on any inputs, on one path."""
    d = SourceTerms(script)
    x = any_inputs(d)
    d.given += [condition for _, condition in hypotheses(d, x)]
    return d, rule.claims(RustCase(d, x, source))


def _over() -> tuple[str, ...]:
    """What is assumed of the inputs."""
    values: dict[str, Any] = {field.name: 1 for field in fields(Inputs)}
    x = Inputs(**values | {"plugged": Extents(), "mapped": Extents()})
    return (*(text for text, _ in hypotheses(INTS, x)), *ASSUMED)


def _find(rule: RustRule, source: RustSource, tried: Iterable[Inputs]) -> Witness | None:
    """The first difference found, made simple."""

    def differs(x: Inputs) -> Witness | None:
        if not all(holds for _, holds in hypotheses(INTS, x)):
            return None
        try:
            claims = rule.claims(RustCase(INTS, x, source))
        except UndefinedError as error:
            return Witness(Mapping.PLUGGED, x, "a panic", str(error), "nothing of the kind")
        except UnsupportedError:
            return None
        bad = next((claim for claim in claims if not claim.holds), None)
        if bad is None:
            return None
        return Witness(Mapping.PLUGGED, x, bad.what, bad.source, bad.model)

    found = next((w for x in tried if (w := differs(x)) is not None), None)
    return None if found is None else simplified(believable(found, differs), differs)


def trusted(source: RustSource) -> Iterator[Finding]:
    """The functions whose meaning is given, not read; a text that is not known is told."""
    for name, known in KNOWN.items():
        for function in source.functions.get(name, []):
            same = digest(function.text) in known.values()
            verdict = Verdict.TRUSTED if same else Verdict.TRUSTED_CHANGED
            reason = "" if same else "its text is none that is known"
            yield Finding(name, "", source.file, function.line, verdict, reason)
        if name not in source.functions:
            reason = "it is not in the file"
            yield Finding(name, "", source.file, 0, Verdict.TRUSTED_CHANGED, reason)


def not_covered(source: RustSource) -> list[tuple[str, str, int]]:
    """The functions of the device that nobody looked at: name, file and line."""
    seen, waiting = set(KNOWN), [rule.function for rule in RULES]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            for function in source.functions.get(name, []):
                waiting += _called(function.body)
    left = [texts[0] for name, texts in source.functions.items() if name not in seen]
    return [(f.name, source.file, f.line) for f in left]


def _called(node: Any) -> list[str]:
    """The methods of self that a text calls."""
    found = []
    if node.type == "field_expression":
        base, name = node.child_by_field_name("value"), node.child_by_field_name("field")
        if base is not None and name is not None and text_of(base) == "self":
            found.append(text_of(name))
    for child in node.named_children:
        found += _called(child)
    return found
