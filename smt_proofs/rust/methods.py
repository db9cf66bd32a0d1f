"""The methods and functions of Rust's library and of Firecracker that are taken as given.

Source: core::option, core::result, core::num, bitvec 1.0, vm-memory's Address and GuestAddress,
src/vmm/src/utils.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.values import (
    BITS,
    GUEST,
    METRICS,
    NONE,
    UNIT,
    Closure,
    Count,
    Slice,
    Variant,
    err,
    ok,
    some,
)
from smt_proofs.source.ir import UnsupportedError

SAME: Final = frozenset({"u64_to_usize", "usize_to_u64", "GuestAddress"})
"""Functions that hand on their argument: usize has 64 bits, an address is its number."""
WRAPPERS: Final = frozenset({"Ok", "Err", "Some"})
LOGS: Final = frozenset({"debug", "error", "info", "warn", "trace"})
"""Macros that write a line of a log."""


def method(device: RustDevice, receiver: Any, name: str, given: list[Any], line: int) -> Any:
    """The result of `receiver.name(given)`. Raises UnsupportedError."""
    if receiver is METRICS:
        return METRICS
    if name in ("clone", "deref", "as_ref", "copied", "into", "raw_value") and not given:
        return receiver
    table: dict[str, Callable[..., Any]] | None = None
    if isinstance(receiver, Variant):
        table = _VARIANT
    elif isinstance(receiver, Slice) or receiver is BITS:
        table = _SLICE
    elif receiver is GUEST:
        table = {"discard_range": lambda d, _, line, at, size: d.discard_range(at, size)}
    elif not isinstance(receiver, Count | Closure) and not _is_truth(receiver):
        table = _WORD
    if table is None or name not in table:
        raise UnsupportedError(f"method {name}", line)
    try:
        return table[name](device, receiver, line, *given)
    except TypeError:
        raise UnsupportedError(f"method {name} with {len(given)} arguments", line) from None


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or (hasattr(value, "sort") and value.sort().name() == "Bool")


# Words.


def _multiple(v: RustDevice, a: Any, line: int, b: Any) -> Any:
    if v.d.test(v.d.eq(b, v.d.lit(0))):
        return v.d.eq(a, v.d.lit(0))
    return v.d.eq(v.d.mod(a, b), v.d.lit(0))


def _checked_sub(v: RustDevice, a: Any, line: int, b: Any) -> Variant:
    return some(v.d.sub(a, b)) if v.d.test(v.d.le(b, a)) else NONE


def _checked_add(v: RustDevice, a: Any, line: int, b: Any) -> Variant:
    total = v.d.wrapping_add(a, b)
    return NONE if v.d.test(v.d.lt(total, a)) else some(total)


_WORD: Final[dict[str, Callable[..., Any]]] = {
    "is_multiple_of": _multiple,
    "checked_sub": _checked_sub,
    "checked_offset_from": _checked_sub,
    "checked_add": _checked_add,
    "wrapping_add": lambda v, a, line, b: v.d.wrapping_add(a, b),
    "wrapping_sub": lambda v, a, line, b: v.d.sub(a, b),
    "min": lambda v, a, line, b: a if v.d.test(v.d.le(a, b)) else b,
    "max": lambda v, a, line, b: b if v.d.test(v.d.le(a, b)) else a,
}


# Option and Result.


def _filter(v: RustDevice, a: Variant, line: int, keep: Closure) -> Variant:
    return a if a.path == "Some" and v.d.test(keep.call(a.values[0])) else NONE


def _map(v: RustDevice, a: Variant, line: int, change: Closure) -> Variant:
    return Variant(a.path, (change.call(a.values[0]),)) if a.path in ("Some", "Ok") else a


def _map_err(v: RustDevice, a: Variant, line: int, change: Closure) -> Variant:
    return err(change.call(a.values[0])) if a.path == "Err" else a


_VARIANT: Final[dict[str, Callable[..., Any]]] = {
    "filter": _filter,
    "map": _map,
    "map_err": _map_err,
    "and_then": lambda v, a, line, c: c.call(a.values[0]) if a.path in ("Some", "Ok") else a,
    "ok_or": lambda v, a, line, e: ok(a.values[0]) if a.path == "Some" else err(e),
    "ok_or_else": lambda v, a, line, c: ok(a.values[0]) if a.path == "Some" else err(c.call(UNIT)),
    "ok": lambda v, a, line: some(a.values[0]) if a.path == "Ok" else NONE,
    "is_some": lambda v, a, line: v.d.truth(a.path == "Some"),
    "is_none": lambda v, a, line: v.d.truth(a.path == "None"),
    "is_ok": lambda v, a, line: v.d.truth(a.path == "Ok"),
    "is_err": lambda v, a, line: v.d.truth(a.path == "Err"),
}


# The bitmap.


def _fill(v: RustDevice, a: Slice, line: int, value: Any) -> Variant:
    v.fill(a.span, v.d.test(value))
    return UNIT


_SLICE: Final[dict[str, Callable[..., Any]]] = {
    "count_ones": lambda v, a, line: Count(v.plugged, a.span),
    "fill": _fill,
    "all": lambda v, a, line: v.d.all_in(v.plugged, a.span.start, a.span.end),
    "not_any": lambda v, a, line: v.d.none_in(v.plugged, a.span.start, a.span.end),
    "any": lambda v, a, line: v.d.negate(v.d.none_in(v.plugged, a.span.start, a.span.end)),
}
