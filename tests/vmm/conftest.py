"""Fixtures of the tests that run the bare guest in a real VMM."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from conformance.targets.driver.bus import DriverError
from conformance.targets.qemu.process import find_qemu
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.tracing import tracer
from conformance.targets.vmm.krun import krun
from conformance.targets.vmm.machine import Vmm
from conformance.targets.vmm.qemu import GuestProcessor

T = TypeVar("T")


def had(make: Callable[[], T], *required: str) -> T:
    """What `make` makes; where it cannot, a skip, or a failure if all of `required` are."""
    try:
        return make()
    except DriverError as error:
        if all(os.environ.get(f"SLOTPROOF_REQUIRE_{name}") == "1" for name in required):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def qemu_binary() -> Path:
    return had(find_qemu, "QEMU")


@pytest.fixture
def guest_in_qemu(qemu_binary: Path) -> Iterator[QemuTarget]:
    target = QemuTarget(qemu_binary, processor=GuestProcessor)
    yield target
    target.close()


def found_tracer() -> str:
    if (program := tracer()) is None:
        raise DriverError("no strace: on Debian apt-get install strace")
    return program


@pytest.fixture(scope="session")
def strace() -> str:
    """The tracer's program."""
    return had(found_tracer, "QEMU")


@pytest.fixture(scope="session")
def libkrun() -> Vmm:
    """libkrun with a tracer beside it."""

    def made() -> Vmm:
        found_tracer()
        return krun(None)

    return had(made, "KVM", "VMM")
