"""Edits to Debian's virtio-mem.c: no change of behaviour is called equal, no harmless one differs.

The suite judges what takes no time; `make corpus` judges all.
"""

import os
from collections import Counter

import pytest
from source_edits.changing import CHANGING
from source_edits.edit import Edit, Texts
from source_edits.harmless import HARMLESS
from source_edits.judge import PREFIX, judged

from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.texts import KNOWN

pytestmark = pytest.mark.qemu
LONG = frozenset({"set_block_state", "state_change_request", "unplug_all"})
"""Functions that take many seconds."""
MANY = frozenset({"handle_request", "post_load", "post_load_early", "rdm_is_populated"})
"""Functions with many edits, of which the suite judges every fourth."""
WHOLE = os.environ.get("SLOTPROOF_WHOLE_CORPUS") == "1"
OPEN: frozenset[str] = frozenset()
"""Harmless edits that are not verified."""


def chosen(edits: tuple[Edit, ...]) -> list[Edit]:
    quick = [edit for edit in edits if not LONG & {*edit.functions}]
    many = [edit for edit in quick if MANY & {*edit.functions}]
    return [*edits] if WHOLE else [edit for edit in quick if edit not in many or edit in many[::4]]


@pytest.mark.parametrize("edit", chosen(CHANGING), ids=lambda edit: edit.name)
def test_a_change_of_behaviour_is_not_called_equal(edit: Edit, source_texts: Texts) -> None:
    said = judged(edit, source_texts)
    assert {*said.values()} - {"equal", "taken on trust"}, said
    assert not any("fault of slotproof" in word for word in said.values()), said


@pytest.mark.parametrize("edit", chosen(HARMLESS), ids=lambda edit: edit.name)
def test_a_harmless_edit_is_not_said_to_differ(edit: Edit, source_texts: Texts) -> None:
    said = judged(edit, source_texts, settling=True)
    words = {word.partition(":")[0] for word in said.values()}
    assert "differs" not in words, said
    assert ("not verified" in words) is (edit.name in OPEN), said


def test_the_corpus_is_large_and_names_are_used_once() -> None:
    looked_at = {name.removeprefix(PREFIX) for name in (*RULE_NAMED, *KNOWN)}
    bears = [edit for edit in chosen(CHANGING) if looked_at & {*edit.functions}]
    assert len(bears) >= 60
    assert len(chosen(HARMLESS)) >= 40
    assert len(OPEN) <= 5
    assert {edit.name for edit in HARMLESS} >= OPEN
    assert max(Counter(e.name for e in (*CHANGING, *HARMLESS)).values()) == 1
    kinds = Counter(edit.kind for edit in CHANGING)
    assert all(
        kinds[kind] >= 3 for kind in ("A.1", "A.3", "A.4", "A.5", "A.6", "A.7", "B.4", "text")
    )


def test_every_edit_changes_the_text_in_one_place_each(source_texts: Texts) -> None:
    for edit in (*CHANGING, *HARMLESS):
        assert edit.applied(source_texts) != source_texts, edit.name
