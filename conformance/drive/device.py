"""The device that a driver was run on, judged beside it: what the records tell of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.judge.driver.ledger import Region
from conformance.judge.driver.seen import Asked, Emptied, Requested, Seen, Status, Usable
from conformance.judge.virtio.judge import Breach, VirtioOracle
from model.observation import Observation
from model.state import Answer, BlockState, ConcreteAction, Config, Op, action


@dataclass(slots=True)
class DeviceOracle:
    """The rules of a device over the records of its driver: the plugged size is not seen, nor
    whether it notified."""

    region: Region
    virtio: VirtioOracle = field(init=False)
    usable: int = 0
    requested: int = 0
    resizing: bool = False
    held: Asked | Emptied | None = None
    """What unplugged all, of which the usable region that follows is a part."""

    def __post_init__(self) -> None:
        region = self.region
        config = Config(region=region.size, block=region.block, addr=region.addr, limit=1)
        self.virtio = VirtioOracle(config)
        self.virtio.start(Observation(Answer.DONE, usable=0, requested=0))
        # The records do not say when a migration runs: it may at any time.
        self.virtio.migrating = True

    def see(self, seen: Seen) -> list[Breach]:
        """Judge the next record."""
        return [breach for step in self._steps(seen) for breach in self.virtio.step(*step)]

    def _steps(self, seen: Seen) -> Iterator[tuple[ConcreteAction, Observation]]:
        held, self.held = self.held, None
        if isinstance(seen, Usable):
            self.usable = seen.size
            yield self._emptied(held) if held is not None else self._resized()
            return
        if held is not None:
            yield self._emptied(held)
        elif self.resizing:
            # The usable region stays where it reaches far enough already.
            yield self._resized()
        if isinstance(seen, Emptied) or (isinstance(seen, Asked) and seen.op is Op.UNPLUG_ALL):
            self.held = seen
        elif isinstance(seen, Requested):
            # The usable region follows, if it has to.
            self.requested, self.resizing = seen.size, True
        elif isinstance(seen, Status) and seen.value == 0:
            yield action(Op.DEVICE_RESET), self._shown(Answer.DONE)
        elif isinstance(seen, Asked):
            asked = action(seen.op, addr=seen.addr, blocks=seen.blocks)
            yield asked, self._shown(seen.answer, seen.state)

    def _resized(self) -> tuple[ConcreteAction, Observation]:
        self.resizing = False
        return action(Op.RESIZE, value=self.requested), self._shown(Answer.DONE)

    def _emptied(self, held: Asked | Emptied) -> tuple[ConcreteAction, Observation]:
        if isinstance(held, Asked):
            return action(Op.UNPLUG_ALL), self._shown(held.answer)
        return action(Op.SYSTEM_RESET), self._shown(Answer.DONE, size=0)

    def _shown(
        self, answer: Answer, state: BlockState | None = None, size: int | None = None
    ) -> Observation:
        return Observation(answer, state, usable=self.usable, size=size, requested=self.requested)
