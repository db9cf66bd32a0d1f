"""Decide one theorem: its obligations, its hypotheses, its negative controls and its witnesses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

import z3

from model.arithmetic import INTS
from smt_proofs.lemmas import Lemma
from smt_proofs.mutants import MUTANTS
from smt_proofs.paths import Script, explore
from smt_proofs.solve import (
    NEGATION_VERDICT,
    Answer,
    Term,
    Verdict,
    ask,
    conjuncts,
    contradict_linearly,
    refute,
)
from smt_proofs.terms import Duty, IntTerms, Terms
from smt_proofs.theorem import Theorem

NO_PINS: Final[Mapping[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Control:
    """A mutated rule and the counterexample on which it breaks the goal, confirmed by execution."""

    mutant: str
    verdict: Verdict
    counterexample: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Necessity:
    """A hypothesis with inputs outside it; `confirmed`: executed there, the goal fails."""

    hypothesis: str
    text: str
    why: str
    inputs: dict[str, int]
    shows: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome for one theorem.

    `lemmas` are those that the solver was given. `cases` counts the paths through the rule that
    inputs within the hypotheses may take, the others having been shown impossible; `goals` and
    `conditions` the queries answered unsat, the latter for "does not wrap" and "is defined".
    `example` meets the hypotheses. `seconds` is wall clock.
    """

    theorem: str
    verdict: Verdict
    reason: str
    lemmas: tuple[str, ...]
    cases: int
    goals: int
    conditions: int
    example: dict[str, int] | None
    counterexample: dict[str, int] | None
    controls: tuple[Control, ...]
    necessity: tuple[Necessity, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Proven, every control refuted, every hypothesis shown to be needed."""
        return (
            self.verdict is Verdict.PROVEN
            and all(c.verdict is Verdict.REFUTED for c in self.controls)
            and all(n.confirmed for n in self.necessity)
        )


@dataclass(frozen=True, slots=True)
class Path:
    """One path through hypotheses and goal: what must follow, and the lemma instances for it."""

    domain: Terms
    inputs: Any
    goal: Term
    hints: tuple[Term, ...]
    lemmas: frozenset[str]


def paths_of(
    theorem: Theorem[Any], domain: type[Terms], pins: Mapping[str, int] = NO_PINS
) -> Iterator[Path]:
    """Evaluate hypotheses and goal of a theorem over every path in a symbolic domain.

    `pins` fixes inputs by name, which leaves fewer paths; only a search for examples may do that.
    """

    def run(script: Script) -> Path:
        d = domain(script)
        inputs = theorem.inputs(d)
        if pins:
            terms = by_name(inputs)
            d.given.extend(terms[name] == value for name, value in pins.items())
        for hypothesis in theorem.hypotheses:
            d.given.append(hypothesis.holds(d, inputs))
        goal = theorem.goal(d, inputs)
        hints = []
        if theorem.hints is not None and isinstance(d, IntTerms):
            with d.without_duties():
                hints = theorem.hints(d, inputs)
        instances = [lemma.at(*terms) for lemma, terms in hints]
        used = frozenset(lemma.name for lemma, _ in hints)
        return Path(d, inputs, goal, tuple(instances), used)

    return explore(run)


def concrete(inputs: Any, model: z3.ModelRef) -> Any:
    """The inputs as machine integers under a model; what the model leaves open is 0."""
    if is_dataclass(inputs) and not isinstance(inputs, type):
        values = {f.name: concrete(getattr(inputs, f.name), model) for f in fields(inputs)}
        return type(inputs)(**values)
    value = model.eval(inputs, model_completion=True)
    return z3.is_true(value) if z3.is_bool(value) else value.as_long()


def by_name(inputs: Any) -> dict[str, Any]:
    """Inputs by field name, nested records merged."""
    values: dict[str, Any] = {}
    for f in fields(inputs):
        value = getattr(inputs, f.name)
        values.update(by_name(value) if is_dataclass(value) else {f.name: value})
    return values


def flat(inputs: Any) -> dict[str, int]:
    """Concrete inputs by field name; truth values become 0 or 1."""
    return {name: int(value) for name, value in by_name(inputs).items()}


def goal_fails(theorem: Theorem[Any], inputs: Any) -> bool:
    """Executed on machine integers, the goal is false there or divides by zero."""
    try:
        return not theorem.goal(INTS, inputs)
    except ZeroDivisionError:
        return True


def meets(theorem: Theorem[Any], inputs: Any, *, without: str = "") -> bool:
    """All hypotheses hold of concrete inputs, but the one named `without`, which does not."""
    try:
        return all(h.holds(INTS, inputs) == (h.name != without) for h in theorem.hypotheses)
    except ZeroDivisionError:
        return False


def prove_lemma(lemma: Lemma, timeout: float) -> Verdict:
    """Decide a lemma over all integers; VACUOUS where its premises contradict each other."""
    premises, conclusion = lemma.formula(*(z3.Int(name) for name in lemma.variables))
    met = ask(premises, timeout)[0]
    if met is not Answer.SAT:
        return Verdict.VACUOUS if met is Answer.UNSAT else Verdict.UNKNOWN
    return NEGATION_VERDICT[ask([*premises, z3.Not(conclusion)], timeout)[0]]


def find(
    theorem: Theorem[Any],
    wanted: Callable[[Path], Term],
    confirmed: Callable[[Any], bool],
    timeout: float,
) -> Any | None:
    """Inputs within the hypotheses that meet `wanted` on some path, `confirmed` by execution.

    The search fixes the theorem's `pins` and reasons without wrapping: what it finds counts only
    once it was executed on machine integers. Paths with more branches are tried first, since they
    lead past the early returns of a rule.
    """
    paths = paths_of(theorem, IntTerms, theorem.pins)
    for path in sorted(paths, key=lambda p: -len(p.domain.path)):
        conditions = [*path.domain.facts, *path.domain.given, wanted(path)]
        if contradict_linearly(conditions):
            continue
        model = ask(conditions, timeout)[1]
        if model is not None:
            inputs = concrete(path.inputs, model)
            if meets(theorem, inputs) and confirmed(inputs):
                return inputs
    return None


def counterexample(theorem: Theorem[Any], timeout: float) -> Any | None:
    """Inputs within the hypotheses on which the executed goal fails; None where none is found."""

    def wrong(path: Path) -> Term:
        d = path.domain
        duties = [z3.And(*duty.path, z3.Not(duty.condition)) for duty in d.duties]
        return z3.Or(z3.And(*d.path, z3.Not(path.goal)), *duties)

    return find(theorem, wrong, lambda inputs: goal_fails(theorem, inputs), timeout)


def example(theorem: Theorem[Any], timeout: float) -> Any | None:
    """Inputs that meet the hypotheses, executed; None where none is found."""
    return find(theorem, lambda path: z3.And(*path.domain.path), lambda _: True, timeout)


def contradictory(theorem: Theorem[Any], timeout: float) -> bool:
    """No input meets the hypotheses, whatever path it takes."""
    return all(
        ask([*path.domain.facts, *path.domain.given], timeout)[0] is Answer.UNSAT
        for path in paths_of(theorem, IntTerms)
    )


def control(theorem: Theorem[Any], mutant: str, timeout: float) -> Control:
    """The theorem under a wrong rule: it must be refuted, by inputs that execution confirms."""
    with MUTANTS[mutant].applied():
        found = counterexample(theorem, timeout)
    verdict = Verdict.UNKNOWN if found is None else Verdict.REFUTED
    return Control(mutant, verdict, None if found is None else flat(found))


def necessity(theorem: Theorem[Any]) -> tuple[Necessity, ...]:
    """Execute the witness outside each hypothesis."""
    hypotheses = {h.name: h for h in theorem.hypotheses}
    return tuple(
        Necessity(
            hypothesis=o.hypothesis,
            text=hypotheses[o.hypothesis].text,
            why=hypotheses[o.hypothesis].why,
            inputs=flat(o.inputs),
            shows=o.shows,
            confirmed=meets(theorem, o.inputs, without=o.hypothesis)
            and goal_fails(theorem, o.inputs),
        )
        for o in theorem.outside
    )


@dataclass(slots=True)
class _Tally:
    """What deciding the obligations of a theorem has come to so far."""

    verdict: Verdict = Verdict.PROVEN
    reason: str = ""
    lemmas: frozenset[str] = frozenset()
    cases: int = 0
    goals: int = 0
    conditions: int = 0


def decide_obligations(theorem: Theorem[Any], timeout: float) -> _Tally:
    """Decide the goal and the duties of every path, stopping at the first that is not proven."""
    tally = _Tally()
    # A duty met before a branch is shared by all paths beyond it; terms stay alive with their key.
    settled: dict[tuple[int, ...], tuple[Term, ...]] = {}
    for path in paths_of(theorem, theorem.arithmetic.terms()):
        d = path.domain
        tally.lemmas |= path.lemmas
        if contradict_linearly([*d.facts, *d.given, *path.hints, *d.path]):
            continue
        tally.cases += 1
        whole = tuple(d.given), tuple(d.path)
        goals = [Duty("goal", *whole, part) for part in conjuncts(path.goal)]
        for owed in [*d.duties, *goals]:
            parts = (*owed.given, *owed.path, owed.condition)
            key = (len(owed.given), *(part.get_id() for part in parts))
            if key in settled:
                continue
            settled[key] = parts
            given = [*d.facts, *path.hints, *owed.given, *owed.path]
            answer = refute([*given, z3.Not(owed.condition)], timeout)
            tally.verdict = NEGATION_VERDICT[answer]
            if tally.verdict is not Verdict.PROVEN:
                tally.reason = f"{owed.what}: the negation is {answer.value}"
                return tally
            tally.goals += owed.what == "goal"
            tally.conditions += owed.what != "goal"
    return tally


def prove(theorem: Theorem[Any], timeout: float) -> Proof:
    """Decide a theorem; `timeout` is in seconds a query.

    A refutation needs inputs that execution confirms, since a failed no-wrap condition alone shows
    only that the proof does not carry over to C words. The lemmas used are decided by
    `prove_lemma`, once for all theorems.
    """
    start = time.perf_counter()
    tally = decide_obligations(theorem, timeout)
    meeting = example(theorem, timeout)
    if tally.verdict is Verdict.PROVEN and meeting is None:
        if contradictory(theorem, timeout):
            tally.verdict = Verdict.VACUOUS
            tally.reason = "the hypotheses contradict each other"
        else:
            tally.verdict = Verdict.UNKNOWN
            tally.reason = "no input found in time that meets the hypotheses"
    failing = None
    if tally.verdict is Verdict.REFUTED:
        failing = counterexample(theorem, timeout)
        tally.verdict = Verdict.UNKNOWN if failing is None else Verdict.REFUTED
    return Proof(
        theorem=theorem.name,
        verdict=tally.verdict,
        reason=tally.reason,
        lemmas=tuple(sorted(tally.lemmas)),
        cases=tally.cases,
        goals=tally.goals,
        conditions=tally.conditions,
        example=None if meeting is None else flat(meeting),
        counterexample=None if failing is None else flat(failing),
        controls=tuple(control(theorem, m, timeout) for m in theorem.mutants),
        necessity=necessity(theorem),
        seconds=time.perf_counter() - start,
    )
