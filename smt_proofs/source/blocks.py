"""The blocks of a device, what is done to host memory, and what listeners are told."""

from __future__ import annotations

from typing import Any

from model.effects import Did
from model.mapping import range_plugged, range_unplugged
from smt_proofs.source.device import BACKEND, ERROR, MINUS_ONE, Device
from smt_proofs.source.evaluation import Pointer
from smt_proofs.source.typed import Call, UnsupportedError


class BlockDevice(Device):
    """A device that knows the primitives for blocks, host memory and listeners."""

    def _stays(self, call: Call) -> None:
        """A helper that stands for what it does finds the device as its rule has it."""
        fixed = self.host.fixed
        for name, known in (("block_size", fixed.block), ("addr", fixed.addr)):
            now = self.fields[name]
            if now is not known:
                same = self.d.eq(now, known)
                self.must(f"{call.name} finds {name} as it was", same, call.line)

    def _offset(self, start: Any) -> Any:
        return self.d.sub(start, self.host.fixed.addr)

    def _virtio_mem_is_range_plugged(self, call: Call, vmem: Pointer, start: Any, size: Any) -> Any:
        self._stays(call)
        return range_plugged(self.d, self.host.fixed, self.plugged, self._offset(start), size)

    def _virtio_mem_is_range_unplugged(
        self, call: Call, vmem: Pointer, start: Any, size: Any
    ) -> Any:
        self._stays(call)
        return range_unplugged(self.d, self.host.fixed, self.plugged, self._offset(start), size)

    def _blocks(self, start: Any, size: Any) -> tuple[Any, Any]:
        first = self.d.div(self._offset(start), self.host.fixed.block)
        return first, self.d.add(first, self.d.div(size, self.host.fixed.block))

    def _virtio_mem_set_range_plugged(self, call: Call, vmem: Any, start: Any, size: Any) -> None:
        self._stays(call)
        self.plugged = self.d.filled(self.plugged, *self._blocks(start, size))

    def _virtio_mem_set_range_unplugged(self, call: Call, vmem: Any, start: Any, size: Any) -> None:
        self._stays(call)
        self.plugged = self.d.cleared(self.plugged, *self._blocks(start, size))

    def _bitmap_set(self, call: Call, bitmap: Pointer, start: Any, count: Any) -> None:
        self._expect(call, bitmap, "bitmap")
        self.plugged = self.d.filled(self.plugged, start, self.d.add(start, count))

    def _bitmap_clear(self, call: Call, bitmap: Pointer, start: Any, count: Any) -> None:
        self._expect(call, bitmap, "bitmap")
        self.plugged = self.d.cleared(self.plugged, start, self.d.add(start, count))

    def _bitmap_zero(self, call: Call, bitmap: Pointer, count: Any) -> None:
        """It clears whole words, so only a count of all blocks has a meaning here."""
        whole = self.d.eq(count, self.fields["bitmap_size"])
        self.must("bitmap_zero clears the whole bitmap", whole, call.line)
        self._bitmap_clear(call, bitmap, self.d.lit(0), count)

    def _find_next_bit(self, call: Call, bitmap: Pointer, end: Any, start: Any) -> Any:
        self._expect(call, bitmap, "bitmap")
        return self.found(start, end, inside=True)

    def _find_next_zero_bit(self, call: Call, bitmap: Pointer, end: Any, start: Any) -> Any:
        self._expect(call, bitmap, "bitmap")
        return self.found(start, end, inside=False)

    def found(self, start: Any, end: Any, *, inside: bool) -> Any:
        """The first index of [start, end) inside or outside the plugged blocks, or else `end`."""
        d = self.d
        none = d.none_in if inside else d.all_in
        if d.test(d.either(d.le(end, start), none(self.plugged, start, end))):
            return end
        return self.first(start, end, inside=inside)

    def first(self, start: Any, end: Any, *, inside: bool) -> Any:
        """As `found`, where there is one."""
        raise NotImplementedError

    def _failure(self, fails: Any) -> Any:
        """What an operation returns: 0, or where it fails any negative int, the same each time."""
        if not self.d.test(fails):
            return self.d.lit(0)
        return self.d.sub(self.d.lit(MINUS_ONE), self.host.inputs.failure)

    def _ram_block_discard_range(self, call: Call, block: Pointer, offset: Any, size: Any) -> Any:
        self._expect(call, block, f"{BACKEND}.ram_block")
        self._tell(Did.HOST_DISCARD, offset, size, self.host.faults.discard)
        return self._failure(self.host.faults.discard)

    def _memory_region_get_ram_ptr(self, call: Call, region: Pointer) -> Pointer:
        self._expect(call, region, BACKEND)
        return Pointer("ram", self.d.truth(True), offset=self.d.lit(0))

    def _memory_region_get_fd(self, call: Call, region: Pointer) -> Any:
        self._expect(call, region, BACKEND)
        self.files += (self.any_word(call.kind),)
        return self.files[-1]

    def _qemu_prealloc_mem(
        self,
        call: Call,
        fd: Any,
        area: Pointer,
        size: Any,
        threads: Any,
        context: Pointer,
        later: Any,
        error: Pointer,
    ) -> Any:
        d, fails = self.d, self.host.faults.prealloc
        self._expect(call, area, "ram")
        own = any(fd is one or d.test(d.eq(fd, one)) for one in self.files)
        self.must("memory is preallocated in the backend's file", d.truth(own), call.line)
        one = d.le(d.lit(1), threads)
        self.must("memory is preallocated by at least one thread", one, call.line)
        self.must("memory is preallocated at once", d.negate(later), call.line)
        if error.path.startswith("&"):
            self.locals[error.path[1:]] = Pointer(ERROR, fails)
            self.errors += (fails,)
        self._tell(Did.HOST_PREALLOC, area.offset, size, fails)
        return d.negate(fails)

    def _virtio_mem_notify_plug(self, call: Call, vmem: Pointer, offset: Any, size: Any) -> Any:
        self._stays(call)
        self._tell(Did.POPULATE, offset, size, self.host.faults.populate)
        return self._failure(self.host.faults.populate)

    def _virtio_mem_notify_unplug(self, call: Call, vmem: Pointer, offset: Any, size: Any) -> None:
        self._stays(call)
        self._tell(Did.DISCARD, offset, size)

    def _virtio_mem_notify_unplug_all(self, call: Call, vmem: Pointer) -> None:
        if self.d.test(self.d.lt(self.d.lit(0), self.fields["size"])):
            self._tell(Did.DISCARD, self.d.lit(0), self.host.fixed.region)

    def _notifier_list_notify(self, call: Call, notifiers: Pointer, value: Pointer) -> None:
        if (notifiers.path, value.path) != ("size_change_notifiers", "&size"):
            told = f"{call.name} of {value.path} to {notifiers.path}"
            raise UnsupportedError(told, call.line)
        self.sizes += (self.fields["size"],)

    def _g_assert_not_reached(self, call: Call) -> None:
        self.must("this is not reached", self.d.truth(False), call.line)
