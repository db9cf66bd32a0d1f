"""What must be alike of the functions around the requests: what they ask, answer and tell.

The functions that carry out a request are verified by themselves; here counts that they are asked,
and what becomes of their answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import z3

from model.answers import report_state, valid_range
from model.arithmetic import align_down, align_up, is_aligned
from model.mapping import range_plugged
from model.state import NO_FAULTS, Action, Answer, BlockState, Op
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.evaluation import Pointer
from smt_proofs.source.messages import (
    ASKED,
    DETACHED,
    FREED,
    HANDLERS,
    RESIZE,
    STATE_CHANGE,
    UNPLUG_ALL,
)
from smt_proofs.source.state_claims import RESPONSES
from smt_proofs.source.structs import SIZES

STATES: Final = {BlockState.PLUGGED: 0, BlockState.UNPLUGGED: 1, BlockState.MIXED: 2}
"""Source: VIRTIO_MEM_STATE_*."""
REQUEST: Final = SIZES["struct virtio_mem_req"]
RESPONSE: Final = SIZES["struct virtio_mem_resp"]
WAKE_UP: Final = 2
"""Source: RESET_TYPE_WAKEUP of include/hw/resettable.h."""


def is_busy(c: Case) -> list[Claim]:
    """Whether blocks may not change now."""
    x = c.x
    got = c.call()
    want = c.d.either(x.postcopy, x.running)
    return [Claim("answer", c.d.same_truth(got, want), got, want), *c.unchanged()]


def pointer_at(c: Case, path: str) -> Pointer:
    """A pointer to a place, which is there."""
    return Pointer(path, c.d.truth(True))


def _request(c: Case, *more: Any) -> None:
    """Call a handler with a request in the order of bytes that it has."""
    c.run.opaque |= ASKED - {c.function.name}
    c.run.memory |= {("request", "addr"): c.x.gpa, ("request", "nb_blocks"): c.x.blocks}
    c.call(pointer_at(c, "element"), *more)


def asks(c: Case, *want: tuple[str, tuple[Any, ...]]) -> list[Claim]:
    """These functions were asked, with these arguments, in order."""
    got = c.run.asked
    claims = [c.same_kind("what is asked", [name for name, _ in got], [n for n, _ in want])]
    alike = [n for n, _ in got] == [n for n, _ in want]
    for (name, given), (_, wanted) in zip(got, want, strict=True) if alike else ():
        for number, (a, b) in enumerate(zip(given, wanted, strict=True), 1):
            what = f"argument {number} of {name}"
            truth = isinstance(b, bool) or (isinstance(b, z3.ExprRef) and z3.is_bool(b))
            same = c.d.same_truth(a, b) if truth else c.d.eq(a, b)
            if isinstance(b, str):
                same = c.d.truth(a == b)
            claims.append(Claim(what, same, a, b))
    return claims


def _answered(c: Case, kind: Any, state: Any = None) -> list[Claim]:
    """One response is sent."""
    got = c.run.answers
    claims = [c.same_kind("how many responses are sent", len(got), 1)]
    for said, block_state in got:
        claims.append(c.equal("response", said, kind))
        if state is not None:
            claims.append(c.equal("block state", block_state, state))
    return claims


def handles(*, plug: bool) -> Callable[[Case], list[Claim]]:
    """A request to plug or unplug is carried out, and answered as that went."""

    def claims(c: Case) -> list[Claim]:
        _request(c, pointer_at(c, "request"))
        x = c.x
        return [
            *asks(c, (STATE_CHANGE, (x.gpa, x.blocks, c.d.truth(plug)))),
            *_answered(c, x.answer),
            *c.unchanged("asked", "answers"),
        ]

    return claims


def handles_all(c: Case) -> list[Claim]:
    """A request to unplug everything is carried out, and answered as that went."""
    _request(c)
    busy, ack = c.d.lit(RESPONSES[Answer.BUSY]), c.d.lit(RESPONSES[Answer.ACK])
    want = busy if c.d.test(c.x.fails) else ack
    return [
        *asks(c, (UNPLUG_ALL, ())),
        *_answered(c, want),
        *c.unchanged("asked", "answers"),
    ]


def reports(c: Case) -> list[Claim]:
    """The state of blocks is told."""
    d, x = c.d, c.x
    _request(c, pointer_at(c, "request"))
    action = Action(Op.STATE, addr=x.gpa, blocks=x.blocks, value=d.lit(0), faults=NO_FAULTS)
    want = report_state(d, c.fixed, c.state, action)
    state = None if want.block_state is None else d.lit(STATES[want.block_state])
    return [
        *_answered(c, d.lit(RESPONSES[want.answer]), state),
        *c.unchanged("answers"),
    ]


def configures(c: Case) -> list[Claim]:
    """What the driver reads of the configuration."""
    d, x = c.d, c.x
    c.call(pointer_at(c, "device"), pointer_at(c, "config"))
    want = {
        "block_size": x.block,
        "node_id": d.narrow(x.node, 16),
        "requested_size": x.requested,
        "plugged_size": x.size,
        "addr": x.addr,
        "region_size": x.region,
        "usable_region_size": x.usable,
    }
    got = {name: c.run.memory.get(("config", name)) for name in want}
    unset = sorted(name for name, value in got.items() if value is None)
    return [
        c.same_kind("fields that are not set", unset, []),
        *(c.equal(name, got[name], want[name]) for name in want if got[name] is not None),
        *c.unchanged(),
    ]


def requests_size(c: Case) -> list[Claim]:
    """The host sets the requested size: before the device is realized, or while it runs."""
    d, x = c.d, c.x
    c.run.opaque |= {RESIZE}
    c.call(*(pointer_at(c, name) for name in ("device", "visitor", "name", "opaque", "error")))
    requested, asked, refused, notified = x.requested, [], 0, 0
    if d.test(x.visits):
        fits = d.both(is_aligned(d, x.asked, x.block), d.le(x.asked, x.region))
        if not d.test(x.realized):
            requested = x.asked
        elif d.test(fits):
            if not d.test(d.eq(x.asked, x.requested)):
                asked, requested = [(RESIZE, (x.asked, d.truth(False)))], x.asked
            notified = 1
        else:
            refused = 1
    return [
        *asks(c, *asked),
        c.equal("requested size", c.run.fields["requested_size"], requested),
        c.same_kind("errors told to the host", c.run.refused, refused),
        c.same_kind("configuration changes told to the driver", c.run.notified, notified),
        *c.unchanged("requested_size", "asked", "refused", "notified"),
    ]


def resets(c: Case) -> list[Claim]:
    """A reset of the machine unplugs everything; a wake-up may leave all as it is."""
    d, x = c.d, c.x
    c.run.opaque |= {UNPLUG_ALL}
    c.call(pointer_at(c, "object"), x.reset)
    keeps = c.profile.wake_up_keeps and d.test(d.eq(x.reset, d.lit(WAKE_UP)))
    return [*asks(c, *([] if keeps else [(UNPLUG_ALL, ())])), *c.unchanged("asked")]


def dispatches(c: Case) -> list[Claim]:
    """One round of the queue: a request goes to the function for its type, and is given back.

    One that is too short, leaves too little room or is of no type that there is breaks the device,
    as `violate` has it.
    """
    d, x = c.d, c.x
    c.run.opaque |= {*HANDLERS}
    c.rounds = True
    c.call(pointer_at(c, "device"), pointer_at(c, "queue"))
    handler, broken = None, 0
    released: tuple[str, ...] = ()
    if d.test(x.waits):
        if d.test(d.le(d.lit(REQUEST), x.sent)) and d.test(d.le(d.lit(RESPONSE), x.room)):
            kinds = (h for n, h in enumerate(HANDLERS) if d.test(d.eq(x.request, d.lit(n))))
            handler = next(kinds, None)
        broken = int(handler is None)
        released = (DETACHED, FREED) if broken else (FREED,)
    return [
        *asks(c, *([] if handler is None else [(handler, ())])),
        c.same_kind("whether the next request is taken", c.again, handler is not None),
        c.same_kind("protocol violations told", c.run.broken, broken),
        c.same_kind("what becomes of the request", c.run.released, released),
        c.same_kind("requests taken from the queue", c.run.popped, 1),
        *c.unchanged("asked", "broken", "released", "popped"),
    ]


def tells_populated(c: Case) -> list[Claim]:
    """Whether listeners find all of a section of the region populated: its blocks, a part of one
    counting as all of it, are a valid range and plugged."""
    d, x = c.d, c.x
    mr = pointer_at(c, "memdev.mr")
    c.run.memory |= {
        ("section", "offset"): x.offset,
        ("section", "size"): x.length,
        ("section", "mr"): mr,
    }
    got = c.call(pointer_at(c, "manager"), pointer_at(c, "section"))
    offset_end = d.add(d.add(x.addr, x.offset), x.length)
    start = align_down(d, d.add(x.addr, x.offset), x.block)
    size = d.sub(align_up(d, offset_end, x.block), start)
    want = d.truth(False)
    if valid_range(d, c.fixed, c.state, start, size):
        want = range_plugged(d, c.fixed, x.plugged, d.sub(start, x.addr), size)
    return [Claim("answer", d.same_truth(got, want), got, want), *c.unchanged()]
