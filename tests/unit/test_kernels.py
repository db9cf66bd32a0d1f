"""What a memslot takes on each kernel: figures measured by hand, and conditions read in source."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.metadata.answer import Answer
from conformance.metadata.device import of_config
from conformance.metadata.found import Found
from conformance.metadata.host import host, vhost_regions
from conformance.metadata.kernel import Asked, KernelError, Switches, asked, kernel_named
from conformance.metadata.text import text
from model.allocation import MEMSLOT, array_taken, kmalloc_bytes, memslot_bytes, memslot_taken
from model.arithmetic import GIB, MIB, TIB
from model.kernels import (
    ITEMS,
    Arch,
    Kernel,
    Vm,
    bitmaps_allocated,
    lpage_allocated,
    rmap_allocated,
    tracking_allocated,
)
from model.profiles import QEMU
from model.state import Config

SHADOW = Vm(Kernel("6.18", (6, 18)), tdp=False, tdp_mmu=False)
"""All items are allocated; what was measured by hand on Linux 6.18 is below."""


def areas(size: int, addr: int = 4 * GIB) -> dict[str, tuple[int, ...]]:
    taken = memslot_taken(SHADOW, addr, size, logging=True)
    return {name: one.areas for name, one in taken.items() if name != MEMSLOT}


@pytest.mark.parametrize(
    ("size", "measured"),
    [
        (
            GIB,
            {
                "rmap": (512, 1, 1),
                "write_track": (128,),
                "lpage_info": (1, 1),
                "dirty_bitmaps": (16,),
            },
        ),
        (
            4 * GIB,
            {
                "rmap": (2048, 4, 4, 1),
                "write_track": (512,),
                "lpage_info": (2, 1),
                "dirty_bitmaps": (64,),
            },
        ),
        (
            16 * GIB,
            {
                "rmap": (8192, 16, 16, 1),
                "write_track": (2048, 4),
                "lpage_info": (8, 1),
                "dirty_bitmaps": (256,),
            },
        ),
    ],
)
def test_the_areas_are_those_that_were_measured(
    size: int, measured: dict[str, tuple[int, ...]]
) -> None:
    assert areas(size) == measured


def test_an_unaligned_memslot_touches_another_large_page() -> None:
    assert areas(GIB)["lpage_info"] == (1, 1)
    assert sum(areas(2 * GIB, 4 * GIB)["lpage_info"]) == 1 + 1
    assert areas(2 * GIB, 4 * GIB + MIB)["lpage_info"] == (2, 1)


def test_pointers_to_pages_are_an_array_again() -> None:
    assert array_taken(4096, 4096).areas == (1,)
    assert array_taken(512 * 4096, 4096).areas == (512,)
    assert array_taken(513 * 4096, 4096).areas == (513, 2)
    assert array_taken(2 << 30, 4096).areas == (1 << 19, 1 << 10, 2)
    assert array_taken(512 * 4096, 4096).small == 4096
    assert array_taken(513 * 4096, 4096).small == 16
    assert [kmalloc_bytes(n) for n in (1, 8, 9, 65, 97, 193, 257, 4097)] == [
        *(8, 8, 16, 96, 128, 256, 512, 8192)
    ]


@pytest.mark.parametrize(
    ("name", "arch", "bytes"),
    [
        ("5.10", Arch.X86, 88),
        ("6.1", Arch.X86, 512),
        ("6.12", Arch.X86, 512),
        ("6.12", Arch.ARM64, 256),
        ("5.10", Arch.PPC64, 48),
    ],
)
def test_the_memslot_itself(name: str, arch: Arch, bytes: int) -> None:
    assert memslot_bytes(Vm(kernel_named(name, arch))) == bytes


ALL = {"rmap", "write_track", "lpage_info", "dirty_bitmaps"}
USUAL = {"lpage_info", "dirty_bitmaps"}
NESTED = Switches(shadow_root=True)


@pytest.mark.parametrize(
    ("name", "switches", "there"),
    [
        ("5.10", Switches(), ALL),
        ("5.10-cloud", Switches(tdp_mmu=True), ALL),
        ("5.13", Switches(tdp_mmu=True), ALL),
        ("5.15", Switches(), ALL - {"rmap"}),
        ("5.14", Switches(), ALL),
        ("5.16-cloud", Switches(), USUAL),
        ("6.1", Switches(), ALL - {"rmap"}),
        ("6.1-cloud", Switches(), USUAL),
        ("6.8", Switches(), ALL - {"rmap"}),
        ("6.9", Switches(), USUAL),
        ("6.12", Switches(), USUAL),
        ("6.12", Switches(tracker=True), ALL - {"rmap"}),
        ("6.12", Switches(tdp_mmu=False), ALL - {"write_track"}),
        ("6.12", Switches(tdp=False, tdp_mmu=False), ALL),
        ("6.12-cloud", NESTED, ALL),
        ("6.12", Switches(dirty_ring=True), {"lpage_info"}),
        ("5.10", Switches(dirty_ring=True), ALL),
    ],
)
def test_which_items_exist(name: str, switches: Switches, there: set[str]) -> None:
    vm = asked(name, None, Switches(), switches).vm
    rules = {
        "rmap": rmap_allocated,
        "write_track": tracking_allocated,
        "lpage_info": lpage_allocated,
        "dirty_bitmaps": bitmaps_allocated,
    }
    assert {name for name, rule in rules.items() if rule(vm)[0]} == there
    assert all(rule(vm)[1] for rule in rules.values())
    assert {item.name: item.allocated for item in ITEMS} == rules
    assert {*memslot_taken(vm, TIB, GIB, logging=True)} == there | {MEMSLOT}
    assert "dirty_bitmaps" not in memslot_taken(vm, TIB, GIB, logging=False)


@pytest.mark.parametrize(
    ("arch", "there"),
    [
        (Arch.ARM64, {"dirty_bitmaps"}),
        (Arch.S390X, {"dirty_bitmaps"}),
        (Arch.RISCV, {"dirty_bitmaps"}),
        (Arch.PPC64, {"dirty_bitmaps", "rmap"}),
    ],
)
def test_other_architectures(arch: Arch, there: set[str]) -> None:
    vm = asked("6.12", arch, Switches(), Switches()).vm
    assert {item.name for item in ITEMS if item.allocated(vm)[0]} == there
    if arch is Arch.PPC64:
        rmap = memslot_taken(vm, TIB, GIB, logging=False)["rmap"]
        assert rmap.areas == (512,)


@pytest.mark.parametrize(
    ("name", "switches", "spaces"),
    [
        ("6.12", Switches(), 1),
        ("6.12", Switches(smm=True), 2),
        ("6.12", Switches(smm=True, private=True), 1),
        ("6.1", Switches(smm=True, private=True), 2),
    ],
)
def test_address_spaces(name: str, switches: Switches, spaces: int) -> None:
    vm = asked(name, None, Switches(), switches).vm
    assert vm.address_spaces == spaces
    once = memslot_taken(replace(vm, smm=False), TIB, GIB, logging=True)
    for item, taken in memslot_taken(vm, TIB, GIB, logging=True).items():
        assert taken.bytes(4096) == spaces * once[item].bytes(4096)


def test_what_is_said_comes_before_what_the_machine_says() -> None:
    machine = Switches(smm=True, dirty_ring=True)
    found: Asked = asked("6.12", None, machine, Switches(smm=False))
    assert (found.vm.smm, found.vm.dirty_ring) == (False, True)
    assert found.why["smm"] == "the command line"
    assert found.why["dirty_ring"] == "the machine"
    assert found.why["shadow_root"] == "assumed"


def test_smm_of_a_machine_whose_kvm_has_none_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table and the line below it say the same."""
    here = host(Path("/nowhere"), "6.18.1", "x86_64", 4096)
    without = replace(here, kernel=replace(here.kernel, smm=False))
    monkeypatch.setattr("conformance.metadata.kernel.host", lambda: without)
    found = asked("host", None, Switches(smm=True), Switches())
    assert found.vm.address_spaces == 1
    assert found.why["smm"] == "the machine has it, this KVM does not"
    device = of_config("device", QEMU, Config(GIB, 2 << 20, 256), 0)
    lines = text(Answer(QEMU.name, "options", None, Found((device,)), found))
    assert any("smm off (the machine has it, this KVM does not)" in line for line in lines)
    assert not any("twice because of SMM" in line for line in lines)


def test_a_newer_kernel_is_told_as_one() -> None:
    assert any("newer than what was read" in note for note in noted("9.9"))
    assert not any("newer" in note for note in noted("7.2"))


def noted(name: str) -> tuple[str, ...]:
    return asked(name, None, Switches(), Switches()).notes


@pytest.mark.parametrize("name", ["", "six", "6", "6.12-rt", "4.19", "6.12.1.1"])
def test_no_kernel(name: str) -> None:
    with pytest.raises(KernelError, match=r"expected|older"):
        asked(name, None, Switches(), Switches())


CONFIG = "CONFIG_KVM=m\nCONFIG_KVM_SMM=y\n# CONFIG_KVM_GUEST_MEMFD is not set\n"


def machine(root: Path, config: str | None, parameters: dict[str, str]) -> Path:
    """The files of a machine that a host is read from."""
    if config is not None:
        (root / "boot").mkdir()
        (root / "boot/config-6.1.0-9-amd64").write_text(config)
    for name, value in parameters.items():
        module, parameter = name.split(".")
        folder = root / "sys/module" / module / "parameters"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / parameter).write_text(f"{value}\n")
    return root


def test_a_host_is_read(tmp_path: Path) -> None:
    tracking = "CONFIG_KVM_EXTERNAL_WRITE_TRACKING=y\n"
    root = machine(
        tmp_path,
        CONFIG + tracking,
        {"kvm.tdp_mmu": "Y", "kvm_intel.ept": "Y", "vhost.max_mem_regions": "509"},
    )
    found = host(root, "6.1.0-9-amd64", "x86_64", 4096)
    assert (found.tdp, found.tdp_mmu, found.notes) == (True, True, ())
    kernel = found.kernel
    assert (kernel.release, kernel.tracking, kernel.smm, kernel.memfd) == (
        (6, 1),
        True,
        True,
        False,
    )
    assert found.why["tdp"] == "kvm_intel.ept=Y"
    assert vhost_regions(root) == 509


def test_a_host_whose_tdp_mmu_is_off(tmp_path: Path) -> None:
    root = machine(tmp_path, CONFIG, {"kvm.tdp_mmu": "N", "kvm_amd.npt": "1"})
    found = host(root, "6.1.0-9-amd64", "x86_64", 4096)
    assert (found.tdp, found.tdp_mmu, found.kernel.tracking) == (True, False, False)
    assert vhost_regions(root) is None


def test_a_host_without_two_dimensional_paging(tmp_path: Path) -> None:
    root = machine(tmp_path, CONFIG, {"kvm.tdp_mmu": "Y", "kvm_intel.ept": "N"})
    found = host(root, "6.1.0-9-amd64", "x86_64", 4096)
    assert (found.tdp, found.tdp_mmu) == (False, False)


def test_a_configuration_in_proc_is_read(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    packed = gzip.compress(b"CONFIG_KVM_GUEST_MEMFD=y\n# CONFIG_KVM_SMM is not set\n")
    (tmp_path / "proc/config.gz").write_bytes(packed)
    found = host(tmp_path, "6.18.1", "x86_64", 4096)
    assert (found.kernel.memfd, found.kernel.smm, found.kernel.tracking) == (True, False, False)
    assert found.why["smm"] == "CONFIG_KVM_SMM is not set"


def test_a_host_without_a_configuration_says_so(tmp_path: Path) -> None:
    found = host(tmp_path, "6.12.5-mine", "x86_64", 4096)
    assert found.kernel.tracking
    assert found.notes == (
        "no configuration of kernel 6.12.5-mine found: taken as Debian's generic one",
    )
