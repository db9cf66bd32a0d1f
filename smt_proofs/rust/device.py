"""Firecracker's device as its source sees it: state, and what is taken as given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.effects import Did, Effect
from model.mapping import mapped_after_unplug, mapped_for_plug
from model.state import Fixed
from smt_proofs.rust.values import Count, Span, Variant, err, ok
from smt_proofs.source.ir import UnsupportedError

CONFIG_FIELDS: Final = {
    "addr": "addr",
    "block_size": "block",
    "region_size": "region",
    "usable_region_size": "usable",
    "plugged_size": "size",
    "requested_size": "requested",
}
"""The fields of virtio_mem_config by the names of `Inputs`."""


class RustDevice:
    """The state while a function runs, over a domain."""

    def __init__(self, d: Any, fixed: Fixed[Any, Any], x: Any) -> None:
        self.d, self.fixed = d, fixed
        self.config = {name: getattr(x, own) for name, own in CONFIG_FIELDS.items()}
        self.slot_size = x.slot_size
        self.plugged, self.mapped = x.plugged, x.mapped
        self.update_fails = x.populate_fails
        self.effects: tuple[Effect[Any, Any, Any], ...] = ()
        self.answers: tuple[Variant, ...] = ()
        self._filled: tuple[Span, bool] | None = None

    def fill(self, span: Span, plugged: bool) -> None:
        """`slice.fill(plugged)`."""
        change = self.d.filled if plugged else self.d.cleared
        self.plugged = change(self.plugged, span.start, span.end)
        self._filled = (span, plugged)

    def is_count(self, count: Count, number: Any, line: int) -> Any:
        """`count == number`: of none, or of all that there are."""
        d, span = self.d, count.span
        if _same(d, number, d.lit(0)):
            return d.none_in(count.items, span.start, span.end)
        if _same(d, number, d.sub(span.end, span.start)):
            return d.all_in(count.items, span.start, span.end)
        raise UnsupportedError("a number of plugged blocks that is neither none nor all", line)

    def number(self, count: Count, line: int) -> Any:
        """The number of plugged blocks, where it is none or all."""
        d, span = self.d, count.span
        blocks = d.sub(span.end, span.start)
        if self._filled is not None and count.items is self.plugged:
            filled, plugged = self._filled
            if filled is span:
                return blocks if plugged else d.lit(0)
        if d.test(d.none_in(count.items, span.start, span.end)):
            return d.lit(0)
        if d.test(d.all_in(count.items, span.start, span.end)):
            return blocks
        raise UnsupportedError("a number of plugged blocks that is neither none nor all", line)

    def update_kvm_slots(self, addr: Any, size: Any, line: int) -> Variant:
        """Memslots that the range touches are mapped where they have a plugged block."""
        d = self.d
        if self._filled is None:
            raise UnsupportedError("memslots updated before blocks are marked", line)
        _, plugs = self._filled
        offset = d.sub(addr, self.fixed.addr)
        did = Did.MAP if plugs else Did.UNMAP
        if d.test(self.update_fails):
            self._do(did, offset, size, done=False)
            return err(Variant("KvmError"))
        if plugs:
            self.mapped = mapped_for_plug(d, self.fixed, self.mapped, offset, size)
        else:
            self.mapped = mapped_after_unplug(
                d, self.fixed, self.mapped, self.plugged, offset, size
            )
        self._do(did, offset, size, done=True)
        return ok()

    def discard_range(self, addr: Any, size: Any) -> Variant:
        """The host memory of the range is given back."""
        self._do(Did.HOST_DISCARD, self.d.sub(addr, self.fixed.addr), size, done=True)
        return ok()

    def _do(self, did: Did, offset: Any, size: Any, *, done: bool) -> None:
        truth = self.d.truth(done)
        self.effects += (Effect(did, self.plugged, self.mapped, offset, size, truth),)


def _same(d: Any, one: Any, other: Any) -> bool:
    """The two are the same number, whatever the inputs are."""
    if isinstance(one, int) or isinstance(other, int):
        return bool(one == other)
    import z3

    return z3.simplify(one).eq(z3.simplify(other))


Method = Callable[..., Any]
