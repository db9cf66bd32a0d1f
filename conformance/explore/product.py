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
from model.state import Answer, BlockState, ConcreteState, Config, Op


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


Response = tuple[Answer, BlockState | None, bool]


class Side:
    """One device: its states by number, 0 at start, and its steps, each taken once however often a
    product asks. Raises model.device.ConfigError where the profile refuses the configuration."""

    def __init__(self, profile: Profile, config: Config) -> None:
        device = ReferenceDevice(profile, config)
        self.fixed = device.fixed
        self.actions = alphabet(device.fixed)
        self.states = [device.state]
        self._numbers = {device.state: 0}
        self._rows: dict[int, list[tuple[int, Response]]] = {}

    def row(self, number: int) -> list[tuple[int, Response]]:
        """For each action in a state the state after it, and what the guest is told."""
        if number not in self._rows:
            before = self.states[number]
            results = (step(INTS, self.fixed, before, done) for done in self.actions)
            self._rows[number] = [
                (self._number(r.state), (r.answer, r.block_state, r.notified)) for r in results
            ]
        return self._rows[number]

    def _number(self, state: ConcreteState) -> int:
        number = self._numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
        return number


Sides = dict[tuple[str, Config], Side]
"""Devices by the name of their profile and their configuration."""


def side(sides: Sides, profile: Profile, config: Config) -> Side:
    """The device, the same each time it is asked for. Raises model.device.ConfigError."""
    if (profile.name, config) not in sides:
        sides[profile.name, config] = Side(profile, config)
    return sides[profile.name, config]


class Product:
    """Pairs of states from two devices just started, found as searches need them; a state is its
    number on its side.

    Nothing but the answer is seen of a device that is gone. Raises ValueError for devices that do
    not take the same actions.
    """

    def __init__(self, left: Side, right: Side) -> None:
        self.sides = left, right
        static = any(one.fixed.mapping is Mapping.STATIC for one in self.sides)
        self.parts = tuple(part for part in PARTS if part is not Part.MAPPED or not static)
        if left.actions != right.actions:
            raise ValueError("the two devices cannot do the same")
        self.actions = left.actions
        self.pairs = [(0, 0)]
        self.at_start = self._views(0, 0)
        if Part.MAPPED in self.parts and slot_layout(left.fixed) != slot_layout(right.fixed):
            self.at_start |= {Part.MAPPED}
        self._numbers = {(0, 0): 0}
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
            ways = (
                one.row(state) for one, state in zip(self.sides, self.pairs[number], strict=True)
            )
            row = self._after[number] = [
                (self._numbered(a, b), self._told(a, b, heard != said))
                for (a, heard), (b, said) in zip(*ways, strict=True)
            ]
        return row

    def _numbered(self, a: int, b: int) -> int:
        number = self._numbers.setdefault((a, b), len(self.pairs))
        if number == len(self.pairs):
            self.pairs.append((a, b))
        return number

    def _told(self, a: int, b: int, otherwise: bool) -> Parts:
        """The parts in which two steps differ; `otherwise`: in what the guest is told."""
        parts = self._views(a, b)
        return parts | {Part.RESPONSE} if otherwise else parts

    def _views(self, left: int, right: int) -> Parts:
        if self.sides[0] is self.sides[1] and left == right:
            return _NONE
        a, b = self.sides[0].states[left], self.sides[1].states[right]
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
