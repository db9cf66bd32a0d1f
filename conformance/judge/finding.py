"""What a check can find wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Why a trace failed."""

    INVARIANT = "invariant"
    """An invariant does not hold; device and model agree."""
    CONTRACT = "contract"
    """A behavioural contract is not kept by a step; device and model agree."""
    DIVERGENCE = "divergence"
    """The device showed something that the model does not allow."""
    VIRTIO = "virtio"
    """The device broke a rule of the VIRTIO text, which is all that it was judged by."""
    DIED = "died"
    """The target exited."""
    HUNG = "hung"
    """The target gave no answer in time."""
    GARBAGE = "garbage"
    """The target's answer means nothing."""
    REFUSED = "refused"
    """The target refused a configuration that the model accepts."""
    UNSHOWN = "unshown"
    """The target did not show a view that it promised."""
    ACCEPTED = "accepted"
    """The target accepted a configuration that must be refused."""


OF_THE_TARGET = frozenset(
    {Kind.DIED, Kind.HUNG, Kind.GARBAGE, Kind.REFUSED, Kind.UNSHOWN, Kind.ACCEPTED}
)
"""Kinds that only a run of the target itself can show again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that went wrong in a trace.

    `what` names the invariant, the contract, the differing field, the rule of VIRTIO or the first
    view that is not shown, and is empty for the other kinds of the target; `step` counts from 1,
    and 0 is the device just started; `message` is one line.
    """

    kind: Kind
    what: str
    step: int
    message: str

    def alike(self, other: Finding | None) -> bool:
        """Both are the same failure, maybe at another step.

        Two wrong answers are alike only if the same answer is given for the same one: an
        accepted request is another failure than one refused for the wrong reason.
        """
        if other is None or (self.kind, self.what) != (other.kind, other.what):
            return False
        return self.what != "answer" or self.message == other.message
