"""What QEMU's log tells of a driver, as records. It is written while it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.judge.driver.seen import Asked, Emptied, Requested, Seen, Status, Usable, Wrote
from conformance.targets.qemu.log import Event, read_event
from model.state import Answer, BlockState, Op

_STAMP: Final = re.compile(r"\d+@(\d+\.\d+):(.*)")
_STATUS: Final = re.compile(r"virtio_set_status vdev \S+ val (\d+)")
_COMMAND: Final = re.compile(r"handle_qmp_command mon \S+ req: (.*)")
_WRITE: Final = re.compile(
    r"memory_region_ops_write .* addr (0x[0-9a-f]+) .* size (\d+) name 'virtio-pci-device-.*'"
)
_PAGE: Final = 0x1000
"""The device configuration begins with a page of its own (QEMU, virtio_pci_modern_regions_init)."""
_OPS: Final = {
    "plug_request": Op.PLUG,
    "unplug_request": Op.UNPLUG,
    "unplug_all_request": Op.UNPLUG_ALL,
    "state_request": Op.STATE,
}
_ANSWERS: Final = (Answer.ACK, Answer.NACK, Answer.BUSY, Answer.ERROR)
_STATES: Final = (BlockState.PLUGGED, BlockState.UNPLUGGED, BlockState.MIXED)
"""By the numbers of VIRTIO's request-specific data."""


class LogReader:
    """Reads on in a log each time; `pending` is a request without an answer yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._first: float | None = None
        self._state: BlockState | None = None
        self._fitted: Usable | None = None
        self.pending: tuple[Event, float | None] | None = None

    def new(self) -> list[Seen]:
        """The records of the whole lines since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        return [seen for line in lines for seen in self._seen(line)]

    def _seen(self, line: str) -> Iterator[Seen]:
        if (stamped := _STAMP.fullmatch(line)) is None:
            return
        stamp, rest = float(stamped[1]), stamped[2].rstrip()
        self._first = stamp if self._first is None else self._first
        if (event := read_event(rest)) is not None:
            yield from self._event(event, round(stamp - self._first, 6))
        elif (match := _STATUS.fullmatch(rest)) is not None:
            yield Status(int(match[1]))
        elif (match := _WRITE.fullmatch(rest)) is not None:
            yield Wrote(int(match[1], 16) % _PAGE, int(match[2]))
        elif (match := _COMMAND.fullmatch(rest)) is not None:
            command = json.loads(match[1])
            given = command.get("arguments", {})
            if command.get("execute") == "qom-set" and given.get("property") == "requested-size":
                yield Requested(given["value"])

    def _event(self, event: Event, at: float) -> Iterator[Seen]:
        if event.name in _OPS:
            self.pending, self._state = (event, at), None
        elif event.name == "state_response":
            self._state = _STATES[event.values[0]]
        elif event.name == "resized_usable_region":
            # Of an UNPLUG ALL it is told before the answer.
            self._fitted = Usable(event.values[1])
        elif event.name == "unplugged_all" and self.pending is None:
            yield Emptied()
        elif event.name == "send_response" and self.pending is not None:
            asked, since = self.pending
            self.pending = None
            addr, blocks = asked.values if asked.values else (0, 0)
            answer = _ANSWERS[event.values[0]]
            yield Asked(_OPS[asked.name], answer, addr, blocks, self._state, since)
        if self._fitted is not None and self.pending is None:
            yield self._fitted
            self._fitted = None
