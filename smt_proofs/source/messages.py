"""What a device is asked and answers: the primitives of the functions around the requests."""

from __future__ import annotations

from typing import Any, Final

from smt_proofs.source.blocks import BlockDevice
from smt_proofs.source.evaluation import Pointer
from smt_proofs.source.names import SIGNATURES
from smt_proofs.source.typed import Call, UnsupportedError

STATE_CHANGE: Final = "virtio_mem_state_change_request"
UNPLUG_ALL: Final = "virtio_mem_unplug_all"
RESIZE: Final = "virtio_mem_resize_usable_region"
ASKED: Final = frozenset({STATE_CHANGE, UNPLUG_ALL, RESIZE})
"""The functions that others ask, and that are verified by themselves."""


class Messenger(BlockDevice):
    """A device that hears and says what surrounds the requests."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        # What functions that are verified by themselves were asked.
        self.asked: tuple[tuple[str, tuple[Any, ...]], ...] = ()
        # The responses sent: type and block state.
        self.answers: tuple[tuple[Any, Any], ...] = ()
        self.notified = self.refused = 0

    def primitive(self, call: Call, arguments: list[Any]) -> Any:
        if call.name == "error_setg":
            self.refused += 1
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
