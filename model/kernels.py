"""What a memslot costs in the kernel asked about: which arrays KVM allocates, and under which
condition.

Read in Debian's sources of Linux 5.10.262, 6.1.192, 6.12.117 and 7.2.13; what changed between two
of those is dated by the commit named. Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from model.arithmetic import GIB, align_up, ceil_div
from model.machine_ints import INTS
from model.metadata import HUGE_PAGE, LONG_BITS, pages_touched

Release = tuple[int, int]
"""The first two numbers of a kernel's version."""

READ: Final = ("5.10.262", "6.1.192", "6.12.117", "7.2.13")
"""Versions whose source was read, oldest first."""
OLDEST: Final[Release] = (5, 10)
NEWEST: Final[Release] = (7, 2)
LAZY_RMAPS: Final[Release] = (5, 14)
"""Series "Lazily allocate memslot rmaps" of May 2021."""
LAZY_TRACKING: Final[Release] = (5, 16)
"""Commit deae4a10f166, "only allocate gfn_track when necessary"."""
TREE_OF_MEMSLOTS: Final[Release] = (5, 17)
"""Commit a54d806688fe, "Keep memslots in tree-based structures instead of array-based ones"."""
SMM_BY_OPTION: Final[Release] = (6, 2)
"""CONFIG_KVM_SMM: KVM can be built without SMM."""
PRIVATE_MEMORY: Final[Release] = (6, 8)
"""Guests with private memory have a single address space, a memslot the fields of guest_memfd."""
TRACKING_BY_USER: Final[Release] = (6, 9)
"""Commit 41ebae2ecd14: write-tracking metadata is allocated once a user of it registers in the VM;
before, wherever the kernel is built for such a user."""
DIRTY_RING: Final[Release] = (5, 11)
"""In 5.10, there is no dirty ring."""
TDP_MMU_BY_DEFAULT: Final[Release] = (5, 15)
"""The module parameter `tdp_mmu` is off in 5.10 and on in 6.1 and later."""


class Arch(Enum):
    """An architecture, as Debian names it."""

    X86 = "amd64"
    ARM64 = "arm64"
    S390X = "s390x"
    RISCV = "riscv64"
    PPC64 = "ppc64el"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and how it was built; `name` is what it was asked for by.

    `page` is the size of a page of the host. `tracking`: CONFIG_KVM_EXTERNAL_WRITE_TRACKING, which
    i915's GVT selects. `smm`: it has SMM. `memfd`: CONFIG_KVM_PRIVATE_MEM or, in later ones,
    CONFIG_KVM_GUEST_MEMFD.
    """

    name: str
    release: Release
    arch: Arch = Arch.X86
    page: int = 4096
    tracking: bool = True
    smm: bool = True
    memfd: bool = True


@dataclass(frozen=True, slots=True)
class Vm:
    """A virtual machine on a kernel, as far as its memslots' cost depends on it.

    `tdp`: two-dimensional paging (EPT, NPT). `shadow_root`: one was allocated, which a nested guest
    makes KVM do. `tracker`: an external user of write tracking, a GVT device, is in the VM. `smm`:
    the machine has SMM. `private`: it has private memory. `dirty_ring`: in place of bitmaps.
    """

    kernel: Kernel
    tdp: bool = True
    tdp_mmu: bool = True
    shadow_root: bool = False
    tracker: bool = False
    smm: bool = False
    private: bool = False
    dirty_ring: bool = False

    @property
    def address_spaces(self) -> int:
        """How many times every memslot exists. Source: kvm_arch_nr_memslot_as_ids, and
        KVM_ADDRESS_SPACE_NUM before 6.8, arch/x86/include/asm/kvm_host.h."""
        private = self.private and self.kernel.release >= PRIVATE_MEMORY
        return 2 if self.smm and self.kernel.smm and not private else 1


Why = tuple[bool, str]
"""Whether something is allocated, and the reason."""


def rmap_allocated(vm: Vm) -> Why:
    """Reverse maps exist where KVM may shadow page tables.

    Source: kvm_memslots_have_rmaps, arch/x86/kvm/mmu.h; kvm_alloc_memslot_metadata in 5.10, and
    kvmppc_core_prepare_memory_region_hv, arch/powerpc/kvm/book3s_hv.c."""
    if vm.kernel.arch is Arch.PPC64:
        return True, "always on book3s_hv"
    if vm.kernel.arch is not Arch.X86:
        return False, "x86 and ppc64 only"
    if vm.kernel.release < LAZY_RMAPS:
        return True, "always before 5.14"
    if not (vm.tdp and vm.tdp_mmu):
        return True, "the TDP MMU is off"
    if vm.shadow_root:
        return True, "a nested guest made KVM allocate a shadow root"
    return False, "the TDP MMU is on, and no nested guest runs"


def tracking_allocated(vm: Vm) -> Why:
    """Counts of write tracking exist where a page may be write-protected for somebody.

    Source: kvm_page_track_write_tracking_enabled, arch/x86/kvm/mmu/page_track.c; in 5.10,
    kvm_page_track_create_memslot allocates always."""
    if vm.kernel.arch is not Arch.X86:
        return False, "x86 only"
    if vm.kernel.release < LAZY_TRACKING:
        return True, "always before 5.16"
    if not vm.tdp:
        return True, "there is no two-dimensional paging"
    if vm.shadow_root:
        return True, "a nested guest made KVM allocate a shadow root"
    if vm.tracker:
        return True, "a GVT device is in the VM"
    if vm.kernel.release < TRACKING_BY_USER:
        built = "CONFIG_KVM_EXTERNAL_WRITE_TRACKING is"
        return vm.kernel.tracking, f"{built} {'' if vm.kernel.tracking else 'not '}set"
    if vm.kernel.tracking:
        return False, "built for GVT, but no GVT device and no nested guest is in the VM"
    return False, "not built for GVT, and no nested guest is in the VM"


def lpage_allocated(vm: Vm) -> Why:
    """What keeps large pages from being used is counted on x86.

    Source: kvm_alloc_memslot_metadata, arch/x86/kvm/x86.c."""
    return (True, "always") if vm.kernel.arch is Arch.X86 else (False, "x86 only")


def bitmaps_allocated(vm: Vm) -> Why:
    """Two bitmaps exist for a memslot that logs dirty pages, unless a ring is used.

    Source: kvm_prepare_memory_region, virt/kvm/kvm_main.c; kvm_use_dirty_bitmap, dirty_ring.c;
    for arm64, `dirty_ring` is one without the bitmap that it may have beside.
    """
    if vm.dirty_ring and vm.kernel.release >= DIRTY_RING:
        return False, "the dirty ring is used"
    return True, "while dirty pages are logged"


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a memslot's cost; `arrays` are its arrays' bytes for an address and size in bytes,
    `logging`: only while the memslot logs dirty pages."""

    name: str
    what: str
    allocated: Callable[[Vm], Why]
    arrays: Callable[[Vm, int, int], tuple[int, ...]]
    logging: bool = False


def _rmap(vm: Vm, addr: int, size: int) -> tuple[int, ...]:
    large = (HUGE_PAGE, GIB) if vm.kernel.arch is Arch.X86 else ()
    return tuple(8 * pages_touched(addr, size, page) for page in (vm.kernel.page, *large))


def _lpage(vm: Vm, addr: int, size: int) -> tuple[int, ...]:
    return tuple(4 * pages_touched(addr, size, page) for page in (HUGE_PAGE, GIB))


def _tracking(vm: Vm, addr: int, size: int) -> tuple[int, ...]:
    return (2 * pages_touched(addr, size, vm.kernel.page),)


def _bitmaps(vm: Vm, addr: int, size: int) -> tuple[int, ...]:
    return (2 * align_up(INTS, ceil_div(INTS, size, vm.kernel.page), LONG_BITS) // 8,)


ITEMS: Final = (
    Item("rmap", "rmap, 8 B a page of each size", rmap_allocated, _rmap),
    Item("write_track", "gfn_track, 2 B a page", tracking_allocated, _tracking),
    Item("lpage_info", "lpage_info, 4 B a large page of each size", lpage_allocated, _lpage),
    Item("dirty_bitmaps", "2 dirty bitmaps, 1 bit a page", bitmaps_allocated, _bitmaps, True),
)
"""What is an array; the memslot itself is the item that is left."""
