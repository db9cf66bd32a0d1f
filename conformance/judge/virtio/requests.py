"""What VIRTIO allows as the response to a request. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.judge.virtio.belief import Belief
from model.observation import Observation
from model.state import RANGE_REQUESTS, Answer, BlockState, Op

Verdict = tuple[str, bool, str]
"""A rule's id, whether it held, and what is to be said if not."""


@dataclass(frozen=True, slots=True)
class Range:
    """A request as the text looks at it; `first` and `end` are block indices of the region."""

    op: Op
    misaligned: bool
    empty: bool
    outside: bool
    usable_known: bool
    first: int
    end: int
    size: int

    @property
    def invalid(self) -> bool:
        """ERROR is the only response that the text allows, whatever the blocks' states."""
        return self.misaligned or self.empty or self.outside


def request_rules(
    asked: Range, belief: Belief, before: Observation, seen: Observation
) -> Iterator[Verdict]:
    """The verdicts over one response of a device that answered."""
    if asked.op in RANGE_REQUESTS:
        yield from _ranges(asked, seen)
    if asked.op is Op.STATE:
        yield from _state(asked, belief, seen)
        return
    if seen.answer is Answer.BUSY:
        yield f"{asked.op.value}-may-busy", True, ""
    if asked.op is Op.UNPLUG_ALL:
        yield from _unplug_all(before, seen)
    else:
        yield from _change(asked, belief, before, seen)


def _ranges(asked: Range, seen: Observation) -> Iterator[Verdict]:
    message = f"{asked.op.value}: allowed error, seen {seen.answer.value}"
    for name in ("misaligned", "empty", "outside"):
        if getattr(asked, name):
            yield f"{asked.op.value}-{name}-is-error", seen.answer is Answer.ERROR, message


def _change(
    asked: Range, belief: Belief, before: Observation, seen: Observation
) -> Iterator[Verdict]:
    """PLUG and UNPLUG."""
    kind, answer = asked.op.value, seen.answer
    plug = asked.op is Op.PLUG
    if not asked.invalid:
        wrong = (
            not belief.sure.none_in(asked.first, asked.end)
            if plug
            else not belief.maybe.all_in(asked.first, asked.end)
        )
        if wrong:
            state = "plugged" if plug else "unplugged"
            message = f"{kind} of a block that is {state}: allowed error, seen {answer.value}"
            yield f"{kind}-{state}-is-error", answer is Answer.ERROR, message
    if before.size is None or seen.size is None:
        return
    if plug and before.requested is not None and before.size >= before.requested:
        message = f"plug with {before.size} plugged, {before.requested} requested: seen ack"
        yield "plug-enough-is-rejected", answer is not Answer.ACK, message
    grown = seen.size - before.size
    if answer is Answer.ACK:
        wanted = asked.size if plug else -asked.size
        message = f"{kind}: plugged size changed by {grown}, not {wanted}"
        yield f"{kind}-in-plugged-size", grown == wanted, message
    else:
        message = f"{kind}: answered {answer.value}, yet the plugged size changed by {grown}"
        done = bool(asked.size) and abs(grown) == asked.size
        yield f"{kind}-done-is-ack", not done, message
        # Of a part that was done the text says nothing.
        yield "rejected-changes-nothing", grown == 0, message


def _unplug_all(before: Observation, seen: Observation) -> Iterator[Verdict]:
    if seen.size is None:
        return
    if seen.answer is Answer.ACK:
        yield "unplug-all-empties", seen.size == 0, f"ack with {seen.size} bytes plugged"
        if None not in (seen.usable, before.usable) and seen.usable != before.usable:
            yield "unplug-all-may-resize", True, ""
    elif before.size is not None:
        answer = seen.answer.value
        message = f"answered {answer}, yet the plugged size {before.size} became {seen.size}"
        yield "unplug-all-done-is-ack", seen.size > 0 or before.size == 0, message
        yield "rejected-changes-nothing", seen.size == before.size, message


def _state(asked: Range, belief: Belief, seen: Observation) -> Iterator[Verdict]:
    if asked.invalid or not asked.usable_known:
        return
    message = f"state: allowed ack, seen {seen.answer.value}"
    acknowledged = seen.answer is Answer.ACK and seen.block_state is not None
    yield "state-is-acknowledged", acknowledged, message
    if seen.answer is not Answer.ACK or seen.block_state is None:
        return
    allowed = belief.state(asked.first, asked.end)
    told = seen.block_state
    if allowed is not None:
        message = f"state: allowed {allowed.value}, seen {told.value}"
        yield f"state-{allowed.value}", told is allowed, message
    elif not belief.allows(told, asked.first, asked.end):
        others = [state.value for state in BlockState if state is not told]
        message = f"state: allowed {' or '.join(others)}, seen {told.value}"
        yield f"state-{told.value}", False, message
