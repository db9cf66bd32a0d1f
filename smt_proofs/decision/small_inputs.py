"""Boundary inputs of the theorems about decision and helpers, within their hypotheses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, Final

from model.arithmetic import GIB, MIB, U64_MASK
from model.caller import UNLIMITED, MemslotDemand, demand_for
from model.geometry import DecisionInput, decide_memslots, realized_memslots
from model.machine_ints import INTS
from smt_proofs.decision.adequacy import TwoLayouts, any_two
from smt_proofs.decision.caller import any_demand
from smt_proofs.decision.executed import meets
from smt_proofs.decision.helpers import TwoWords, any_two_words
from smt_proofs.decision.inputs import any_input
from smt_proofs.decision.machine_inputs import DeviceInput, any_device
from smt_proofs.decision.machine_inputs import device as in_machine
from smt_proofs.decision.memslots import PageInput, any_pages
from smt_proofs.decision.plugging import BlockInput, PlugInput, any_block, any_plug
from smt_proofs.decision.theorem import Theorem

Device = DecisionInput[int, bool]

BLOCKS: Final = (2 * MIB, GIB, 2 * GIB, 4096, 3)
"""Bytes: usual ones, both sides of the smallest memslot, and some that no device has."""
LIMITS: Final = (0, 1, 2, 3, 4, 256, 65535)
"""Memslots."""
WORDS: Final = (0, 1, 2, 3, 4, 5, 7, 8, 1 << 32, U64_MASK - 1, U64_MASK)


def regions(block: int) -> tuple[int, ...]:
    """Sizes of regions around the boundaries of few memslots (bytes)."""
    whole = (GIB, 2 * GIB, 3 * GIB, 5 * GIB)
    beside = (n + step for n in whole for step in (-block, block))
    odd = (1, block, 3 * GIB + 1, 300 * GIB, 1 << 60)
    return tuple(n for n in (*whole, *beside, *odd) if n > 0)


def any_devices() -> Iterator[Device]:
    """Inputs of the decision: usual devices first, then those that fall back to one memslot."""
    for block in BLOCKS:
        for region, limit in product(regions(block), LIMITS):
            yield DecisionInput(region, block, limit, 4096, 2 * MIB, option=True, has_ram=True)
    yield DecisionInput(0, MIB, 2, 4096, 2 * MIB, option=True, has_ram=True)
    yield DecisionInput(65536 * GIB, MIB, 65536, 4096, 2 * MIB, option=True, has_ram=True)
    for region, option, has_ram, page in product(
        (2 * GIB, 3 * GIB), (True, False), (True, False), (4096, 2 * MIB, GIB)
    ):
        for block, default in ((MIB, 2 * MIB), (2 * MIB, 4 * MIB), (GIB, 4096)):
            yield DecisionInput(region, block, 256, page, default, option, has_ram)


def few_devices() -> Iterator[Device]:
    """Devices with several memslots, the last of them shorter or not."""
    for block, region, limit in (
        (GIB, 2 * GIB, 256),
        (GIB, 3 * GIB, 2),
        (512 * MIB, 3 * GIB, 256),
        (512 * MIB, 2 * GIB + 512 * MIB, 256),
        (GIB, GIB, 256),
    ):
        yield DecisionInput(region, block, limit, 4096, 2 * MIB, option=True, has_ram=True)


def blocks_of_devices() -> Iterator[BlockInput[int, bool]]:
    """Every block of a few devices."""
    for device in few_devices():
        for at in range(0, device.region, device.block):
            yield BlockInput(device, at)


def plugs_of_devices() -> Iterator[PlugInput[int, bool]]:
    """Every range of blocks of a few devices, with each of its blocks."""
    for device in few_devices():
        starts = range(0, device.region, device.block)
        for offset, end in product(starts, (*starts, device.region)):
            for at in range(offset, end, device.block):
                yield PlugInput(device, offset, end - offset, at)


def pairs_of_layouts() -> Iterator[TwoLayouts[int, bool]]:
    """The choice for a device beside others that are close to it."""
    for device in few_devices():
        right = realized_memslots(INTS, device.region, decide_memslots(INTS, device))
        for more, larger in product((-1, 0, 1), (-device.block, 0, device.block)):
            for several in (True, False):
                yield TwoLayouts(
                    device.region,
                    device.block,
                    device.limit,
                    several,
                    right.count,
                    right.size,
                    right.count + more,
                    right.size + larger,
                )


def pages() -> Iterator[PageInput[int]]:
    """Ordinary memory and huge pages, with huge pages of a smaller and of a larger size."""
    sizes = (4096, MIB, 2 * MIB, GIB)
    for page, host_page, thp in product(sizes, (4096, MIB), sizes):
        yield PageInput(page, host_page, thp)


def pairs_of_words() -> Iterator[TwoWords[int]]:
    """Small words and the last ones."""
    for n, m in product(WORDS, WORDS):
        yield TwoWords(n, m)


def demands() -> Iterator[MemslotDemand[int]]:
    """Devices that take all, nearly all or little of the space, beside few and many memslots."""
    spaces = (1, 3, (1 << 53) + 1, GIB, 257 * GIB, U64_MASK)
    counts = (0, 1, 254, 255, 256, UNLIMITED)
    for space, required, free in product(spaces, counts, (0, 1, 255, 256, 509, UNLIMITED)):
        for used_space, size in ((0, space), (space // 2, space // 2), (space - 1, 1), (0, 1)):
            for maximum in (508, 509):
                yield demand_for(size, space, used_space, required, required // 2, maximum, free)


def devices_of_machines() -> Iterator[DeviceInput[int]]:
    """Machines with few devices and a device of theirs, or one that is plugged."""
    for several, single, used, free in product((0, 2, 256), (0, 1, 2), (0, 1, 2), (0, 1, 300)):
        for count, mapped in ((1, 0), (1, 1), (2, 1), (3, 0)):
            machine = {"several": several, "single": single, "used": used, "used_space": 8 * GIB}
            yield in_machine(GIB, count, mapped, kvm_free=free, vhost_free=free + 1, **machine)


BOUNDARY: Final[dict[Callable[..., Any], Callable[[], Iterable[Any]]]] = {
    any_input: any_devices,
    any_block: blocks_of_devices,
    any_plug: plugs_of_devices,
    any_two: pairs_of_layouts,
    any_pages: pages,
    any_two_words: pairs_of_words,
    any_demand: demands,
    any_device: devices_of_machines,
}
"""The boundary inputs by the inputs that a theorem is about."""


def boundary_inputs(theorem: Theorem[Any]) -> Iterator[Any]:
    """Inputs that meet the hypotheses of a theorem, in order. Raises KeyError for a kind of inputs
    that has no boundary."""
    return (inputs for inputs in BOUNDARY[theorem.inputs]() if meets(theorem, inputs))
