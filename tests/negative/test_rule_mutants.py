"""Mutation testing: every wrong rule is killed by a theorem, or listed with the reason why not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import z3
from click.testing import CliRunner
from rich.console import Console

import smt_proofs.mutation.alike
from conformance.cli import slotproof
from conformance.commands import mutants as command
from conformance.commands.mutants import DOCUMENT, document, mutant_table
from conformance.traces.schemas import problem
from model.geometry import first_slot
from model.machine_ints import INTS
from model.profiles import QEMU, SEED_V2, Mapping, Profile
from smt_proofs.mutation.alike import ALIKE, Judgement, prove_alike
from smt_proofs.mutation.equivalence import Equivalence, compare, compared, seek_transition
from smt_proofs.mutation.jointly import plain
from smt_proofs.mutation.recalling import Cores, RecallingSearch
from smt_proofs.mutation.rule_mutants import RULE_MODULES, functions, mutant_named, rule_mutants
from smt_proofs.mutation.statements import edits
from smt_proofs.mutation.testing import Judged, judge, judge_all, reads_profile, rules_of
from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.means import ORDINARY, Decider
from smt_proofs.solving.obligation import GOAL, Assertion
from smt_proofs.solving.search import Search
from smt_proofs.solving.solve import Answer, Verdict
from smt_proofs.transitions.simulation import Outcomes
from smt_proofs.transitions.small import outcome, situations

pytestmark = pytest.mark.slow

NAMED = {mutant.name: mutant for mutant in rule_mutants()}


def test_there_are_enough_mutants_under_names_of_their_own() -> None:
    assert len(rule_mutants()) == len(NAMED) >= 600
    for name in NAMED:
        assert re.fullmatch(r"[a-z]+\.[a-z_]+:[\w-]+", name)


def test_a_mutant_is_found_by_its_name() -> None:
    assert all(mutant_named(name) is mutant for name, mutant in NAMED.items())
    for unknown in ("requests.plug:no-such-edit", "requests.plug", "no.rule:at-all"):
        with pytest.raises(KeyError):
            mutant_named(unknown)


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
        ("requests.plug:POPULATE-before-earlier", "plug_obeys_plug_does"),
        ("events.resize:notified-becomes-False", "resize_obeys_notified_exactly"),
        ("rules.step:gone-or-broken-becomes-and", "plug_obeys_plug_error"),
    ],
)
def test_a_mutant_is_killed_by_the_theorem_that_speaks_of_it(name: str, theorem: str) -> None:
    (judged,) = judge([name])
    assert judged.kill is not None
    assert judged.kill.theorem == theorem


NOT_ALIKE = [
    ("requests.plug:valid_range-negated", QEMU, Mapping.PLUGGED, "plug"),
    ("requests.plug:POPULATE-before-earlier", QEMU, Mapping.PLUGGED, "plug"),
    ("requests.plug:mapped_after_unplug-undone", QEMU, Mapping.PLUGGED, "plug"),
    # Called in the body of a loop alone, which is evaluated after the rule was.
    ("mapping.range_unplugged:add-first-div-undone", QEMU, Mapping.PLUGGED, "unplug"),
    ("mapping.range_unplugged:div-size-block-one-more", QEMU, Mapping.PLUGGED, "unplug"),
    ("answers.report_state:range_unplugged-negated", QEMU, Mapping.STATIC, "state"),
    ("events.resize:notified-becomes-False", QEMU, Mapping.STATIC, "resize"),
    (
        "mapping.resize_usable_region:lt-slot_start-usable-becomes-le",
        SEED_V2,
        Mapping.USABLE,
        "resize",
    ),
    (
        "events.migration_in:if-post_load_maps-and-PLUGGED-dropped",
        QEMU,
        Mapping.PLUGGED,
        "migration-in",
    ),
    ("rules.step:gone-negated", QEMU, Mapping.STATIC, "short"),
]
"""Mutants that are killed, where they differ from the right rule."""


@pytest.mark.parametrize(("name", "profile", "mapping", "transition"), NOT_ALIKE)
def test_a_wrong_rule_is_not_proven_equivalent(
    name: str, profile: Profile, mapping: Mapping, transition: str
) -> None:
    found = seek_transition(NAMED[name], profile, mapping, transition)
    missing = [sought for sought in found if sought.answer is not Answer.UNSAT]
    assert GOAL in {sought.obligation.what for sought in missing}


def test_what_sufficed_before_is_used_only_where_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cores: Cores = {}
    x = z3.Int("x")
    known, asked = Assertion("fact", x > 0), Assertion("negated", x < 0)
    first, other, again = (RecallingSearch(cores) for _ in range(3))
    first.know([known])
    answer, core = first.refute([asked])
    assert answer is Answer.UNSAT and {one.label for one in core} == {"fact", "negated"}
    assert other.refute([asked]) == (Answer.SAT, ())
    again.know([known])
    monkeypatch.setattr(Search, "refute", None)
    assert again.refute([asked]) == (answer, core)


def test_outcomes_are_one_only_where_all_of_them_is() -> None:
    situation = next(situations(QEMU, Mapping.PLUGGED, "plug"))
    right = outcome("plug", situation)
    owing = SimpleNamespace(duties=[], closed=[], loops=[])
    assert plain(owing, Outcomes(right, replace(right)))  # type: ignore[arg-type]
    others: list[dict[str, object]] = [
        {"notified": not right.notified},
        {"state": replace(right.state, requested=right.state.requested + 1)},
        {"effects": (*right.effects, *right.effects, None)},
    ]
    for other in others:
        assert not plain(owing, Outcomes(right, replace(right, **other)))  # type: ignore[arg-type]
    owing.loops.append(None)
    assert not plain(owing, Outcomes(right, right))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "arithmetic.minimum:lt-a-b-operands-swapped",
        "arithmetic.align_up:1-becomes-2",
        "geometry.decide_memslots:if-eq-count-1-dropped",
        "geometry.realized_memslots:1-becomes-0",
    ],
)
def test_a_wrong_rule_is_undecided_however_it_is_compared(name: str) -> None:
    found = compare(NAMED[name], Decider(ORDINARY))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason


SAMPLE = [
    "arithmetic.minimum:lt-a-b-becomes-le",
    "geometry.decide_memslots:narrow-ceil_div-UINT_BITS-undone",
    "answers.report_state:range_unplugged-before-range_plugged",
    "answers.valid_range:lt-end-addr-becomes-le",
    "events.unrealize:0-becomes-1",
]
"""Survivors whose proofs are quick; `make mutants` proves all."""


@pytest.mark.parametrize("name", SAMPLE)
def test_a_survivor_is_proven_equivalent(name: str) -> None:
    found = compare(NAMED[name], Decider(ORDINARY))
    assert (found.verdict, found.reason) == (Verdict.PROVEN, "")
    assert found.obligations >= len(compared(NAMED[name]))


def run_of(monkeypatch: pytest.MonkeyPatch, judgement: Judgement) -> tuple[int, str]:
    """What the command makes of a judgement."""
    monkeypatch.setattr(command, "explain_all", lambda *_, **__: judgement)
    text = StringIO()
    code = command.run_mutants(Console(file=text, width=120))
    return code, text.getvalue()


def test_a_survivor_without_a_proof_is_named_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "requests.plug:valid_range-negated"
    code, text = run_of(monkeypatch, Judgement((Judged(name, None),), {}))
    assert code == 1
    assert f"UNEXPLAINED {name}" in text


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.PROVEN, 0), (Verdict.UNKNOWN, 3)])
def test_a_proof_that_was_not_found_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int
) -> None:
    name = next(iter(ALIKE))
    proof = Equivalence(name, verdict, 7, "plug: goal")
    ended, text = run_of(monkeypatch, Judgement((Judged(name, None),), {name: proof}))
    assert ended == code
    assert (f"UNDECIDED {name}: plug: goal" in text) is (code == 3)


def test_proofs_are_remembered_and_undecided_ones_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    alike, wrong = (
        "arithmetic.minimum:lt-a-b-becomes-le",
        "arithmetic.minimum:select-lt-a-b-always-first",
    )
    assert wrong in NAMED
    first = prove_alike([alike, wrong])
    assert (first[alike].verdict, first[wrong].verdict) == (Verdict.PROVEN, Verdict.UNKNOWN)
    asked: list[str] = []

    def carried_out(_: object, names: Sequence[str], *__: object) -> Iterator[object]:
        asked.extend(names)
        return iter(())

    monkeypatch.setattr(smt_proofs.mutation.alike, "carried_out", carried_out)
    assert prove_alike([alike, wrong]) == {alike: first[alike]}
    assert asked == [wrong]


def test_all_mutants_are_killed_or_said_to_be_alike_and_the_document_says_so() -> None:
    """All executions, on all cores. The proofs that the document tells of are `make mutants`."""
    judged = judge_all()
    assert {each.mutant for each in judged if each.kill is None} == set(ALIKE)
    proofs = {name: Equivalence(name, Verdict.PROVEN, 1, "") for name in ALIKE}
    judgement = Judgement(tuple(judged), proofs)
    assert document(judgement) == DOCUMENT.read_text(encoding="utf-8")
    assert mutant_table(judgement).row_count > len(ALIKE)


def test_the_json_counts_what_the_table_does(monkeypatch: pytest.MonkeyPatch) -> None:
    proven, open_ = list(ALIKE)[:2]
    (killed,) = judge(["arithmetic.align_up:1-becomes-2"])
    proofs = {
        proven: Equivalence(proven, Verdict.PROVEN, 7, ""),
        open_: Equivalence(open_, Verdict.UNKNOWN, 7, "plug: goal"),
    }
    unknown = "requests.plug:valid_range-negated"
    survivors = [Judged(name, None) for name in (proven, open_, unknown)]
    for count, code in ((1, 0), (2, 3), (3, 1)):
        found = Judgement((killed, *survivors[:count]), proofs)
        monkeypatch.setattr(command, "explain_all", lambda *_, found=found, **__: found)
        done = CliRunner().invoke(slotproof, ["prove", "--mutants", "--json"])
        assert done.exit_code == code
        told = json.loads(done.stdout)
        assert problem(told, "mutants-v1.json") is None
        assert (told["exit_code"], told["mutants"]) == (code, count + 1)
        assert told["undecided"] == [open_][: count - 1]
        assert told["unexplained"] == [unknown][: max(count - 2, 0)]
        for name in ("mutants", "killed", "equivalent"):
            assert sum(rule[name] for rule in told["rules"]) == told[name]
        assert (told["killed"], told["equivalent"]) == (1, 1)


@pytest.mark.parametrize("words", [["plug_never_wraps"], ["--junit", "x.xml"]])
def test_mutants_go_with_json_alone(words: list[str]) -> None:
    done = CliRunner().invoke(slotproof, ["prove", "--mutants", *words])
    assert done.exit_code == 2
    assert "only --json goes with it" in done.stderr


def test_mutants_leave_the_rules_right() -> None:
    assert first_slot.__code__.co_filename.endswith("geometry.py")
    for mutant in rule_mutants():
        assert mutant.function.__code__ is not mutant.code
    assert INTS.add(1, 1) == 2
