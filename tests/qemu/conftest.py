"""Fixtures of the tests that drive a real QEMU."""

import os
from pathlib import Path

import pytest

from conformance.targets.qemu.process import QemuError, find_qemu


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a QEMU, so that `-m "not qemu"` leaves it out."""
    for item in items:
        if "qemu_binary" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.qemu)


@pytest.fixture(scope="session")
def qemu_binary() -> Path:
    """A QEMU with `dynamic-memslots`; without one a skip, or a failure if one is required."""
    try:
        return find_qemu()
    except QemuError as error:
        if os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
