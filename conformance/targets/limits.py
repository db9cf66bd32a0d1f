"""What a device says of the configurations that it can have, and the nearest one to a wish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import lcm
from typing import Any, Final

from conformance.traces.dialect import Schema, closed, whole
from model.arithmetic import MIB, U64_MASK
from model.state import Config

SIZES: Final = ("region", "block", "limit", "requested", "addr", "page", "extent")
SWITCHES: Final = ("option", "inaccessible", "prealloc")


@dataclass(frozen=True, slots=True)
class Bound:
    """The values of one field of a Config: within low..high, `multiple` of something."""

    low: int = 0
    high: int = U64_MASK
    multiple: int = 1

    def nearest(self, value: int, unit: int = 1) -> int:
        """The largest value not above `value` that is a multiple of `unit` too, or the lowest."""
        step = lcm(max(unit, 1), self.multiple)
        lowest = -(-self.low // step) * step
        return max(min(value, self.high) // step * step, lowest)


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

        Sizes are whole blocks, as every device wants them.
        """
        values: dict[str, Any] = {each.name: getattr(config, each.name) for each in fields(config)}
        values |= self.switches
        block = values["block"] = _power(self._of("block").nearest(max(config.block, MIB)))
        values["page"] = min(self._of("page").nearest(config.page), block)
        for name in ("limit", "extent"):
            values[name] = self._of(name).nearest(values[name])
        bound = self._of("region")
        region = replace(bound, low=max(bound.low, block)).nearest(config.region, block)
        values["region"] = region
        values["requested"] = self._of("requested").nearest(min(config.requested, region), block)
        values["addr"] = self._of("addr").nearest(min(config.addr, U64_MASK - region), block)
        return replace(config, **values)

    def _of(self, name: str) -> Bound:
        return self.bounds.get(name, ANY)


def _power(size: int) -> int:
    """The largest power of two not above a size."""
    return 1 << size.bit_length() - 1


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
