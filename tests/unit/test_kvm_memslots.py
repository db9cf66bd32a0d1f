"""KVM's memslots as QEMU tells them: read line by line, held against QEMU's own memory tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.metadata.cost import memslot_cost
from conformance.targets import spec
from conformance.targets.qemu.accel import kvm_missing
from conformance.targets.qemu.decision_grid import LARGEST_WITH_KVM, decision_grid, fits_kvm
from conformance.targets.qemu.kvmslots import KvmSlots, differing
from conformance.targets.qemu.process import QemuError
from model.arithmetic import GIB, MIB, TIB
from model.kernels import Kernel, Vm

ADDR = 4 * GIB
RAM = "kvm_set_user_memory AddrSpace#0 Slot#0 flags=0x0 gpa=0x0 size=0x10000000 ua=0x7fcd ret=0\n"


def line(slot: int, offset: int, size: int, space: int = 0, ret: int = 0) -> str:
    """As QEMU 9.0 and later writes it."""
    return (
        f"kvm_set_user_memory AddrSpace#{space} Slot#{slot} flags=0x1 gpa={ADDR + offset:#x} "
        f"size={size:#x} ua=0x7fcd37e00000 guest_memfd=-1 guest_memfd_offset=0x0 ret={ret}\n"
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_text(RAM)
    return path


def more(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.write("".join(lines))


def test_memslots_come_change_and_go(log: Path) -> None:
    slots = KvmSlots(log)
    assert slots.spans(ADDR, 8 * GIB) == {}
    more(log, line(3, GIB, GIB), line(4, 7 * GIB, GIB), line(5, 8 * GIB, GIB))
    assert slots.spans(ADDR, 8 * GIB) == {GIB: GIB, 7 * GIB: GIB}
    more(log, line(3, GIB, GIB), line(4, 7 * GIB, 0))
    assert slots.spans(ADDR, 8 * GIB) == {GIB: GIB}


def test_a_line_that_is_not_whole_yet_is_read_later(log: Path) -> None:
    slots = KvmSlots(log)
    whole = line(3, 0, GIB)
    more(log, whole[:-20])
    assert slots.spans(ADDR, GIB) == {}
    more(log, whole[-20:])
    assert slots.spans(ADDR, GIB) == {0: GIB}


def test_lines_of_qemu_7_have_the_address_space_in_the_slot(log: Path) -> None:
    old = (
        "12@1700000000.123456:kvm_set_user_memory Slot#{} flags=0x0 gpa={:#x} size={:#x} "
        "ua=0x7f0000000000 ret=0\n"
    )
    log.write_text(old.format(3, ADDR, GIB) + old.format((1 << 16) + 3, ADDR, GIB))
    slots = KvmSlots(log)
    assert slots.spans(ADDR, GIB) == {0: GIB}
    more(log, old.format((1 << 16) + 3, ADDR, 0))
    more(log, old.format((1 << 16) + 4, 0, GIB))
    with pytest.raises(QemuError, match="address spaces disagree"):
        slots.spans(ADDR, GIB)


def test_a_memslot_that_kvm_refuses_is_told(log: Path) -> None:
    more(log, line(3, 0, GIB, ret=-12))
    with pytest.raises(QemuError, match="KVM refuses a memslot with -12"):
        KvmSlots(log).spans(ADDR, GIB)


def test_a_qemu_that_tells_nothing_is_no_agreement(log: Path) -> None:
    log.write_text("")
    with pytest.raises(QemuError, match="tells no memslot of KVM"):
        KvmSlots(log).spans(ADDR, GIB)
    log.unlink()
    with pytest.raises(QemuError, match="writes no"):
        KvmSlots(log).spans(ADDR, GIB)


QEMU = {0: GIB, GIB: GIB, 2 * GIB: 512 * MIB}


@pytest.mark.parametrize(
    ("kvm", "told"),
    [
        (QEMU, None),
        ({0: GIB, GIB: GIB}, "at offset 0x80000000 none in KVM, 0x20000000 bytes in QEMU"),
        ({**QEMU, 3 * GIB: GIB}, "at offset 0xc0000000 0x40000000 bytes in KVM, none in QEMU"),
        # Two memslots that lie together, made one.
        ({0: 2 * GIB, 2 * GIB: 512 * MIB}, "at offset 0x0 0x80000000 bytes in KVM, 0x40000000"),
        ({}, "KVM has 0 memslots in the device's region, QEMU's memory tree 3"),
    ],
)
def test_any_other_memslot_is_a_difference(kvm: dict[int, int], told: str | None) -> None:
    found = differing(kvm, QEMU)
    assert found is None if told is None else found is not None and told in found


def test_kvm_leaves_room_for_the_machines_it_carries() -> None:
    """On the kernel and the paging that cost the most, dirty pages logged and SMM on."""
    worst = Vm(Kernel("5.10", (5, 10)), tdp=False, tdp_mmu=False, smm=True)
    assert memslot_cost(worst, ADDR, LARGEST_WITH_KVM).logging < 330 * MIB
    fit = [case for case in decision_grid(full=True) if fits_kvm(case)]
    assert len(fit) > 30 and all(case.region <= LARGEST_WITH_KVM for case in fit)
    assert not all(map(fits_kvm, decision_grid(full=True)))
    assert memslot_cost(worst, ADDR, TIB).logging > 5 * GIB


def refused(*words: str) -> str:
    result = CliRunner().invoke(slotproof, ["check", *words])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr


def test_another_target_has_no_accelerator() -> None:
    told = refused("--accel", "kvm")
    assert "--accel goes with --target qemu or qemu:PATH, not 'reference'" in told
    told = refused("--driver", "linux", "--accel", "kvm")
    assert "--accel is about a device: leave it out with --driver" in told


def test_without_kvm_it_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = tmp_path / "kvm"
    monkeypatch.setattr(spec, "kvm_missing", lambda: kvm_missing(nowhere))
    told = refused("--target", "qemu", "--accel", "kvm")
    assert told == (
        f"slotproof: target 'qemu-kvm': there is no {nowhere}: the target qemu needs no KVM\n"
    )
    nowhere.touch()
    assert kvm_missing(nowhere) is None


@pytest.mark.parametrize(
    ("given", "accel", "wanted"),
    [
        ("qemu", "kvm", "qemu-kvm"),
        ("qemu:/a:b", "kvm", "qemu-kvm:/a:b"),
        ("qemu-kvm", "kvm", "qemu-kvm"),
        ("qemu-kvm:/x", "tcg", "qemu:/x"),
    ],
)
def test_the_target_names_what_carries_it(given: str, accel: str, wanted: str) -> None:
    assert spec.accelerated(given, accel) == wanted
    assert spec.runs_kvm(wanted) == (accel == "kvm")
