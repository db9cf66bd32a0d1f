"""`metadata --measure` on the kernel that runs: every item to the page, nothing left behind."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.metadata.device import of_config
from conformance.metadata.kernel import Switches, asked
from conformance.metadata.kvm import KvmError, KvmVm
from conformance.metadata.measure import measured
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB
from model.kernels import ITEMS
from model.profiles import QEMU
from model.state import Config

pytestmark = pytest.mark.usefixtures("kvm")
DEVICES = {
    "one memslot": ["--region", "1G", "--plugged", "2M"],
    "short last memslot": ["--region", "9344M", "--plugged", "9344M", "--limit", "3"],
    "unaligned start": ["--region", "6G", "--plugged", "3G", "--addr", "0x147e00000"],
    "unaligned blocks": ["--region", "5G", "--plugged", "4G", "--addr", "0x100400000"],
    "256 memslots of 1 GiB": ["--region", "256G", "--plugged", "256G"],
    "half of 16 memslots": ["--region", "16G", "--plugged", "8G"],
    "nothing plugged": ["--region", "2G"],
}


@pytest.mark.parametrize("words", DEVICES.values(), ids=DEVICES)
def test_every_item_is_as_predicted(words: list[str]) -> None:
    before = open_files()
    result = CliRunner().invoke(slotproof, ["metadata", *words, "--measure", "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    assert problem(document, "metadata-v2.json") is None
    cases = document["measured"]
    kinds = [(case["static"], case["logging"]) for case in cases]
    assert kinds == [(True, False), (True, True), (False, False), (False, True)]
    there = {name for name, item in document["kernel"]["items"].items() if item["allocated"]}
    for case in cases:
        assert case["differs"] == []
        for name, pages in case["pages"].items():
            assert pages["measured"] == pages["predicted"]
            wanted = name in there and (case["logging"] or name != "dirty_bitmaps")
            assert (pages["measured"] > 0) == (wanted and case["memslots"] > 0)
    assert open_files() == before


def open_files() -> list[str]:
    """What this process has of KVM."""
    found = []
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(file.readlink()))
    return [name for name in found if "kvm" in name]


def test_a_prediction_that_is_wrong_is_told_by_item() -> None:
    """The control: a machine with other switches than this one's is not what is measured."""
    here = asked("host", None, Switches(), Switches()).vm
    wrong = replace(here, tdp=not here.tdp, tdp_mmu=not here.tdp)
    changed = {item.name for item in ITEMS if item.allocated(here)[0] != item.allocated(wrong)[0]}
    device = of_config("d", QEMU, Config(region=2 * GIB, block=2 * MIB, limit=2), GIB)
    for case in measured(wrong, device):
        assert set(case.differs) == changed
    assert changed


def test_a_memslot_that_kvm_refuses_is_one_line_and_leaves_nothing() -> None:
    before = open_files()
    refused = "KVM refuses memslot 0 of 4095 bytes at 0x100000000"
    with pytest.raises(KvmError, match=refused), KvmVm(GIB) as machine:
        assert open_files() != before
        machine.set_memslot(0, 4 * GIB, 0, 4095, logging=False)
    assert open_files() == before
