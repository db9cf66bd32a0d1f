"""Fixtures of the tests that make virtual machines through /dev/kvm."""

import os

import pytest

from conformance.metadata import vmalloc
from conformance.metadata.kvm import KvmError, KvmVm
from conformance.targets.qemu.accel import kvm_missing
from conformance.targets.qemu.process import QemuError, find_qemu


@pytest.fixture(scope="session")
def kvm() -> None:
    """KVM and root's view of vmalloc; without them a skip, or a failure if they are required."""
    try:
        with KvmVm(4096):
            vmalloc.read()
    except KvmError as error:
        if os.environ.get("SLOTPROOF_REQUIRE_KVM") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kvm_qemu() -> None:
    """KVM and a QEMU with `dynamic-memslots`; without them a skip, or a failure if required."""
    missing = kvm_missing()
    if missing is not None:
        if os.environ.get("SLOTPROOF_REQUIRE_KVM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    try:
        find_qemu()
    except QemuError as error:
        if os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
