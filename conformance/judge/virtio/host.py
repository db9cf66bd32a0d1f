"""The rules beyond the text, judged from what a device shows of its own memslots and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.judge.host import Listeners, held_fault, in_both, unaccounted
from conformance.judge.virtio.belief import Belief
from conformance.judge.virtio.requests import Range, Verdict
from model.extents import Extents
from model.observation import Constants, Observation, SlotLayout
from model.state import Answer, ConcreteAction, Op


@dataclass(slots=True)
class HostSide:
    """What the host saw so far; `maps_plugged`: the device promises to map by plugging."""

    maps_plugged: bool = False
    slots: SlotLayout | None = None
    listeners: Listeners = field(default_factory=Listeners)
    staying: Extents | None = None
    """Blocks that were plugged all the time since listeners were told; None: since the step before.
    """

    def start(self, constants: Constants, seen: Observation) -> Iterator[Verdict]:
        """Judge how the region was cut, and what a device just started holds."""
        self.slots = slots = seen.slots
        if slots is not None:
            whole = (slots.count - 1) * slots.size + slots.last
            # With less than one memslot the whole is not above 0.
            tiled = 0 < slots.last <= slots.size and whole == constants.region
            cut = f"{slots.count} memslots of {slots.size} bytes, the last of {slots.last}"
            yield "memslots-tile-region", tiled, f"{cut}, for a region of {constants.region}"
            odd = slots.size % constants.block or slots.last % constants.block
            yield "memslots-whole-blocks", not odd, f"{cut}, in blocks of {constants.block}"
            if not tiled or odd:
                # What lies where cannot be told.
                self.slots = None
        nothing = Belief.nothing()
        yield from self._memslots(constants, seen, nothing, nothing)
        yield from self._held(constants, seen, nothing)

    def step(
        self,
        constants: Constants,
        done: ConcreteAction,
        seen: Observation,
        old: Belief,
        now: Belief,
    ) -> Iterator[Verdict]:
        """Judge what a step shows; `old` and `now` are what is known of the blocks around it."""
        yield from self._memslots(constants, seen, old, now)
        yield from self._held(constants, seen, now)
        self.staying = in_both(old.sure if self.staying is None else self.staying, now.sure)
        if seen.told is not None:
            moved = done.op is Op.MIGRATION_IN
            if moved:
                self.listeners.renewed()
            wrong = self.listeners.hear(constants, seen.told, None if moved else self.staying)
            self.staying = None
            wrong = wrong or self.listeners.fault(now.sure, now.maybe)
            yield "listeners-know-plugged", wrong is None, wrong or ""
            # One fault is told once.
            self.listeners.known = now.sure if wrong else self.listeners.known
        if seen.memory is not None and self.slots is not None and seen.mapped is not None:
            for probe in seen.memory:
                slot = (probe.addr - constants.addr) // self.slots.size
                if slot not in seen.mapped:
                    message = f"{probe.addr:#x} in memslot {slot}, which is not mapped, was written"
                    yield "memory-unmapped-gone", not probe.held, message

    def _memslots(
        self, constants: Constants, seen: Observation, old: Belief, now: Belief
    ) -> Iterator[Verdict]:
        slots, mapped = self.slots, seen.mapped
        if slots is None or mapped is None:
            return
        beyond = next(mapped.ranges_within(slots.count, max(slots.count, 1 << 17)), None)
        message = f"memslot {beyond and beyond[0]} of {slots.count} is mapped"
        yield "memslot-exists", beyond is None, message
        per = slots.size // constants.block
        gap = _beyond(touched(now.sure, per), mapped)
        message = f"memslot {gap} holds a plugged block and is not mapped"
        yield "memslot-of-plugged-mapped", gap is None, message
        if self.maps_plugged:
            empty = _beyond(mapped, touched(now.maybe, per))
            message = f"memslot {empty} is mapped without a plugged block"
            had = empty is not None and empty in touched(old.maybe, per)
            yield "memslot-goes-with-last-block", not had, message
            yield "memslot-mapped-for-block", empty is None or had, message

    def _held(self, constants: Constants, seen: Observation, now: Belief) -> Iterator[Verdict]:
        if seen.held is None:
            return
        if seen.held:
            wrong = held_fault(constants, now.maybe, seen.held)
            yield "memory-given-back", wrong is None, wrong or ""
        if now.sure:
            kept = [
                probe.addr
                for probe in seen.memory or ()
                if probe.held
                and not probe.fresh
                and (probe.addr - constants.addr) // constants.block in now.sure
            ]
            wrong = unaccounted(kept, seen.held)
            yield "memory-accounted", wrong is None, wrong or ""


def touched(blocks: Extents, per: int) -> Extents:
    """The memslots of `per` blocks that hold one of the blocks."""
    runs: list[tuple[int, int]] = []
    for first, end in blocks.ranges():
        start, stop = first // per, (end - 1) // per + 1
        if runs and start <= runs[-1][1]:
            start = runs.pop()[0]
        runs.append((start, stop))
    return Extents.of_ranges(runs)


def _beyond(these: Extents, those: Extents) -> int | None:
    """The first of these that is not among those."""
    for start, stop in these.ranges():
        for first, last in those.ranges_within(start, stop):
            if first > start:
                return start
            start = last
        if start < stop:
            return start
    return None


def needs_of_request(
    asked: Range, belief: Belief, before: Observation, seen: Observation
) -> Iterator[Verdict]:
    """What drivers need of a request that was answered on an idle host."""
    refused = f"{asked.op.value}: valid, nothing failed and no migration runs: {seen.answer.value}"
    done = seen.answer is Answer.ACK
    if asked.op is Op.UNPLUG_ALL:
        yield "unplug-all-possible", done, refused
    elif asked.invalid or not asked.usable_known or asked.op is Op.STATE:
        return
    elif asked.op is Op.UNPLUG and belief.sure.all_in(asked.first, asked.end):
        yield "unplug-possible", done, refused
    elif asked.op is Op.PLUG and belief.maybe.none_in(asked.first, asked.end):
        known = before.size is not None and before.requested is not None
        if known and (before.size or 0) + asked.size <= (before.requested or 0):
            yield "plug-possible", done, refused


def resize_rules(
    done: ConcreteAction, constants: Constants, before: Observation, seen: Observation
) -> Iterator[Verdict]:
    """What a new requested size must come to."""
    if seen.requested is None or before.requested is None:
        return
    accepted = done.op is Op.RESIZE and seen.answer is Answer.DONE
    due = done.value if accepted else before.requested
    yield "resize-as-set", seen.requested == due, f"requested {due} is shown as {seen.requested}"
    sensible = done.value % constants.block == 0 and done.value <= constants.region
    if done.op is Op.RESIZE and sensible and done.value != before.requested:
        yield "resize-possible", accepted, f"a requested size of {done.value} is refused"
