"""The lockstep run: device and model side by side, compared and checked after every step."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from conformance.check.notices import Notices
from conformance.check.outcome import Broken, Mapped, Outcome
from conformance.check.views import Views
from conformance.judge.claims import breaks
from conformance.judge.finding import Finding, Kind
from conformance.judge.host import held_fault
from conformance.judge.judge import Judge, judge_of
from conformance.judge.memory import memory_fault
from conformance.judge.oracle import (
    BY_RULES,
    BY_THEMSELVES,
    amounts,
    broken_by_layout,
    broken_by_start,
    broken_by_state,
    broken_by_step,
    differing,
    shared,
    spelled,
)
from conformance.judge.virtio.host import HostSide
from conformance.judge.virtio.judge import Breach, VirtioOracle
from conformance.targets.reference import at_start, constants_of
from conformance.targets.target import (
    MAPS_PLUGGED,
    PADDING,
    Asked,
    Target,
    TargetError,
    carried_out,
)
from conformance.traces import streamed
from conformance.traces.batches import together
from conformance.traces.codec import observation_to_json
from conformance.traces.layout import SETS_UP
from conformance.traces.trace import Trace
from model.device import ConfigError, ReferenceDevice, fix
from model.observation import Observation
from model.state import NO_FAULTS, ConcreteAction, ConcreteResult, ConcreteState


class _Run:
    """One trace on one target; the counters grow as it goes."""

    def __init__(
        self,
        target: Target,
        trace: Trace,
        judge: Judge,
        over: Callable[[], bool],
        started: Observation | None,
    ) -> None:
        self.target, self.trace, self.judge, self.over = target, trace, judge, over
        self.started = started
        able = target.capabilities
        self.virtio = VirtioOracle(
            trace.config,
            padded=PADDING in able,
            host=HostSide(maps_plugged=MAPS_PLUGGED in able),
        )
        self.breaches: dict[str, Broken] = {}
        self.tolerated: Counter[str] = Counter()
        self.log = ""
        if not trace.refuse:
            self.model = ReferenceDevice(trace.profile, trace.config)
        self.notices = Notices()
        self.start: Observation | None = None
        self.steps = self.sent = self.host_failed = 0
        self.seen: deque[Observation] = deque(maxlen=streamed.HELD)
        self.answers: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        self.mapped = Mapped()
        self.invariant_checks = 0
        self.contract_checks = 0
        self.holding: list[ConcreteState] = []

    def outcome(self) -> Outcome:
        finding = self.finding()
        return Outcome(
            finding,
            self.start,
            self.steps,
            tuple(self.seen),
            self.sent,
            self.answers,
            self.shown,
            self.compared,
            self.invariant_checks,
            self.contract_checks,
            self.virtio.exercised,
            self.breaches,
            self.tolerated,
            self.log,
            self.mapped,
            self.host_failed,
        )

    def refusal(self) -> Finding | None:
        """The finding of a device that must not come into being, if it does."""
        try:
            self.start = self.target.start(self.trace.profile, self.trace.config)
        except TargetError as error:
            self.log = error.log
            if error.kind is Kind.REFUSED:
                return None
            return Finding(error.kind, "", 0, str(error))
        return Finding(Kind.ACCEPTED, "", 0, f"accepted a device that {wrong_with(self.trace)}")

    def finding(self) -> Finding | None:
        if self.trace.refuse:
            return self.refusal()
        try:
            begun = self.started or self.target.start(self.trace.profile, self.trace.config)
            self.start = begun
            self.views = Views(self.target.capabilities)
            found = self.views.missing(at_start(self.model), self.start, 0)
            found = found or self.broken(self.virtio.start(self.start), 0)
            self.count(self.start)
            if self.judge.exact:
                found = found or self.start_judged(self.start)
            for first, steps in together(self.trace.steps):
                if found is not None or self.over():
                    break
                self.sent = first + len(steps) - 1
                asked = [Asked(step.action, step.layout) for step in steps]
                shown = carried_out(self.target, asked)
                if asked[0].action.op in SETS_UP:
                    self.virtio.suspends = asked[0].layout.persistent_suspend
                for at, (step, (seen, whole)) in enumerate(zip(steps, shown, strict=True), first):
                    found = found or self.stepped(step.action, seen, at, whole=whole)
        except TargetError as error:
            self.log = error.log
            return Finding(error.kind, "", self.sent, str(error))
        return found

    def stepped(
        self, action: ConcreteAction, seen: Observation, number: int, *, whole: bool
    ) -> Finding | None:
        """Judge a step; without `whole` only what came with its response is seen."""
        before = self.model.state
        result = self.model.take(action)
        self.notices.expect(self.model, action, before, result)
        self.steps += 1
        self.host_failed += action.faults != NO_FAULTS
        self.seen.append(seen)
        self.answers[seen.answer.value] += 1
        allowed = self.model.seen_after(result)
        # Nobody can look into a device that is gone, or that has more requests before it.
        if whole and self.model.state.realized and not self.virtio.gone:
            found = self.views.missing(allowed, seen, number, action)
            if found is not None:
                # Rules would judge by what was shown last.
                return found
        found = self.broken(self.virtio.step(action, seen, whole=whole), number)
        self.count(seen)
        if found is None and self.judge.exact:
            found = (
                self.again(before, action, result, number)
                or self.judged(allowed, seen, number)
                or self.kept_by(
                    broken_by_step(self.model.fixed, before, action, result, self.known), number
                )
            )
        if whole:
            self.notices.settled()
        return found

    def count(self, seen: Observation) -> None:
        """Count what is seen, and what of it rules judge."""
        self.mapped.see(seen.mapped)
        shown = amounts(seen)
        self.shown.update(shown)
        judged = BY_RULES if self.judge.exact else shown
        self.compared.update({name: shown[name] for name in judged if name in shown})

    def known(self, name: str) -> bool:
        """A claim that is broken is tolerated, and counted then; devices of other programs by
        version are held against what they do, and nothing more is claimed of them."""
        self.tolerated.update({name} & self.judge.tolerated)
        return name in self.judge.tolerated or self.trace.profile.by_version

    def again(
        self, before: ConcreteState, action: ConcreteAction, result: ConcreteResult, number: int
    ) -> Finding | None:
        """The finding that the trace was kept for, which one step may share with others."""
        known = self.trace.finding
        if known is None or known.what in self.judge.tolerated:
            return None
        again = breaks(known, self.model.fixed, before, action, result)
        return self.claim_broken(known.kind, known.what if again else None, number)

    def broken(self, breaches: list[Breach], number: int) -> Finding | None:
        """Count breaches of VIRTIO's rules, and find the first one that fails the trace."""
        for breach in breaches:
            broken = Broken(0, number, breach.message)
            self.breaches.setdefault(breach.rule, broken).count += 1
        failing = (breach for breach in breaches if breach.rule in self.judge.rules)
        first = next(failing, None)
        return None if first is None else Finding(Kind.VIRTIO, first.rule, number, first.message)

    def judged(self, allowed: Observation, seen: Observation, number: int) -> Finding | None:
        self.compared.update(shared(allowed, seen))
        if (field := differing(allowed, seen)) is not None:
            sides = (observation_to_json(side).get(field) for side in (allowed, seen))
            want, have = map(spelled, sides)
            message = f"{field}: allowed {want}, seen {have}"
            return Finding(Kind.DIVERGENCE, field, number, message)
        for field in BY_THEMSELVES:
            if not self.trace.profile.shows(field):
                continue
            shown = getattr(seen, field)
            if shown is not None:
                self.compared[field] += len(shown)
            if (fault := self.fault_of(field, shown, number)) is not None:
                return Finding(Kind.DIVERGENCE, field, number, f"{field}: {fault}")
        return self.states_judged(number)

    def fault_of(self, field: str, shown: Any, number: int) -> str | None:
        """What is wrong with a field that the blocks' states judge, in one line."""
        if shown is None:
            return None
        fixed, state = self.model.fixed, self.model.state
        if field == "memory":
            return memory_fault(fixed, state, shown)
        if field == "held":
            return held_fault(constants_of(fixed), state.plugged, shown)
        return self.notices.fault(fixed, shown)

    def states_judged(self, number: int) -> Finding | None:
        """Check the model's state, and the target's own where it is open to us."""
        own = self.target.state()
        states = [self.model.state] if own in (None, self.model.state) else [self.model.state, own]
        # A state that an earlier step was checked in needs no second check.
        fresh = [state for state in states if state not in self.holding]
        for state in fresh:
            name, checks = broken_by_state(self.model.fixed, state, self.known)
            self.invariant_checks += checks
            if (found := self.claim_broken(Kind.INVARIANT, name, number)) is not None:
                return found
        self.holding = states
        return None

    def kept_by(self, judgement: tuple[str | None, int], number: int) -> Finding | None:
        """A finding for the first contract broken, if one is."""
        name, checks = judgement
        self.contract_checks += checks
        return self.claim_broken(Kind.CONTRACT, name, number)

    def start_judged(self, seen: Observation) -> Finding | None:
        """Judge how a device was built: what it shows, its layout, its first state."""
        fixed = self.model.fixed
        if (found := self.judged(at_start(self.model), seen, 0)) is not None:
            return found
        name, checks = broken_by_layout(self.trace.config, fixed, self.known)
        self.invariant_checks += checks
        found = self.claim_broken(Kind.INVARIANT, name, 0)
        return found or self.kept_by(broken_by_start(fixed, self.model.state, self.known), 0)

    def claim_broken(self, kind: Kind, name: str | None, number: int) -> Finding | None:
        """A finding for the claim broken, if one is."""
        return None if name is None else Finding(kind, name, number, f"{name} does not hold")


def wrong_with(trace: Trace) -> str:
    """Why a configuration must be refused, in one line."""
    try:
        fix(trace.profile, trace.config)
    except ConfigError as error:
        return f"must be refused: {error}"
    raise ValueError("the model accepts this configuration")


def run_trace(
    target: Target,
    trace: Trace,
    judge: Judge | None = None,
    over: Callable[[], bool] = lambda: False,
    *,
    started: Observation | None = None,
) -> Outcome:
    """Run a trace up to its end or its first finding, by default as it was judged before, or until
    it is `over` and nobody wants its outcome; `started` is the start of its device, where that is
    done. Raises model.device.ConfigError."""
    return _Run(target, trace, judge or judge_of(trace.finding), over, started).outcome()
