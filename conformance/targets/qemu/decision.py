"""A real QEMU's memslot decision, compared with the model's.

What QEMU decided is read from QOM (block size, memslot sizes) and from its memory map (offsets),
where a memslot shows only while it is mapped. The model's side is `expectation`, beside this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.requests import RequestType, decode_response, encode_request
from conformance.targets.qemu.accel import TCG, Accel
from conformance.targets.qemu.decision_grid import DecisionCase, Device
from conformance.targets.qemu.expectation import Expectation, Slots, expectations
from conformance.targets.qemu.machine import earlier_id, machine_args
from conformance.targets.qemu.process import QemuError, QemuProcess
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver
from conformance.targets.qemu.slots import all_mapped_slots, slot_sizes
from conformance.traces.sizes import format_size

MACHINES: Final = 2
"""How many QEMUs run at the same time."""

Listener = Callable[["DecisionOutcome"], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """One comparison. `difference` is the first one found, in one line; None if there is none.

    `seen_sizes` are QEMU's memslots by number with their bytes, `seen_slots` those seen mapped with
    their offsets too: none if an earlier difference kept them from being mapped.
    """

    case: DecisionCase
    expected: Expectation
    seen_sizes: dict[int, int]
    seen_slots: Slots
    difference: str | None


def compare_decision(binary: Path, case: DecisionCase, accel: Accel = TCG) -> DecisionOutcome:
    """Start one QEMU and compare.

    Raises `QemuError` that names the case where QEMU fails, and ValueError where the case's devices
    do not fit its device space.
    """
    expected = expectations(case)
    try:
        with QemuProcess(binary, _arguments(case, accel)) as process:
            return _Comparison(process, case, expected).outcome()
    except QemuError as error:
        raise QemuError(f"{case}: {error}") from error


def compare_decisions(
    binary: Path, cases: Sequence[DecisionCase], listener: Listener, accel: Accel = TCG
) -> list[DecisionOutcome]:
    """The outcomes of `cases` in their order; `listener` gets each one as soon as it is there.

    Runs `MACHINES` QEMUs at a time. Raises as `compare_decision` does; the cases not begun by then
    are left out.
    """
    with ThreadPoolExecutor(MACHINES) as pool:
        futures = [pool.submit(compare_decision, binary, case, accel) for case in cases]
        try:
            for future in as_completed(futures):
                listener(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _arguments(case: DecisionCase, accel: Accel) -> list[str]:
    return machine_args(
        region=case.region,
        # All of it from the start, so that any block can be plugged.
        requested=case.region,
        device_space=case.device_space,
        device_options=_options(case.device),
        earlier=[(device.region, _options(device)) for device in case.earlier],
        dimms=case.dimms,
        accel=accel,
    )


def _options(device: Device) -> str:
    block = f",block-size={device.block}B" if device.block else ""
    return f"dynamic-memslots={'on' if device.option else 'off'}{block}"


class _Comparison:
    """One started machine, and what was seen of the device that the case is about."""

    def __init__(
        self, process: QemuProcess, case: DecisionCase, expected: Sequence[Expectation]
    ) -> None:
        self.process = process
        self.case = case
        *self.earlier, self.expected = expected
        self.sizes: dict[int, int] = {}
        self.slots: Slots = {}

    def outcome(self) -> DecisionOutcome:
        difference = self.of_earlier() or self.of_sizes() or self.of_offsets()
        return DecisionOutcome(self.case, self.expected, self.sizes, self.slots, difference)

    def of_earlier(self) -> str | None:
        for number, expected in enumerate(self.earlier):
            name = earlier_id(number)
            found = _sizes_differ(expected.slots, slot_sizes(self.process.qmp, name))
            if found is not None:
                return f"{name}, plugged earlier: {found}"
        return None

    def of_sizes(self) -> str | None:
        self.sizes = slot_sizes(self.process.qmp)
        return _sizes_differ(self.expected.slots, self.sizes)

    def of_offsets(self) -> str | None:
        """Plug the first block of every memslot, look where it is mapped, and unplug again."""
        driver = qtest_driver(QtestSocket(self.process))
        if not driver.setup():
            return "the device refuses VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE"
        config = driver.config()
        if config.block_size != self.expected.block:
            model, qemu = format_size(self.expected.block), format_size(config.block_size)
            return f"block size: the model has {model}, QEMU {qemu}"

        def mapped() -> Slots | None:
            return all_mapped_slots(self.process.qmp).get(config.addr)

        wanted = self.expected.slots
        if (found := _maps_differ({} if wanted else None, mapped())) is not None:
            return f"mapped at start: {found}"
        if not wanted:
            return None
        for number, (offset, _) in wanted.items():
            answer = _answer(driver, RequestType.PLUG, config.addr + offset, 1)
            if answer != "ACK":
                return f"PLUG at the start of memslot {number}: the model has ACK, QEMU {answer}"
        self.slots = mapped() or {}
        if (found := _maps_differ(wanted, self.slots)) is not None:
            return f"mapped with a block of each memslot plugged: {found}"
        answer = _answer(driver, RequestType.UNPLUG_ALL)
        if answer != "ACK":
            return f"UNPLUG_ALL: the model has ACK, QEMU {answer}"
        if (found := _maps_differ({}, mapped())) is not None:
            return f"mapped after UNPLUG_ALL: {found}"
        return None


def _answer(driver: VirtioMem, kind: RequestType, address: int = 0, blocks: int = 0) -> str:
    """How the device answered a request: the name of a response type, or in words."""
    response = driver.request(encode_request(kind, address, blocks))
    return "no answer" if response is None else decode_response(response)[0].name


def _sizes_differ(expected: Slots, seen: dict[int, int]) -> str | None:
    sizes = {number: size for number, (_, size) in expected.items()}
    return _differ(sizes, seen, format_size)


def _maps_differ(expected: Slots | None, seen: Slots | None) -> str | None:
    """As `_differ`, for mapped memslots; None is a device whose memory has no memslots."""
    if expected is None or seen is None:
        kinds = ["static memory" if slots is None else "memslots" for slots in (expected, seen)]
        return None if expected is seen else f"the model has {kinds[0]}, QEMU {kinds[1]}"
    return _differ(expected, seen, _slot)


def _slot(place: tuple[int, int]) -> str:
    return f"{format_size(place[1])} at {format_size(place[0])}"


def _differ(expected: dict[int, T], seen: dict[int, T], show: Callable[[T], str]) -> str | None:
    """Both counts and the first memslot that differs, in one line; None if there is none."""
    for number in sorted(expected.keys() | seen.keys()):
        model, qemu = (
            show(slots[number]) if number in slots else "none" for slots in (expected, seen)
        )
        if model != qemu:
            return (
                f"the model has {len(expected)} memslots, QEMU {len(seen)}; "
                f"memslot {number} is {model} in the model, {qemu} in QEMU"
            )
    return None
