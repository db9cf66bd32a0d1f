"""What must be alike of the core's function: the limit that it hands to the decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from model.arithmetic import GIB, MIB, minimum
from model.caller import SAFE_MAX_MEMSLOTS, UNLIMITED, MemslotDemand, decision_limit
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.device import BACKEND
from smt_proofs.source.evaluation import Pointer
from smt_proofs.source.inputs import Inputs


def device_fits(d: Any, x: Inputs) -> Iterator[tuple[str, Any]]:
    """As theorem caller_limit_is_sane has it: any other device is refused right after."""
    space = d.sub(x.maxram, x.boot)
    kept = d.both(d.le(x.boot, x.maxram), d.le(x.used_space, space))
    fits = d.both(d.le(d.lit(1), x.region), d.le(x.region, d.sub(space, x.used_space)))
    yield (
        "the machine has memory for devices, and the device fits what is left of it",
        (d.both(kept, fits)),
    )


def limits(c: Case) -> list[Claim]:
    """The number of memslots that the device may have at most."""
    d, x = c.d, c.x
    c.set(
        **{
            "maxram_size": x.maxram,
            "ram_size": x.boot,
            "device_memory.required_memslots": x.required,
            "device_memory.used_memslots": x.used,
            "device_memory.used_region_size": x.used_space,
        }
    )
    most, free = x.vhost_max, x.vhost_free
    if d.test(x.kvm):
        most, free = minimum(d, most, x.kvm_max), minimum(d, free, x.kvm_free)
    space = d.sub(x.maxram, x.boot)
    demand = MemslotDemand(x.region, space, x.used_space, x.required, x.used, most, free)
    # The rule goes first: what it divides is known to fit.
    want = decision_limit(d, demand)
    got = c.call(Pointer(BACKEND, d.truth(True)))
    return [c.equal("limit", got, want), *c.unchanged()]


def machines(random: Random, x: Inputs) -> Inputs:
    """A machine around the device: its numbers often at or beside bounds and each other."""

    def count(*others: int) -> int:
        near = random.choice([0, 1, 255, 256, SAFE_MAX_MEMSLOTS, 32764, UNLIMITED, *others])
        return min(max(near + random.choice([0, 0, 1, -1]), 0), UNLIMITED)

    unit = random.choice([128 * MIB, GIB, GIB, MIB, 1 << 50])
    region = unit * random.randint(1, 300) + random.choice([0, 0, 0, 1])
    used_space = random.choice([0, 0, unit * random.randint(0, 300)])
    boot = random.choice([0, unit * random.randint(1, 300)])
    left = random.choice([0, unit * random.randint(0, 300)])
    used = random.choice([0, count()])
    required = random.choice([used, used + random.randint(0, 300), count()]) & UNLIMITED
    return replace(
        x,
        # What the core does not read.
        **dict.fromkeys(("block", "slot_size", "count", "page", "default_block"), 0),
        region=region,
        maxram=boot + used_space + region + left,
        boot=boot,
        used_space=used_space,
        required=required,
        used=used,
        vhost_max=count(),
        vhost_free=count(abs(required - used)),
        kvm_max=count(),
        kvm_free=count(abs(required - used)),
        kvm=random.random() < 0.7,
    )
