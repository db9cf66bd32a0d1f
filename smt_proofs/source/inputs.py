"""What a function is run on: the device, its state, the arguments and the host, in one record."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from model.geometry import Memslots
from model.profiles import Mapping, Profile
from model.state import Faults, Fixed, State
from smt_proofs.source.domain import SLOT_BITS, SourceTerms
from smt_proofs.source.host import Host

ON, OFF = 1, 2
"""ON_OFF_AUTO_ON and ON_OFF_AUTO_OFF."""
NARROW: Final = {
    "count": 16,
    "limit": 32,
    "blocks": 16,
    "thp": 32,
    "node": 32,
    "reset": 32,
    "answer": 16,
    "failure": 31,
    "request": 16,
    "required": 32,
    "used": 32,
    "vhost_max": 32,
    "vhost_free": 32,
    "kvm_max": 32,
    "kvm_free": 32,
}
"""The numbers of fewer than 64 bits."""
FLAGS: Final = frozenset(
    {
        "option",
        "memdev",
        "ram",
        "busy",
        "prealloc",
        "inaccessible",
        "discard_fails",
        "prealloc_fails",
        "populate_fails",
        "plug",
        "can_shrink",
        "postcopy",
        "running",
        "realized",
        "visits",
        "fails",
        "waits",
        "early",
        "ignored",
        "advised",
        "kvm",
    }
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Sizes and addresses are bytes; `count` and `limit` memslots, `blocks` blocks.

    `region` to `count` are the device, `usable` to `mapped` its state, `gpa` (guest physical),
    `offset` (into the region), `length`, `blocks`, `asked` (a requested size), `limit`, `plug` and
    `can_shrink` the arguments; the rest is the host. `answer` and `fails` are what functions that
    are verified by themselves answer, `reset` the type of a reset, `realized` whether the device
    is, `visits` whether a property's value could be read, `running` and `postcopy` (memory comes in
    on demand) what migration does. An operation that fails returns -1 - `failure`. `waits` is
    whether a request waits in the queue, `request` its type, `sent` and `room` the bytes that the
    driver gives to be read and to be written. `early`: the device's state was loaded ahead of
    memory; `ignored`: memory is not loaded but shared; `advised`: postcopy may come. `maxram` to
    `kvm` are what the core of memory devices reads of the machine: bytes, and memslots promised to
    devices and mapped by them, and the most and the free ones of vhost and of KVM, if `kvm`.
    """

    region: Any
    block: Any
    addr: Any
    extent: Any
    slot_size: Any
    count: Any
    usable: Any
    requested: Any
    size: Any
    page: Any
    host_page: Any
    thp: Any
    default_block: Any
    gpa: Any
    offset: Any
    length: Any
    blocks: Any
    asked: Any
    limit: Any
    option: Any
    memdev: Any
    ram: Any
    busy: Any
    prealloc: Any
    inaccessible: Any
    discard_fails: Any
    prealloc_fails: Any
    populate_fails: Any
    plug: Any
    can_shrink: Any
    node: Any
    reset: Any
    answer: Any
    failure: Any
    postcopy: Any
    running: Any
    realized: Any
    visits: Any
    fails: Any
    waits: Any
    request: Any
    sent: Any
    room: Any
    early: Any
    ignored: Any
    advised: Any
    maxram: Any
    boot: Any
    used_space: Any
    required: Any
    used: Any
    vhost_max: Any
    vhost_free: Any
    kvm_max: Any
    kvm_free: Any
    kvm: Any
    plugged: Any
    mapped: Any


def any_inputs(d: SourceTerms) -> Inputs:
    """All inputs."""
    named = [f.name for f in fields(Inputs) if f.name not in ("plugged", "mapped")]
    values = {n: d.flag(n) if n in FLAGS else d.word(n, NARROW.get(n, 64)) for n in named}
    sets = {"plugged": d.named("plugged", 64), "mapped": d.named("mapped", SLOT_BITS)}
    return Inputs(**values, **sets)


def fixed(d: Any, x: Inputs, profile: Profile, mapping: Mapping) -> Fixed[Any, Any]:
    """The device as the model has it."""
    static = mapping is Mapping.STATIC
    slots = Memslots(d.lit(1), x.region) if static else Memslots(x.count, x.slot_size)
    inaccessible = x.inaccessible if static else d.truth(mapping is Mapping.PLUGGED)
    return Fixed(
        profile=profile,
        mapping=mapping,
        slots=slots,
        region=x.region,
        block=x.block,
        addr=x.addr,
        extent=x.extent,
        start_requested=x.requested,
        inaccessible=inaccessible,
        prealloc=x.prealloc,
    )


def state(d: Any, x: Inputs) -> State[Any, Any, Any]:
    """The state as the model has it."""
    return State(
        plugged=x.plugged,
        mapped=x.mapped,
        size=x.size,
        requested=x.requested,
        usable=x.usable,
        busy=x.busy,
        accepted=d.truth(False),
        broken=d.truth(False),
        realized=d.truth(True),
    )


def host(f: Fixed[Any, Any], x: Inputs) -> Host:
    """What surrounds the device."""
    faults = Faults(x.discard_fails, x.prealloc_fails, x.populate_fails)
    return Host(f, x.page, x.host_page, x.thp, x.default_block, x.busy, faults, x)


def device_fields(d: Any, x: Inputs, mapping: Mapping) -> dict[str, Any]:
    """The fields of VirtIOMEM; a static region has no memslots of its own."""
    static = mapping is Mapping.STATIC
    kept = x.inaccessible if static else d.truth(mapping is Mapping.PLUGGED)
    return {
        "nb_memslots": d.lit(0) if static else x.count,
        "memslot_size": d.lit(0) if static else x.slot_size,
        "addr": x.addr,
        "usable_region_size": x.usable,
        "size": x.size,
        "requested_size": x.requested,
        "block_size": x.block,
        "node": x.node,
        "unplugged_inaccessible": d.lit(ON) if d.test(kept) else d.lit(OFF),
        "prealloc": x.prealloc,
        "dynamic_memslots": d.truth(not static),
        "multiple_memslots": x.option,
        "early_migration": x.early,
    }
