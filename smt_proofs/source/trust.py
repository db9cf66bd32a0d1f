"""What a verdict leaves out: helpers taken on trust, functions nobody looks at, types assumed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from smt_proofs.source.c_types import CType
from smt_proofs.source.calls import calls_of, followed, parts_of
from smt_proofs.source.comments import without_comments
from smt_proofs.source.findings import Finding, Verdict
from smt_proofs.source.ir import Function
from smt_proofs.source.lower import Lowering
from smt_proofs.source.messages import ASKED
from smt_proofs.source.names import APART, CORE_FIELDS, FIELDS, HELPERS, PRIMITIVES
from smt_proofs.source.parse import FunctionText, Source
from smt_proofs.source.rules import CALLBACKS, ENTRIES, RANGES, RULE_NAMED
from smt_proofs.source.texts import KNOWN
from smt_proofs.source.typed import Field

NUMBERS: Final = FIELDS | CORE_FIELDS
"""What a function may read or write, by name."""
_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\\n])*"|\w+|[^\w\s]')
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
DIGITS: Final = 16
STANDING: Final = frozenset((*ENTRIES, *ASKED, *CALLBACKS)) | (PRIMITIVES.keys() - {*RANGES})
"""Functions that are judged by themselves alone: the device is asked through them, or whoever calls
them was proven equal with what they stand for, not with their text."""


def digest(text: str) -> str:
    """A hash of a text but for comments and white space."""
    tokens = _TOKEN.findall(without_comments(text))
    return hashlib.sha256(" ".join(tokens).encode()).hexdigest()[:DIGITS]


def _words(text: str) -> set[str]:
    return set(_NAME.findall(without_comments(text)))


def told(source: Source, text: FunctionText) -> str:
    """The text of a function with what it names of the macros, types and variables of the file."""
    parts = [text.text]
    waiting, seen = [text.text], set[str]()
    while waiting:
        for name in sorted(_words(waiting.pop()) - seen):
            seen.add(name)
            said = [
                f"#{name} {macro.parameters} {macro.text} {macro.conditions}"
                for macro in source.macros
                if macro.name == name
            ]
            said += [source.declared[name]] if name in source.declared else []
            parts += said
            waiting += said
    return "\n".join(parts)


def called(source: Source) -> dict[str, set[str]]:
    """The functions of the source that the text of each one names."""
    words = {
        name: _words("\n".join(t.text for t in texts)) for name, texts in source.functions.items()
    }
    return {name: (found & words.keys()) - {name} for name, found in words.items()}


def reached(source: Source, names: set[str]) -> set[str]:
    """These functions with all that they name, those named there, and so on.

    Those of which nobody looks at the text lead nowhere.
    """
    table, found = called(source), set[str]()
    table = {name: used - APART for name, used in table.items()}
    waiting = [name for name in names if name in table]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += table[name]
    return found


def trusted(source: Source) -> Iterator[Finding]:
    """The helpers whose meaning is given, not read, with all that they call."""
    looked_at = set(RULE_NAMED)
    used = reached(source, looked_at & source.functions.keys())
    given = used & {name for name in HELPERS if name not in RULE_NAMED}
    for name in sorted(reached(source, given) - looked_at, key=lambda n: _first(source, n).lines):
        text = _first(source, name)
        same = all(_known(source, t) for t in source.functions[name])
        verdict = Verdict.TRUSTED if same else Verdict.TRUSTED_CHANGED
        reason = "" if same else "its text is none that is known"
        yield Finding(name, "", text.file, text.lines[0], verdict, reason)
    if source.complete:
        named = {word for name in used for t in source.functions[name] for word in _words(t.text)}
        for name in sorted(named & HELPERS - RULE_NAMED.keys() - source.functions.keys()):
            reason = "it is in no file that is looked at"
            yield Finding(name, "", "", 0, Verdict.TRUSTED_CHANGED, reason)


def _known(source: Source, text: FunctionText) -> bool:
    """A patch does not show what stands around a function."""
    if source.is_patch:
        return digest(text.text) in KNOWN.get(text.name, {})
    return digest(told(source, text)) in KNOWN.get(text.name, {}).values()


def _first(source: Source, name: str) -> FunctionText:
    return source.functions[name][0]


def not_covered(source: Source) -> list[tuple[str, str, int]]:
    """The functions that nobody looked at: name, file and line."""
    rules = set(RULE_NAMED) & source.functions.keys()
    opaque = {name for name in HELPERS if name not in RULE_NAMED}
    seen = rules | reached(source, rules) | reached(source, opaque & source.functions.keys())
    texts = [_first(source, name) for name in source.functions if name not in seen]
    found = [(t.name, t.file, t.lines[0]) for t in sorted(texts, key=lambda t: t.lines)]
    return found if source.core is None else [*found, *not_covered(source.core)]


def assumed(function: Function, source: Source, program: Lowering) -> tuple[str, ...]:
    """The fields that a function reads or writes and whose types no header showed."""
    return tuple(name for name in _fields(function, program) if name not in source.fields)


def narrowed(function: Function, source: Source, program: Lowering) -> tuple[str, ...]:
    """The fields that a function reads or writes and that are of another type than the rules have
    it: what is proven of all values of the one is not of the other."""
    types = {name: source.fields.get(name) for name in _fields(function, program)}
    return tuple(n for n, kind in types.items() if kind and not _alike(kind, NUMBERS[n]))


def _alike(kind: CType, known: CType) -> bool:
    return (kind.bits, kind.signed) == (known.bits, known.signed)


def _fields(function: Function, program: Lowering) -> list[str]:
    names = {function.name, *calls_of(function.body, followed(program.function))}
    bodies = [f.body for name in names if (f := followed(program.function)(name)) is not None]
    named = {part.name for part in parts_of((function.body, *bodies)) if isinstance(part, Field)}
    return [name for name in NUMBERS if name in named]


def settled(found: list[Finding], source: Source) -> list[Finding]:
    """The verdicts, where a helper that does not fit its rule is another interface.

    That is so where all that the device is asked through is proven equal, and so is each caller of
    the helper, with its text and not what it stands for. A caller that is not covered leaves it not
    verified.
    """
    verdicts = {f.function: f.verdict for f in found}
    there = [name for name in ENTRIES if name in source.functions]
    if not there or any(verdicts[name] is not Verdict.EQUAL for name in there):
        return found
    table = called(source)
    fine = {Verdict.EQUAL, Verdict.INTERFACE}
    settled = list(found)
    for number, finding in enumerate(found):
        if finding.verdict not in (Verdict.DIFFERS, Verdict.NOT_VERIFIED):
            continue
        if finding.function in STANDING or finding.function not in source.functions:
            continue
        callers = sorted(name for name, names in table.items() if finding.function in names)
        todo = [n for n in callers if verdicts.get(n) not in fine and not _inside(n, table, there)]
        if len(todo) == len(callers) or any(name in verdicts for name in todo):
            continue
        why = finding.reason or f"{finding.what} is not as the rule has it"
        verdict, reason = Verdict.INTERFACE, f"all that calls it is equal; by itself: {why}"
        if todo:
            verdict = Verdict.NOT_VERIFIED
            also = " and ".join(todo)
            reason = f"another interface; also called by {also}, not covered; by itself: {why}"
        settled[number] = replace(finding, verdict=verdict, reason=reason)
    return settled


def _inside(name: str, table: dict[str, set[str]], entries: Sequence[str]) -> bool:
    """A function that only entries reach, each of which follows it."""
    callers = {caller for caller, names in table.items() if name in names}
    return bool(callers) and all(
        caller in entries or _inside(caller, {k: v for k, v in table.items() if k != name}, entries)
        for caller in callers
    )
