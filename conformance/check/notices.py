"""What listeners are told by a device, beside what they would be told by the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.judge.host import Listeners, in_both
from conformance.targets.reference import constants_of, told
from model.device import ReferenceDevice
from model.effects import Did
from model.extents import Extents
from model.observation import Told
from model.state import ConcreteAction, ConcreteResult, ConcreteState, Fixed, Op


@dataclass(slots=True)
class Notices:
    """The listeners of a device, and those of the model, which hear what is `due`."""

    heard: Listeners = field(default_factory=Listeners)
    due: Listeners = field(default_factory=Listeners)
    staying: Extents | None = None
    """Blocks that were plugged all the time since notices were judged."""
    in_order: bool = True

    def expect(
        self,
        model: ReferenceDevice,
        action: ConcreteAction,
        before: ConcreteState,
        result: ConcreteResult,
    ) -> None:
        """Listeners of the model hear what came of a step; those of a moved device start anew."""
        staying = before.plugged if self.staying is None else self.staying
        self.staying = in_both(staying, model.state.plugged)
        # What is told anew, or taken back as one of them refused, has no order to hold it to.
        moved = action.op is Op.MIGRATION_IN
        self.in_order = self.in_order and not moved and not action.faults.populate
        if moved:
            self.heard.renewed()
            self.due.renewed()
        self.due.hear(constants_of(model.fixed), told(model, result) or ())

    def fault(self, fixed: Fixed[int, bool], shown: Sequence[Told]) -> str | None:
        """What is wrong with what listeners were told, in one line."""
        staying = self.staying if self.in_order else None
        wrong = self.heard.hear(constants_of(fixed), shown, staying)
        wrong = wrong or self.heard.fault(self.due.known, self.due.known)
        if wrong is None and self.in_order and self.heard.heard != self.due.heard:
            want, have = (_order(one.heard) for one in (self.due, self.heard))
            wrong = f"listeners were told {have} where it is {want}"
        return wrong

    def settled(self) -> None:
        """What was told so far is judged."""
        self.staying, self.in_order = None, True
        self.heard.heard.clear()
        self.due.heard.clear()


def _order(heard: list[tuple[Did, Extents]]) -> str:
    """What listeners were told, in order, in blocks."""
    told = (
        f"{kind.value} {', '.join(f'{first}..{end - 1}' for first, end in blocks.ranges())}"
        for kind, blocks in heard
    )
    return ", then ".join(told) or "nothing"
