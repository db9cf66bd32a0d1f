"""Mutation testing: every wrong rule is killed by a theorem, or listed with the reason why not."""

from __future__ import annotations

import ast
import json
import re
from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from conformance.cli import slotproof
from conformance.commands import mutants as command
from conformance.commands.mutants import DOCUMENT, document, mutant_table, unexplained
from conformance.schemas import problem
from model.arithmetic import INTS
from model.geometry import first_slot
from model.profiles import QEMU, Mapping
from smt_proofs.alike import ALIKE
from smt_proofs.mutation import Judged, judge, judge_all, reads_profile, rules_of
from smt_proofs.mutation_statements import edits
from smt_proofs.rule_mutants import RULE_MODULES, functions, rule_mutants
from smt_proofs.small import outcome, situations

NAMED = {mutant.name: mutant for mutant in rule_mutants()}


def test_there_are_enough_mutants_under_names_of_their_own() -> None:
    assert len(rule_mutants()) == len(NAMED) >= 600
    for name in NAMED:
        assert re.fullmatch(r"[a-z]+\.[a-z_]+:[\w-]+", name)


def test_every_rule_has_mutants() -> None:
    having = {mutant.function for mutant in rule_mutants()}
    for module in RULE_MODULES:
        for function in functions(module):
            # It only hands its arguments on.
            simple = function.__name__ == "unplug_all"
            assert (function in having) is not simple, function.__name__


def test_every_rule_belongs_to_a_transition_or_to_the_decision() -> None:
    reached = rules_of("realize").union(*map(rules_of, ("plug", "unplug-all", "wake-up", "state")))
    names = {function.__name__ for function in reached}
    assert {"align_up", "usable_size", "mapped_after_unplug", "slot_length", "step"} <= names
    assert {function.__name__ for function in rules_of("short")} == {"violate", "step"}
    assert reads_profile("wake-up") and not reads_profile("plug")


def test_a_mutant_is_in_force_inside_its_context_only() -> None:
    mutant = NAMED["rules.step:gone-negated"]
    situation = next(situations(QEMU, Mapping.PLUGGED, "short"))
    right = outcome("short", situation)
    with mutant.applied():
        assert outcome("short", situation) != right
    assert outcome("short", situation) == right


def test_a_mutant_tells_where_it_is_and_what_was_changed() -> None:
    mutant = NAMED["requests.plug:valid_range-negated"]
    assert mutant.place == f"model/requests.py:{mutant.line}"
    assert mutant.before == "not valid_range(d, f, s, a.addr, size)"
    assert mutant.after == "valid_range(d, f, s, a.addr, size)"


RULE = """
def rule(d, f, s, a):
    if not d.test(s.busy):
        return Result(s, Answer.ACK)
    if d.test(d.lt(a.value, s.size)):
        return Result(s, Answer.ERROR)
    s = replace(s, size=a.value, usable=f.region)
    return Result(s, Answer.DONE, notified=True)
"""


def test_edits_are_those_that_a_reviewer_would_think_of() -> None:
    (rule,) = ast.parse(RULE).body
    assert isinstance(rule, ast.FunctionDef)
    labels = {edit.label for edit in edits(rule)}
    assert {
        "if-not-busy-dropped",
        "lt-value-size-before-not-busy",
        "s-not-changed",
        "busy-negated",
        "busy-becomes-broken",
        "ACK-becomes-BUSY",
        "lt-value-size-becomes-le",
        "lt-value-size-operands-swapped",
        "ERROR-becomes-NACK",
        "replace-without-size",
        "replace-without-usable",
        "replace-undone",
        "notified-becomes-False",
    } <= labels


@pytest.mark.parametrize(
    ("name", "theorem"),
    [
        ("arithmetic.align_up:1-becomes-2", "align_up_is_next_multiple"),
        ("geometry.decide_memslots:if-eq-count-1-dropped", "size_unset_for_one_slot"),
        ("requests.plug:mapped_after_unplug-undone", "plug_keeps_mapped_needs_plugged"),
        ("requests.plug:POPULATE-before-MAP", "plug_obeys_plug_tells"),
        ("events.resize:notified-becomes-False", "resize_obeys_notified_exactly"),
        ("rules.step:gone-or-broken-becomes-and", "plug_obeys_plug_error"),
    ],
)
def test_a_mutant_is_killed_by_the_theorem_that_speaks_of_it(name: str, theorem: str) -> None:
    (judged,) = judge([name])
    assert judged.kill is not None
    assert judged.kill.theorem == theorem


def test_a_survivor_without_a_reason_is_named_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "requests.plug:valid_range-negated"
    survivor = [Judged(name, None)]
    assert unexplained(survivor) == [name]
    monkeypatch.setattr(command, "judge_all", lambda: survivor)
    text = StringIO()
    assert command.run_mutants(Console(file=text, width=120)) == 1
    assert f"UNEXPLAINED {name}" in text.getvalue()


def test_the_json_counts_what_the_table_does(monkeypatch: pytest.MonkeyPatch) -> None:
    alike, unknown = next(iter(ALIKE)), "requests.plug:valid_range-negated"
    judged = [Judged(alike, None), *judge(["arithmetic.align_up:1-becomes-2"])]
    for survivors, code in (([], 0), ([Judged(unknown, None)], 1)):
        every = [*judged, *survivors]
        monkeypatch.setattr(command, "judge_all", lambda every=every: every)
        done = CliRunner().invoke(slotproof, ["prove", "--mutants", "--json"])
        assert done.exit_code == code
        found = json.loads(done.stdout)
        assert problem(found, "mutants-v1.json") is None
        assert found["exit_code"] == code
        counts = [found[name] for name in ("mutants", "killed", "alike")]
        assert counts == [len(every), 1, 1]
        assert found["unexplained"] == [each.mutant for each in survivors]
        for name, count in zip(("mutants", "killed", "alike"), counts, strict=True):
            assert sum(rule[name] for rule in found["rules"]) == count


@pytest.mark.parametrize("words", [["plug_never_wraps"], ["--junit", "x.xml"]])
def test_mutants_go_with_json_alone(words: list[str]) -> None:
    done = CliRunner().invoke(slotproof, ["prove", "--mutants", *words])
    assert done.exit_code == 2
    assert "only --json goes with it" in done.stderr


def test_all_mutants_are_killed_or_alike_and_the_document_says_so() -> None:
    """The whole run, on all cores."""
    judged = judge_all()
    assert {each.mutant for each in judged if each.kill is None} == set(ALIKE)
    assert document(judged) == DOCUMENT.read_text(encoding="utf-8")
    assert mutant_table(judged).row_count > len(ALIKE)


def test_mutants_leave_the_rules_right() -> None:
    assert first_slot.__code__.co_filename.endswith("geometry.py")
    for mutant in rule_mutants():
        assert mutant.function.__code__ is not mutant.code
    assert INTS.add(1, 1) == 2
