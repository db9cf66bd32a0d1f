"""What came of running a trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat

from conformance.judge.finding import Finding
from conformance.traces.streamed import Streamed, held
from conformance.traces.trace import Trace, TraceStep
from model.extents import Extents
from model.observation import Observation


@dataclass(slots=True)
class Broken:
    """How often a rule of VIRTIO was broken in a trace, and at which step first, with what was
    said then."""

    count: int
    step: int
    message: str


@dataclass(slots=True)
class Mapped:
    """What was seen of a device's mapped memslots: `most` at once, and how often there were others
    after a step than before it."""

    most: int = 0
    changes: int = 0
    now: Extents | None = None

    def see(self, mapped: Extents | None) -> None:
        """Take note of those mapped after a step, None where they are not shown."""
        if mapped is not None:
            self.most = max(self.most, len(mapped))
            self.changes += self.now is not None and mapped != self.now
            self.now = mapped

    def add(self, other: Mapped) -> None:
        """Count those of another trace."""
        self.most, self.changes = max(self.most, other.most), self.changes + other.changes


def often(count: int) -> str:
    """How often something was, in words."""
    return "once" if count == 1 else f"{count} times"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trace's run: what was seen at the start and step by step up to the finding, and what was
    counted.

    `steps` were judged, and `seen` is what the last HELD of them showed; `sent` counts those that
    belong with the last one as well. `shown` counts fields that were seen, `compared` those that
    were compared with the model or, where no profile decides, judged by rules. `exercised` counts
    how often each rule of VIRTIO applied, `breaches` are those broken, `tolerated` counts claims
    broken; `log` is what a target that failed left behind. In so many steps as `host_failed` an
    operation of the host was made to fail.
    """

    finding: Finding | None
    start: Observation | None
    steps: int
    seen: tuple[Observation, ...]
    sent: int
    answers: Counter[str]
    shown: Counter[str]
    compared: Counter[str]
    invariant_checks: int
    contract_checks: int
    exercised: Counter[str]
    breaches: dict[str, Broken]
    tolerated: Counter[str]
    log: str
    mapped: Mapped
    host_failed: int


def as_run(trace: Trace, outcome: Outcome) -> Trace:
    """The trace with what was seen, up to the step of the finding if there is one, and those that
    went out together with it."""
    end = len(trace.steps) if outcome.finding is None else outcome.sent
    unseen = outcome.steps - len(outcome.seen)
    steps = Streamed(partial(_seen, trace.steps[:end], unseen, outcome.seen), end)
    return replace(trace, steps=held(steps), finding=outcome.finding, seen=outcome.start)


def _seen(
    steps: Iterable[TraceStep], unseen: int, seen: Iterable[Observation]
) -> Iterator[TraceStep]:
    """The steps with what was seen, which is not known of the first `unseen`."""
    shown = chain(repeat(None, unseen), seen, repeat(None))
    return (replace(step, seen=one) for step, one in zip(steps, shown, strict=False))
