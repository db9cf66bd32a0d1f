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


@dataclass(frozen=True, slots=True)
class Thing:
    """Something with a name: the device, its configuration, the bitmap, the guest's memory."""

    name: str


UNIT: Final = Variant("()")
DEVICE: Final = Thing("self")
CONFIG: Final = Thing("config")
BITS: Final = Thing("plugged_blocks")
GUEST: Final = Thing("guest memory")
METRICS: Final = Thing("metrics")
NONE: Final = Variant("None")


def some(value: Any) -> Variant:
    """Some(value)."""
    return Variant("Some", (value,))


def ok(value: Any = UNIT) -> Variant:
    """Ok(value)."""
    return Variant("Ok", (value,))


def err(value: Any) -> Variant:
    """Err(value)."""
    return Variant("Err", (value,))
