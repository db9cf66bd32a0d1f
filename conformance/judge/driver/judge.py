"""The driver oracle: judges a driver by what is seen of it and by the text alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from conformance.judge.driver.ledger import Ledger, Region
from conformance.judge.driver.requests import request_rules
from conformance.judge.driver.seen import (
    DRIVER_OK,
    FAILED,
    PERSISTENT_SUSPEND,
    UNPLUGGED_INACCESSIBLE,
    Asked,
    Began,
    Features,
    Memory,
    Requested,
    Rested,
    Seen,
    Status,
    Suspend,
    Wrote,
)
from conformance.judge.virtio.judge import Breach
from conformance.judge.virtio.requests import Verdict
from model.state import Answer, Op

LATE: Final = 2
"""Requests after a change of the requested size that may fit the size before: one that was under
way when the host asked for the change, and one when the device told of it."""
_REJECTED: Final = frozenset({Answer.NACK, Answer.BUSY})


@dataclass(slots=True)
class DriverOracle:
    """Judges one driver from the start of its device on, when nothing is plugged.

    `exercised` counts how often each rule applied.
    """

    region: Region
    exercised: Counter[str] = field(default_factory=Counter)
    ledger: Ledger = field(init=False)
    accepted: frozenset[int] = frozenset()
    older: tuple[int, ...] = ()
    """Requested sizes that a request may still fit, the last one aside."""
    late: int = 0
    changed: bool = False
    """The requested size changed since the driver last came to rest."""
    due: bool = False
    """No request followed that change yet."""
    fresh: bool = False
    """A guest began that uses nothing of what is plugged, and no driver has started in it."""
    owing: bool = False
    """The driver found memory that nobody uses, and has not unplugged all of it."""
    given: bool = False
    """Blocks were unplugged since files were last found intact."""
    last: Asked | None = None
    unused: Asked | None = None
    """The request before, as long as what it plugged may prove to be of no use."""
    status: int = 0

    @property
    def ready(self) -> bool:
        """A driver is there that works."""
        return bool(self.status & DRIVER_OK) and not self.status & FAILED

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.region)

    def see(self, seen: Seen) -> list[Breach]:
        """Judge the next record."""
        verdicts = list(self._verdicts(seen))
        self.ledger = self.ledger.after(seen)
        self.exercised.update(rule for rule, _, _ in verdicts)
        return [Breach(rule, message) for rule, held, message in verdicts if not held]

    def _verdicts(self, seen: Seen) -> Iterator[Verdict]:
        if isinstance(seen, Asked):
            yield from self._asked(seen)
        elif isinstance(seen, Requested):
            if seen.size != self.ledger.requested:
                self.older = (*self.older, self.ledger.requested)
                self.late, self.changed, self.due = LATE, True, True
                self.unused = None
        elif isinstance(seen, Status):
            yield from self._started(seen)
        elif isinstance(seen, Features):
            self.accepted = frozenset(seen.accepted)
            if UNPLUGGED_INACCESSIBLE in seen.offered:
                held = UNPLUGGED_INACCESSIBLE in seen.accepted
                message = "UNPLUGGED_INACCESSIBLE is offered and not accepted"
                yield "driver-accepts-inaccessible", held, message
            yield "driver-config-read-only", True, ""
        elif isinstance(seen, Wrote):
            message = f"{seen.size} bytes written at offset {seen.offset} of the configuration"
            yield "driver-config-read-only", False, message
        elif isinstance(seen, Began):
            self.fresh, self.owing, self.given, self.last = True, False, False, None
        elif isinstance(seen, Suspend):
            held = not seen.done or PERSISTENT_SUSPEND in self.accepted
            message = f"the guest suspended with {self.ledger.size} bytes plugged"
            yield "driver-no-suspend", held, message
        elif isinstance(seen, Memory):
            yield from self._memory(seen)
        elif isinstance(seen, Rested):
            yield from self._rested(seen)

    def _started(self, seen: Status) -> Iterator[Verdict]:
        """A driver that is ready: what it finds plugged is in use, or nobody's."""
        before, self.status = self.ready, seen.value
        if before or not self.ready:
            return
        self.last = None
        if self.ledger.size and self.fresh:
            self.owing = True
        elif self.ledger.size:
            yield "driver-open-restart-in-use", True, ""
        self.fresh = False

    def _asked(self, seen: Asked) -> Iterator[Verdict]:
        if self.owing and seen.op is not Op.STATE:
            held = seen.op is Op.UNPLUG_ALL
            message = f"{seen.op.value} with {self.ledger.size} bytes left plugged by another guest"
            yield "driver-unplugs-all-first", held, message
            self.owing = held and seen.answer is not Answer.ACK
        if self.last is not None and self.last.answer in _REJECTED:
            yield "driver-open-again", True, ""
        yield from request_rules(seen, self.ledger, self.older, self.unused)
        if seen.op is Op.STATE:
            return
        self.due = False
        self.given = self.given or seen.op is Op.UNPLUG
        self.late -= 1
        if self.late <= 0:
            self.older = ()
        self.last = self.unused = seen

    def _memory(self, seen: Memory) -> Iterator[Verdict]:
        """Accesses to memory of unplugged blocks."""
        total = self.region.size // self.region.block
        if len(self.ledger.plugged) == total:
            return
        limit = self.region.addr + self.ledger.usable
        closed = UNPLUGGED_INACCESSIBLE in self.accepted
        inside = "driver-unplugged-not-read" if closed else "driver-unplugged-read-avoided"
        rules = ["driver-unplugged-not-written", inside]
        if self.ledger.usable < self.region.size:
            rules.append("driver-unusable-not-read")
        broken: dict[str, str] = {}
        for touch in seen.touched:
            rule = rules[0] if touch.written else rules[2] if touch.addr >= limit else inside
            done = "written" if touch.written else "read"
            told = f"{touch.size} bytes at {touch.addr:#x} {done}, whose block is unplugged"
            broken.setdefault(rule, told)
        for rule in rules:
            yield rule, rule not in broken, broken.get(rule, "")

    def _rested(self, seen: Rested) -> Iterator[Verdict]:
        ledger = self.ledger
        short = ledger.size != ledger.requested
        if self.owing:
            message = f"no UNPLUG ALL within {seen.seconds} s, {ledger.size} bytes plugged"
            yield "driver-unplugs-all-first", False, message
            self.owing = False
        if self.changed and self.ready:
            message = (
                f"{ledger.requested} bytes requested, {ledger.size} plugged and no request "
                f"within {seen.seconds} s"
            )
            yield "driver-reacts", not (self.due and short) or seen.tried, message
        if short:
            yield "driver-may-fall-short", True, ""
        self.changed = self.due = False
        self.older, self.unused = (), None
        if seen.used is not None:
            message = f"{ledger.size} bytes plugged, {seen.used} in use"
            yield "driver-plugs-what-it-uses", ledger.size <= seen.used, message
        if seen.intact is not None and self.given:
            yield "driver-unplugs-unused", seen.intact, "a file in memory is not as it was written"
            self.given = False
