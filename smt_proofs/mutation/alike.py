"""Mutants that no theorem notices, with the reason why none can, and the proof that none can.

Each has the outcome of the right rule on all inputs within the theorems' hypotheses: the reason is
read, what `smt_proofs.mutation.equivalence` compares is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

import msgspec

from smt_proofs.mutation.equivalence import Equivalence, compare, compared
from smt_proofs.mutation.rule_mutants import mutant_named
from smt_proofs.mutation.testing import Counted, Judged, judge_all
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.engine import texts
from smt_proofs.solving.means import ORDINARY, Decider, Means
from smt_proofs.solving.pool import carried_out
from smt_proofs.solving.solve import Verdict

ONE_ANSWER: Final = "both branches give the same answer and change nothing"
EQUAL_WORDS: Final = "equal words: either is the result"
WHOLE_BLOCKS: Final = "the size is whole blocks of at least 2 bytes, so it is above 0 if above 1"
ONE_SLOT: Final = "a limit of 1 gives a share of the whole region, and so one memslot anyway"
IN_32_BITS: Final = "there are at most 65535 memslots, so the index has 32 bits"
ASKING: Final = (
    "a memslot that lies wholly in a range without plugged blocks has none either: asking gives "
    "the answer that was taken for granted"
)
RESTORED: Final = (
    "every mapped memslot had a plugged block before, so what is mapped after the rollback is what "
    "was mapped before"
)
RESTORED_HERE: Final = (
    "a memslot is mapped just where a block in it is plugged, so mapping those of the blocks on "
    "top of what the source had mapped gives the same"
)
REJECTED: Final = (
    "a range that is not empty and starts where usable memory ends also ends beyond it"
)

ALIKE: Final = {
    "arithmetic.minimum:lt-a-b-becomes-le": EQUAL_WORDS,
    "arithmetic.maximum:lt-b-a-becomes-le": EQUAL_WORDS,
    "geometry.single_memslot:le-limit-1-becomes-lt": ONE_SLOT,
    "geometry.single_memslot:1-becomes-0": ONE_SLOT,
    "geometry.decide_memslots:narrow-ceil_div-UINT_BITS-undone": (
        "the count is at most 65535 within the hypotheses, and is narrowed to 16 bits afterwards"
    ),
    "geometry.first_slot:narrow-div-UINT_BITS-undone": IN_32_BITS,
    "geometry.end_slot:narrow-ceil_div-UINT_BITS-undone": IN_32_BITS,
    "mapping.mapped_for_plug:if-PLUGGED-dropped": (
        "elsewhere the memslots of usable blocks are mapped already"
    ),
    "mapping.mapped_after_unplug:slot_length-is-size": (
        "beyond the end of the region no block is plugged"
    ),
    "mapping.mapped_after_unplug:lt-start-offset-becomes-le": ASKING,
    "mapping.mapped_after_unplug:lt-add-add-becomes-le": ASKING,
    "mapping.mapped_after_unplug:add-offset-size-undone": ASKING,
    "mapping.mapped_after_unplug:add-offset-size-is-second": ASKING,
    "mapping.mapped_after_unplug:either-without-negate-cut": ASKING,
    "mapping.resize_usable_region:mapped-as-before": "both names are the mapped memslots before",
    "answers.valid_range:lt-end-addr-becomes-le": (
        "the end equals the address for a size of 0 alone, which is refused in the same line"
    ),
    "answers.valid_range:or-without-le-usable_end-addr": REJECTED,
    "answers.valid_range:le-usable_end-addr-becomes-lt": REJECTED,
    "requests.plug:mapped-as-before-3": RESTORED,
    "requests.plug:mapped-as-before-4": RESTORED,
    "requests.plug:mapped-as-before-5": RESTORED,
    "requests.plug:mapped-as-before-6": RESTORED,
    "requests.plug:replace-undone": RESTORED,
    "requests.unplug_everything:lt-0-size-before-busy_before_empty-and-busy": (
        "a busy device answers BUSY in both orders"
    ),
    "requests.unplug_everything:0-becomes-1": WHOLE_BLOCKS,
    "requests.unplug_everything:0-becomes-1-4": ASKING,
    "events.migration_in:mapped-as-before-2": RESTORED_HERE,
    "events.migration_in:mapped-as-before-3": RESTORED_HERE,
    "requests.unplug_everything:plugged-as-before": (
        "the range is the region: no memslot is cut, so none is asked for its blocks"
    ),
    "answers.report_state:range_unplugged-before-range_plugged": (
        "a range that is not empty is not both plugged and unplugged"
    ),
    "events.realize:0-becomes-1-3": "the usable region is fitted right after",
    "events.realize:can_shrink-becomes-False": "no usable region is smaller than one of 0 bytes",
    "events.unrealize:lt-or-lt-before-not-inaccessible-or-busy": ONE_ANSWER,
    "events.unrealize:0-becomes-1": WHOLE_BLOCKS,
    "events.unrealize:0-becomes-1-2": WHOLE_BLOCKS,
}
"""The reason by the mutant's name."""


class Status(Enum):
    """What became of a mutant; the first two explain it."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    """It is said to be alike, and the proof of that was not found."""
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Judgement:
    """All mutants: how each was killed, or the proof that there is nothing to notice, by name."""

    judged: tuple[Judged, ...]
    proofs: Mapping[str, Equivalence]

    def status(self, each: Judged) -> Status:
        """What became of one of them."""
        if each.kill is not None:
            return Status.KILLED
        proof = self.proofs.get(each.mutant)
        if proof is None:
            return Status.UNEXPLAINED
        return Status.EQUIVALENT if proof.verdict is Verdict.PROVEN else Status.UNDECIDED

    def names(self, status: Status) -> list[str]:
        """The mutants of a status, in the order of the rules."""
        return [each.mutant for each in self.judged if self.status(each) is status]


Listener = Callable[[str, int, int], None]


def explain_all(
    means: Means = ORDINARY,
    names: Sequence[str] | None = None,
    listener: Listener = lambda what, done, total: None,
) -> Judgement:
    """Judge all mutants, or those named, and prove those equivalent that no theorem notices and
    that are said to be alike. `listener` hears what is done, how much of it and of how much."""
    judged = judge_all(names, partial(listener, "judging mutants"))
    survivors = [each.mutant for each in judged if each.kill is None and each.mutant in ALIKE]
    proofs = prove_alike(survivors, means, partial(listener, "proving mutants equivalent"))
    return Judgement(tuple(judged), proofs)


def prove_one(name: str, means: Means) -> Equivalence:
    """The proof for one mutant, by name."""
    return compare(mutant_named(name), Decider(means))


def prove_alike(
    names: Iterable[str],
    means: Means = ORDINARY,
    listener: Counted = lambda done, total: None,
) -> dict[str, Equivalence]:
    """The proofs for mutants, by name, on all cores; none is looked for that was found before."""
    cache = Cache.of_user()
    keys = {name: texts(f"alike {name} {means.solvers}") for name in names}
    known = {name: _recalled(cache, key) for name, key in keys.items()}
    # What is compared in most transitions takes longest, and begins first.
    todo = sorted((name for name, found in known.items() if found is None), key=_length)
    listener(len(known) - len(todo), len(known))
    for done, (name, found) in enumerate(carried_out(prove_one, todo, means), 1):
        known[name] = found
        listener(len(known) - len(todo) + done, len(known))
        if found.verdict is Verdict.PROVEN:
            cache.keep_record(keys[name], {"of": msgspec.to_builtins(found)})
    return {name: found for name, found in known.items() if found is not None}


def _length(name: str) -> int:
    """The less, the longer the proof for a mutant takes."""
    return -len(compared(mutant_named(name)))


def _recalled(cache: Cache, key: str) -> Equivalence | None:
    record = cache.record(key)
    try:
        return None if record is None else msgspec.convert(record["of"], Equivalence)
    except (KeyError, msgspec.ValidationError):
        return None
