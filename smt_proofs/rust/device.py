"""Firecracker's device as its source sees it: state, and what is taken as given."""

from __future__ import annotations

from typing import Any, Final

import z3

from model.answers import valid_range
from model.effects import Did, Effect
from model.mapping import mapped_after_unplug, mapped_for_plug
from model.state import Fixed, State
from smt_proofs.rust.values import Count, Record, Slice, Span, Variant, err, ok
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.evaluation import UndefinedError
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.typed import UnsupportedError

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

    def __init__(
        self, d: Any, fixed: Fixed[Any, Any], state: State[Any, Any, Any], x: Inputs
    ) -> None:
        self.d, self.fixed, self.state, self.x = d, fixed, state, x
        self.config = {name: getattr(x, own) for name, own in CONFIG_FIELDS.items()}
        self.plugged, self.mapped = x.plugged, x.mapped
        self.effects: tuple[Effect[Any, Any, Any], ...] = ()
        self.answers: tuple[tuple[Any, ...], ...] = ()
        self._filled: tuple[Span, bool] | None = None

    def must(self, what: str, condition: Any, line: int) -> None:
        """Without this the program panics: it is to be shown."""
        if isinstance(self.d, SourceTerms):
            self.d.require(f"{what} (line {line})", condition)
        elif not condition:
            raise UndefinedError(f"not so: {what}", line)

    def blocks(self, span: Span, line: int) -> Slice:
        """A part of the bitmap: the blocks of the request, whose range must be valid by then."""
        d, x = self.d, self.x
        self._asked(d.sub(x.gpa, x.addr), x.gpa, x.blocks, span, line)
        valid = valid_range(d, self.fixed, self.state, x.gpa, d.mul(x.blocks, x.block))
        self.must("the range is valid where its blocks are looked at", d.truth(valid), line)
        if isinstance(d, SourceTerms):
            # Which the domain leaves open.
            none = d.none_in(self.plugged, span.start, span.end)
            every = d.all_in(self.plugged, span.start, span.end)
            d.facts.append(z3.Implies(d.lt(span.start, span.end), z3.Not(z3.And(none, every))))
        return Slice(span)

    def _asked(self, offset: Any, addr: Any, count: Any, span: Span, line: int) -> None:
        """The span and the range are those of the request. Raises UnsupportedError."""
        d, x = self.d, self.x
        own = _same(addr, x.gpa) and _same(count, x.blocks)
        own = own and _same(span.start, d.div(offset, x.block))
        if not own or not _same(d.sub(span.end, span.start), x.blocks):
            raise UnsupportedError("blocks that are not those of the request", line)

    def fill(self, span: Span, plugged: bool) -> None:
        """`slice.fill(plugged)`."""
        change = self.d.filled if plugged else self.d.cleared
        self.plugged = change(self.plugged, span.start, span.end)
        self._filled = (span, plugged)

    def is_count(self, count: Count, number: Any, line: int) -> Any:
        """`count == number`: of none, or of all that there are."""
        d, span = self.d, count.span
        if _same(number, d.lit(0)):
            return d.none_in(count.items, span.start, span.end)
        if _same(number, d.sub(span.end, span.start)):
            return d.all_in(count.items, span.start, span.end)
        raise UnsupportedError("a number of plugged blocks that is neither none nor all", line)

    def number(self, count: Count, line: int) -> Any:
        """The number of plugged blocks, where it is none or all."""
        d, span = self.d, count.span
        blocks = d.sub(span.end, span.start)
        if self._filled is not None and count.items is self.plugged and self._filled[0] is span:
            return blocks if self._filled[1] else d.lit(0)
        if d.test(d.none_in(count.items, span.start, span.end)):
            return d.lit(0)
        if d.test(d.all_in(count.items, span.start, span.end)):
            return blocks
        raise UnsupportedError("a number of plugged blocks that is neither none nor all", line)

    def update_kvm_slots(self, request: Record, line: int) -> Variant:
        """Memslots that the range touches are mapped where they have a plugged block, once all its
        blocks are marked alike."""
        d, x = self.d, self.x
        if self._filled is None or request.fields.keys() != {"addr", "nb_blocks"}:
            raise UnsupportedError("memslots updated before blocks are marked", line)
        span, plugs = self._filled
        offset, size = d.sub(x.gpa, x.addr), d.mul(x.blocks, x.block)
        self._asked(offset, request.fields["addr"], request.fields["nb_blocks"], span, line)
        did = Did.MAP if plugs else Did.UNMAP
        if d.test(x.populate_fails):
            self._do(did, offset, size, done=False)
            return err(Variant("VmError"))
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
        self._do(Did.HOST_DISCARD, self.d.sub(addr, self.x.addr), size, done=True)
        return ok()

    def _do(self, did: Did, offset: Any, size: Any, *, done: bool) -> None:
        truth = self.d.truth(done)
        self.effects += (Effect(did, self.plugged, self.mapped, offset, size, truth),)


def _same(one: Any, other: Any) -> bool:
    """The two are the same number; of terms: whatever the inputs are."""
    if isinstance(one, int) or isinstance(other, int):
        return bool(one == other)
    return bool(z3.simplify(one).eq(z3.simplify(other)))
