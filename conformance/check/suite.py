"""Results by name: every scenario and every rule of VIRTIO, with what was expected to fail."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from conformance.check.asked import made
from conformance.check.campaign import CheckReport
from conformance.check.outcome import Outcome, as_run, often
from conformance.check.runner import run_trace
from conformance.check.scenarios import SCENARIO_NAMED, Scenario
from conformance.check.unseen import why_unseen
from conformance.judge.driver.rules import DRIVER_RULE_NAMED
from conformance.judge.finding import Kind
from conformance.judge.judge import CLAIMS, EXACT, Judge
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rule import Level, Rule
from conformance.judge.virtio.rules import RULE_NAMED, RULES
from conformance.targets.target import Target
from conformance.traces.trace import Trace
from model.profiles import Profile

ORACLES: Final = ("exact", "virtio")
_MEMBERS: Final = ("id", "reason", "since")
_MEMBERS_TOLD: Final = "id, reason and since"
OF_KIND = {Kind.REFUSED: Verdict.REJECTED, Kind.HUNG: Verdict.HUNG}


@dataclass(frozen=True, slots=True)
class Expected:
    """A known fault: the scenario, rule or claim, why it fails, and since when."""

    id: str
    reason: str
    since: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a scenario or rule; `trace` is what failed, where a trace did."""

    id: str
    verdict: Verdict
    message: str = ""
    trace: Trace | None = None
    log: str = ""


def read_expected(path: Path) -> dict[str, Expected]:
    """The known faults of a TOML file: tables `[[expected]]` with `id`, `reason` and `since`.

    Raises ValueError, in one line, for a file that is none.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(f"{path}: {reason}: expected a readable TOML file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    entries = document.get("expected", [])
    if set(document) - {"expected"} or not isinstance(entries, list):
        raise ValueError(f"{path}: expected tables [[expected]], and nothing else")
    found: dict[str, Expected] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path}, entry {number}"
        if not isinstance(entry, dict):
            raise ValueError(f"{where}: expected a table with {_MEMBERS_TOLD}")
        if missing := [name for name in _MEMBERS if name not in entry]:
            raise ValueError(f"{where}: no {', no '.join(missing)}: expected {_MEMBERS_TOLD}")
        if more := [name for name in entry if name not in _MEMBERS]:
            told = ", ".join(map(repr, more))
            raise ValueError(f"{where}: unknown {told}: expected {_MEMBERS_TOLD}, and nothing else")
        if not all(isinstance(text, str) and text for text in entry.values()):
            raise ValueError(f"{where}: id, reason and since are texts")
        if not ({entry["id"]} & {*SCENARIO_NAMED, *RULE_NAMED, *DRIVER_RULE_NAMED, *CLAIMS}):
            raise ValueError(
                f"{where}: no scenario, rule, invariant or contract {entry['id']!r}: "
                "see slotproof check --list"
            )
        if entry["id"] in found:
            raise ValueError(f"{where}: {entry['id']} is there already")
        found[entry["id"]] = Expected(**entry)
    return found


def judge_for(
    oracle: str, expected: Iterable[str] = (), *, needs: bool = False, accepts: bool = True
) -> Judge:
    """The judge of an oracle, `exact` or `virtio`, with the ids of what is known to be broken.

    `needs`: what drivers need binds as well. `accepts`: see Judge; a profile's device is the same
    as its profile in this too, so it always holds for `exact`.
    """
    known = frozenset(expected)
    levels = frozenset(
        rule.id
        for rule in RULES
        if (rule.binding and (oracle == "virtio" or rule.unprofiled))
        or (needs and rule.level is Level.NEED)
    )
    exact = oracle == "exact"
    return Judge(
        exact=exact,
        rules=levels - known,
        tolerated=known & CLAIMS,
        known=known,
        accepts=exact or accepts,
    )


def of_scenario(scenario: Scenario, judge: Judge) -> Judge:
    """The judge of a scenario: its own rules bind as well, but for those known to be broken, and
    for what drivers need unless that binds anyway."""
    own = {*scenario.rules, *scenario.also} - judge.known
    binding = {rule for rule in own if RULE_NAMED[rule].level is not Level.NEED}
    return replace(judge, rules=judge.rules | binding, exact=judge.exact and not scenario.by_rules)


def run_scenario(
    scenario: Scenario, target: Target, profile: Profile, judge: Judge = EXACT
) -> Result:
    """Run a scenario on a target; `judge` is that of the check."""
    if not scenario.rules and not judge.exact:
        return Result(scenario.id, Verdict.SKIPPED, "only a profile says what is right here")
    asked = made(scenario, target, profile)
    if isinstance(asked, str):
        return Result(scenario.id, Verdict.SKIPPED, asked)
    trace = asked.trace
    outcome = run_trace(target, trace, of_scenario(scenario, judge), started=asked.started)
    if (found := outcome.finding) is None:
        return Result(scenario.id, *_unbroken_scenario(scenario, target, trace, outcome, judge))
    if found.kind is Kind.REFUSED and not judge.accepts:
        return Result(scenario.id, Verdict.SKIPPED, found.message)
    verdict = OF_KIND.get(found.kind, Verdict.FAIL)
    return Result(scenario.id, verdict, found.message, as_run(trace, outcome), outcome.log)


def _unbroken_scenario(
    scenario: Scenario, target: Target, trace: Trace, outcome: Outcome, judge: Judge
) -> tuple[Verdict, str]:
    """What is to be said of a scenario that nothing failed."""
    own = set(scenario.rules) - judge.known - judge.rules
    for rule, broken in outcome.breaches.items():
        if rule in own and RULE_NAMED[rule].level is Level.NEED:
            message = f"{rule}, what drivers need, is broken at step {broken.step}: "
            return Verdict.SKIPPED, message + f"{broken.message}: with --needs it fails"
    unseen = [rule for rule in scenario.rules if rule not in outcome.exercised]
    if not unseen:
        return Verdict.PASS, ""
    why = why_unseen(unseen, target, trace, outcome)
    return Verdict.SKIPPED, f"{', '.join(unseen)} never applied: {why}"


def rule_results(report: CheckReport, rules: Iterable[Rule] = RULES) -> list[Result]:
    """What the traces of a check showed of each rule."""
    return [_rule_result(report, rule) for rule in rules]


def _rule_result(report: CheckReport, rule: Rule) -> Result:
    broken = report.breached.get(rule.id)
    where = (
        None if broken is None else f"{broken.message} (trace {broken.trace}, step {broken.step})"
    )
    times = report.exercised.get(rule.id, 0)
    return result_of(rule, where, times, ended=report.failing is not None)


def result_of(rule: Rule, broken: str | None, times: int, *, ended: bool) -> Result:
    """What was seen of a rule: where it was `broken` first, how often it applied, and whether the
    run `ended` at a failure."""
    if rule.unjudged:
        return Result(rule.id, Verdict.SKIPPED, f"not judged: {rule.unjudged}")
    if broken is not None:
        return Result(rule.id, Verdict.FAIL if rule.binding else Verdict.PASS, broken)
    if not times:
        return Result(rule.id, Verdict.SKIPPED, "never applied")
    return _unbroken(rule.id, f"held {often(times)}", ended)


def _unbroken(id: str, held: str, ended: bool) -> Result:
    """What nothing broke; what came after a failure, and would have broken it, was not run."""
    if not ended:
        return Result(id, Verdict.PASS)
    message = f"{held} until a failure, where the run ended: no verdict"
    return Result(id, Verdict.SKIPPED, message)


def claim_results(report: CheckReport, expected: Iterable[str]) -> list[Result]:
    """What became of the invariants and contracts among the known faults."""
    if not report.contract_checks:
        return []
    return [_claim_result(report, id) for id in expected if id in CLAIMS]


def _claim_result(report: CheckReport, id: str) -> Result:
    if broken := report.tolerated.get(id, 0):
        return Result(id, Verdict.FAIL, often(broken))
    return _unbroken(id, "held", report.failing is not None)


def as_expected(results: Iterable[Result], expected: Mapping[str, Expected]) -> list[Result]:
    """The results with known faults told apart from others; what was skipped stays skipped."""
    return [_as_expected(result, expected.get(result.id)) for result in results]


def _as_expected(result: Result, expected: Expected | None) -> Result:
    if expected is None or result.verdict is Verdict.SKIPPED:
        return result
    told = f"{expected.reason} (since {expected.since})"
    if result.verdict is not Verdict.PASS:
        return replace(result, verdict=Verdict.EXPECTED, message=f"{result.message}: {told}")
    return replace(result, verdict=Verdict.UNEXPECTED, message=f"no longer fails: {told}")
