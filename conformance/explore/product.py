"""The product of two devices: every pair of states that the same actions lead them to."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final

from conformance.explore.alphabet import alphabet
from model.device import ReferenceDevice, slot_layout
from model.machine_ints import INTS
from model.profiles import Mapping, Profile
from model.rules import step
from model.state import ConcreteResult, ConcreteState, Config, Op


class Part(Enum):
    """What can be seen of a device, in parts that are watched one by one."""

    RESPONSE = "response"
    """What the guest is told: the answer, the block state, and whether it was notified."""
    CONFIG = "config"
    """The configuration space: usable, plugged and requested size."""
    MAPPED = "mapped"
    """The mapped memslots, and how the region is cut, where both devices have memslots of their
    own."""


PARTS: Final = tuple(Part)
Parts = frozenset[Part]
Cause = tuple[Part, Op | None]
"""What gives two devices away, and the operation that does; None stands for the start."""


class Product:
    """Pairs of states from two devices just started, found as searches need them.

    Nothing but the answer is seen of a device that is gone. Raises model.device.ConfigError where a
    profile refuses the configuration.
    """

    def __init__(self, left: Profile, right: Profile, config: Config) -> None:
        devices = ReferenceDevice(left, config), ReferenceDevice(right, config)
        self.fixed = devices[0].fixed, devices[1].fixed
        static = any(one.mapping is Mapping.STATIC for one in self.fixed)
        self.parts = tuple(part for part in PARTS if part is not Part.MAPPED or not static)
        self.actions = alphabet(self.fixed[0])
        self.pairs = [(devices[0].state, devices[1].state)]
        self.at_start = self._views(*self.pairs[0])
        if Part.MAPPED in self.parts and slot_layout(self.fixed[0]) != slot_layout(self.fixed[1]):
            self.at_start |= {Part.MAPPED}
        self._numbers = {self.pairs[0]: 0}
        self._after: dict[int, list[tuple[int, Parts]]] = {}

    @property
    def steps(self) -> int:
        """Steps taken on both devices so far."""
        return len(self._after) * len(self.actions)

    def causes(self) -> dict[Cause, list[int]]:
        """For every way to give the devices away, the fewest actions that do, without any
        difference before the last of them."""
        found: dict[Cause, list[int]] = {
            (part, None): [] for part in PARTS if part in self.at_start
        }
        if found:
            return found
        came: dict[int, tuple[int, int]] = {}
        queue = deque([0])
        while queue:
            number = queue.popleft()
            for at, (after, parts) in enumerate(self.after(number)):
                for part in PARTS if parts else ():
                    cause = part, self.actions[at].op
                    if part in parts and cause not in found:
                        found[cause] = [*_way(came, number), at]
                if not parts and after and after not in came:
                    came[after] = number, at
                    queue.append(after)
        return found

    def shortest(self, part: Part, below: int | None) -> list[int] | None:
        """The fewest actions that give the devices away to who sees `part` alone.

        None if there are none, or none of fewer than `below`.
        """
        if part in self.at_start:
            return [] if below != 0 else None
        came: dict[int, tuple[int, int]] = {}
        queue = deque([(0, 0)])
        while queue:
            number, depth = queue.popleft()
            if below is not None and depth + 1 >= below:
                return None
            for at, (after, parts) in enumerate(self.after(number)):
                if part in parts:
                    return [*_way(came, number), at]
                if after and after not in came:
                    came[after] = number, at
                    queue.append((after, depth + 1))
        return None

    def after(self, number: int) -> list[tuple[int, Parts]]:
        """For each action the pair it leads to, and the parts in which its two sides differ."""
        row = self._after.get(number)
        if row is None:
            before = self.pairs[number]
            row = self._after[number] = []
            for done in self.actions:
                a = step(INTS, self.fixed[0], before[0], done)
                b = step(INTS, self.fixed[1], before[1], done)
                row.append((self._numbered(a.state, b.state), self._told(a, b)))
        return row

    def _numbered(self, *pair: ConcreteState) -> int:
        a, b = pair
        number = self._numbers.setdefault((a, b), len(self.pairs))
        if number == len(self.pairs):
            self.pairs.append((a, b))
        return number

    def _told(self, a: ConcreteResult, b: ConcreteResult) -> Parts:
        """The parts in which two steps differ."""
        parts = self._views(a.state, b.state)
        if (a.answer, a.block_state, a.notified) != (b.answer, b.block_state, b.notified):
            parts |= {Part.RESPONSE}
        return parts

    def _views(self, a: ConcreteState, b: ConcreteState) -> Parts:
        if not (a.realized and b.realized):
            return _NONE
        parts = _NONE
        if (a.usable, a.size, a.requested) != (b.usable, b.size, b.requested):
            parts |= {Part.CONFIG}
        if a.mapped != b.mapped and Part.MAPPED in self.parts:
            parts |= {Part.MAPPED}
        return parts


_NONE: Final[Parts] = frozenset()


def _way(came: dict[int, tuple[int, int]], number: int) -> list[int]:
    way = []
    while number:
        number, at = came[number]
        way.append(at)
    return way[::-1]
