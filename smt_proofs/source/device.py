"""The device as its source sees it: what the primitives mean, in the model's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.effects import Did
from model.geometry import Memslots, slot_start
from smt_proofs.source.evaluation import Lookup, Pointer
from smt_proofs.source.host import Event, Host
from smt_proofs.source.ir import Function
from smt_proofs.source.machine import Machine
from smt_proofs.source.names import EXTENT, FREES, PRIMITIVES, is_ignored
from smt_proofs.source.typed import Call, UnsupportedError

Alias = tuple[Any, Any]
"""Offset and size in bytes of the part of the backend that a memslot shows."""
MINUS_ONE: Final = (1 << 64) - 1
SLOTS: Final = "memslots[]"
BACKEND: Final = "memdev.mr"
ERROR: Final = "error"


class Device(Machine):
    """A machine that knows the primitives."""

    def __init__(
        self,
        d: Any,
        functions: Lookup,
        fields: dict[str, Any],
        host: Host,
        sets: tuple[Any, Any],
    ) -> None:
        super().__init__(d, functions, fields)
        self.host = host
        self.plugged, self.mapped = sets
        self.events: tuple[Event, ...] = ()
        self.aliases: Callable[[Any], list[Alias]] = lambda index: []
        self.unmergeable: Callable[[Any], Any] = lambda index: d.truth(False)
        self.allocated: Any = None
        # The plugged sizes that were told to those who follow it.
        self.sizes: tuple[Any, ...] = ()
        self.files: tuple[Any, ...] = ()
        # Where each error that was made is one, and how many were freed.
        self.errors: tuple[Any, ...] = ()
        self.freed = 0
        self.depth = 0
        self.changes: frozenset[Did] = frozenset()
        self.looping = False
        # Calls that stand for what they do even where the source shows their text.
        self.opaque = frozenset(PRIMITIVES)

    def follow(self, name: str) -> Function | None:
        return None if name in self.opaque else self.functions(name)

    def primitive(self, call: Call, arguments: list[Any]) -> Any:
        if call.name == EXTENT:
            return self.host.fixed.extent
        if is_ignored(call.name):
            if call.name == "snprintf":
                room, length = arguments[0], arguments[1]
                self.must("snprintf has that much room", self.d.le(length, room), call.line)
            if call.name in FREES:
                self._free(call, [a for a in arguments if getattr(a, "path", "") == ERROR])
            return None
        return getattr(self, f"_{call.name}")(call, *arguments)

    def _free(self, call: Call, errors: list[Pointer]) -> None:
        """An error is freed once; none is told that is not there."""
        for error in errors:
            if call.name != "error_free":
                self.must("there is an error to tell", error.there, call.line)
            elif not self.d.test(error.there):
                continue
            self.must("an error is freed once", self.d.truth(not self.freed), call.line)
            self.freed += 1

    def touch(self, index: Any, line: int) -> None:
        """A memslot is looked at or changed."""

    def _expect(self, call: Call, pointer: Pointer, *paths: str) -> None:
        """The call is about one of these places, which is there."""
        if pointer.path not in paths:
            raise UnsupportedError(f"{call.name} on {pointer.path}", call.line)
        self.must(f"what {call.name} works on is not null", pointer.there, call.line)

    # Numbers that the device reads.

    def _memory_region_size(self, call: Call, region: Pointer) -> Any:
        self._expect(call, region, BACKEND)
        return self.host.fixed.region

    def _qemu_ram_get_used_length(self, call: Call, block: Pointer) -> Any:
        self._expect(call, block, f"{BACKEND}.ram_block")
        return self.host.fixed.region

    def _qemu_ram_pagesize(self, call: Call, block: Pointer) -> Any:
        self._expect(call, block, f"{BACKEND}.ram_block")
        return self.host.page

    def _qemu_real_host_page_size(self, call: Call) -> Any:
        return self.host.host_page

    def _virtio_mem_thp_size(self, call: Call) -> Any:
        return self.host.thp

    def _virtio_mem_usable_extent_size(self, call: Call) -> Any:
        return self.host.fixed.extent

    def _virtio_mem_default_block_size(self, call: Call, block: Pointer) -> Any:
        self._expect(call, block, f"{BACKEND}.ram_block")
        return self.host.default_block

    def _virtio_mem_is_busy(self, call: Call) -> Any:
        return self.host.busy

    def _kvm_enabled(self, call: Call) -> Any:
        return self.host.inputs.kvm

    def _kvm_get_max_memslots(self, call: Call) -> Any:
        self.must("KVM is asked where there is one", self.host.inputs.kvm, call.line)
        return self.host.inputs.kvm_max

    def _kvm_get_free_memslots(self, call: Call) -> Any:
        self.must("KVM is asked where there is one", self.host.inputs.kvm, call.line)
        return self.host.inputs.kvm_free

    def _vhost_get_max_memslots(self, call: Call) -> Any:
        return self.host.inputs.vhost_max

    def _vhost_get_free_memslots(self, call: Call) -> Any:
        return self.host.inputs.vhost_free

    # Memslots.

    def _slot(self, call: Call, pointer: Pointer) -> Any:
        if pointer.path != SLOTS:
            raise UnsupportedError(f"{call.name} on {pointer.path}", call.line)
        self.touch(pointer.index, call.line)
        return pointer.index

    def _memory_region_is_mapped(self, call: Call, slot: Pointer) -> Any:
        return self.d.member(self.mapped, self._slot(call, slot))

    def _memory_region_add_subregion(
        self, call: Call, container: Pointer, offset: Any, slot: Pointer
    ) -> None:
        d, index = self.d, self._slot(call, slot)
        self._expect(call, container, "mr")
        self.must("only a memslot that is not mapped is added", self._unmapped(index), call.line)
        slots = Memslots(self.fields["nb_memslots"], self.fields["memslot_size"])
        place = d.eq(offset, slot_start(d, slots, index))
        self.must("a memslot is mapped where it starts", place, call.line)
        self.mapped = d.filled(self.mapped, index, d.add(index, d.lit(1)))
        self._changed(Did.MAP)

    def _memory_region_del_subregion(self, call: Call, container: Pointer, slot: Pointer) -> None:
        d, index = self.d, self._slot(call, slot)
        self._expect(call, container, "mr")
        self.must("only a mapped memslot is removed", d.member(self.mapped, index), call.line)
        self.mapped = d.cleared(self.mapped, index, d.add(index, d.lit(1)))
        self._changed(Did.UNMAP)

    def _unmapped(self, index: Any) -> Any:
        return self.d.negate(self.d.member(self.mapped, index))

    def _memory_region_transaction_begin(self, call: Call) -> None:
        if not self.depth:
            self.changes = frozenset()
        self.depth += 1

    def _memory_region_transaction_commit(self, call: Call) -> None:
        self.must("a transaction was begun", self.d.truth(self.depth > 0), call.line)
        self.depth -= 1
        if not self.depth and self.changes:
            (did, *more) = self.changes
            self._tell(Did.REMAP if more else did)

    def _changed(self, did: Did) -> None:
        if not self.looping:
            self._change(frozenset({did}))

    def _change(self, changes: frozenset[Did]) -> None:
        """Memslots may change in this way, from here to the end of the transaction."""
        self.changes |= changes
        if changes and not self.depth:
            self._tell(None)

    def _tell(
        self, did: Did | None, offset: Any = None, size: Any = None, fails: Any = None
    ) -> None:
        done = self.d.truth(True) if fails is None else self.d.negate(fails)
        self.events += (Event(did, self.plugged, self.mapped, offset, size, done),)

    def _g_new0(self, call: Call, count: Any) -> Pointer:
        if self.allocated is not None:
            raise UnsupportedError("memslots made twice", call.line)
        self.allocated = count
        return Pointer("memslots", self.d.truth(True))

    def _memory_region_init_alias(
        self,
        call: Call,
        slot: Pointer,
        owner: Pointer,
        name: Pointer,
        backend: Pointer,
        offset: Any,
        size: Any,
    ) -> None:
        self._expect(call, backend, BACKEND)
        self._expect(call, owner, "object")
        d, own, before = self.d, self._slot(call, slot), self.aliases
        merged = self.unmergeable
        none = d.truth(False)
        self.unmergeable = lambda index: none if d.test(d.eq(index, own)) else merged(index)

        def aliases(index: Any) -> list[Alias]:
            new = [(offset, size)] if d.test(d.eq(index, own)) else []
            return [*before(index), *new]

        self.aliases = aliases

    def _memory_region_set_unmergeable(self, call: Call, slot: Pointer, value: Any) -> None:
        d, own, before = self.d, self._slot(call, slot), self.unmergeable
        self.unmergeable = lambda index: value if d.test(d.eq(index, own)) else before(index)
