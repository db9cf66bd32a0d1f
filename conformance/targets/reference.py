"""The reference device as a target: in this process, every operation and fault, no memory."""

from __future__ import annotations

from conformance.targets.target import CAPABILITIES, PADDING
from model.device import ReferenceDevice, slot_layout
from model.observation import Constants, Observation
from model.profiles import Profile
from model.state import Answer, ConcreteAction, ConcreteState, Config


def at_start(device: ReferenceDevice) -> Observation:
    """What a device shows before anything was done to it; no notification can be due."""
    config = device.config
    constants = Constants(block=config.block, addr=config.addr, region=config.region)
    return device.observe(Answer.DONE, slots=slot_layout(device.fixed), constants=constants)


class ReferenceTarget:
    """The model run as a device of its own. `start` raises model.device.ConfigError."""

    capabilities = CAPABILITIES - {"memory", PADDING}

    def __init__(self) -> None:
        self._device: ReferenceDevice | None = None

    def fitted(self, profile: Profile, config: Config) -> Config:
        return config

    def start(self, profile: Profile, config: Config) -> Observation:
        self._device = ReferenceDevice(profile, config)
        return at_start(self._device)

    def apply(self, action: ConcreteAction) -> Observation:
        return self._started().apply(action)

    def state(self) -> ConcreteState:
        return self._started().state

    def close(self) -> None:
        self._device = None

    def _started(self) -> ReferenceDevice:
        if self._device is None:
            raise RuntimeError("the device was not started")
        return self._device
