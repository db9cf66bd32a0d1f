"""What `slotproof check` tells: as text, and as a JSON document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conformance.check.again import Before
from conformance.check.campaign import CheckReport
from conformance.check.explain import replay_command
from conformance.check.failed import failed
from conformance.check.outcome import often
from conformance.check.suite import (
    Expected,
    Result,
    as_expected,
    claim_results,
    rule_results,
)
from conformance.commands.check_qemu import DecisionReport
from conformance.commands.check_views import never_told, skipped_told, views_told
from conformance.judge.finding import Kind
from conformance.judge.verdict import FAILURES, Verdict
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.targets.spec import runs_kvm, seen_by_strace
from conformance.traces.codec import USES
from conformance.traces.trace import Trace

KNOWN: Final = "a known fault? --expect FILE lists it; those of some VMMs are in docs/known-faults"
"""What to do about a rule of VIRTIO that is broken and is to stay so for now."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A failing trace, the file that holds it if one does, and the command that fails again.

    `log` is the file of what a target that failed left behind, `left` its text; `earlier` are
    traces that the same process must have run before.
    """

    trace: Trace
    path: Path | None
    replay: str
    log: Path | None = None
    left: str = ""
    earlier: tuple[Path, ...] = ()
    made_small: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """All that a check has to tell; `head` names target, profile and seed.

    `scenarios` are those run, each with the file of the trace that failed; `not_asked` names the
    operations and faults that the target cannot do, `promised` all that it can; `others` failed
    otherwise than `kept`, and `before` says what became of traces that were kept earlier.
    """

    head: dict[str, Any]
    report: CheckReport
    not_asked: list[str]
    kept: Kept | None
    decisions: DecisionReport | None
    oracle: str
    scenarios: list[tuple[Result, Path | None]]
    expected: dict[str, Expected]
    promised: frozenset[str] = frozenset()
    others: list[Kept] = field(default_factory=list)
    before: Before = field(default_factory=Before)

    @property
    def of_model(self) -> bool:
        """The device is the model itself: there is nothing to compare it with."""
        return bool(self.head["target"] == "reference")

    @property
    def of_kvm(self) -> bool:
        """What is mapped was seen in KVM."""
        return runs_kvm(self.head["target"])

    @property
    def compared(self) -> dict[str, int]:
        """How often each field was compared."""
        return {} if self.of_model else self.report.compared

    @property
    def differences(self) -> tuple[str, ...]:
        """The memslot decisions that differ, a line each."""
        return () if self.decisions is None else self.decisions.differences

    @property
    def undecided(self) -> bool:
        """Nothing ran: every device was refused, or every scenario was skipped."""
        judged = any(result.verdict is not Verdict.SKIPPED for result, _ in self.scenarios)
        nothing = self.report.nothing_ran or (bool(self.scenarios) and not self.report.steps)
        return nothing and self.kept is None and not judged

    @property
    def holds(self) -> bool:
        """Nothing was found, and every known fault that was looked for is there still."""
        bad = [*self.bad_scenarios, *self.gone]
        return self.kept is None and not self.differences and not bad

    @property
    def bad_scenarios(self) -> list[tuple[Result, Path | None]]:
        """The scenarios that fail the check."""
        return [(result, path) for result, path in self.scenarios if result.verdict in FAILURES]

    @property
    def rules(self) -> list[Result]:
        """What the traces showed of each rule of VIRTIO."""
        return as_expected(rule_results(self.report), self.expected)

    @property
    def gone(self) -> list[Result]:
        """What was expected to be broken, applied, and held."""
        results = [*self.rules, *self.claims]
        # A rule and a contract may have one name, of which one holds.
        there = {result.id for result in results if result.verdict is Verdict.EXPECTED}
        gone = (result for result in results if result.verdict is Verdict.UNEXPECTED)
        return [result for result in gone if result.id not in there]

    @property
    def claims(self) -> list[Result]:
        """What became of the invariants and contracts among the known faults."""
        return as_expected(claim_results(self.report, self.expected), self.expected)


def left_out(capabilities: frozenset[str]) -> list[str]:
    """The operations and faults that are never asked of a target with these capabilities."""
    able = [op for op in USES if op.value in capabilities]
    met = {f"fail-{name}" for op in able for name in USES[op].faults} & capabilities
    known = dict.fromkeys(f"fail-{name}" for uses in USES.values() for name in uses.faults)
    return [
        *(op.value for op in USES if op not in able),
        *(name for name in known if name not in met),
    ]


def text(done: Done) -> list[str]:
    head, report, kept = done.head, done.report, done.kept
    answers = ", ".join(f"{name} {count}" for name, count in sorted(report.answers.items()))
    compared = ", ".join(f"{name} {count}" for name, count in done.compared.items())
    how = "judged by rules" if done.oracle == "virtio" else "compared"
    own = ": the model against its own invariants and contracts" if done.of_model else ""
    whose = "" if done.of_model else " (of the model's states)"
    steps = "" if done.of_model else " (of the model's steps)"
    lines = [
        f"checked {head['target']} against profile {head['profile']}, seed {head['seed']}{own}",
        *([] if done.decisions is None else done.decisions.text()),
        f"  traces            {report.traces}",
        f"  steps             {report.steps}",
        f"  answers           {answers or 'none'}",
        *([] if done.of_model else [f"  {how:<18}{compared or 'nothing'}"]),
        *_mapped(done),
        *_host_failed(done),
        f"  not asked         {', '.join(done.not_asked) or 'nothing left out'}",
        *_configurations(done),
        f"  invariant checks  {report.invariant_checks}{whose}",
        f"  contract checks   {report.contract_checks}{steps}",
        *(
            f"  as expected       {result.id}: {result.message}"
            for result in done.claims
            if result.verdict is Verdict.EXPECTED
        ),
        *_virtio(done),
        *_scenarios(done),
    ]
    if done.undecided and not report.skipped:
        return [*lines, "not decided: every scenario was skipped, for the reasons above"]
    if done.undecided:
        return [*lines, "not decided: the target refused every device that it was asked for"]
    if done.holds:
        if done.oracle == "virtio":
            return [*lines, "holds: no binding rule of VIRTIO violated in the cases counted"]
        what = "no invariant and no contract"
        what = what if done.of_model else f"no difference, {what}"
        return [*lines, f"holds: {what} violated in the cases counted"]
    lines += [f"fails: {difference}" for difference in done.differences]
    lines += [f"fails: {result.id}: {result.message}" for result in done.gone]
    for result, path in done.bad_scenarios:
        where = "" if path is None else f", kept as {path}"
        lines.append(
            f"fails: scenario {result.id}: {result.verdict.value}: {result.message}{where}"
        )
        if result.trace is not None and path is not None:
            lines += failed(result.trace, replay_command(path, head["target"]), result.log)
    if kept is None:
        return lines
    for each in (kept, *done.others):
        lines += _failing(each)
    if kept.trace.finding is not None and kept.trace.finding.kind is Kind.VIRTIO:
        lines.append(KNOWN)
    return lines


def _mapped(done: Done) -> list[str]:
    """Whether memslots were seen in KVM, how many, and how often they changed."""
    by_strace = seen_by_strace(done.head["target"])
    if by_strace and "mapped" not in done.promised:
        return ["  not seen          held, mapped and slots: there is no strace here"]
    if not by_strace and not done.of_kvm:
        return []
    what = "that KVM was told of, as strace saw it" if by_strace else "that KVM holds"
    seen = done.report.mapped
    many = f"{seen.most} at once at most, others than before after {seen.changes} steps"
    return [f"  mapped            the memslots {what}: {many}"]


def _host_failed(done: Done) -> list[str]:
    """In how many steps the host of a device was made to fail."""
    failed = done.report.host_failed
    if done.of_model or not failed:
        return []
    return [f"  host fails        in {failed} of {done.report.steps} steps"]


def _configurations(done: Done) -> list[str]:
    """Devices that were refused, rightly or not, and what was promised and not judged."""
    report = done.report
    lines = [f"  run before        {done.before.ran} kept traces"] if done.before.ran else []
    if done.before.failing is not None and not report.traces:
        again = "a kept trace fails again, so no new one was run: --distinct 2 runs them too"
        lines.append(f"  warning           {again}")
        if done.expected:
            known = "of a fault that --expect lists, the kept trace can be removed"
            lines.append(f"  warning           {known}")
    if report.to_refuse:
        lines.append(f"  refused           {report.to_refuse} devices that must be refused")
    for reason, count in report.skipped.items():
        lines.append(f"  skipped           {count} devices that the target refused: {reason}")
    if not done.of_model and report.steps:
        beside = None if done.oracle == "virtio" else str(done.head["profile"])
        counts = report.shown, report.compared, report.exercised
        lines += views_told(done.promised, *counts, beside)
    return lines


def _failing(kept: Kept) -> list[str]:
    """A failing trace explained."""
    where = "not kept" if kept.path is None else f"kept as {kept.path}"
    how = "made small to" if kept.made_small else "left at"
    logged = "" if kept.log is None else f", log kept as {kept.log}"
    verdict = f"fails: {how} {_steps(kept.trace)}, {where}{logged}"
    if kept.earlier:
        verdict += f", after {len(kept.earlier)} earlier traces of the same process"
    return [verdict, "", *failed(kept.trace, kept.replay, kept.left)]


def _virtio(done: Done) -> list[str]:
    """How far the rules of VIRTIO were exercised, and which were broken."""
    report, rules = done.report, done.rules
    if not report.steps:
        return []
    judged = [result.id for result in rules if not RULE_NAMED[result.id].unjudged]
    never = [id for id in judged if id not in report.exercised]
    unjudged = len(rules) - len(judged)
    lines = [
        f"  virtio rules      {len(judged) - len(never)} of {len(judged)} exercised, "
        f"{unjudged} cannot be judged",
        *never_told(never, done.promised),
    ]
    for result in rules:
        if (broken := report.breached.get(result.id)) is not None:
            level = RULE_NAMED[result.id].level.value
            known = ", as expected" if result.verdict is Verdict.EXPECTED else ""
            lines.append(
                f"  deviates          {result.id} ({level}) {often(broken.count)}{known}, first in "
                f"trace {broken.trace}, step {broken.step}: {broken.message}"
            )
    return lines


def _scenarios(done: Done) -> list[str]:
    """How many scenarios ended how, and why those did that were not asked."""
    counts = Counter(result.verdict for result, _ in done.scenarios)
    if not counts:
        return []
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())
    skipped = skipped_told(result for result, _ in done.scenarios)
    return [f"  scenarios         {told}", *skipped]


def _steps(trace: Trace) -> str:
    count = len(trace.steps)
    return f"{count} step{'' if count == 1 else 's'}"
