"""A trace's own observations as a target, so that a recorded trace is judged like a live device."""

from __future__ import annotations

from conformance.targets.reference import at_start
from conformance.targets.target import OPERATIONS
from conformance.traces.trace import Trace
from model.device import ReferenceDevice
from model.observation import Observation
from model.profiles import Profile
from model.state import ConcreteAction, Config


class RecordedTarget:
    """Shows step by step what the trace holds, and where it holds nothing what the model says."""

    capabilities = OPERATIONS

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def fitted(self, profile: Profile, config: Config) -> Config:
        return config

    def start(self, profile: Profile, config: Config) -> Observation:
        self._model = ReferenceDevice(profile, config)
        self._steps = iter(self._trace.steps)
        return at_start(self._model) if self._trace.seen is None else self._trace.seen

    def apply(self, action: ConcreteAction) -> Observation:
        allowed = self._model.apply(action)
        seen = next(self._steps).seen
        return allowed if seen is None else seen

    def state(self) -> None:
        return None

    def close(self) -> None:
        pass
