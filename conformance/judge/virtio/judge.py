"""The VIRTIO oracle: judges a device by what is seen of it, and by the text alone.

It knows no profile and no model state. What the text leaves open is accepted: each check names
what is allowed, and what was seen then tells how things go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from conformance.judge.virtio.belief import Belief
from conformance.judge.virtio.host import HostSide, needs_of_request, resize_rules
from conformance.judge.virtio.requests import Range, Verdict, request_rules
from model.extents import Extents
from model.observation import Constants, Observation
from model.state import NO_FAULTS, REQUESTS, Answer, ConcreteAction, Config, Op

RESPONSE_SIZE = 10
"""Bytes. Source: VIRTIO, Memory Device, struct virtio_mem_resp."""
_SIZES = ("usable", "size", "requested")
_MIGRATION = frozenset({Op.MIGRATION_START, Op.MIGRATION_END, Op.MIGRATION_IN})
_NO_ANSWER = frozenset({Answer.VIOLATION, Answer.SILENT})


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a step broke, in one line."""

    rule: str
    message: str


@dataclass(slots=True)
class VirtioOracle:
    """Judges one device from its start on; `exercised` counts how often each rule applied.

    `config` is what the device was asked to be; what it shows of itself goes before. `padded`: the
    target sends arbitrary bytes where a device must not look.
    """

    config: Config
    padded: bool = False
    exercised: Counter[str] = field(default_factory=Counter)
    belief: Belief = field(default_factory=Belief.nothing)
    now: Observation = field(default=Observation(Answer.DONE))
    constants: Constants = field(init=False)
    silent: bool = False
    """The device may stay silent: it was given nonsense, or a driver it need not work for."""
    gone: bool = False
    suspends: bool = False
    """The driver that is set up has accepted PERSISTENT_SUSPEND."""
    host: HostSide = field(default_factory=HostSide)
    migrating: bool = False

    def __post_init__(self) -> None:
        config = self.config
        self.constants = Constants(block=config.block, addr=config.addr, region=config.region)

    def start(self, seen: Observation) -> list[Breach]:
        """Judge a device just started, with nothing plugged."""
        verdicts = [*self._taken(seen)]
        self.now = replace(seen, memory=None)
        verdicts += self._layout(seen)
        if seen.size is not None:
            message = f"{seen.size} bytes are plugged at the start"
            verdicts.append(("init-all-unplugged", seen.size == 0, message))
        verdicts += self.host.start(self.constants, seen)
        return self._judged(verdicts)

    def step(
        self, action: ConcreteAction, seen: Observation, *, whole: bool = True
    ) -> list[Breach]:
        """Judge one step; without `whole` only what came with its response is seen."""
        if self.gone:
            return []
        self.gone = action.op is Op.UNREALIZE and seen.answer is Answer.DONE
        if self.gone:
            return []
        before, old = self.now, self.belief
        verdicts = [*self._operation(action, seen, before), *self._changes(action, seen, before)]
        if action.op is Op.SYSTEM_RESET:
            verdicts += self._taken(seen)
        verdicts += [*self._layout(seen), *self._memory(action, seen), *self._counted(seen, old)]
        verdicts += resize_rules(action, self.constants, before, seen)
        verdicts += self.host.step(self.constants, action, seen, old, self.belief)
        if action.op in _MIGRATION:
            self.migrating = action.op is Op.MIGRATION_START and seen.answer is Answer.DONE
        known = {name: getattr(before, name) for name in _SIZES if getattr(seen, name) is None}
        if not whole:
            # Nobody knows what the requests that are still to come have made of it.
            known["size"] = None
            known["usable"] = None if action.op is Op.UNPLUG_ALL else known["usable"]
        self.now = replace(seen, memory=None, **known)
        return self._judged(verdicts)

    def _judged(self, verdicts: list[Verdict]) -> list[Breach]:
        self.exercised.update(rule for rule, _, _ in verdicts)
        return [Breach(rule, message) for rule, held, message in verdicts if not held]

    def _operation(
        self, action: ConcreteAction, seen: Observation, before: Observation
    ) -> Iterator[Verdict]:
        """What the operation itself is about, and what becomes of the belief by it."""
        op, answer = action.op, seen.answer
        if op in (Op.UNKNOWN, Op.SHORT):
            self.silent = True
        elif op in REQUESTS:
            if answer in _NO_ANSWER:
                # A device that never was given a reason breaks the rule, and stays broken.
                yield "answers-every-request", self.silent, f"{op.value} had no response"
                self.silent = True
                return
            yield "answers-every-request", True, ""
            if seen.used is not None:
                message = f"{op.value}: a response of 10 bytes with a used length of {seen.used}"
                yield "used-length", seen.used == RESPONSE_SIZE, message
            asked = self._asked(action, before)
            yield from request_rules(asked, self.belief, before, seen)
            if not self.migrating and not self.silent and action.faults == NO_FAULTS:
                yield from needs_of_request(asked, self.belief, before, seen)
            self.belief = self._after(action, seen, before)
            if self.padded:
                kind = op.value
                yield f"{kind}-padding-ignored", True, ""
                yield f"{kind}-rest-ignored", True, ""
        elif op is Op.NEGOTIATE:
            self.silent = self.silent or answer is Answer.REFUSED
            if not self.config.inaccessible:
                message = "a driver is refused, and UNPLUGGED_INACCESSIBLE is not offered"
                yield "init-accepts-not-offered", answer is not Answer.REFUSED, message
            elif answer is Answer.REFUSED:
                yield "init-may-refuse", True, ""
        elif op is Op.DEVICE_RESET or (op is Op.WAKE_UP and self.suspends):
            self.silent = False
            if seen.size is not None and before.size is not None:
                reset = op is Op.DEVICE_RESET
                rule = "init-reset-keeps-blocks" if reset else "suspend-keeps-blocks"
                message = f"plugged size {before.size} became {seen.size} in {op.value}"
                yield rule, seen.size == before.size, message
        elif op in (Op.SYSTEM_RESET, Op.WAKE_UP):
            self.silent = False
            yield from self._system_reset(action, seen, before)

    def _system_reset(
        self, action: ConcreteAction, seen: Observation, before: Observation
    ) -> Iterator[Verdict]:
        blocks = self.constants.region // self.constants.block
        self.belief = Belief.nothing() if seen.size == 0 else Belief.anything(blocks)
        if action.op is Op.SYSTEM_RESET and seen.size is not None:
            message = f"{seen.size} bytes are plugged after a system reset"
            yield "reset-unplugs-all", seen.size == 0, message
            if seen.size != before.size:
                yield "reset-may-change-blocks", True, ""

    def _asked(self, action: ConcreteAction, before: Observation) -> Range:
        """What the request covers, in bytes; the usable region as the driver last read it."""
        constants = self.constants
        size = action.blocks * constants.block
        usable = constants.region if before.usable is None else before.usable
        first = (action.addr - constants.addr) // constants.block
        return Range(
            op=action.op,
            misaligned=bool(action.addr % constants.block),
            empty=action.blocks == 0,
            outside=action.blocks > 0
            and not (
                constants.addr <= action.addr and action.addr + size <= constants.addr + usable
            ),
            usable_known=before.usable is not None,
            first=first,
            end=first + action.blocks,
            size=size,
        )

    def _after(self, action: ConcreteAction, seen: Observation, before: Observation) -> Belief:
        """The belief once a request was answered, be it rightly or not.

        A plugged size that changes by what was asked for says that it was done, in spite of the
        answer.
        """
        constants = self.constants
        first = (action.addr - constants.addr) // constants.block
        start, end = max(first, 0), min(first + action.blocks, constants.region // constants.block)
        known = seen.size is not None and before.size is not None
        grown = (seen.size or 0) - (before.size or 0) if known else 0
        belief = self.belief
        if action.op is Op.UNPLUG_ALL:
            if seen.answer is Answer.ACK:
                return Belief.nothing()
            return belief if not grown else Belief(Extents.EMPTY, belief.maybe)
        if start >= end:
            return belief
        if seen.answer is not Answer.ACK and abs(grown) != action.blocks * constants.block:
            if not grown or action.op is Op.STATE:
                return belief
            # Done in part, nobody knows where.
            if grown > 0:
                return Belief(belief.sure, belief.maybe.with_range(start, end))
            return Belief(belief.sure.without_range(start, end), belief.maybe)
        if action.op is Op.PLUG:
            return self.belief.plugged(start, end)
        if action.op is Op.UNPLUG:
            return self.belief.unplugged(start, end)
        return self.belief.told(seen.block_state, start, end) if seen.block_state else self.belief

    def _layout(self, seen: Observation) -> Iterator[Verdict]:
        """What holds of every configuration space."""
        constants, block = self.constants, self.constants.block
        shown = {name: getattr(seen, name) for name in _SIZES if getattr(seen, name) is not None}
        if seen.constants is not None:
            shown |= {"addr": constants.addr, "region": constants.region}
        for name, value in shown.items():
            message = f"{name} {value} is not a multiple of the block size {block}"
            yield "config-whole-blocks", value % block == 0, message
        if seen.usable is None:
            return
        message = f"usable {seen.usable} exceeds the region of {constants.region}"
        yield "config-usable-within-region", seen.usable <= constants.region, message
        if seen.requested is not None:
            message = f"usable {seen.usable} is below requested {seen.requested}"
            yield "config-usable-covers-requested", seen.usable >= seen.requested, message
        if seen.size is not None:
            message = f"plugged {seen.size} exceeds usable {seen.usable}"
            beyond = any(self.belief.sure.ranges_within(seen.usable // block, constants.region))
            yield "unusable-blocks-unplugged", seen.size <= seen.usable and not beyond, message

    def _taken(self, seen: Observation) -> Iterator[Verdict]:
        """Constants that may be new; blocks of no size divide nothing, so they are not taken."""
        if seen.constants is None:
            return
        block = seen.constants.block
        message = f"block size {block}"
        yield "config-block-power-of-two", block > 0 and not block & (block - 1), message
        if seen.constants != self.constants:
            # How the new region is cut is not shown.
            self.host.slots = None
        self.constants = seen.constants if block else self.constants

    def _changes(
        self, action: ConcreteAction, seen: Observation, before: Observation
    ) -> Iterator[Verdict]:
        """What may change in which step, and what is notified."""
        op, reset = action.op, action.op in (Op.SYSTEM_RESET, Op.WAKE_UP)
        if seen.constants is not None and not reset:
            same = seen.constants == self.constants and seen.constants.node == self.constants.node
            yield "config-constant", same, f"{self.constants} became {seen.constants}"
        changed = {
            name
            for name in _SIZES
            if None not in (getattr(seen, name), getattr(before, name))
            and getattr(seen, name) != getattr(before, name)
        }
        noted = changed & {"usable", "requested"}
        if noted and op is Op.RESIZE:
            yield "config-may-change", True, ""
        if not reset and op is not Op.UNPLUG_ALL and seen.usable is not None:
            grew = before.usable is None or seen.usable >= before.usable
            message = f"usable {before.usable} became {seen.usable} in {op.value}"
            yield "config-usable-only-grows", grew, message
        if seen.notified is None or reset or seen.answer in _NO_ANSWER:
            return
        if noted and op is not Op.UNPLUG_ALL:
            message = f"{' and '.join(sorted(noted))} changed without a notification"
            yield "config-change-notified", seen.notified, message
        elif changed == {"size"}:
            yield "config-plugged-not-notified", not seen.notified, "a plugged size was notified"
        elif not changed and seen.notified:
            yield "config-may-notify", True, ""

    def _memory(self, action: ConcreteAction, seen: Observation) -> Iterator[Verdict]:
        """Memory of blocks that are surely plugged."""
        for probe in seen.memory or ():
            if (probe.addr - self.constants.addr) // self.constants.block not in self.belief.sure:
                continue
            message = f"{probe.addr:#x}, which is plugged, does not hold what was written"
            if probe.fresh:
                yield "memory-plugged-usable", probe.held, message
            else:
                yield "memory-plugged-kept", probe.held, message
                if action.op is Op.DEVICE_RESET:
                    yield "init-reset-keeps-memory", probe.held, message

    def _counted(self, seen: Observation, old: Belief) -> Iterator[Verdict]:
        """The plugged size against the blocks; after a breach the size is what counts."""
        if seen.size is None:
            return
        blocks, rest = divmod(seen.size, self.constants.block)
        fits = rest == 0 and self.belief.counts(blocks)
        sure, maybe = len(self.belief.sure), len(self.belief.maybe)
        known = str(sure) if sure == maybe else f"{sure} to {maybe}"
        message = f"plugged size {seen.size} is {blocks} blocks, plugged are {known}"
        yield "config-plugged-size", fits, message
        if not fits:
            total = self.constants.region // self.constants.block
            # A request that was not acknowledged, or was wrongly, may have been done all the same.
            self.belief = old if old.counts(blocks) else Belief.anything(total)
        self.belief = self.belief.counted(blocks)
