"""What a device is asked and answers: the primitives of the functions around the requests."""

from __future__ import annotations

from typing import Any, Final

from smt_proofs.source.blocks import BlockDevice
from smt_proofs.source.device import BACKEND
from smt_proofs.source.evaluation import Pointer
from smt_proofs.source.names import SIGNATURES
from smt_proofs.source.structs import SIZES, fields_of_struct
from smt_proofs.source.typed import Call, UnsupportedError

STATE_CHANGE: Final = "virtio_mem_state_change_request"
UNPLUG_ALL: Final = "virtio_mem_unplug_all"
RESIZE: Final = "virtio_mem_resize_usable_region"
HANDLERS: Final = (
    "virtio_mem_plug_request",
    "virtio_mem_unplug_request",
    "virtio_mem_unplug_all_request",
    "virtio_mem_state_request",
)
"""The functions that carry out a request, by its type. Source: VIRTIO_MEM_REQ_*."""
RESTORE: Final = "virtio_mem_restore_unplugged"
ASKED: Final = frozenset({STATE_CHANGE, UNPLUG_ALL, RESIZE, RESTORE, *HANDLERS})
"""The functions that others ask, and that are verified by themselves."""
ELEMENT: Final = "element"
DETACHED, FREED = "detached", "freed"


class Messenger(BlockDevice):
    """A device that hears and says what surrounds the requests."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        # What functions that are verified by themselves were asked.
        self.asked: tuple[tuple[str, tuple[Any, ...]], ...] = ()
        # The responses sent: type and block state.
        self.answers: tuple[tuple[Any, Any], ...] = ()
        self.notified = self.refused = 0
        # The requests taken from the queue, the buffer that holds all of one, what became of it,
        # and how often the driver's violation of the protocol was told.
        self.popped = self.broken = 0
        self.taken = ""
        self.released: tuple[str, ...] = ()

    def primitive(self, call: Call, arguments: list[Any]) -> Any:
        if call.name == "error_setg":
            self.refused += 1
        if call.name == "virtio_error":
            self.broken += 1
        return super().primitive(call, arguments)

    def _ask(self, call: Call, *arguments: Any) -> None:
        function, known = self.functions(call.name), SIGNATURES[call.name]
        assert function is not None
        kinds = tuple(p[1] for p in function.parameters if p is not None)
        if kinds != known.parameters or function.kind != known.kind:
            raise UnsupportedError(f"{call.name} of another interface", call.line)
        self.asked += ((call.name, arguments),)

    def _virtio_mem_state_change_request(
        self, call: Call, vmem: Pointer, addr: Any, blocks: Any, plug: Any
    ) -> Any:
        self._ask(call, addr, blocks, plug)
        return self.host.inputs.answer

    def _virtio_mem_unplug_all(self, call: Call, vmem: Pointer) -> Any:
        self._ask(call)
        return self._failure(self.host.inputs.fails)

    def _virtio_mem_resize_usable_region(
        self, call: Call, vmem: Pointer, size: Any, shrink: Any
    ) -> None:
        self._ask(call, size, shrink)

    def _virtio_mem_send_response(
        self, call: Call, vmem: Pointer, element: Pointer, response: Pointer
    ) -> None:
        if element.path != "element":
            raise UnsupportedError(f"a response to {element.path}", call.line)
        said = [self.memory.get((response.path, name)) for name in ("type", "state")]
        if None in said:
            raise UnsupportedError("a response that is not set", call.line)
        self.answers += ((said[0], said[1]),)

    def _virtio_notify_config(self, call: Call, device: Pointer) -> None:
        self.notified += 1

    def _visit_type_size(
        self, call: Call, visitor: Pointer, name: Pointer, value: Pointer, error: Pointer
    ) -> Any:
        if not value.path.startswith("&"):
            raise UnsupportedError("visit_type_size into what is no variable here", call.line)
        self.locals[value.path[1:]] = self.host.inputs.asked
        return self.host.inputs.visits

    def _realized(self, call: Call) -> Any:
        return self.host.inputs.realized

    def _migration_in_incoming_postcopy(self, call: Call) -> Any:
        return self.host.inputs.postcopy

    def _migration_is_running(self, call: Call) -> Any:
        return self.host.inputs.running

    def _migration_is_idle(self, call: Call) -> Any:
        return self.d.negate(self.host.inputs.running)

    # The queue.

    def _virtqueue_pop(self, call: Call, queue: Pointer) -> Pointer:
        self._expect(call, queue, "queue")
        if self.popped:
            raise UnsupportedError("two requests taken at once", call.line)
        self.popped += 1
        for way in ("out", "in"):
            self.memory[ELEMENT, f"{way}_sg"] = Pointer(f"{way}_sg", self.d.truth(True))
        # How many buffers there are may be any number.
        self.memory[ELEMENT, "out_num"] = self.host.inputs.limit
        self.memory[ELEMENT, "in_num"] = self.host.inputs.node
        return Pointer(ELEMENT, self.host.inputs.waits)

    def _held(self, call: Call, element: Pointer) -> None:
        """A request of the queue, which is there and not freed yet."""
        self._expect(call, element, ELEMENT)
        kept = self.d.truth(FREED not in self.released)
        self.must("a request is not used once it is freed", kept, call.line)

    def _buffers(self, call: Call, way: str, place: Pointer, count: Any) -> None:
        self._expect(call, place, f"{way}_sg")
        every = self.d.eq(count, self.memory[ELEMENT, f"{way}_num"])
        self.must(f"{call.name} looks at all buffers", every, call.line)
        self._held(call, Pointer(ELEMENT, self.host.inputs.waits))

    def _iov_size(self, call: Call, place: Pointer, count: Any) -> Any:
        self._buffers(call, "in" if place.path == "in_sg" else "out", place, count)
        return self.host.inputs.room if place.path == "in_sg" else self.host.inputs.sent

    def _iov_to_buf(
        self, call: Call, place: Pointer, count: Any, offset: Any, buffer: Pointer, size: Any
    ) -> Any:
        d, x = self.d, self.host.inputs
        self._buffers(call, "out", place, count)
        self.must("a request is read from its start", d.eq(offset, d.lit(0)), call.line)
        whole = d.eq(size, d.lit(SIZES["struct virtio_mem_req"]))
        self.must("the buffer has the size of a request", whole, call.line)
        if buffer.path[:1] != "&" or buffer.offset is not None:
            raise UnsupportedError(f"a request read into {buffer.path}", call.line)
        self.taken = buffer.path if d.test(d.le(size, x.sent)) else ""
        given = self._given()
        for name, kind in fields_of_struct("struct virtio_mem_req").items():
            self.memory[buffer.path, name] = given[name] if self.taken else self.any_word(kind)
        return size if self.taken else x.sent

    def _given(self) -> dict[str, Any]:
        """The fields of the request that waits."""
        x = self.host.inputs
        return {"type": x.request, "addr": x.gpa, "nb_blocks": x.blocks}

    def _virtqueue_detach_element(
        self, call: Call, queue: Pointer, element: Pointer, size: Any
    ) -> None:
        self._expect(call, queue, "queue")
        self._held(call, element)
        nothing = self.d.eq(size, self.d.lit(0))
        self.must("nothing was written to a detached request", nothing, call.line)
        self.released += (DETACHED,)

    def _g_free(self, call: Call, element: Pointer) -> None:
        self._held(call, element)
        self.released += (FREED,)

    def _handle(
        self, call: Call, vmem: Pointer, element: Pointer, request: Pointer | None = None
    ) -> None:
        self._held(call, element)
        if request is not None:
            read = self.d.truth(request.path == self.taken)
            self.must("a request handed over was read whole", read, call.line)
            for name, value in self._given().items():
                same = self.d.eq(self.memory[request.path, name], value)
                self.must(f"{name} of the request is as it was read", same, call.line)
        self._ask(call)

    _virtio_mem_plug_request = _virtio_mem_unplug_request = _handle
    _virtio_mem_unplug_all_request = _virtio_mem_state_request = _handle

    # What is done once a migration has loaded the device's state.

    def _virtio_mem_post_load_bitmap(self, call: Call, vmem: Pointer) -> Any:
        self.asked += ((call.name, ()),)
        return self._failure(self.host.inputs.fails)

    def _virtio_mem_restore_unplugged(self, call: Call, vmem: Pointer) -> Any:
        self.asked += ((call.name, ()),)
        return self._failure(self.host.faults.discard)

    def _virtio_mem_for_each_plugged_range(
        self, call: Call, vmem: Pointer, argument: Pointer, callback: Pointer
    ) -> Any:
        self.asked += ((call.name, (callback.path,)),)
        return self._failure(self.host.faults.prealloc)

    def _virtio_mem_for_each_unplugged_range(
        self, call: Call, vmem: Pointer, argument: Pointer, callback: Pointer
    ) -> Any:
        self.asked += ((call.name, (callback.path,)),)
        return self._failure(self.host.faults.discard)

    def _migrate_ram_is_ignored(self, call: Call, block: Pointer) -> Any:
        self._expect(call, block, f"{BACKEND}.ram_block")
        return self.host.inputs.ignored

    def _migration_incoming_postcopy_advised(self, call: Call) -> Any:
        return self.host.inputs.advised
