"""The inputs of the decision as theorems take them, and the memslots that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.arithmetic import MIB, is_aligned
from model.geometry import DecisionInput, decide_memslots, realized_memslots
from model.invariants import Layout
from smt_proofs.symbolic.evaluation import Terms

Input = DecisionInput[Any, Any]

ALL_WORDS: Final = "all regions, pages and default blocks of 64 bits, all blocks of 1 byte or more"


def any_input(d: Terms) -> Input:
    """All inputs with a block size: words of 64 bits, the limit of 32, both flags free.

    What a block size of 0 means is the matter of `default_block_as_if_configured`.
    """
    block = d.word("block")
    d.facts.append(d.lt(d.lit(0), block))
    return DecisionInput(
        region=d.word("region"),
        block=block,
        limit=d.word("limit", 32),
        page=d.word("page"),
        default_block=d.word("default_block"),
        option=d.flag("option"),
        has_ram=d.flag("has_ram"),
    )


def case(region: int, block: int, limit: int, page: int = 4096) -> DecisionInput[int, bool]:
    """Concrete inputs with the option on and a backend (bytes; limit in memslots)."""
    return DecisionInput(region, block, limit, page, 2 * MIB, option=True, has_ram=True)


def settled(d: Any, c: Input) -> tuple[Any, Layout[Any, Any]]:
    """Whether QEMU accepts the decision (it asserts a count of 1 or more), and the final memslots.

    Source of the assertion: patch hunk virtio_mem_get_memslots.
    """
    decided = decide_memslots(d, c)
    whole = d.both(d.le(c.page, c.block), is_aligned(d, c.region, c.block))
    several = d.both(d.both(c.option, c.has_ram), whole)
    slots = realized_memslots(d, c.region, decided)
    return d.le(d.lit(1), decided.count), Layout(c.region, c.block, c.limit, several, slots)


def of_settled(invariant: Callable[..., Any]) -> Callable[[Any, Input], Any]:
    """The claim that QEMU accepts the decision and the final memslots meet the invariant."""

    def goal(d: Any, c: Input) -> Any:
        accepted, layout = settled(d, c)
        return d.both(accepted, invariant(d, layout))

    return goal
