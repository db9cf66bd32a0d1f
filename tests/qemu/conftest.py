"""Fixtures of the tests that drive a real QEMU."""

import os
from pathlib import Path
from typing import NoReturn

import pytest
from debian_source import NoSource, shared
from source_edits.edit import Texts

from conformance.targets.qemu.process import QemuError, find_qemu


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a QEMU, so that `-m "not qemu"` leaves it out."""
    for item in items:
        if "qemu_binary" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.qemu)
    # What boots a guest takes longest: it goes first, all of it to one process, which boots once.
    items.sort(key=lambda item: item.path.name != "test_linux_driver.py")


@pytest.fixture(scope="session")
def qemu_binary() -> Path:
    """A QEMU with `dynamic-memslots`; without one a skip, or a failure if one is required."""
    try:
        return find_qemu()
    except QemuError as error:
        if os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


def missing(reason: str) -> NoReturn:
    """A skip with its reason, or a failure where everything is required."""
    if os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def source_file(proof_cache: Path) -> Path:
    """virtio-mem.c of Debian's QEMU, in a tree with its header."""
    try:
        return shared(proof_cache.parent / "qemu-source")
    except NoSource as error:
        missing(str(error))


@pytest.fixture(scope="session")
def source_texts(source_file: Path) -> Texts:
    """virtio-mem.c and virtio-mem.h of Debian's QEMU."""
    header = source_file.parents[2] / "include" / "hw" / "virtio" / "virtio-mem.h"
    return Texts(source_file.read_text(), header.read_text())
