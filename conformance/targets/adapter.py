"""What a device under test looks like to slotproof when it is driven from Python."""

from __future__ import annotations

from abc import ABC, abstractmethod

from model.observation import Observation
from model.profiles import Profile
from model.state import ConcreteAction, ConcreteState, Config


class Adapter(ABC):
    """A base for adapters: `targets.target.Target` with what most of them have in common.

    `capabilities` names what the device can do and show; what is not in it is never asked for.
    Both methods may raise `conformance.targets.target.TargetError`.
    """

    capabilities: frozenset[str] = frozenset()

    @abstractmethod
    def start(self, profile: Profile, config: Config) -> Observation:
        """Replace the device by a fresh one and show it; the answer is `Answer.DONE`."""

    @abstractmethod
    def apply(self, action: ConcreteAction) -> Observation:
        """Carry out one action and show the device afterwards."""

    def fitted(self, profile: Profile, config: Config) -> Config:
        """The configuration nearest to `config` that the device can have."""
        return config

    def state(self) -> ConcreteState | None:
        """The device's whole state, where it is open to the caller."""
        return None

    def close(self) -> None:  # noqa: B027  most devices hold nothing
        """Let go of everything the device holds; it may be started again."""
