"""Helpers that do not fit their rule: another interface, not verified, or they differ."""

from typing import Final

import pytest

from smt_proofs.source.findings import Finding, Verdict
from smt_proofs.source.rules import ENTRIES
from smt_proofs.source.trust import settled
from smt_proofs.source.verify import read_source

HELPER: Final = "virtio_mem_valid_range"
CALLER: Final = "virtio_mem_state_change_request"
ASKER: Final = "virtio_mem_rdm_is_populated"


def verdict_on(helper: str, *more: str, **other: Verdict) -> Finding:
    """The verdict on a helper that differs; a request, a listener's question and `more` call it."""
    callers = (CALLER, ASKER, *more)
    bodies = {name: f"return {helper}(vmem);" if name in callers else "" for name in ENTRIES}
    bodies |= {name: f"return {helper}(vmem);" for name in callers} | {helper: "return 0;"}
    text = "".join(f"static int {n}(VirtIOMEM *vmem)\n{{\n{b}\n}}\n" for n, b in bodies.items())
    source = read_source(text.encode(), "virtio-mem.c")
    verdicts = dict.fromkeys((*ENTRIES, ASKER), Verdict.EQUAL) | other | {helper: Verdict.DIFFERS}
    found = [Finding(name, "", "", 1, verdict, what="answer") for name, verdict in verdicts.items()]
    [finding] = [f for f in settled(found, source) if f.function == helper]
    return finding


def test_a_helper_whose_callers_are_all_equal_has_another_interface() -> None:
    assert verdict_on(HELPER).verdict is Verdict.INTERFACE


def test_a_caller_that_nobody_looks_at_leaves_it_open_by_name() -> None:
    found = verdict_on(HELPER, "virtio_mem_stray")
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "also called by virtio_mem_stray, not covered" in found.reason


@pytest.mark.parametrize("name", [CALLER, ASKER])
@pytest.mark.parametrize("verdict", [Verdict.DIFFERS, Verdict.NOT_VERIFIED])
def test_a_caller_that_is_not_equal_leaves_it_as_it_is(name: str, verdict: Verdict) -> None:
    assert verdict_on(HELPER, **{name: verdict}).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    "name",
    [
        "virtio_mem_is_busy",
        "virtio_mem_default_block_size",
        "virtio_mem_plug_request",
        "virtio_mem_restore_unplugged",
        "virtio_mem_discard_range_cb",
    ],
)
def test_what_callers_take_for_its_rule_is_judged_by_itself(name: str) -> None:
    """Those were proven equal with what it should do, not with its text."""
    assert verdict_on(name).verdict is Verdict.DIFFERS
