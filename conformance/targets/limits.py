"""What a device says of the configurations that it can have, and the nearest one to a wish."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from math import lcm
from typing import Any, Final

from conformance.traces.dialect import Schema, closed, whole
from model.arithmetic import MIB, U64_MASK, UINT_BITS
from model.profiles import Profile
from model.state import Config

SIZES: Final = ("region", "block", "limit", "requested", "addr", "page", "extent")
SWITCHES: Final = ("option", "inaccessible", "prealloc")
IN_BLOCKS: Final = frozenset({"region", "requested", "addr"})
MOST_SLOTS: Final = (1 << UINT_BITS) - 1
MUST_BE: Final = {
    "region": "expected whole blocks, at least one and at least the least requested size",
    "limit": f"expected at least one within 1..{MOST_SLOTS} memslots",
    "requested": "expected whole blocks",
    "addr": "expected whole blocks, with the region after it below 2^64",
    "page": "expected a page size up to the block size",
    "extent": "expected a min up to the max",
}
"""What limits have to leave room for, by field."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The values of one field of a Config: within low..high, `multiple` of something."""

    low: int = 0
    high: int = U64_MASK
    multiple: int = 1

    def nearest(self, value: int, unit: int = 1) -> int:
        """The largest value not above `value` that is a multiple of `unit` too, or the lowest."""
        step = self._step(unit)
        return max(min(value, self.high) // step * step, self.lowest(unit))

    def lowest(self, unit: int = 1) -> int:
        """The lowest multiple of `unit` and of `multiple` from `low` on, be it above `high`."""
        step = self._step(unit)
        return -(-self.low // step) * step

    def within(self, low: int = 0, high: int = U64_MASK) -> Bound:
        """The bound with its ends drawn in."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def without(self, unit: int = 1) -> str | None:
        """That no multiple of `unit` is within the bound; None if one is."""
        if self.lowest(unit) <= self.high:
            return None
        step = self._step(unit)
        return f"nothing within {self.low}..{self.high}" + f" in steps of {step}" * (step > 1)

    def _step(self, unit: int) -> int:
        return lcm(max(unit, 1), self.multiple)


@dataclass(frozen=True, slots=True)
class Limits:
    """The `bounds` of fields by name and the fixed `switches`; a field that is in neither is free.

    `slot` is the size in bytes of every memslot but the last, where the device has but one.
    """

    bounds: Mapping[str, Bound]
    switches: Mapping[str, bool]
    slot: int | None = None

    def fitted(self, config: Config) -> Config:
        """The configuration nearest to `config` within the limits; the same again if fitted again.

        Sizes are whole blocks, as every device wants them. Of limits that have a `problem` there is
        none, and what is returned is outside of them.
        """
        values: dict[str, Any] = {each.name: getattr(config, each.name) for each in fields(config)}
        values |= self.switches
        block = values["block"] = self._block(config.block)
        bounds = self._whole(block)
        for name in ("page", "limit", "extent"):
            values[name] = bounds[name].nearest(values[name])
        # A region as large as the lowest address allows, then an address that allows the region.
        most = U64_MASK - bounds["addr"].lowest(block)
        region = bounds["region"].within(high=most).nearest(config.region, block)
        values["region"] = region
        requested = min(config.requested, region)
        values["requested"] = bounds["requested"].nearest(requested, block)
        values["addr"] = bounds["addr"].nearest(min(config.addr, U64_MASK - region), block)
        return replace(config, **values)

    def problem(self) -> str | None:
        """Why no device is within the limits, in one line; None if one is."""
        if not self._powers():
            bound = self._of("block")
            return (
                f"block: no power of two of at least {MIB} bytes is within "
                f"{bound.low}..{bound.high} and a multiple of {bound.multiple}, expected one"
            )
        wrong = [self._wrong(block) for block in self._powers()]
        return None if None in wrong else wrong[0]

    def permitted(self, profile: Profile, config: Config) -> Config:
        """The configuration with its switches, as far as they are free, in a way that the profile
        permits; itself where there is none."""
        option, inaccessible = config.option, config.inaccessible
        ways = ((option, inaccessible), (option, True), (False, inaccessible), (False, True))
        for pair in ways:
            given = dict(zip(("option", "inaccessible"), pair, strict=True))
            if any(self.switches.get(name, value) != value for name, value in given.items()):
                continue
            with suppress(ValueError):
                profile.mapping_for(**given)
                return replace(config, **given)
        return config

    def _block(self, wish: int) -> int:
        """The largest block size not above the wish that leaves a device, or the lowest."""
        good = [block for block in self._powers() if self._wrong(block) is None]
        below = [block for block in good if block <= wish]
        return below[-1] if below else (good or [MIB])[0]

    def _powers(self) -> list[int]:
        bound = self._of("block").within(low=MIB)
        powers = (1 << shift for shift in range(U64_MASK.bit_length()))
        return [power for power in powers if bound.nearest(power) == power <= bound.high]

    def _whole(self, block: int) -> dict[str, Bound]:
        """The bounds of the other fields of a device with blocks of that size."""
        bounds = {name: self._of(name) for name in SIZES if name != "block"}
        least = max(block, bounds["requested"].lowest(block))
        bounds["region"] = bounds["region"].within(low=least)
        bounds["page"] = bounds["page"].within(high=block)
        bounds["limit"] = bounds["limit"].within(1, MOST_SLOTS)
        return bounds

    def _wrong(self, block: int) -> str | None:
        """Why no device with blocks of that size is within the limits, in one line."""
        bounds = self._whole(block)
        most = U64_MASK - bounds["region"].lowest(block)
        bounds["addr"] = bounds["addr"].within(high=max(most, 0))
        for name, bound in bounds.items():
            unit = block if name in IN_BLOCKS else 1
            if (missing := bound.without(unit)) is not None:
                return f"{name}: {missing}, {MUST_BE[name]} (blocks of {block} bytes)"
        return None

    def _of(self, name: str) -> Bound:
        return self.bounds.get(name, ANY)


ANY: Final = Bound()
FREE: Final = Limits({}, {})


def limits_from_json(value: Mapping[str, Any]) -> Limits:
    """The limits of a hello that its schema accepts."""
    bounds = {
        name: Bound(
            given.get("min", 0), given.get("max", U64_MASK), max(given.get("multiple", 1), 1)
        )
        for name, given in value.items()
        if name in SIZES
    }
    switches = {name: given for name, given in value.items() if name in SWITCHES}
    return Limits(bounds, switches, value.get("slot"))


def limits_schema() -> Schema:
    """The member `limits` of a hello."""
    size = whole(0, U64_MASK)
    some = whole(1, U64_MASK)
    bound = closed({"min": size, "max": size, "multiple": some}, ("min", "max", "multiple"))
    members: Schema = dict.fromkeys(SIZES, bound)
    members |= {name: {"type": "boolean"} for name in SWITCHES} | {"slot": some}
    return closed(members, optional=tuple(members))
