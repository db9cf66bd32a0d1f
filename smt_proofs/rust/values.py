"""What Rust expressions yield, beside words and truth values of the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """A variant of an enumeration, such as Ok(value) or BlockRangeState::Mixed."""

    path: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A struct by its fields; the request's range is one."""

    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """start..end, in blocks."""

    start: Any
    end: Any


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A part of the bitmap."""

    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Count:
    """How many blocks of a span are plugged in `items`."""

    items: Any
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function of one value."""

    call: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Something that has a name and no value here: the device, its bitmap, the guest's memory."""

    name: str


UNIT: Final = Variant("()")
NONE: Final = Variant("None")
DEVICE: Final = Thing("self")
CONFIG: Final = Thing("self.config")
BITS: Final = Thing("self.plugged_blocks")
GUEST: Final = Thing("self.guest_memory()")
METRICS: Final = Thing("METRICS")


def some(value: Any) -> Variant:
    """Some(value)."""
    return Variant("Some", (value,))


def ok(value: Any = UNIT) -> Variant:
    """Ok(value)."""
    return Variant("Ok", (value,))


def err(value: Any) -> Variant:
    """Err(value)."""
    return Variant("Err", (value,))


def is_word(value: Any) -> bool:
    """A number of the domain."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (hasattr(value, "sort") and value.sort().name() != "Bool")


def is_truth(value: Any) -> bool:
    """A truth value of the domain."""
    return isinstance(value, bool) or (hasattr(value, "sort") and value.sort().name() == "Bool")
