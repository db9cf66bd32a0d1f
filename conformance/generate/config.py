"""Configurations at the boundaries of what a device accepts."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any, Final

from conformance.generate.choices import Choices
from model.arithmetic import GIB, MIB, TIB, U64_MASK
from model.caller import UNLIMITED
from model.geometry import MIN_MEMSLOT_SIZE
from model.profiles import Profile
from model.state import USABLE_EXTENT_X86, Config

LIMITS: Final = (1, 2, 3, 7, 255, 256, 65535)
"""Memslots: none of its own, few, and both sides of the caller's 256 and of a uint16_t."""
LARGEST_REGION: Final = 16 * TIB
USUAL_ADDR: Final = 1 << 40
ACROSS: Final = (63, 53, 32)
"""Powers of two: where signed numbers end, the whole numbers of a double, and unsigned ints."""

Given = Mapping[str, int | bool]
"""Fields of a Config that are not to be chosen."""


def choose_config(choices: Choices, profile: Profile, given: Given | None = None) -> Config:
    """A configuration of the profile with the `given` fields as they are.

    Chosen fields fit together; whether given ones do is for the model to say (`model.device.fix`),
    so that nonsense given (a block of 0 bytes) passes through here.
    """
    values: dict[str, Any] = dict(given or {})

    def settle(name: str, chosen: int) -> int:
        return int(values.setdefault(name, chosen))

    values |= _modes(choices, profile, values)
    block = settle("block", _block(choices, values))
    limit = settle("limit", _limit(choices))
    unit = max(block, 1)
    region = settle("region", _region(choices, unit, limit))
    settle("requested", _requested(choices, region, unit))
    settle("addr", _addr(choices, region, unit))
    settle("extent", choices.pick([(3, USABLE_EXTENT_X86), (2, GIB)]))
    settle("page", choices.pick([(6, 4096)] + [(1, p) for p in (2 * MIB, GIB) if p <= block]))
    values.setdefault("prealloc", choices.chance(25))
    return Config(**values)


def _modes(choices: Choices, profile: Profile, values: dict[str, Any]) -> dict[str, bool]:
    """`option` and `inaccessible`, a pair that the profile permits where one is left open."""
    permitted = []
    for weight, option, inaccessible in (
        (12, True, True),
        (6, True, False),
        (1, False, True),
        (1, False, False),
    ):
        pair = {"option": option, "inaccessible": inaccessible}
        if any(values.get(name, value) != value for name, value in pair.items()):
            continue
        try:
            profile.mapping_for(**pair)
        except ValueError:
            continue
        permitted.append((weight, pair))
    return choices.pick(permitted) if permitted else {}


def _block(choices: Choices, values: dict[str, Any]) -> int:
    """A block size that divides the sizes given: most often a small one, rarely above 1 GiB."""
    options = [(6, MIB), (5, 2 * MIB), (2, GIB), (1, 2 * GIB), (1, 64 * GIB)]
    options += [(1, MIB << shift) for shift in range(2, 10)]
    common = gcd(*(values[name] for name in ("region", "requested", "addr") if name in values))
    floor = values.get("page", 0)
    fitting = [(weight, b) for weight, b in options if common % b == 0 and b >= floor]
    return choices.pick(fitting or [(1, MIB)])


def _limit(choices: Choices) -> int:
    boundaries = [(2, limit) for limit in (256, *LIMITS)]
    return choices.pick([*boundaries, (1, UNLIMITED), (1, 0)]) or choices.integer(1, 512)


def _region(choices: Choices, block: int, limit: int) -> int:
    """Bytes, from one block to 16 TiB: whole memslots, a short last one, exactly one, anything."""
    slot = max(block, MIN_MEMSLOT_SIZE)
    most = max(LARGEST_REGION // slot, 2)
    kind = choices.pick(
        [
            (1, "block"),
            (2, "blocks"),
            (3, "whole"),
            (8, "short"),
            (1, "one"),
            (2, "any"),
            (1, "largest"),
        ]
    )
    if kind == "block":
        return block
    if kind == "blocks":
        return block * choices.integer(1, 8)
    if kind == "one":
        return slot
    if kind == "largest":
        return max(LARGEST_REGION // block, 1) * block
    if kind == "any":
        return block * choices.integer(1, max(LARGEST_REGION // block, 1))
    # A region of `count` memslots of the smallest size, or of `limit` larger ones.
    count = choices.pick([(6, choices.integer(2, 8)), (2, choices.integer(2, min(most, 300)))])
    if kind == "whole":
        return slot * count
    share = slot * choices.pick([(3, 1), (1, choices.integer(1, 5))])
    tail = choices.pick([(1, 1), (1, share // block - 1), (1, choices.integer(1, share // block))])
    return min(share * min(count, limit + 1), LARGEST_REGION) + block * max(tail, 1)


def _requested(choices: Choices, region: int, block: int) -> int:
    kind = choices.pick([(3, "whole"), (2, "block"), (2, "nothing"), (4, "any")])
    if kind == "any":
        return block * choices.integer(0, region // block)
    return {"whole": region, "block": block, "nothing": 0}[kind]


def _addr(choices: Choices, region: int, block: int) -> int:
    """Most often an ordinary address; else the lowest and the highest there are, and regions across
    addresses that do not fit where a device might keep them."""
    highest = (U64_MASK - region) // block * block
    usual = min(USUAL_ADDR, highest) // block * block
    power = 1 << choices.pick([(1, power) for power in ACROSS])
    half = max(region // 2 // block * block, block)
    around = min(max(power - half, 0), highest) // block * block
    return choices.pick([(8, usual), (2, highest), (2, around), (1, 0)])
