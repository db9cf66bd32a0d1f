"""Wrong rules for the negative controls: one line of a function of `model`, replaced.

A mutant swaps the code object of the function, so every caller and every domain sees the wrong
rule; leaving the context restores it.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Final, cast

from model import arithmetic, caller, geometry, invariants, machine


@dataclass(frozen=True, slots=True)
class Mutant:
    """`function` with the one occurrence of the text `old` replaced by `new`."""

    name: str
    function: Callable[..., Any]
    old: str
    new: str

    def code(self) -> CodeType:
        """The code of the wrong rule. Raises ValueError where `old` does not occur exactly once."""
        source = textwrap.dedent(inspect.getsource(self.function))
        if source.count(self.old) != 1:
            raise ValueError(f"mutant {self.name}: {self.old!r} must occur exactly once")
        wrong = source.replace(self.old, self.new)
        flags = __future__.annotations.compiler_flag
        module = compile(wrong, f"<mutant {self.name}>", "exec", flags=flags, dont_inherit=True)
        return next(
            constant
            for constant in module.co_consts
            if isinstance(constant, CodeType) and constant.co_name == self.function.__name__
        )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The wrong rule in force everywhere in this process."""
        function = cast(FunctionType, self.function)
        right = function.__code__
        function.__code__ = self.code()
        try:
            yield
        finally:
            function.__code__ = right


_DECIDE: Final = geometry.decide_memslots
_SINGLE: Final = geometry.single_memslot
_LIMIT: Final = caller.decision_limit

MUTANTS: Final = {
    mutant.name: mutant
    for mutant in (
        Mutant(
            "count-rounded-down", _DECIDE, "ceil_div(d, c.region, size)", "d.div(c.region, size)"
        ),
        Mutant(
            "count-one-more",
            _DECIDE,
            "ceil_div(d, c.region, size)",
            "d.add(ceil_div(d, c.region, size), d.lit(1))",
        ),
        Mutant("size-unset-for-two", _DECIDE, "d.eq(count, d.lit(1))", "d.eq(count, d.lit(2))"),
        Mutant(
            "size-unset-without-slots", _DECIDE, "d.eq(count, d.lit(1))", "d.le(count, d.lit(1))"
        ),
        Mutant("count-not-stored", _DECIDE, "d.narrow(count, U16_BITS)", "count"),
        Mutant(
            "share-not-rounded",
            geometry.memslot_share,
            "align_up(d, d.div(c.region, c.limit), block)",
            "d.div(c.region, c.limit)",
        ),
        Mutant(
            "share-rounded-down",
            geometry.memslot_share,
            "align_up(d, d.div(c.region, c.limit), block)",
            "d.mul(d.div(d.div(c.region, c.limit), block), block)",
        ),
        Mutant(
            "limit-plus-one",
            geometry.memslot_share,
            "c.limit",
            "d.add(c.limit, d.lit(1))",
        ),
        Mutant(
            "one-block-too-coarse",
            geometry.memslot_share,
            "align_up(d, d.div(c.region, c.limit), block)",
            "d.add(align_up(d, d.div(c.region, c.limit), block), block)",
        ),
        Mutant(
            "smaller-of-share-and-minimum",
            geometry.memslot_size,
            "maximum(d, memslot_share(d, c, block), minimum_memslot(d, block))",
            "d.select(d.lt(memslot_share(d, c, block), minimum_memslot(d, block)), "
            "memslot_share(d, c, block), minimum_memslot(d, block))",
        ),
        Mutant(
            "no-minimum",
            geometry.memslot_size,
            "maximum(d, memslot_share(d, c, block), minimum_memslot(d, block))",
            "memslot_share(d, c, block)",
        ),
        Mutant(
            "minimum-of-one-block",
            geometry.minimum_memslot,
            "maximum(d, block, d.lit(MIN_MEMSLOT_SIZE))",
            "block",
        ),
        Mutant("always-one", _SINGLE, "d.le(c.limit, d.lit(1))", "d.le(d.lit(0), c.limit)"),
        Mutant("option-ignored", _SINGLE, "not d.test(c.option)", "False"),
        Mutant("backend-ignored", _SINGLE, "not d.test(c.has_ram)", "False"),
        Mutant("page-size-ignored", _SINGLE, "d.test(d.lt(block, c.page))", "False"),
        Mutant("alignment-ignored", _SINGLE, "not d.test(is_aligned(d, c.region, block))", "False"),
        Mutant(
            "default-block-ignored",
            geometry.effective_block,
            "c.default_block, c.block",
            "d.lit(MIN_BLOCK_SIZE), c.block",
        ),
        Mutant(
            "end-slot-rounded-down",
            geometry.end_slot,
            "ceil_div(d, d.add(offset, size), slots.size)",
            "d.div(d.add(offset, size), slots.size)",
        ),
        Mutant(
            "end-slot-one-more",
            geometry.end_slot,
            "ceil_div(d, d.add(offset, size), slots.size)",
            "d.add(ceil_div(d, d.add(offset, size), slots.size), d.lit(1))",
        ),
        Mutant(
            "end-slot-of-the-region",
            geometry.end_slot,
            "ceil_div(d, d.add(offset, size), slots.size)",
            "slots.count",
        ),
        Mutant(
            "slot-reaches-the-end",
            geometry.slot_length,
            "slots.size)",
            "d.select(d.eq(index, d.lit(0)), slots.size, "
            "d.sub(region, slot_start(d, slots, index))))",
        ),
        Mutant(
            "single-slot-too-large",
            geometry.realized_memslots,
            "size=region",
            "size=maximum(d, region, d.lit(MIN_MEMSLOT_SIZE))",
        ),
        Mutant(
            "huge-page-for-any-backend",
            geometry.default_block_size,
            "d.eq(page, host_page)",
            "d.eq(page, page)",
        ),
        Mutant(
            "default-ignores-page",
            geometry.default_block_size,
            "maximum(d, page, d.select(ordinary, thp, d.lit(MIN_BLOCK_SIZE)))",
            "d.select(ordinary, thp, d.lit(MIN_BLOCK_SIZE))",
        ),
        Mutant(
            "first-slot-one-more",
            geometry.first_slot,
            "d.div(offset, slots.size)",
            "d.add(d.div(offset, slots.size), d.lit(1))",
        ),
        Mutant(
            "align-up-rounds-down",
            arithmetic.align_up,
            "d.add(n, d.sub(m, d.lit(1)))",
            "n",
        ),
        Mutant("align-up-one-too-far", arithmetic.align_up, "d.sub(m, d.lit(1))", "m"),
        Mutant("align-down-keeps-rest", arithmetic.align_down, "d.mul(d.div(n, m), m)", "n"),
        Mutant("ceil-div-rounds-down", arithmetic.ceil_div, "d.add(n, d.sub(m, d.lit(1)))", "n"),
        Mutant(
            "everything-aligned",
            arithmetic.is_aligned,
            "d.eq(d.mod(n, m), d.lit(0))",
            "d.le(d.mod(n, m), n)",
        ),
        Mutant("minimum-is-larger", arithmetic.minimum, "d.lt(a, b), a, b", "d.lt(a, b), b, a"),
        Mutant("maximum-is-smaller", arithmetic.maximum, "d.lt(b, a), a, b", "d.lt(b, a), b, a"),
        Mutant(
            "share-may-be-none",
            _LIMIT,
            "maximum(d, memslot_proportion(d, memslots, c.size, available), d.lit(1))",
            "memslot_proportion(d, memslots, c.size, available)",
        ),
        Mutant(
            "share-upside-down",
            caller.memslot_proportion,
            "d.double(size))\n    return d.double_quotient(product, d.double(available))",
            "d.double(available))\n    return d.double_quotient(product, d.double(size))",
        ),
        Mutant(
            "soft-limit-ignored",
            _LIMIT,
            "minimum(d, left, d.sub(c.free, reserved))",
            "d.sub(c.free, reserved)",
        ),
        Mutant("no-memslot-left", _LIMIT, "d.le(c.free, reserved)", "d.lt(c.free, reserved)"),
        Mutant(
            "promised-memslots-ignored",
            _LIMIT,
            "d.sub(d.lit(SOFT_MEMSLOT_LIMIT), c.required)",
            "d.lit(SOFT_MEMSLOT_LIMIT)",
        ),
        Mutant("reserve-ignored", _LIMIT, "d.sub(c.free, reserved)", "c.free"),
        Mutant(
            "free-memslots-not-asked",
            machine.addable,
            "d.lt(m.kvm_free, due)",
            "d.lt(m.kvm_max, due)",
        ),
        Mutant("vhost-not-asked", machine.addable, " or d.test(d.lt(m.vhost_free, due))", ""),
        Mutant("reserve-not-asked", machine.addable, "d.add(count, reserved_of(d, m))", "count"),
        Mutant(
            "several-counted-as-one",
            machine.with_device,
            "several=d.add(m.several, count)",
            "several=d.add(m.several, d.lit(1))",
        ),
        Mutant("space-not-asked", machine.addable, "d.le(end, m.device_space)", "d.truth(True)"),
        Mutant(
            "unplugged-stays-mapped",
            machine.without_device,
            "with_unmapped(d, m, device.mapped)",
            "m",
        ),
        Mutant(
            "unplugged-twice",
            machine.without_device,
            "several=d.sub(m.several, device.count)",
            "several=d.sub(d.sub(m.several, device.count), device.count)",
        ),
        Mutant(
            "mapped-twice",
            machine.with_mapped,
            "used=d.add(m.used, number)",
            "used=d.add(d.add(m.used, number), number)",
        ),
        Mutant(
            "unmapped-is-not-free",
            machine.with_unmapped,
            "vhost_free=d.add(m.vhost_free, number)",
            "vhost_free=m.vhost_free",
        ),
        Mutant(
            "coarser-slots-allowed",
            invariants.slots_as_fine_as_allowed,
            "d.either(d.lt(finer, least), short)",
            "d.truth(True)",
        ),
        Mutant(
            "one-slot-always-allowed",
            invariants.slots_as_fine_as_allowed,
            "d.le(g.region, least)",
            "d.truth(True)",
        ),
    )
}
