"""What must be alike of the functions that change blocks, memslots and the usable region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.arithmetic import align_up, minimum
from model.effects import Did, Effect
from model.mapping import (
    mapped_after_unplug,
    mapped_for_plug,
    remapped,
    resize_usable_region,
    usable_size,
)
from model.profiles import Mapping
from model.requests import plug, unplug, unplug_everything
from model.state import Action, Answer, Faults, Op, Result
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.machine import Machine
from smt_proofs.source.typed import UnsupportedError

RESPONSES: Final = {Answer.ACK: 0, Answer.NACK: 1, Answer.BUSY: 2, Answer.ERROR: 3}
"""Source: VIRTIO_MEM_RESP_*."""


def asks_range(rule: Callable[..., Any]) -> Callable[[Case], list[Claim]]:
    """Whether a range is as the rule says."""

    def claims(c: Case) -> list[Claim]:
        d, x = c.d, c.x
        got = c.call(x.gpa, x.length)
        want = rule(d, c.fixed, x.plugged, d.sub(x.gpa, x.addr), x.length)
        return [Claim("answer", d.same_truth(got, want), got, want), *c.unchanged()]

    return claims


def marks(*, plugged: bool) -> Callable[[Case], list[Claim]]:
    """The blocks that are plugged once a range is marked."""

    def claims(c: Case) -> list[Claim]:
        d, x = c.d, c.x
        c.call(x.gpa, x.length)
        first = d.div(d.sub(x.gpa, x.addr), x.block)
        change = d.filled if plugged else d.cleared
        want = change(x.plugged, first, d.add(first, d.div(x.length, x.block)))
        return [c.alike("plugged blocks", c.run.plugged, want), *c.unchanged("plugged")]

    return claims


def follows(rule: Callable[[Case], Any], did: Did, *ahead: Any) -> Callable[[Case], list[Claim]]:
    """The memslots that are mapped once they follow a range, in a single transaction.

    `ahead` are arguments ahead of the range.
    """

    def claims(c: Case) -> list[Claim]:
        d, x = c.d, c.x
        c.call(*ahead, x.offset, x.length)
        mapped = rule(c)
        effect = Effect(did, x.plugged, mapped, x.offset, x.length, d.truth(True))
        return [
            c.alike("mapped memslots", c.run.mapped, mapped),
            *c.did((effect,) if c.mapping is Mapping.PLUGGED else ()),
            *c.unchanged("mapped", "events"),
        ]

    return claims


def maps_for_plug(c: Case) -> Any:
    """The rule ahead of plugging."""
    return mapped_for_plug(c.d, c.fixed, c.x.mapped, c.x.offset, c.x.length)


def unmaps_after_unplug(c: Case) -> Any:
    """The rule after unplugging."""
    x = c.x
    return mapped_after_unplug(c.d, c.fixed, x.mapped, x.plugged, x.offset, x.length)


def resizes(c: Case) -> list[Claim]:
    """The usable region, and the memslots that follow it."""
    d, x = c.d, c.x
    shrinks = d.test(x.can_shrink)
    want = resize_usable_region(d, c.fixed, c.state, x.asked, can_shrink=shrinks)
    head: list[Claim] = []

    def gap(machine: Machine) -> None:
        """The lines not shown make it 0 for no memory asked for, or leave: as the rule does."""
        if "newsize" not in machine.locals:
            raise UnsupportedError("lines not shown, ahead of which newsize is not set", 0)
        reach = align_up(d, minimum(d, x.region, d.add(x.asked, x.extent)), x.block)
        head.append(c.equal("size ahead of the lines not shown", machine.locals["newsize"], reach))
        machine.locals["newsize"] = usable_size(d, c.fixed, x.asked)

    c.run.gap = gap
    c.call(x.asked, d.truth(shrinks))
    if head and want is c.state:
        return head
    return [
        *head,
        c.equal("usable region size", c.run.fields["usable_region_size"], want.usable),
        c.alike("mapped memslots", c.run.mapped, want.mapped),
        *c.did(() if want is c.state else remapped(d, c.fixed, want)),
        *c.unchanged("usable_region_size", "mapped", "events"),
    ]


def _requested(c: Case) -> tuple[bool, Result[Any, Any, Any]]:
    """Whether the request plugs, and what the model makes of it."""
    d, x = c.d, c.x
    plugs = d.test(x.plug)
    op, rule = (Op.PLUG, plug) if plugs else (Op.UNPLUG, unplug)
    faults = Faults(x.discard_fails, x.prealloc_fails, x.populate_fails)
    action = Action(op, addr=x.gpa, blocks=x.blocks, value=d.lit(0), faults=faults)
    return plugs, rule(d, c.fixed, c.state, action)


def _outcome(c: Case, result: Result[Any, Any, Any]) -> list[Claim]:
    """The sets, and what is done on the way."""
    want = result.state
    return [
        c.alike("plugged blocks", c.run.plugged, want.plugged),
        c.alike("mapped memslots", c.run.mapped, want.mapped),
        *c.did(result.effects),
    ]


def requests(c: Case) -> list[Claim]:
    """A request to plug or to unplug."""
    plugs, result = _requested(c)
    got = c.call(c.x.gpa, c.x.blocks, c.d.truth(plugs))
    want = RESPONSES[result.answer]
    names = {number: answer.value for answer, number in RESPONSES.items()}
    said = names.get(got, got) if isinstance(got, int) else got
    return [
        Claim("answer", c.d.eq(got, c.d.lit(want)), said, result.answer.value),
        *_outcome(c, result),
        c.equal("plugged size", c.run.fields["size"], result.state.size),
        *c.told_size(changes=c.d.truth(result.answer is Answer.ACK)),
        *c.unchanged("size", "plugged", "mapped", "events", "sizes"),
    ]


def sets_block_state(c: Case) -> list[Claim]:
    """A request that its caller found valid: blocks, memslots, and the way back on a failure."""
    d, x = c.d, c.x
    plugs, result = _requested(c)
    if result.answer in (Answer.ERROR, Answer.NACK):
        # The caller does not get here.
        return []
    got = c.call(x.gpa, d.mul(x.blocks, x.block), d.truth(plugs))
    return [
        _succeeds(c, got, result),
        *_outcome(c, result),
        *c.unchanged("plugged", "mapped", "events"),
    ]


def _succeeds(c: Case, got: Any, result: Result[Any, Any, Any]) -> Claim:
    """0 stands for ACK, anything else for BUSY."""
    d = c.d
    done = d.eq(got, d.lit(0))
    same = d.same_truth(done, d.truth(result.answer is Answer.ACK))
    return Claim("answer", same, _returned(got), result.answer.value)


def _returned(got: Any) -> Any:
    """An int as C prints it."""
    return got - (1 << 64) if isinstance(got, int) and got >> 63 else got


def unplugs_all(c: Case) -> list[Claim]:
    """UNPLUG_ALL, and what a reset of the system does."""
    d, x = c.d, c.x
    c.set(bitmap_size=d.div(x.region, x.block))
    faults = Faults(x.discard_fails, x.prealloc_fails, x.populate_fails)
    want = unplug_everything(d, c.fixed, c.state, faults)
    emptied = want.answer is Answer.ACK and d.test(d.lt(d.lit(0), x.size))
    got = c.call()
    return [
        _succeeds(c, got, want),
        c.alike("plugged blocks", c.run.plugged, want.state.plugged),
        c.alike("mapped memslots", c.run.mapped, want.state.mapped),
        *c.did(want.effects),
        c.equal("plugged size", c.run.fields["size"], want.state.size),
        c.equal("usable region size", c.run.fields["usable_region_size"], want.state.usable),
        *c.told_size(changes=d.truth(emptied)),
        *c.unchanged("size", "usable_region_size", "plugged", "mapped", "events", "sizes"),
    ]
