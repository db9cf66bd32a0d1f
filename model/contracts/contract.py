"""What a behavioural contract is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from model.invariants import EVERY_MAPPING
from model.profiles import Mapping
from model.state import Op


@dataclass(frozen=True, slots=True)
class Contract:
    """A claim about every step of the operations `ops`, by name.

    `holds` takes (domain, Fixed, state before, Action, Result); `source` says where the device's
    promise was read; it is claimed for the `mappings` named. `follows`: it is a consequence of the
    other contracts and the invariants, said for whoever relies on it.
    """

    name: str
    holds: Callable[..., Any]
    ops: frozenset[Op]
    source: str
    mappings: frozenset[Mapping] = EVERY_MAPPING
    follows: bool = False

    @property
    def claim(self) -> str:
        """The contract in one sentence."""
        return _sentence(self.holds)


@dataclass(frozen=True, slots=True)
class StartContract:
    """A claim about a device just realized: `holds` takes (domain, Fixed, State); `follows` as that
    of a Contract."""

    name: str
    holds: Callable[..., Any]
    source: str
    follows: bool = False

    @property
    def claim(self) -> str:
        """The contract in one sentence."""
        return _sentence(self.holds)


def _sentence(holds: Callable[..., Any]) -> str:
    """The first paragraph of what a claim says of itself."""
    return " ".join((holds.__doc__ or "").split("\n\n")[0].split())


MEMORY_DEVICE: Final = "VIRTIO, Memory Device"
"""The chapter of the standard that contracts are read from."""
RESETS: Final = frozenset({Op.SYSTEM_RESET, Op.WAKE_UP})
"""Events that may unplug."""
