"""What Firecracker's functions must do: the rules of profile firecracker, over a run of the source.

What the profile does not speak of is assumed: it has no rule for a host that does not take memory
back, for an UNPLUG whose memslots cannot be unmapped, and Firecracker is never busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import z3

from model.answers import valid_range
from model.effects import Effect
from model.peers import peer_plug, peer_unplug
from model.profiles import FIRECRACKER, Mapping
from model.state import Action, Answer, Faults, Op, Result
from smt_proofs.rust.device import CONFIG_FIELDS, RustDevice
from smt_proofs.rust.run import RustRun
from smt_proofs.rust.syntax import RustSource
from smt_proofs.rust.values import Record, Thing, Variant
from smt_proofs.source.case import Claim
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.inputs import Inputs, fixed, state

LARGEST_BLOCK: Final = 1 << 47
"""Bytes: a request has fewer than 2^16 blocks, so that their size stays below 2^63."""
RESPONSES: Final = {Answer.ACK: "Response::ack", Answer.ERROR: "Response::error"}
ASSUMED: Final = (
    "the device is not busy",
    "the host takes memory back",
    "memslots can be unmapped",
    "numbers wrap, as in a release build",
)


def hypotheses(d: Any, x: Inputs) -> Iterator[tuple[str, Any]]:
    """What is assumed of the inputs. Source: Firecracker src/vmm/src/vmm_config/memory_hotplug.rs,
    which refuses other sizes; update_requested_size, which keeps the usable region in the region.
    """
    one = d.lit(1)
    yield "the block size is not 0", d.le(one, x.block)
    yield "the block size is at most 2^47", d.le(x.block, d.lit(LARGEST_BLOCK))
    yield "there is a memslot", d.le(one, x.count)
    yield "the memslot size is not 0", d.le(one, x.slot_size)
    yield "the usable region lies in the region", d.le(x.usable, x.region)
    yield "the region ends below 2^64", d.le(x.addr, d.wrapping_add(x.addr, x.region))


class RustCase:
    """One function at its inputs, on the source's side and on the model's."""

    def __init__(self, d: Any, x: Inputs, source: RustSource) -> None:
        no = d.truth(False)
        self.d, self.source = d, source
        self.x = replace(x, busy=no, prealloc=no, inaccessible=d.truth(True))
        self.fixed = fixed(d, self.x, FIRECRACKER, Mapping.PLUGGED)
        self.state = state(d, self.x)
        self.device = RustDevice(d, self.fixed, self.state, self.x)
        self.size = d.mul(x.blocks, x.block)
        if isinstance(d, SourceTerms):
            _know_size(d, self.x, self.size)

    def call(self, name: str, *more: Any) -> Any:
        """Run the source on the range of the request."""
        request = Record({"addr": self.x.gpa, "nb_blocks": self.x.blocks})
        return RustRun(self.source, self.device).follow(name, [request, *more], 0)

    def alike(self, result: Result[Any, Any, Any]) -> list[Claim]:
        """The device is left as the model has it, by the same effects in the same order."""
        d, got, want = self.d, self.device, result.state
        fields = {"plugged_size": want.size}
        claims = [
            _sets(d, "plugged blocks", got.plugged, want.plugged),
            _sets(d, "mapped memslots", got.mapped, want.mapped),
        ]
        for name, own in CONFIG_FIELDS.items():
            wanted = fields.get(name, getattr(self.x, own))
            claims.append(_words(d, name.replace("_", " "), got.config[name], wanted))
        done, due = ([e.did.value for e in side] for side in (got.effects, result.effects))
        claims.append(Claim("what is done, in order", d.truth(done == due), done, due))
        if done == due:
            for mine, its in zip(got.effects, result.effects, strict=True):
                claims += _effects(d, mine, its)
        return claims


def _know_size(d: SourceTerms, x: Inputs, size: Any) -> None:
    """What holds of the size of a request, which stays below 2^63, and which the domain leaves
    open; and how ends counted from the region's start order those counted from 0."""
    sane = z3.And(x.block != 0, z3.ULE(x.block, LARGEST_BLOCK))
    known = z3.And(
        (size == 0) == (x.blocks == 0), d.div(size, x.block) == x.blocks, d.le(x.blocks, size)
    )
    offset = d.sub(x.gpa, x.addr)
    end = d.add(offset, size)
    d.facts += [z3.Implies(sane, known)]
    d.facts += [shifted(x.addr, *pair) for pair in ((offset, x.usable), (end, x.usable))]
    d.facts.append(shifted(x.addr, offset, end))


def shifted(start: Any, near: Any, far: Any) -> Any:
    """Where start + far does not wrap, near <= far exactly where start + near lies between start
    and it: true of all words."""
    at, last = z3.simplify(start + near), z3.simplify(start + far)
    between = z3.And(z3.ULE(start, at), z3.ULE(at, last))
    return z3.Implies(z3.ULE(start, last), z3.ULE(near, far) == between)


def _words(d: Any, what: str, source: Any, model: Any) -> Claim:
    return Claim(what, d.eq(source, model), source, model)


def _sets(d: Any, what: str, source: Any, model: Any) -> Claim:
    return Claim(what, d.same_members(source, model), source, model)


def _effects(d: Any, mine: Effect[Any, Any, Any], its: Effect[Any, Any, Any]) -> list[Claim]:
    when = f" at {its.did.value}"
    return [
        _sets(d, "plugged blocks" + when, mine.plugged, its.plugged),
        _sets(d, "mapped memslots" + when, mine.mapped, its.mapped),
        _words(d, "offset" + when, mine.offset, its.offset),
        _words(d, "size" + when, mine.size, its.size),
        Claim("success" + when, d.same_truth(mine.done, its.done), mine.done, its.done),
    ]


def validates(c: RustCase) -> list[Claim]:
    """The range check: Ok where the range is valid, and nothing is changed."""
    valid = valid_range(c.d, c.fixed, c.state, c.x.gpa, c.size)
    got = c.call("validate_range")
    said = got.path if isinstance(got, Variant) else got
    want = "Ok" if valid else "Err"
    unchanged = Result(c.state, Answer.ACK)
    return [Claim("answer", c.d.truth(said == want), said, want), *c.alike(unchanged)]


def handles(name: str, rule: Callable[..., Result[Any, Any, Any]], op: Op) -> Any:
    """A request to plug or to unplug, up to its response."""

    def claims(c: RustCase) -> list[Claim]:
        d, x, no = c.d, c.x, c.d.truth(False)
        faults = Faults(no, no, x.populate_fails if op is Op.PLUG else no)
        if op is Op.UNPLUG:
            c.device.x = replace(c.device.x, populate_fails=no)
        want = rule(d, c.fixed, c.state, Action(op, x.gpa, x.blocks, d.lit(0), faults))
        where, used = Thing("resp_addr"), Thing("used_idx")
        got = c.call(name, where, used)
        sent = c.device.answers
        said = [answer[0].path if isinstance(answer[0], Variant) else "" for answer in sent]
        due = [RESPONSES[want.answer]]
        placed = all(answer[1] is where and answer[2] is used for answer in sent)
        ended = isinstance(got, Variant) and got.path == "Ok"
        return [
            Claim("responses", d.truth(said == due), said, due),
            Claim("where the response goes", d.truth(placed), placed, True),
            Claim("the queue goes on", d.truth(ended), ended, True),
            *c.alike(want),
        ]

    return claims


@dataclass(frozen=True, slots=True)
class RustRule:
    """A function of device.rs and the rule it must equal."""

    function: str
    rule: str
    claims: Callable[[RustCase], list[Claim]]


RULES: Final = (
    RustRule("validate_range", "valid_range", validates),
    RustRule(
        "handle_plug_request", "peer_plug", handles("handle_plug_request", peer_plug, Op.PLUG)
    ),
    RustRule(
        "handle_unplug_request",
        "peer_unplug",
        handles("handle_unplug_request", peer_unplug, Op.UNPLUG),
    ),
)
"""In the order of the report."""
RULE_NAMED: Final = {rule.function: rule for rule in RULES}
