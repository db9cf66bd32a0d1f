"""A source verified in processes of their own, and what was decided before remembered.

Each process is fresh, as a solver's choices depend on what its process did before; functions that
take long have one for themselves, the others share some.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any, Final

from model.profiles import PROFILES, Profile
from smt_proofs.solving.cache import Cache, today
from smt_proofs.solving.engine import texts
from smt_proofs.solving.pool import carried_out
from smt_proofs.source.core import CORE_FILE
from smt_proofs.source.findings import DECIDED, Finding, Verdict
from smt_proofs.source.lower import Lowering
from smt_proofs.source.parse import Source
from smt_proofs.source.rules import RULE_NAMED, Rule
from smt_proofs.source.trust import settled, trusted
from smt_proofs.source.verify import timed

SHARED: Final = 4
"""Functions that take no time, in one process."""


def verified(
    source: Source,
    profile: Profile,
    file: str,
    cache: Cache,
    only: frozenset[str] | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Iterator[Finding]:
    """The verdicts as `verify` has them, in the order of the rules, as soon as they are there.

    `only` names functions, each of which is judged by itself. `told` hears how many are judged,
    in whatever order that is.
    """
    names = [n for n, rule in RULE_NAMED.items() if (n in only if only else _here(rule, source))]
    keys = {name: _key(source, profile, file, name) for name in names}
    known = {name: _remembered(cache.record(key)) for name, key in keys.items()}
    found = {name: finding for name, finding in known.items() if finding is not None}
    told(len(found))
    waiting = list(keys)
    yield from _taken(waiting, found)
    tasks = _tasks([name for name in keys if name not in found])
    for _, findings in carried_out(_judged, tasks, source, profile.name, file):
        for finding in findings:
            found[finding.function] = finding
            if finding.verdict in DECIDED:
                cache.keep_record(keys[finding.function], _record(finding))
        told(len(found))
        yield from _taken(waiting, found)
    if only is not None:
        yield from (found[name] for name in waiting)
        return
    last = {f.function: f for f in settled([found[name] for name in keys], source)}
    yield from (last[name] for name in waiting)
    yield from trusted(source)


def _taken(waiting: list[str], found: dict[str, Finding]) -> Iterator[Finding]:
    """Those that are next in order and equal, which nothing found later changes."""
    while waiting and waiting[0] in found and found[waiting[0]].verdict is Verdict.EQUAL:
        yield found[waiting.pop(0)]


def _tasks(names: list[str]) -> list[tuple[str, ...]]:
    """Names of functions by process, what takes long ahead."""
    long = [(name,) for name in names if RULE_NAMED[name].long]
    short = [name for name in names if not RULE_NAMED[name].long]
    shared = [tuple(short[at : at + SHARED]) for at in range(0, len(short), SHARED)]
    return [*reversed(long), *shared]


def _judged(names: tuple[str, ...], source: Source, profile: str, file: str) -> list[Finding]:
    program = Lowering(source)
    found = []
    for rule in (RULE_NAMED[name] for name in names):
        if not rule.core:
            found.append(timed(rule, source, program, PROFILES[profile], file))
        elif source.core is None:
            why = f"{CORE_FILE} is not at hand: expected a tree that has it"
            found.append(Finding(rule.function, rule.rule, "", 0, Verdict.UNSEEN, why))
        else:
            core = Lowering(source.core)
            found.append(timed(rule, source.core, core, PROFILES[profile], CORE_FILE))
    return found


def _here(rule: Rule, source: Source) -> bool:
    """The file that the rule's function stands in is at hand."""
    return not rule.core or source.core is not None


def _key(source: Source, profile: Profile, file: str, function: str) -> str:
    """All that the verdict depends on: the source, the rules, and what decides."""
    shown = "\0".join((*_shown(source), repr(profile), file))
    return texts(f"source {function} {hashlib.sha256(shown.encode()).hexdigest()}")


def _shown(source: Source) -> Iterator[str]:
    """All of a source, and of the core beside it, in the same texts whenever it is read: the order
    in which a set is written down changes from run to run."""
    yield repr(replace(source, words=frozenset(), changed=set(), core=None))
    yield repr((sorted(source.words), sorted(source.changed)))
    if source.core is not None:
        yield from _shown(source.core)


def _record(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"verdict": finding.verdict.value, "since": today()}


def _remembered(record: dict[str, Any] | None) -> Finding | None:
    if record is None:
        return None
    record |= {"verdict": Verdict(record["verdict"]), "remembered": True, "seconds": 0.0}
    for name in ("over", "mappings", "unseen", "assumed"):
        record[name] = None if record[name] is None else tuple(record[name])
    return replace(Finding(**record))
