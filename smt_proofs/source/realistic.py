"""A difference shown again on a device that somebody could have, smallest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from itertools import product
from typing import Any, Final, Protocol, TypeVar

from model.arithmetic import GIB, MIB, TIB
from model.extents import Extents
from smt_proofs.source.inputs import FLAGS, Inputs

ADDR: Final = 4 * GIB
"""Where the region of a device starts that is the only one above the boot memory."""
PAGE: Final = 4096
SCALED: Final = (
    "region",
    "extent",
    "slot_size",
    "usable",
    "requested",
    "size",
    "offset",
    "length",
    "asked",
)
"""Bytes that grow with the block."""
SMALL: Final = (2 * MIB, 128 * MIB, GIB)
"""Block sizes of devices that a function only computes with."""


class Shown(Protocol):
    """A difference: the inputs, and what differs."""

    @property
    def inputs(self) -> Inputs:
        """Where it is seen."""

    @property
    def what(self) -> str:
        """What differs."""


Found = TypeVar("Found", bound=Shown)


def realistic(x: Inputs) -> bool:
    """A device of at most 1 TiB and 256 memslots, blocks from 2 MiB to 1 GiB or of the usual size,
    and nothing near the end of the words."""
    block = x.block or 2 * MIB
    sizes = (x.region, x.extent, x.slot_size, x.usable, x.requested, x.size, x.length, x.asked)
    return (
        2 * MIB <= block <= GIB
        and block & (block - 1) == 0
        and x.region % block == 0
        and max(sizes) <= TIB
        and max(x.addr, x.gpa, x.offset) <= 64 * TIB
        and max(x.count, x.limit) <= 256
    )


def believable(
    found: Found, again: Callable[[Inputs], Found | None], *, arithmetic: bool = False
) -> Found:
    """The difference on a realistic device if the same is seen on one of those tried."""
    if realistic(found.inputs):
        return found
    tried = numbers() if arithmetic else scaled(found.inputs)
    for x in tried:
        if realistic(x):
            other = again(x)
            if other is not None and other.what == found.what:
                return other
    return found


def scaled(x: Inputs) -> Iterator[Inputs]:
    """The same device and state with larger or smaller blocks: those whose memslots have 1 GiB or
    more ahead, as every device with several memslots has."""
    if x.block <= 0:
        return
    group = max(x.slot_size // x.block, 1)
    sizes = [2 * MIB << power for power in range(10)]
    for block in sorted(sizes, key=lambda size: (size * group < GIB, size)):
        values: dict[str, Any] = {name: getattr(x, name) * block // x.block for name in SCALED}
        values |= {"block": block, "default_block": 2 * MIB, "addr": ADDR}
        values["gpa"] = max(ADDR + (x.gpa - x.addr) * block // x.block, 0)
        yield replace(x, **values)
        # Other addresses are right where the function counts from the start of the region.
        yield replace(x, **values | {"extent": 256 * MIB})
        yield replace(x, **values | {"addr": 0, "gpa": max(values["gpa"] - ADDR, 0)})


def numbers() -> Iterator[Inputs]:
    """Devices and requests for a function that only computes, at and beside its bounds."""
    nothing: dict[str, Any] = {
        field.name: field.name not in FLAGS and 0 for field in fields(Inputs)
    }
    nothing |= {"option": True, "memdev": True, "ram": True}
    nothing |= {"plugged": Extents(), "mapped": Extents()}
    for block, blocks, limit in product(SMALL, (1, 3, 512), (1, 3, 256)):
        region = block * blocks
        usable = block * max(blocks - 1, 1)
        starts = (0, block, usable, region)
        for start, beside, length in product(starts, (0, 1, -1), (0, block, usable, region)):
            yield Inputs(
                **nothing
                | {
                    "region": region,
                    "block": block,
                    "addr": ADDR,
                    "extent": 256 * MIB,
                    "slot_size": region,
                    "count": 1,
                    "usable": usable,
                    "page": PAGE,
                    "host_page": PAGE,
                    "thp": 2 * MIB,
                    "default_block": 2 * MIB,
                    "gpa": ADDR + start + beside,
                    "offset": max(start + beside, 0),
                    "length": length,
                    "blocks": length // block,
                    "asked": length,
                    "can_shrink": beside == 0,
                    "limit": limit,
                }
            )
