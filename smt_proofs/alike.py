"""Mutants that no theorem notices, with the reason why none can.

Each is read to have the outcome of the right rule on all inputs within the theorems' hypotheses.
"""

from __future__ import annotations

from typing import Final

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
    "mapping.resize_usable_region:lt-usable-usable-becomes-le": (
        "a usable region that fits already has its memslots mapped"
    ),
    "mapping.resize_usable_region:mapped-as-before": "both names are the mapped memslots before",
    "requests.valid_range:lt-end-addr-becomes-le": (
        "the end equals the address for a size of 0 alone, which is refused in the same line"
    ),
    "requests.valid_range:or-without-le-usable_end-addr": REJECTED,
    "requests.valid_range:le-usable_end-addr-becomes-lt": REJECTED,
    "requests.plug:both-prealloc-prealloc-before-busy": ONE_ANSWER,
    "requests.plug:mapped-as-before-3": RESTORED,
    "requests.plug:mapped-as-before-4": RESTORED,
    "requests.plug:mapped-as-before-5": RESTORED,
    "requests.plug:replace-undone": RESTORED,
    "requests.unplug_everything:lt-0-size-before-busy_before_empty-and-busy": (
        "a busy device answers BUSY in both orders"
    ),
    "requests.unplug_everything:0-becomes-1": WHOLE_BLOCKS,
    "requests.unplug_everything:plugged-as-before": (
        "the range is the region: no memslot is cut, so none is asked for its blocks"
    ),
    "requests.unplug_everything:0-becomes-1-3": (
        "the first memslot is cut and asked then, and has no plugged block left"
    ),
    "requests.report_state:range_unplugged-before-range_plugged": (
        "a range that is not empty is not both plugged and unplugged"
    ),
    "events.realize:0-becomes-1-3": "the usable region is fitted right after",
    "events.realize:can_shrink-becomes-False": "no usable region is smaller than one of 0 bytes",
    "events.resize:s-before-s": "fitting the usable region does not read the requested size",
    "events.migration_in:and-without-PLUGGED": (
        "the profiles that map at post-load have no memslots that follow the usable region, and "
        "static memory is one memslot, mapped already"
    ),
    "events.migration_in:mapped-as-before": (
        "the memslots of the plugged blocks are the mapped ones before as well"
    ),
    "events.unrealize:lt-or-lt-before-not-inaccessible-or-busy": ONE_ANSWER,
    "events.unrealize:0-becomes-1": WHOLE_BLOCKS,
    "events.unrealize:0-becomes-1-2": WHOLE_BLOCKS,
}
"""The reason by the mutant's name."""
