"""Which function of the source is which rule of the model, and what must be alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from model.arithmetic import align_up, minimum
from model.geometry import (
    DecisionInput,
    decide_memslots,
    default_block_size,
    effective_block,
    slot_length,
    slot_start,
)
from model.mapping import (
    mapped_after_unplug,
    mapped_for_plug,
    range_plugged,
    range_unplugged,
    resize_usable_region,
    usable_size,
)
from model.profiles import Mapping, Profile
from model.requests import plug, request_size, unplug, unplug_everything, valid_range
from model.state import NO_FAULTS, Action, Answer, Faults, Heard, Notice, Op, Result
from smt_proofs.source.device import Device
from smt_proofs.source.inputs import Inputs, device_fields, fixed, host, state
from smt_proofs.source.ir import Function, UnsupportedError
from smt_proofs.source.machine import Lookup, Machine, Pointer

RESPONSES: Final = {Answer.ACK: 0, Answer.NACK: 1, Answer.BUSY: 2, Answer.ERROR: 3}
"""Source: VIRTIO_MEM_RESP_*."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`holds`: source and model are alike in `what`; here is what each says."""

    what: str
    holds: Any
    source: Any = None
    model: Any = None


Hypotheses = Iterator[tuple[str, Any]]


class Case:
    """One function at its inputs, on the source's side and on the model's."""

    def __init__(
        self,
        d: Any,
        x: Inputs,
        profile: Profile,
        mapping: Mapping,
        run: Callable[..., Device],
        functions: Lookup,
        function: Function,
    ) -> None:
        self.d, self.x, self.profile, self.mapping = d, x, profile, mapping
        self.function = function
        self.fixed = fixed(d, x, profile, mapping)
        self.state = state(d, x)
        self.before = device_fields(d, x, mapping)
        self.run = run(d, functions, self.before, host(self.fixed, x), (x.plugged, x.mapped))
        self.run.opaque -= {function.name}
        self.arguments: tuple[Any, ...] = ()
        self.answer: Any = None
        if mapping is Mapping.STATIC:
            none = d.truth(False)
            self.run.pointers |= {p: Pointer(p, none) for p in ("mr", "memslots")}

    def set(self, **values: Any) -> None:
        """Fields that are otherwise before the call."""
        self.before |= values
        self.run.fields |= values

    def call(self, *arguments: Any) -> Any:
        """Run the source."""
        self.arguments = arguments
        self.answer = self.run.call(self.function, list(arguments))
        return self.answer

    def equal(self, what: str, source: Any, model: Any) -> Claim:
        """Two words are the same."""
        return Claim(what, self.d.eq(source, model), source, model)

    def alike(self, what: str, source: Any, model: Any) -> Claim:
        """Two sets are the same."""
        return Claim(what, self.d.same_members(source, model), source, model)

    def same_kind(self, what: str, source: Any, model: Any) -> Claim:
        """Two plain values are the same."""
        return Claim(what, self.d.truth(source == model), source, model)

    def unchanged(self, *but: str) -> list[Claim]:
        """All that the model does not speak of stays as it was; `but` names what it speaks of."""
        run, x = self.run, self.x
        claims = []
        for name, value in self.before.items():
            now = run.fields[name]
            if name in but or now is value:
                continue
            if name in ("prealloc", "dynamic_memslots", "multiple_memslots"):
                claims.append(Claim(name, self.d.same_truth(now, value), now, value))
            else:
                claims.append(self.equal(name, now, value))
        for name, now, value in (
            ("plugged", run.plugged, x.plugged),
            ("mapped", run.mapped, x.mapped),
        ):
            if name not in but and now is not value:
                claims.append(self.alike(f"{name} set", now, value))
        if "events" not in but:
            told = [e for e in run.events if e.heard is not None]
            claims.append(self.same_kind("what listeners are told", _kinds(told), []))
        claims.append(self.same_kind("open transactions", run.depth, 0))
        return claims

    def told(self, notices: tuple[Notice[Any, Any], ...]) -> list[Claim]:
        """Listeners are told the same, in the same order, with the same sets at that moment.

        Where memslots do not follow the blocks nothing is mapped, and nothing told of it.
        """
        own = self.mapping is Mapping.PLUGGED
        mapping = (Heard.MAP, Heard.UNMAP)
        want = [n for n in notices if own or n.heard not in mapping]
        got = list(self.run.events)
        same = self.same_kind("what listeners are told, in order", _kinds(got), _kinds(want))
        claims = [same]
        for e, n in zip(got, want, strict=False):
            when = f" when listeners hear {n.heard.value}"
            claims.append(self.alike("plugged blocks" + when, e.plugged, n.plugged))
            claims.append(self.alike("mapped memslots" + when, e.mapped, n.mapped))
            if e.offset is not None and n.heard not in mapping:
                claims.append(self.equal("offset" + when, e.offset, n.offset))
                claims.append(self.equal("size" + when, e.size, n.size))
        return claims

    def concerns(self, offset: Any, size: Any) -> list[Claim]:
        """Host operations on memory concern this range."""
        return [
            claim
            for start, length in self.run.discarded
            for claim in (
                self.equal("offset of a host operation", start, offset),
                self.equal("size of a host operation", length, size),
            )
        ]


def _kinds(told: list[Any]) -> list[str]:
    return [e.heard.value if e.heard is not None else "outside a transaction" for e in told]


def _device(d: Any, x: Inputs) -> Hypotheses:
    one = d.lit(1)
    yield "the block size is not 0", d.le(one, x.block)
    yield "there is a memslot", d.le(one, x.count)
    yield "the memslot size is not 0", d.le(one, x.slot_size)


def _decision(d: Any, x: Inputs) -> Hypotheses:
    yield "the default block size is not 0", d.le(d.lit(1), x.default_block)


def _none(d: Any, x: Inputs) -> Hypotheses:
    yield from ()


def _blocks_fit(d: Any, x: Inputs) -> Hypotheses:
    yield from _device(d, x)
    yield "the range has a block", d.le(x.block, x.length)
    first = d.div(d.sub(x.gpa, x.addr), x.block)
    end = d.add(first, d.div(x.length, x.block))
    yield "block indices stay below 2^64", d.le(first, end)


def _bitmap_fits(d: Any, x: Inputs) -> Hypotheses:
    yield from _device(d, x)
    blocks = d.div(x.region, x.block)
    yield "the region has fewer than 2^31 blocks", d.lt(blocks, d.lit(1 << 31))
    yield "no block outside the region is plugged", d.all_below(x.plugged, blocks)


def _decide(c: Case) -> list[Claim]:
    d, x, zero = c.d, c.x, c.d.lit(0)
    c.set(nb_memslots=zero, memslot_size=zero)
    c.set(dynamic_memslots=x.option)
    c.run.pointers["memdev"] = Pointer("memdev", x.memdev)
    c.run.pointers["memdev.mr.ram_block"] = Pointer("memdev.mr.ram_block", x.ram)
    c.call(x.limit)
    given = DecisionInput(
        region=x.region,
        block=x.block,
        limit=x.limit,
        page=x.page,
        default_block=x.default_block,
        option=x.option,
        has_ram=d.both(x.memdev, x.ram),
    )
    # With the option off such a device has no memslots of its own, and decides nothing.
    count, size = zero, zero
    if c.profile.container_when_off or d.test(x.option):
        decided = decide_memslots(d, given)
        count, size = decided.count, decided.size
    block = effective_block(d, replace(given, block=c.run.fields["block_size"]))
    return [
        c.equal("number of memslots", c.run.fields["nb_memslots"], count),
        c.equal("memslot size", c.run.fields["memslot_size"], size),
        c.equal("block size", block, effective_block(d, given)),
        *c.unchanged("nb_memslots", "memslot_size", "block_size"),
    ]


def _get_memslots(c: Case) -> list[Claim]:
    got = c.call()
    return [c.equal("number of memslots", got, c.fixed.slots.count), *c.unchanged()]


def _default_block(c: Case) -> list[Claim]:
    x = c.x
    got = c.call(Pointer("memdev.mr.ram_block", c.d.truth(True)))
    want = default_block_size(c.d, x.page, x.host_page, x.thp)
    return [c.equal("default block size", got, want), *c.unchanged()]


def _valid(c: Case) -> list[Claim]:
    got = c.call(c.x.gpa, c.x.length)
    want = c.d.truth(valid_range(c.d, c.fixed, c.state, c.x.gpa, c.x.length))
    return [Claim("answer", c.d.same_truth(got, want), got, want), *c.unchanged()]


def _range(rule: Callable[..., Any]) -> Callable[[Case], list[Claim]]:
    def claims(c: Case) -> list[Claim]:
        d, x = c.d, c.x
        got = c.call(x.gpa, x.length)
        want = rule(d, c.fixed, x.plugged, d.sub(x.gpa, x.addr), x.length)
        return [Claim("answer", d.same_truth(got, want), got, want), *c.unchanged()]

    return claims


def _marked(*, plugged: bool) -> Callable[[Case], list[Claim]]:
    def claims(c: Case) -> list[Claim]:
        d, x = c.d, c.x
        c.call(x.gpa, x.length)
        first = d.div(d.sub(x.gpa, x.addr), x.block)
        change = d.filled if plugged else d.cleared
        want = change(x.plugged, first, d.add(first, d.div(x.length, x.block)))
        return [c.alike("plugged blocks", c.run.plugged, want), *c.unchanged("plugged")]

    return claims


def _followed(rule: Callable[[Case], Any], heard: Heard) -> Callable[[Case], list[Claim]]:
    def claims(c: Case) -> list[Claim]:
        c.call(c.x.offset, c.x.length)
        told = [heard.value] if c.mapping is Mapping.PLUGGED else []
        return [
            c.alike("mapped memslots", c.run.mapped, rule(c)),
            c.same_kind("what listeners are told", _kinds(list(c.run.events)), told),
            *c.unchanged("mapped", "events"),
        ]

    return claims


def _plug_maps(c: Case) -> Any:
    return mapped_for_plug(c.d, c.fixed, c.x.mapped, c.x.offset, c.x.length)


def _unplug_unmaps(c: Case) -> Any:
    x = c.x
    return mapped_after_unplug(c.d, c.fixed, x.mapped, x.plugged, x.offset, x.length)


def _prepare(c: Case) -> list[Claim]:
    d, x = c.d, c.x
    c.run.pointers["memslots"] = Pointer("memslots", d.truth(False))
    c.call()
    slots = c.fixed.slots

    def shows(index: Any) -> Any:
        parts = c.run.aliases(index)
        if not d.test(d.lt(index, slots.count)):
            return d.truth(not parts)
        if len(parts) != 1:
            return d.truth(False)
        (offset, size) = parts[0]
        starts = d.eq(offset, slot_start(d, slots, index))
        return d.both(starts, d.eq(size, slot_length(d, slots, x.region, index)))

    # On machine integers a few indices past the last memslot stand for the rest.
    end = x.count + 2 if isinstance(x.count, int) else d.lit(1 << 32)
    made = d.lit(0) if c.run.allocated is None else c.run.allocated
    every = d.every_index(end, shows)
    seen = [c.run.aliases(i) for i in range(end)] if isinstance(end, int) else None
    want = (
        [[(slot_start(d, slots, i), slot_length(d, slots, x.region, i))] for i in range(x.count)]
        if isinstance(end, int)
        else None
    )
    return [
        c.equal("number of memslots made", made, slots.count),
        Claim("offset and size of each memslot", every, seen, want),
        *c.unchanged(),
    ]


def _resize(c: Case) -> list[Claim]:
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
        *c.unchanged("usable_region_size", "mapped"),
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
    """The sets, what listeners are told, and where host operations take place."""
    d, x = c.d, c.x
    want = result.state
    action = Action(Op.PLUG, x.gpa, x.blocks, d.lit(0), NO_FAULTS)
    return [
        c.alike("plugged blocks", c.run.plugged, want.plugged),
        c.alike("mapped memslots", c.run.mapped, want.mapped),
        *c.told(result.notices),
        *c.concerns(d.sub(x.gpa, x.addr), request_size(d, c.fixed, action)),
    ]


def _request(c: Case) -> list[Claim]:
    plugs, result = _requested(c)
    got = c.call(c.x.gpa, c.x.blocks, c.d.truth(plugs))
    want = RESPONSES[result.answer]
    names = {number: answer.value for answer, number in RESPONSES.items()}
    said = names.get(got, got) if isinstance(got, int) else got
    return [
        Claim("answer", c.d.eq(got, c.d.lit(want)), said, result.answer.value),
        *_outcome(c, result),
        c.equal("plugged size", c.run.fields["size"], result.state.size),
        *c.unchanged("size", "plugged", "mapped", "events"),
    ]


def _block_state(c: Case) -> list[Claim]:
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


def _unplug_all(c: Case) -> list[Claim]:
    d, x = c.d, c.x
    c.set(bitmap_size=d.div(x.region, x.block))
    faults = Faults(x.discard_fails, x.prealloc_fails, x.populate_fails)
    want = unplug_everything(d, c.fixed, c.state, faults)
    got = c.call()
    # What a resize does to memslots has a transaction of its own, which no notice stands for.
    resized = c.mapping is Mapping.USABLE
    c.run.events = tuple(e for e in c.run.events if not (resized and e.heard is None))
    return [
        _succeeds(c, got, want),
        c.alike("plugged blocks", c.run.plugged, want.state.plugged),
        c.alike("mapped memslots", c.run.mapped, want.state.mapped),
        *c.told(want.notices),
        *c.concerns(d.lit(0), x.region),
        c.equal("plugged size", c.run.fields["size"], want.state.size),
        c.equal("usable region size", c.run.fields["usable_region_size"], want.state.usable),
        *c.unchanged("size", "usable_region_size", "plugged", "mapped", "events"),
    ]


OWN: Final = frozenset({Mapping.PLUGGED, Mapping.USABLE})
"""Ways of mapping with memslots of the device's own."""
EVERY: Final = frozenset(Mapping)


@dataclass(frozen=True, slots=True)
class Rule:
    """A function of virtio-mem.c and the rule it must equal.

    `mappings` are the ways of mapping in which it is called, None where it does not matter.
    `arithmetic`: no sets are involved. `prototype` is its head, where a hunk may leave that out.
    """

    function: str
    rule: str
    claims: Callable[[Case], list[Claim]]
    hypotheses: Callable[[Any, Inputs], Hypotheses] = _device
    mappings: frozenset[Mapping] | None = EVERY
    arithmetic: bool = False
    prototype: str = ""


RULES: Final = (
    Rule(
        "virtio_mem_decide_memslots",
        "decide_memslots",
        _decide,
        _decision,
        mappings=None,
        arithmetic=True,
    ),
    Rule("virtio_mem_get_memslots", "Fixed.slots", _get_memslots),
    Rule(
        "virtio_mem_default_block_size",
        "default_block_size",
        _default_block,
        _none,
        mappings=None,
        arithmetic=True,
    ),
    Rule("virtio_mem_prepare_memslots", "slot_start, slot_length", _prepare, mappings=OWN),
    Rule(
        "virtio_mem_activate_memslots_to_plug",
        "mapped_for_plug",
        _followed(_plug_maps, Heard.MAP),
        mappings=OWN,
    ),
    Rule(
        "virtio_mem_deactivate_unplugged_memslots",
        "mapped_after_unplug",
        _followed(_unplug_unmaps, Heard.UNMAP),
        mappings=OWN,
    ),
    Rule(
        "virtio_mem_resize_usable_region",
        "resize_usable_region",
        _resize,
        prototype="static void virtio_mem_resize_usable_region("
        "VirtIOMEM *vmem, uint64_t requested_size, bool can_shrink)",
    ),
    Rule("virtio_mem_valid_range", "valid_range", _valid, mappings=None, arithmetic=True),
    Rule(
        "virtio_mem_is_range_plugged",
        "range_plugged",
        _range(range_plugged),
        _blocks_fit,
        mappings=None,
    ),
    Rule(
        "virtio_mem_is_range_unplugged",
        "range_unplugged",
        _range(range_unplugged),
        _blocks_fit,
        mappings=None,
    ),
    Rule(
        "virtio_mem_set_range_plugged",
        "filled, in plug",
        _marked(plugged=True),
        mappings=None,
    ),
    Rule(
        "virtio_mem_set_range_unplugged",
        "cleared, in unplug",
        _marked(plugged=False),
        mappings=None,
    ),
    Rule("virtio_mem_set_block_state", "plug, unplug past their checks", _block_state),
    Rule("virtio_mem_state_change_request", "plug, unplug", _request),
    Rule("virtio_mem_unplug_all", "unplug_everything", _unplug_all, _bitmap_fits),
)
"""In the order of the report."""
RULE_NAMED: Final = {rule.function: rule for rule in RULES}
PROTOTYPES: Final = {rule.function: rule.prototype for rule in RULES if rule.prototype}
