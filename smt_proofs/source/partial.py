"""A patch or series without its base: what the new side of the hunks shows of each function."""

from __future__ import annotations

from typing import TypeVar

from smt_proofs.source.diffs import hunks_of
from smt_proofs.source.mails import Series
from smt_proofs.source.parse import UNNAMED, PartText, Source, SourceError
from smt_proofs.source.patch import read_patch
from smt_proofs.source.rules import PROTOTYPES, RULES
from smt_proofs.source.series import is_own

T = TypeVar("T")


def partial(series: Series) -> Source:
    """What the patches show, each of its own; what two of them change is seen in part.

    Raises SourceError for a diff that is cut off, and for patches of other files alone.
    """
    sources = []
    others: dict[str, None] = {}
    own = False
    for patch in series.patches:
        try:
            hunks = hunks_of(patch.text)
            sources.append(read_patch(patch.text, PROTOTYPES))
        except SourceError as error:
            place = f"{patch.name}: " if len(series.patches) > 1 else ""
            raise SourceError(f"{place}{error}") from None
        own = own or any(is_own(hunk) for hunk in hunks)
        others |= dict.fromkeys(hunk.file for hunk in hunks if not is_own(hunk))
    merged = sources[0] if len(sources) == 1 else _merged(sources)
    shown = any(r.function in (*merged.functions, *merged.parts) for r in RULES if not r.core)
    if not own and not shown:
        named = ", ".join(others)
        raise SourceError(f"it changes nothing of virtio-mem.c or its header, only {named}")
    return merged


def _merged(sources: list[Source]) -> Source:
    """All of the patches; a function that several of them show is seen in part."""
    merged = Source(is_patch=True, words=frozenset().union(*(s.words for s in sources)))
    for source in sources:
        for macro in source.macros:
            same = [m for m in merged.macros if m.name == macro.name]
            if not any(m.text == macro.text and m.parameters == macro.parameters for m in same):
                merged.macros.append(macro)
        for name, kind in source.fields.items():
            known = merged.fields.get(name, kind)
            merged.fields[name] = kind if known == kind else None
        merged.declared.update(source.declared)
        merged.changed.update(source.changed)
        merged.strays.extend(source.strays)
    names = {name for source in sources for name in (*source.functions, *source.parts)}
    for name in sorted(names):
        parts = [s for s in sources if name in s.parts]
        showing = [s for s in sources if name in s.functions or name in s.changed]
        showing = showing or parts
        if len(showing) == 1:
            merged.functions.update(_only(showing[0].functions, name))
            merged.parts.update(_only(showing[0].parts, name))
        else:
            merged.parts[name] = _part(name, showing)
    if UNNAMED in merged.changed:
        _demote(merged)
    return merged


def _demote(merged: Source) -> None:
    """What a patch shows whole and another one may change is seen in part."""
    texts = {
        name: "\n".join(text.text for text in found) for name, found in merged.functions.items()
    }
    hit = {n for n, text in texts.items() if any("\n".join(s) in text for s in merged.strays)}
    for name in hit or texts:
        runs = tuple((t.lines[0], t.lines[-1]) for t in merged.functions[name])
        file = merged.functions.pop(name)[0].file
        merged.parts[name] = PartText(name, file, runs, changed=True)


def _only(items: dict[str, T], name: str) -> dict[str, T]:
    return {name: items[name]} if name in items else {}


def _part(name: str, showing: list[Source]) -> PartText:
    """A function of several patches, by the lines that each shows."""
    texts = [text for source in showing for text in source.functions.get(name, [])]
    parts = [source.parts[name] for source in showing if name in source.parts]
    runs = [(text.lines[0], text.lines[-1]) for text in texts]
    runs += [run for part in parts for run in part.shown]
    file = texts[0].file if texts else parts[0].file
    changed = bool(texts) or any(part.changed for part in parts)
    return PartText(name, file, tuple(runs), changed)
