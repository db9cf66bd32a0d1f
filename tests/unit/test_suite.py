"""Known faults, scenarios and single rules: what `check` makes of them."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.check.campaign import CheckReport
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS, Scenario
from conformance.check.steps import Site
from conformance.check.suite import (
    Expected,
    as_expected,
    claim_results,
    read_expected,
    rule_results,
    run_scenario,
)
from conformance.check.suite import Result as Named
from conformance.cli import slotproof
from conformance.judge.finding import Kind
from conformance.judge.verdict import FAILURES, Verdict
from conformance.judge.virtio.rules import RULE_NAMED, RULES
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import FAIL_MEMSLOT, LAYOUTS, TargetError, needs
from conformance.traces.schemas import problem
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.observation import Observation
from model.profiles import FIRECRACKER, PROFILES, QEMU, SEED_V2, Profile
from model.state import ConcreteAction, Config

QUICK = ("--traces", "20", "--steps", "40", "--seed", "1")


def run(*arguments: str, at: Path) -> Result:
    result = CliRunner().invoke(slotproof, ["check", *arguments, "--failures", str(at)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def faults(directory: Path, *ids: str) -> str:
    path = directory / "known.toml"
    path.write_text(
        "".join(f'[[expected]]\nid = "{id}"\nreason = "so"\nsince = "1"\n' for id in ids)
    )
    return str(path)


# Scenarios


def steps_of(scenario: Scenario) -> list[TraceStep]:
    made = scenario.steps(Site(**asdict(scenario.config), slot=GIB))
    return [step if isinstance(step, TraceStep) else TraceStep(step) for step in made]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_scenarios_pass_on_the_reference_device(scenario: Scenario, profile: Profile) -> None:
    result = run_scenario(scenario, ReferenceTarget(), profile)
    unable = LAYOUTS | {FAIL_MEMSLOT}
    if any(needs(step.action, step.layout) & unable for step in steps_of(scenario)):
        # The model has no queue, and no host.
        assert result.verdict is Verdict.SKIPPED
        assert "cannot do" in result.message or "borders on no other" in result.message
    elif result.verdict is Verdict.FAIL:
        # A profile that breaks a claim of its own is told so, and nothing else.
        assert result.trace is not None and result.trace.finding is not None
        assert result.trace.finding.kind in {Kind.INVARIANT, Kind.CONTRACT, Kind.VIRTIO}
        assert profile is not QEMU
    elif scenario.id == "short-last-memslot" and not profile.option_name:
        assert result.message == "the device has no short last memslot of several blocks"
    elif scenario.id == "readable-memory" and profile is FIRECRACKER:
        assert result.message == "slot_size_mib=on needs unplugged-inaccessible=on in firecracker"
    elif scenario.id in {"memslots-in-a-snapshot", "restore-then-unplug"}:
        # The model has no memory.
        assert result.verdict is Verdict.SKIPPED
    else:
        assert result.verdict is Verdict.PASS


class Failing(ReferenceTarget):
    """A device that fails in one way at its first step."""

    kind = Kind.DIED

    def apply(self, action: ConcreteAction) -> Observation:
        raise TargetError(self.kind, "not today", "a log")


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (Kind.DIED, Verdict.FAIL),
        (Kind.GARBAGE, Verdict.FAIL),
        (Kind.HUNG, Verdict.HUNG),
        (Kind.REFUSED, Verdict.REJECTED),
    ],
)
def test_ways_to_fail_are_kept_apart(kind: Kind, verdict: Verdict) -> None:
    target = Failing()
    target.kind = kind
    result = run_scenario(SCENARIO_NAMED["reboot"], target, QEMU)
    assert (result.verdict, result.message, result.log) == (verdict, "not today", "a log")
    assert result.trace is not None and verdict in FAILURES


def test_what_a_target_cannot_do_is_skipped_with_its_reason() -> None:
    target = ReferenceTarget()
    target.capabilities = frozenset({"plug"})  # type: ignore[misc]
    result = run_scenario(SCENARIO_NAMED["reboot"], target, QEMU)
    assert result == Named("reboot", Verdict.SKIPPED, "the target cannot do system-reset")


def test_the_busy_check_of_the_patch_is_a_scenario() -> None:
    target, busy = ReferenceTarget(), SCENARIO_NAMED["unplug-all-of-nothing-while-busy"]
    patched = replace(QEMU, busy_before_empty=SEED_V2.busy_before_empty)

    class Patched(ReferenceTarget):
        def start(self, profile: object, config: object) -> Observation:
            return super().start(patched, config)  # type: ignore[arg-type]

    assert run_scenario(busy, target, QEMU).verdict is Verdict.PASS
    result = run_scenario(busy, Patched(), QEMU)
    assert (result.verdict, result.message) == (Verdict.FAIL, "answer: allowed ack, seen busy")


# Rules


def test_rules_that_never_applied_are_skipped() -> None:
    empty = CheckReport(0, 0, {}, {}, 0, 0, None)
    assert {result.verdict for result in rule_results(empty)} == {Verdict.SKIPPED}


def test_a_rule_has_no_verdict_where_the_run_ended_at_another_failure() -> None:
    """What comes after the failure could have broken it: it neither passed nor no longer fails."""
    rule = "memslot-of-plugged-mapped"
    whole = CheckReport(2, 85, {}, {}, 0, 0, None, exercised={rule: 87})
    failing = replace(whole, failing=Trace(QEMU, Config(2 * MIB, MIB, 1), ()))
    verdicts = []
    for report in (whole, failing):
        (result,) = as_expected(
            [one for one in rule_results(report) if one.id == rule],
            {rule: Expected(rule, "so", "1")},
        )
        verdicts.append(result.verdict)
    assert verdicts == [Verdict.UNEXPECTED, Verdict.SKIPPED]


def test_a_claim_has_no_verdict_there_either() -> None:
    whole = CheckReport(2, 85, {}, {}, 0, 9, None)
    failing = replace(whole, failing=Trace(QEMU, Config(2 * MIB, MIB, 1), ()))
    verdicts = [claim_results(report, ["plug-does"])[0].verdict for report in (whole, failing)]
    assert verdicts == [Verdict.PASS, Verdict.SKIPPED]


def test_expected_faults_change_what_was_judged_only() -> None:
    known = {"a": Expected("a", "so", "1")}
    verdicts = [
        as_expected([Named("a", verdict)], known)[0].verdict
        for verdict in (Verdict.FAIL, Verdict.HUNG, Verdict.PASS, Verdict.SKIPPED)
    ]
    assert verdicts == [Verdict.EXPECTED, Verdict.EXPECTED, Verdict.UNEXPECTED, Verdict.SKIPPED]
    assert as_expected([Named("b", Verdict.FAIL)], known) == [Named("b", Verdict.FAIL)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[expected", "not TOML"),
        ("x = 1", "nothing else"),
        ("expected = 1", "nothing else"),
        (
            '[[expected]]\nid = "reboot"',
            "entry 1: no reason, no since: expected id, reason and since",
        ),
        (
            '[[expected]]\nid = "reboot"\nreason = "a"\nsince = "b"\nuntil = "c"',
            "entry 1: unknown 'until': expected id, reason and since, and nothing else",
        ),
        ("expected = [1]", "entry 1: expected a table with id, reason and since"),
        ('[[expected]]\nid = 1\nreason = "a"\nsince = "b"', "are texts"),
        ('[[expected]]\nid = "no"\nreason = "a"\nsince = "b"', "'no': see slotproof check --list"),
        ('[[expected]]\nid = "reboot"\nreason = "a"\nsince = "b"\n' * 2, "is there already"),
    ],
)
def test_a_file_of_known_faults_that_is_none_is_wrong_use(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"known\.toml") as caught:
        read_expected(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    result = run("--expect", str(path), at=tmp_path)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1


def test_the_published_known_faults_can_be_read() -> None:
    for path in (Path(__file__).parents[2] / "docs" / "known-faults").iterdir():
        assert read_expected(path)


# The command


def test_the_list_names_every_scenario_and_rule_with_its_clause(tmp_path: Path) -> None:
    printed = run("--list", at=tmp_path).stdout
    for scenario in SCENARIOS:
        assert f"\n{scenario.id} " in f"\n{printed}"
    for rule in RULES:
        assert f"\n{rule.id} " in printed and f"[{rule.clause}]" in printed


def test_one_scenario_alone(tmp_path: Path) -> None:
    result = run("--only", "reboot", "--json", at=tmp_path)
    document = json.loads(result.stdout)
    assert problem(document, "check-v1.json") is None
    assert (result.exit_code, document["traces"]) == (0, 0)
    assert document["scenarios"] == [
        {"id": "reboot", "verdict": "pass", "message": "", "trace": None}
    ]


def test_one_rule_alone_is_made_small_and_replayed(tmp_path: Path) -> None:
    result = run("--only", "plug-plugged-is-error", *QUICK, at=tmp_path)
    assert result.exit_code == 1
    assert "made small to 2 steps" in result.stdout
    assert "claim    a block that is plugged already" in result.stdout
    (kept,) = tmp_path.iterdir()
    arguments = ["trace", "replay", str(kept), "--target", "reference"]
    again = CliRunner().invoke(slotproof, arguments)
    assert again.exit_code == 1 and again.stdout.startswith("still fails\n")
    assert run("--only", "state-mixed", *QUICK, at=tmp_path).exit_code == 0


def test_an_unknown_id_is_wrong_use(tmp_path: Path) -> None:
    result = run("--only", "none-such", at=tmp_path)
    assert result.exit_code == 2 and "see slotproof check --list" in result.stderr


def test_the_text_as_oracle_fails_but_for_what_is_known(tmp_path: Path) -> None:
    assert run("--oracle", "virtio", *QUICK, at=tmp_path).exit_code == 1
    known = faults(tmp_path, "plug-plugged-is-error")
    result = run("--oracle", "virtio", "--expect", known, *QUICK, at=tmp_path)
    assert result.exit_code == 0
    assert result.stdout.endswith(
        "holds: no binding rule of VIRTIO violated in the cases counted\n"
    )
    assert re.search(r"plug-plugged-is-error \(MUST\) \d+ times, as expected", result.stdout)


def test_a_known_fault_that_is_gone_fails(tmp_path: Path) -> None:
    known = faults(tmp_path, "state-unplugged", "reboot", "plugged-in-mapped")
    result = run("--expect", known, *QUICK, at=tmp_path)
    assert result.exit_code == 1
    failures = [line for line in result.stdout.splitlines() if line.startswith("fails: ")]
    assert failures == [
        "fails: state-unplugged: no longer fails: so (since 1)",
        "fails: plugged-in-mapped: no longer fails: so (since 1)",
        "fails: scenario reboot: unexpected pass: no longer fails: so (since 1)",
    ]


def test_a_claim_known_to_be_broken_is_counted(tmp_path: Path) -> None:
    arguments = ["--profile", "qemu-7.2", *QUICK]
    assert run(*arguments, at=tmp_path).exit_code == 1
    known = faults(tmp_path, "empty-unplug-all-acknowledged", "reset-fits-usable")
    result = run(*arguments, "--expect", known, at=tmp_path)
    assert result.exit_code == 0, result.stdout
    assert "  as expected       empty-unplug-all-acknowledged: " in result.stdout


def test_a_failing_scenario_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.targets.spec.ReferenceTarget", Failing)
    result = run("--only", "reboot", at=tmp_path)
    assert result.exit_code == 1
    log, trace = sorted(tmp_path.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert log.read_text() == "a log"
    assert f"fails: scenario reboot: fail: not today, kept as {trace}" in result.stdout


def test_the_json_names_every_rule_with_its_verdict(tmp_path: Path) -> None:
    document = json.loads(run("--json", *QUICK, at=tmp_path).stdout)
    assert problem(document, "check-v1.json") is None
    rules = {rule["id"]: rule for rule in document["rules"]}
    assert set(rules) == set(RULE_NAMED)
    assert (rules["plug-plugged-is-error"]["verdict"], document["verdict"]) == ("fail", "holds")
    assert rules["memory-like-ram"]["verdict"] == "skipped"
    assert rules["state-unplugged"]["exercised"] > 0 and rules["state-unplugged"]["broken"] == 0
