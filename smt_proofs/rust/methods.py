"""The methods and functions of Rust's library and of Firecracker that are taken as given.

Source: core::option, core::result, core::num, bitvec 1.0, vm-memory's Address and GuestAddress,
Firecracker src/vmm/src/utils.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.values import (
    GUEST,
    METRICS,
    NONE,
    UNIT,
    Closure,
    Count,
    Slice,
    Variant,
    err,
    is_truth,
    is_word,
    ok,
    some,
)
from smt_proofs.source.typed import UnsupportedError

SAME: Final = frozenset({"u64_to_usize", "usize_to_u64", "GuestAddress"})
"""Functions that hand on their argument: usize has 64 bits, an address is its number."""
WRAPPERS: Final = frozenset({"Ok", "Err", "Some"})
LOGS: Final = frozenset({"debug", "error", "info", "warn"})
"""Macros that write a line of a log."""
GIVEN: Final = SAME | WRAPPERS | LOGS | {"METRICS", "None", "Response", "BlockRangeState"}
"""Names that have a meaning here; a file that gives them another one is not verified."""
_HANDED_ON: Final = frozenset({"clone", "deref", "as_ref", "raw_value"})

Method = Callable[..., Any]


def method(device: RustDevice, receiver: Any, name: str, given: list[Any], line: int) -> Any:
    """The result of `receiver.name(given)`. Raises UnsupportedError."""
    if receiver is METRICS:
        return METRICS
    if name in _HANDED_ON and not given and is_word(receiver):
        return receiver
    table: dict[str, Method] = {}
    if isinstance(receiver, Variant):
        table = _VARIANT
    elif isinstance(receiver, Slice):
        table = _SLICE
    elif receiver is GUEST:
        table = {"discard_range": lambda v, a, at, size: v.discard_range(at, size)}
    elif is_word(receiver):
        table = _WORD
    if name not in table:
        raise UnsupportedError(f"method {name}", line)
    wanted = table[name].__code__.co_argcount - 2
    fits = all(isinstance(one, Closure) is (name in CLOSURES) for one in given)
    words = table is not _WORD or all(is_word(one) for one in given)
    if len(given) != wanted or not fits or not words:
        raise UnsupportedError(f"method {name} of other arguments", line)
    return table[name](device, receiver, *given)


# Words.


def _multiple(v: RustDevice, a: Any, b: Any) -> Any:
    if v.d.test(v.d.eq(b, v.d.lit(0))):
        return v.d.eq(a, v.d.lit(0))
    return v.d.eq(v.d.mod(a, b), v.d.lit(0))


def _checked_sub(v: RustDevice, a: Any, b: Any) -> Variant:
    return some(v.d.sub(a, b)) if v.d.test(v.d.le(b, a)) else NONE


def _checked_add(v: RustDevice, a: Any, b: Any) -> Variant:
    total = v.d.wrapping_add(a, b)
    return NONE if v.d.test(v.d.lt(total, a)) else some(total)


_WORD: Final[dict[str, Method]] = {
    "is_multiple_of": _multiple,
    "checked_sub": _checked_sub,
    "checked_offset_from": _checked_sub,
    "checked_add": _checked_add,
    "wrapping_add": lambda v, a, b: v.d.wrapping_add(a, b),
    "wrapping_sub": lambda v, a, b: v.d.sub(a, b),
    "min": lambda v, a, b: a if v.d.test(v.d.le(a, b)) else b,
    "max": lambda v, a, b: b if v.d.test(v.d.le(a, b)) else a,
}


# Option and Result.


CLOSURES: Final = frozenset({"filter", "map", "map_err", "and_then", "ok_or_else", "inspect_err"})
"""Methods whose argument is a function."""


def _filter(v: RustDevice, a: Variant, keep: Closure) -> Variant:
    return a if a.path == "Some" and v.d.test(keep.call(a.values[0])) else NONE


def _map(v: RustDevice, a: Variant, change: Closure) -> Variant:
    return Variant(a.path, (change.call(a.values[0]),)) if a.path in ("Some", "Ok") else a


def _map_err(v: RustDevice, a: Variant, change: Closure) -> Variant:
    return err(change.call(a.values[0])) if a.path == "Err" else a


def _inspect_err(v: RustDevice, a: Variant, look: Closure) -> Variant:
    if a.path == "Err":
        look.call(a.values[0])
    return a


_VARIANT: Final[dict[str, Method]] = {
    "filter": _filter,
    "map": _map,
    "map_err": _map_err,
    "inspect_err": _inspect_err,
    "and_then": lambda v, a, c: c.call(a.values[0]) if a.path in ("Some", "Ok") else a,
    "ok_or": lambda v, a, e: ok(a.values[0]) if a.path == "Some" else err(e),
    "ok_or_else": lambda v, a, c: ok(a.values[0]) if a.path == "Some" else err(c.call(UNIT)),
    "is_some": lambda v, a: v.d.truth(a.path == "Some"),
    "is_none": lambda v, a: v.d.truth(a.path == "None"),
    "is_ok": lambda v, a: v.d.truth(a.path == "Ok"),
    "is_err": lambda v, a: v.d.truth(a.path == "Err"),
}


# The bitmap.


def _fill(v: RustDevice, a: Slice, value: Any) -> Variant:
    if not is_truth(value):
        raise UnsupportedError("method fill of other arguments", 0)
    v.fill(a.span, v.d.test(value))
    return UNIT


_SLICE: Final[dict[str, Method]] = {
    "count_ones": lambda v, a: Count(v.plugged, a.span),
    "fill": _fill,
    "all": lambda v, a: v.d.all_in(v.plugged, a.span.start, a.span.end),
    "not_any": lambda v, a: v.d.none_in(v.plugged, a.span.start, a.span.end),
    "any": lambda v, a: v.d.negate(v.d.none_in(v.plugged, a.span.start, a.span.end)),
}
