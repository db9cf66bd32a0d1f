"""Does a target show what it promised to show?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.judge.finding import Finding, Kind
from conformance.judge.oracle import ALWAYS, BY_THEMSELVES, FIELDS
from conformance.targets.target import VIEWS
from model.observation import Observation
from model.state import REQUESTS, Answer, ConcreteAction, Op

_ANSWERED: Final = frozenset({Answer.ACK, Answer.NACK, Answer.BUSY, Answer.ERROR})
_USED: Final = REQUESTS - {Op.UNKNOWN, Op.SHORT}


class Views:
    """The views that a target promised: each is due whatever judges it."""

    def __init__(self, capabilities: frozenset[str]) -> None:
        self._promised = capabilities & VIEWS
        self._mapped = False

    def missing(
        self,
        allowed: Observation,
        seen: Observation,
        number: int,
        done: ConcreteAction | None = None,
    ) -> Finding | None:
        """The finding for views that are due at a step, 0 for the start, and are not shown."""
        due = self._promised.intersection(self._due(allowed, seen, number, done))
        missing = sorted(name for name in due if getattr(seen, FIELDS.get(name, name)) is None)
        self._mapped = self._mapped or seen.mapped is not None
        if not missing:
            return None
        since = f"from step {number} on" if number else "at the start"
        message = f"{', '.join(missing)}: promised, and not shown {since}"
        return Finding(Kind.UNSHOWN, missing[0], number, message)

    def _due(
        self, allowed: Observation, seen: Observation, number: int, done: ConcreteAction | None
    ) -> Iterator[str]:
        if done is not None and done.op is Op.UNREALIZE and seen.answer is Answer.DONE:
            # Nobody can look into a device that is gone, and be it wrongly.
            return
        for name, field in FIELDS.items():
            if name in BY_THEMSELVES:
                if number or name == "held":
                    yield name
            elif name not in ALWAYS and getattr(allowed, field) is not None:
                yield name
        if self._mapped:
            # It has memslots of its own, whatever the profile has.
            yield "mapped"
        if done is not None and done.op in _USED and seen.answer in _ANSWERED:
            yield "used"
