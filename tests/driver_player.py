"""A driver that is a script: it keeps to the text, but for one fault that can be switched on.

Its device is the reference device, which may be made as difficult as the text allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from conformance.judge.driver.ledger import Ledger, Region
from conformance.judge.driver.seen import (
    Asked,
    Began,
    Emptied,
    Features,
    Memory,
    Requested,
    Rested,
    Seen,
    Status,
    Suspend,
    Touch,
    Usable,
    Wrote,
)
from conformance.judge.finding import Kind
from conformance.targets.linux.driven import Played
from conformance.traces.driven import Do, Event, Setup
from model.device import ReferenceDevice
from model.profiles import QEMU
from model.state import Answer, Config, Op, action

ADDR, CHUNK = 4 << 30, 64
FAULTS = {
    "touches-unplugged": "driver-unplugged-not-written",
    "reads-unplugged": "driver-unplugged-not-read",
    "reads-unusable": "driver-unusable-not-read",
    "unplugs-more": "driver-unplugs-no-more",
    "plugs-more": "driver-plugs-no-more",
    "ignores-resize": "driver-reacts",
    "plugs-outside": "driver-plug-not-outside",
    "suspends": "driver-no-suspend",
    "keeps-on": "driver-unplugs-all-first",
    "never-starts": "driver-unplugs-all-first",
    "writes-config": "driver-config-read-only",
    "refuses-inaccessible": "driver-accepts-inaccessible",
    "reads-without-promise": "driver-unplugged-read-avoided",
    "loses-memory": "driver-unplugs-unused",
    "hoards": "driver-plugs-what-it-uses",
    "plug-misaligned": "driver-plug-not-misaligned",
    "plug-empty": "driver-plug-not-empty",
    "plugs-again": "driver-plug-of-unplugged",
    "unplug-misaligned": "driver-unplug-not-misaligned",
    "unplug-empty": "driver-unplug-not-empty",
    "unplug-outside": "driver-unplug-not-outside",
    "unplugs-unplugged": "driver-unplug-of-plugged",
    "state-misaligned": "driver-state-not-misaligned",
    "state-empty": "driver-state-not-empty",
    "state-outside": "driver-state-not-outside",
}
"""Each fault, and the rule that names it."""
ODD = {
    "plug-misaligned": (Op.PLUG, 1, 1),
    "plug-empty": (Op.PLUG, 0, 0),
    "plugs-again": (Op.PLUG, 0, 1),
    "unplug-misaligned": (Op.UNPLUG, 1, 1),
    "unplug-empty": (Op.UNPLUG, 0, 0),
    "unplug-outside": (Op.UNPLUG, -1, 1),
    "unplugs-unplugged": (Op.UNPLUG, None, 1),
    "state-misaligned": (Op.STATE, 1, 1),
    "state-empty": (Op.STATE, 0, 0),
    "state-outside": (Op.STATE, -1, 1),
}
"""Odd requests: offset into the region (-1 is its last block, None behind what is plugged), blocks.
"""


@dataclass
class Player:
    """A target. `difficult`, if given, chooses among the answers that the text allows."""

    fault: str = ""
    difficult: Random | None = None
    dies_at: int | None = None
    """The size (bytes) at which its guest falls over."""
    plays: int = 0
    name: str = "player 1"
    able: frozenset[Do] = frozenset(Do)

    def play(self, setup: Setup, events: Sequence[Event]) -> Played:
        self.plays += 1
        game = Game(self, setup)
        game.started()
        failure = None
        for event in events:
            game.take(event)
            if event.do is Do.RESIZE and self.dies_at is not None and event.size >= self.dies_at:
                failure = (Kind.DIED, f"fell over at {event.size}")
                break
        else:
            game.settle()
        return Played(game.region, tuple(game.seen), failure)

    def close(self) -> None:
        pass


@dataclass
class Game:
    player: Player
    setup: Setup
    seen: list[Seen] = field(default_factory=list)
    busy: bool = False
    refused: bool = False

    def __post_init__(self) -> None:
        block, region = self.setup.block, self.setup.region
        self.region = Region(ADDR, region, block)
        self.ledger = Ledger(self.region)
        config = Config(region=region, block=block, limit=1, addr=ADDR)
        self.device = ReferenceDevice(QEMU, config)
        self.files = False
        self.resizes = 0

    def see(self, record: Seen) -> None:
        self.seen.append(record)
        self.ledger = self.ledger.after(record)

    def is_(self, *faults: str) -> bool:
        return self.player.fault in faults

    def odds(self, percent: int) -> bool:
        """The device does what it need not."""
        chooser = self.player.difficult
        return chooser is not None and chooser.random() < percent / 100

    # The device and its host.

    def ask(self, op: Op, addr: int = 0, blocks: int = 0) -> Answer:
        """Ask the device; what it may reject, a difficult one rejects now and then."""
        answer, state = Answer.BUSY, None
        if op is Op.STATE or not (self.busy or self.odds(30)):
            result = self.device.take(action(op, addr=addr, blocks=blocks))
            answer, state = result.answer, result.block_state
        elif op is Op.PLUG and self.odds(50):
            answer = Answer.NACK
        self.see(Asked(op, answer, addr, blocks, state))
        self.fitted()
        return answer

    def fitted(self) -> None:
        if self.ledger.usable != self.device.state.usable:
            self.see(Usable(self.device.state.usable))

    def take(self, event: Event) -> None:
        moves: dict[Do, Callable[[], None]] = {
            Do.SETTLE: self.settle,
            Do.SUSPEND: self.suspend,
            Do.RESET: lambda: self.anew("reset"),
            Do.KEXEC: lambda: self.anew("kexec"),
        }
        if event.do is Do.RESIZE:
            before = self.ledger.requested
            self.see(Requested(event.size))
            if self.ledger.size < before and self.odds(50):
                # It was under way.
                self.ask(Op.PLUG, ADDR + self.ledger.size, 1)
            self.device.take(action(Op.RESIZE, value=event.size))
            self.fitted()
            self.resizes += 1
            self.drive(2)
        elif event.do in (Do.BUSY, Do.END_BUSY, Do.MIGRATE):
            self.busy = event.do is Do.BUSY
        elif event.do in (Do.FILL, Do.FREE):
            self.files = event.do is Do.FILL
        elif event.do in moves:
            moves[event.do]()

    def anew(self, by: str) -> None:
        self.see(Began(by))
        if by == "reset" and not self.odds(50):
            self.device.take(action(Op.SYSTEM_RESET))
            self.see(Emptied())
            self.fitted()
        self.files = False
        self.started()
        if self.ledger.size and self.is_("keeps-on"):
            # The device's blocks are its own now.
            self.ask(Op.UNPLUG, ADDR, 1)
        elif not self.is_("never-starts"):
            while self.ledger.size and self.ask(Op.UNPLUG_ALL) is not Answer.ACK:
                self.busy = False

    # The driver.

    def started(self) -> None:
        self.see(Status(0))
        offered = (0, 1) if self.setup.inaccessible else (0,)
        self.see(Status(15))
        accepted = (0,) if self.is_("refuses-inaccessible") else offered
        if not self.is_("suspends"):
            accepted = (*accepted, 2)
        self.see(Features((*offered, 2), accepted))
        if self.is_("writes-config"):
            self.see(Wrote(48, 8))

    def settle(self) -> None:
        if self.is_(*ODD):
            op, offset, blocks = ODD[self.player.fault]
            last = self.region.size - self.region.block
            place = last if offset == -1 else self.ledger.size if offset is None else offset
            self.ask(op, ADDR + place, blocks)
        if self.is_("plugs-outside"):
            self.ask(Op.PLUG, ADDR + self.ledger.usable, 1)
        self.drive(10_000)
        touched: tuple[Touch, ...] = ()
        if len(self.ledger.plugged) * self.region.block < self.region.size:
            at = ADDR + self.region.size - 4096
            if self.is_("touches-unplugged"):
                touched = (Touch(at, 4096, True),)
            elif self.is_("reads-unusable"):
                touched = (Touch(at, 4096, False),)
            elif self.is_("reads-unplugged", "reads-without-promise"):
                touched = (Touch(ADDR + self.ledger.size, 4096, False),)
        self.see(Memory(touched))
        used = self.ledger.size - (self.region.block if self.is_("hoards") else 0)
        intact = (not self.is_("loses-memory")) if self.files else None
        self.see(Rested(400, used=used, intact=intact))

    def drive(self, most: int) -> None:
        """Plug from below, unplug from above, until there is nothing to do or it is rejected."""
        if self.is_("ignores-resize") and self.resizes > 1:
            return
        slack = self.region.block
        for _ in range(most):
            wanted = self.ledger.requested
            if self.is_("unplugs-more"):
                wanted = max(wanted - slack, 0) if self.ledger.size > wanted else wanted
            elif self.is_("plugs-more") and self.ledger.size < wanted:
                wanted = min(wanted + slack, self.ledger.usable)
            blocks = (wanted - self.ledger.size) // self.region.block
            if not blocks:
                return
            count = min(abs(blocks), CHUNK)
            if blocks > 0:
                answer = self.ask(Op.PLUG, ADDR + self.ledger.size, count)
                if answer is Answer.ACK and self.odds(20):
                    # It has no use for the last one.
                    self.ask(Op.UNPLUG, ADDR + self.ledger.size - self.region.block, 1)
            else:
                addr = ADDR + self.ledger.size - count * self.region.block
                answer = self.ask(Op.UNPLUG, addr, count)
            if answer is not Answer.ACK and (self.busy or not self.player.difficult):
                return

    def suspend(self) -> None:
        self.see(Suspend(True))
        # It resets its device, whose blocks it knows.
        self.started()
