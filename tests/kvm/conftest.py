"""Fixtures of the tests that make virtual machines through /dev/kvm."""

import os

import pytest

from conformance.metadata import vmalloc
from conformance.metadata.kvm import KvmError, KvmVm


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
