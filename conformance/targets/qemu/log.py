"""Lines of QEMU's log with `-trace 'virtio_mem_*'`.

Source: hw/virtio/trace-events of QEMU 10.0, as its `log` backend writes them; `-msg timestamp=on`
puts process id and time before each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"(?:\d+@\d+\.\d+:)?(virtio_mem_\w+)(?: (.*))?")
_HEX, _DECIMAL = r"0x([0-9a-f]{1,16})", r"(\d{1,5})"
_RANGE: Final = f"addr={_HEX} nb_blocks={_DECIMAL}"
_FORMATS: Final = {
    "virtio_mem_plug_request": _RANGE,
    "virtio_mem_unplug_request": _RANGE,
    "virtio_mem_state_request": _RANGE,
    "virtio_mem_unplug_all_request": "",
    "virtio_mem_unplugged_all": "",
    # QEMU writes no space between the two.
    "virtio_mem_resized_usable_region": rf"old_size={_HEX}\s*new_size={_HEX}",
    "virtio_mem_state_response": f"state={_DECIMAL}",
    "virtio_mem_send_response": f"type={_DECIMAL}",
}


class LogError(ValueError):
    """A log that says nothing; the message is one line: which line, what is wrong and right."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a line says: the event without `virtio_mem_`, and its numbers as they come (bytes, but
    for blocks, response types and states)."""

    name: str
    values: tuple[int, ...] = ()

    def __str__(self) -> str:
        numbers = " ".join(f"{v:#x}" if v > 0xFFFF else str(v) for v in self.values)
        return f"{self.name} {numbers}".strip()


@dataclass(frozen=True, slots=True)
class Line:
    """An event and the number of the line that tells it, from 1."""

    number: int
    event: Event


def read_event(line: str) -> Event | None:
    """The virtio-mem event that a line tells of; None for another line. Raises LogError."""
    match = _LINE.fullmatch(line.strip())
    if match is None:
        return None
    name, rest = match[1], (match[2] or "").strip()
    if name not in _FORMATS:
        raise LogError(f"{name} is no event of QEMU 8.2 to 10.0's virtio-mem")
    values = re.fullmatch(_FORMATS[name], rest)
    if values is None:
        raise LogError(f"{rest!r} is not what {name} is followed by")
    bases = (16 if format == _HEX else 10 for format in _groups(_FORMATS[name]))
    numbers = tuple(int(v, base) for v, base in zip(values.groups(), bases, strict=True))
    return Event(name.removeprefix("virtio_mem_"), numbers)


def read_lines(text: str) -> list[Line]:
    """The virtio-mem events of a log; other lines are passed over. Raises LogError."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            event = read_event(line)
        except LogError as error:
            raise LogError(f"line {number}: {error}") from None
        if event is not None:
            lines.append(Line(number, event))
    if not lines:
        raise LogError("no line of -trace 'virtio_mem_*': qemu ... -trace 'virtio_mem_*' -D FILE")
    return lines


def _groups(format: str) -> list[str]:
    """The number formats in a line's format, in order."""
    return re.findall(f"{re.escape(_HEX)}|{re.escape(_DECIMAL)}", format)
