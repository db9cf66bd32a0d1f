"""A project's own device under the whole suite: run pytest here, with docs/ on the Python path."""

import pytest
from example_device import EVENTS, FAULTS, REQUESTS, VIEWS, Device

from conformance.targets.adapter import Adapter
from conformance.traces.codec import action_to_json, config_to_json, observation_from_json


class MyDevice(Adapter):
    capabilities = frozenset(REQUESTS + EVENTS + FAULTS + VIEWS)

    def start(self, profile, config):
        self.device = Device(profile.name, config_to_json(config), None)
        shown = self.device.show() | self.device.layout()
        return observation_from_json({"answer": "done"} | shown)

    def apply(self, action):
        return observation_from_json(self.device.do(action_to_json(action)))


@pytest.fixture(scope="session")
def slotproof_target():
    return MyDevice()


def test_virtio_mem(slotproof_case):
    slotproof_case.check()
