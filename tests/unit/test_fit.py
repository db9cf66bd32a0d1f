"""Configurations made to fit a QEMU: valid, within reach, the same again, and the only ones run."""

import pytest

from conformance.check.campaign import check
from conformance.check.shrink import shrink
from conformance.generate.traces import random_trace, trace_seed
from conformance.targets.qemu.fit import LARGEST_REGION, device_space, fitted
from conformance.targets.reference import ReferenceTarget
from model.arithmetic import GIB, MIB, TIB
from model.caller import demand_for, device_limit
from model.device import fix
from model.observation import Observation
from model.profiles import QEMU, QEMU_8_2, SEED_V2, Profile
from model.state import Config

SLOTTED = (SEED_V2, QEMU, QEMU_8_2)
CONFIGS = [
    random_trace(profile, trace_seed(3, number), 1).config
    for profile in SLOTTED
    for number in range(300)
]


def test_fitted_configurations_are_what_a_machine_has() -> None:
    for profile in SLOTTED:
        for config in map(fitted, CONFIGS):
            fix(profile, config)
            assert fitted(config) == config
            assert config.region % (2 * MIB) == 0 and config.region <= LARGEST_REGION
            space = device_space(config.region, config.limit)
            assert config.region <= space and space % 4096 == 0
            demand = demand_for(size=config.region, device_space=space)
            assert device_limit(demand) == config.limit


@pytest.mark.parametrize("region", [2 * MIB, GIB + 2 * MIB, LARGEST_REGION])
def test_every_limit_can_be_had(region: int) -> None:
    limits = range(1, 257)
    found = [fitted(Config(region=region, block=MIB, limit=limit)).limit for limit in limits]
    assert found == list(limits)


def test_the_boundaries_stay() -> None:
    short = fitted(Config(region=3 * TIB + 6 * MIB, block=2 * MIB, limit=65536))
    assert short.region % GIB == 6 * MIB and short.limit == 256
    whole = fitted(Config(region=3 * TIB, block=2 * MIB, limit=7, requested=3 * TIB))
    assert whole.region == whole.requested == LARGEST_REGION
    some = fitted(Config(region=3 * TIB, block=2 * MIB, limit=7, requested=2 * TIB + 4 * MIB))
    assert some.requested == 4 * MIB


def test_several_memslots_need_inaccessible_memory() -> None:
    for option in (True, False):
        config = Config(region=GIB, block=MIB, limit=1, option=option, inaccessible=False)
        assert fitted(config).inaccessible == option


class Picky(ReferenceTarget):
    """Has only what fits."""

    def fitted(self, profile: Profile, config: Config) -> Config:
        return fitted(config)

    def start(self, profile: Profile, config: Config) -> Observation:
        assert fitted(config) == config
        return super().start(profile, config)


def test_only_what_a_target_can_have_is_run_and_recorded() -> None:
    report = check(Picky(), SEED_V2, seed=1, traces=50, steps=60)
    assert report.failing is not None
    small = shrink(Picky(), report.failing)
    assert len(small.steps) <= 2 and fitted(small.config) == small.config
