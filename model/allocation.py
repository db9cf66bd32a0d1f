"""What the kernel takes for an array and for a memslot: whole pages, and the pointers to them.

The page tables of the kernel's own address space and vmalloc's descriptors are left out: together
about as much as the pointers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from model.arithmetic import ceil_div
from model.kernels import ITEMS, PRIVATE_MEMORY, TREE_OF_MEMSLOTS, Arch, Vm
from model.machine_ints import INTS
from model.metadata import Span

KMALLOC: Final = (8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096)
"""Bytes of the objects that kmalloc hands out. Source: kmalloc_info, mm/slab_common.c."""
POINTER: Final = 8
MEMSLOT: Final = "memslot"
"""The name of the item that is no array: struct kvm_memory_slot."""
ITEM_NAMES: Final = (*(item.name for item in ITEMS), MEMSLOT)


@dataclass(frozen=True, slots=True)
class Taken:
    """`areas` are the pages of each area of vmalloc, `small` the bytes of objects of kmalloc."""

    areas: tuple[int, ...] = ()
    small: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.areas + other.areas, self.small + other.small)

    def bytes(self, page: int) -> int:
        """All of it."""
        return sum(self.areas) * page + self.small


def kmalloc_bytes(size: int) -> int:
    """What kmalloc takes for an object of `size` bytes, a power of two above the largest bucket."""
    return next((b for b in KMALLOC if b >= size), 1 << (size - 1).bit_length())


def array_taken(size: int, page: int) -> Taken:
    """What vmalloc takes for an array of `size` bytes: whole pages, and the pointers to them, an
    array that is kmalloc's up to a page, or else vmalloc's again.

    Source: __vmalloc_area_node, mm/vmalloc.c; __vcalloc asks for no huge pages.
    """
    pages = ceil_div(INTS, size, page)
    pointers = POINTER * pages
    if pointers > page:
        return Taken((pages,)) + array_taken(pointers, page)
    return Taken((pages,), kmalloc_bytes(pointers))


def memslot_bytes(vm: Vm) -> int:
    """What the memslot itself takes. Up to 5.16 it lies in an array with the others.

    Source: struct kvm_memory_slot, include/linux/kvm_host.h, and kvm_arch_memory_slot.
    """
    kernel = vm.kernel
    arch = {Arch.X86: 6 * POINTER, Arch.PPC64: POINTER}.get(kernel.arch, 0)
    if kernel.release < TREE_OF_MEMSLOTS:
        return 40 + arch
    memfd = 2 * POINTER if kernel.memfd and kernel.release >= PRIVATE_MEMORY else 0
    return kmalloc_bytes(216 + arch + memfd)


def memslot_taken(vm: Vm, addr: int, size: int, logging: bool) -> dict[str, Taken]:
    """What one memslot of `size` bytes at the guest address `addr` takes, item by item, in all
    address spaces; an item that is not allocated is left out."""
    found = {
        item.name: sum(
            (array_taken(a, vm.kernel.page) for a in item.arrays(vm, addr, size)), Taken()
        )
        for item in ITEMS
        if item.allocated(vm)[0] and (logging or not item.logging)
    }
    found[MEMSLOT] = Taken(small=memslot_bytes(vm))
    spaces = vm.address_spaces
    return {name: Taken(once.areas * spaces, once.small * spaces) for name, once in found.items()}


def bytes_taken(vm: Vm, addr: int, spans: Iterable[Span], logging: bool) -> dict[str, int]:
    """The bytes of every item, for all these memslots of a region at `addr`."""
    total = dict.fromkeys(ITEM_NAMES, 0)
    for start, size in spans:
        for name, taken in memslot_taken(vm, addr + start, size, logging).items():
            total[name] += taken.bytes(vm.kernel.page)
    return total
