"""The reference device as a target: in this process, every operation and fault, no memory."""

from __future__ import annotations

from dataclasses import replace

from conformance.judge.finding import Kind
from conformance.targets.target import (
    CAPABILITIES,
    FAIL_MEMSLOT,
    LAYOUTS,
    MAPS_PLUGGED,
    PADDING,
    TargetError,
)
from model.device import ConfigError, ReferenceDevice, slot_layout
from model.effects import Did
from model.observation import Constants, HostMemory, Observation, Told
from model.profiles import Profile
from model.state import (
    Answer,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Config,
    Fixed,
)


def constants_of(fixed: Fixed[int, bool]) -> Constants:
    """The configuration space but for what changes."""
    return Constants(block=fixed.block, addr=fixed.addr, region=fixed.region)


def at_start(device: ReferenceDevice) -> Observation:
    """What a device shows before anything was done to it; no notification can be due."""
    fixed = device.fixed
    return device.observe(Answer.DONE, slots=slot_layout(fixed), constants=constants_of(fixed))


def held(device: ReferenceDevice) -> tuple[HostMemory, ...]:
    """The host memory of a device whose plugged blocks were all written, and no other ever."""
    fixed, state = device.fixed, device.state
    part = HostMemory(addr=fixed.addr, size=fixed.region, held=len(state.plugged) * fixed.block)
    return (part,)


def told(device: ReferenceDevice, result: ConcreteResult) -> tuple[Told, ...] | None:
    """What listeners took note of in a step; one that refuses to populate took none. None for a
    device that has no listeners."""
    if not device.profile.has_listeners:
        return None
    fixed, heard = device.fixed, []
    for effect in result.effects:
        if effect.did is Did.REPLAY:
            heard += [
                (Did.POPULATE, first * fixed.block, (end - first) * fixed.block)
                for first, end in effect.plugged.ranges()
            ]
        elif effect.did in (Did.POPULATE, Did.DISCARD) and effect.done:
            heard.append((effect.did, effect.offset, effect.size))
    return tuple(Told(kind, fixed.addr + offset, size) for kind, offset, size in heard)


class ReferenceTarget:
    """The model run as a device of its own."""

    capabilities = CAPABILITIES - LAYOUTS - {"memory", "used", FAIL_MEMSLOT, PADDING, MAPS_PLUGGED}

    def __init__(self) -> None:
        self._device: ReferenceDevice | None = None

    def fitted(self, profile: Profile, config: Config) -> Config:
        return config

    def start(self, profile: Profile, config: Config) -> Observation:
        try:
            self._device = ReferenceDevice(profile, config)
        except ConfigError as error:
            raise TargetError(Kind.REFUSED, str(error)) from None
        if not profile.has_listeners:
            self.capabilities = self.capabilities - {"told"}
        return replace(at_start(self._device), held=held(self._device))

    def apply(self, action: ConcreteAction) -> Observation:
        device = self._started()
        result = device.take(action)
        seen = device.seen_after(result)
        return replace(seen, held=held(device), told=told(device, result))

    def state(self) -> ConcreteState:
        return self._started().state

    def close(self) -> None:
        self._device = None

    def _started(self) -> ReferenceDevice:
        if self._device is None:
            raise RuntimeError("the device was not started")
        return self._device
