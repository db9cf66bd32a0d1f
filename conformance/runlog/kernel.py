"""The log of Linux's virtio_mem driver (`insmod virtio_mem dyndbg=+p`), checked against the model.

The driver tells what it asks for, how that failed if it did, and the sizes whenever it reads the
configuration. So the model follows: a requested size that is told is set, an answer must be one
that the device can give, a plugged size that is told must be the device's. Unseen are a migration,
which is answered by BUSY, and a requested size that was lowered before the driver read it.

Source: virtio_mem_send_plug_request and its like, virtio_mem_refresh_config and virtio_mem_init in
drivers/virtio/virtio_mem.c of Linux 5.8 to 7.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from conformance.targets.qemu.log import LogError
from model.device import ReferenceDevice, fix
from model.machine_ints import INTS
from model.profiles import Profile
from model.rules import step
from model.state import Answer, Config, Op, action

_LINE: Final = re.compile(r".*\bvirtio_mem (virtio\d+): (.*)")
_RANGE: Final = r": 0x([0-9a-f]+) - 0x([0-9a-f]+)"
_ASKED: Final = {
    Op.PLUG: ("plugging memory", True),
    Op.UNPLUG: ("unplugging memory", True),
    Op.STATE: ("requesting state", True),
    Op.UNPLUG_ALL: ("unplugging all memory", False),
}
"""What each request is called, and whether its range (first and last byte) is told."""
_ERRNO: Final = {11: Answer.NACK, 26: Answer.BUSY, 22: Answer.ERROR}
"""EAGAIN, ETXTBSY, EINVAL: what the driver makes of a response that is no ACK."""
_TOLD: Final = {
    "addr": r"start address: 0x([0-9a-f]+)",
    "region": r"region size: 0x([0-9a-f]+)",
    "block": r"device block size: 0x([0-9a-f]+)",
    "size": r"plugged size: 0x([0-9a-f]+)",
    "requested": r"requested size: 0x([0-9a-f]+)",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a line tells: a size by its name, a request with its answer as `op`, or both None."""

    number: int
    name: str = ""
    value: int = 0
    op: Op | None = None
    answer: Answer = Answer.ACK
    addr: int = 0
    end: int = 0


class Unlike(Exception):
    """The device of the model does not do what a line tells; one line says which and what it
    does."""


def kernel_lines(text: str) -> dict[str, list[Told]]:
    """What a kernel's log tells of each virtio-mem device, by its name; empty if it tells nothing.

    Raises LogError.
    """
    devices: dict[str, list[Told]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if (match := _LINE.fullmatch(line.rstrip())) is not None:
            found = devices.setdefault(match[1], [])
            for told in _read(number, match[2]):
                if told.op is not None and told.answer is not Answer.ACK:
                    if not found or found[-1].op is not told.op:
                        raise LogError(f"line {number}: no request of that kind comes before")
                    # The failure of the request that was told before.
                    found[-1] = replace(found[-1], answer=told.answer)
                else:
                    found.append(told)
    return {name: lines for name, lines in devices.items() if lines}


def _read(number: int, text: str) -> Iterator[Told]:
    for name, form in _TOLD.items():
        if match := re.fullmatch(form, text):
            yield Told(number, name, int(match[1], 16))
    for op, (words, ranged) in _ASKED.items():
        if match := re.fullmatch(words + (_RANGE if ranged else ""), text):
            addr, last = (int(part, 16) for part in match.groups()) if ranged else (0, -1)
            yield Told(number, op=op, addr=addr, end=last + 1)
        elif match := re.fullmatch(rf"{words} failed: -(\d+)", text):
            if int(match[1]) not in _ERRNO:
                raise LogError(f"line {number}: errno {match[1]} stands for no response")
            yield Told(number, op=op, answer=_ERRNO[int(match[1])])


def explain_kernel(profile: Profile, config: Config, lines: list[Told]) -> int:
    """How many requests the model explains: all of them. Raises Unlike, LogError and ConfigError.

    The region, its address and the block size are the log's own where it tells them.
    """
    told = {line.name: line.value for line in lines}
    config = replace(
        config,
        region=told.get("region", config.region),
        block=told.get("block", config.block),
        addr=told.get("addr", config.addr),
    )
    state, fixed = ReferenceDevice(profile, config).state, fix(profile, config)
    requests, begins = 0, True
    for line in lines:
        if line.name == "addr":
            begins = True
        elif line.name == "size":
            if begins and line.value == 0 and state.size:
                # The machine was reset before this driver.
                state = step(INTS, fixed, state, action(Op.SYSTEM_RESET)).state
            begins = False
            if line.value != state.size:
                raise Unlike(f"line {line.number}: plugged {line.value:#x}; it is {state.size:#x}")
        elif line.name == "requested":
            if line.value != state.requested:
                result = step(INTS, fixed, state, action(Op.RESIZE, value=line.value))
                if result.answer is not Answer.DONE:
                    raise Unlike(
                        f"line {line.number}: requested {line.value:#x}; allowed are whole blocks "
                        f"up to {config.region:#x}"
                    )
                state = result.state
        elif line.op is not None:
            requests += 1
            blocks, rest = divmod(line.end - line.addr, config.block)
            if rest:
                raise LogError(f"line {line.number}: not whole blocks of {config.block:#x} bytes")
            asked = action(line.op, addr=line.addr, blocks=blocks)
            results = [
                step(INTS, fixed, replace(state, requested=size, busy=busy), asked)
                for size in (state.requested, 0)
                for busy in (False, True)
            ]
            fits = [result for result in results if result.answer is line.answer]
            if not fits:
                allowed = " or ".join(dict.fromkeys(result.answer.value for result in results))
                raise Unlike(
                    f"line {line.number}: {line.op.value} {line.answer.value}; allowed is {allowed}"
                )
            state = replace(fits[0].state, requested=state.requested, busy=False)
    return requests
