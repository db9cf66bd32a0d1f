"""Between a configuration and what realize fixes nothing gets lost: each field is read off by hand.

The proofs begin with `Fixed` and with a limit; what leads to them is checked here, on random
configurations and demands, against figures made another way.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from types import FunctionType

import pytest

from model import caller, device
from model.arithmetic import GIB, MIB
from model.caller import demand_for, device_limit
from model.device import ConfigError, fix, slot_layout
from model.profiles import PROFILES, QEMU, Mapping, Profile, Usable
from model.state import Config
from smt_proofs.decision.mutants import Mutant

DICE = random.Random(20261128)


def configs(count: int) -> list[Config]:
    found = []
    for _ in range(count):
        block = MIB << DICE.randrange(12)
        blocks = DICE.randrange(1, 1 << DICE.randrange(1, 18))
        found.append(
            Config(
                region=blocks * block,
                block=block,
                limit=DICE.choice((1, 2, 3, 256, DICE.randrange(1, 4000))),
                requested=DICE.randrange(blocks + 1) * block,
                addr=DICE.randrange(1 << 20) * block,
                extent=DICE.choice((0, 1, block - 1, block + 1, 256 * MIB, 7 * GIB)),
                option=DICE.random() < 0.7,
                inaccessible=DICE.random() < 0.7,
                prealloc=DICE.random() < 0.5,
            )
        )
    return found


def slots_by_hand(config: Config) -> tuple[int, int]:
    """Number and size of the memslots: rounding done with fractions."""
    whole = 1, config.region
    if config.limit <= 1 or not config.option:
        return whole
    share = -(-(config.region // config.limit) // config.block) * config.block
    size = max(share, config.block, GIB)
    count = -(Fraction(-config.region, size).__floor__())
    return whole if count <= 1 else (count, size)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_field_is_what_the_configuration_says(profile: Profile) -> None:
    tried = 0
    for config in configs(400):
        try:
            fixed = fix(profile, config)
        except ConfigError:
            legacy = not config.inaccessible and not profile.accessible_slots
            assert (config.option and (not profile.option_name or legacy)) or (
                profile.container_when_off and legacy
            )
            continue
        tried += 1
        assert (fixed.region, fixed.block, fixed.addr) == (config.region, config.block, config.addr)
        assert fixed.start_requested == config.requested
        assert (fixed.inaccessible, fixed.prealloc) == (config.inaccessible, config.prealloc)
        assert fixed.profile is profile
        reach = {Usable.EXTENT: config.extent, Usable.REQUESTED: 0, Usable.REGION: config.region}
        assert fixed.extent == reach[profile.usable]
        assert (fixed.slots.count, fixed.slots.size) == slots_by_hand(config)
        none = not config.option and not profile.container_when_off
        follows = Mapping.PLUGGED if config.inaccessible else Mapping.USABLE
        assert fixed.mapping is (Mapping.STATIC if none else follows)
        layout = slot_layout(fixed)
        if none:
            assert layout is None
        else:
            assert layout is not None and (layout.count, layout.size) == slots_by_hand(config)
            assert layout.last == config.region - (layout.count - 1) * layout.size
    assert tried > 50


def test_the_limit_is_the_exact_share_but_for_the_rounding_of_doubles() -> None:
    """A share is at most one memslot from the exact quotient, and just it where that is far from
    a whole number; everything else is compared exactly."""
    for _ in range(3000):
        space = DICE.randrange(1, 1 << 40) * MIB
        used_space = DICE.choice((0, DICE.randrange(space // MIB) * MIB))
        available = space - used_space
        size = DICE.choice((available, MIB * DICE.randrange(1, available // MIB + 1)))
        required, used = DICE.randrange(300), DICE.randrange(300)
        maximum = DICE.choice((508, 509, 510, 32764, (1 << 32) - 1))
        # As many as are promised, or one less or more, is where the limit begins.
        due = max(required - used, 0)
        near_due = [n for n in (due - 1, due, due + 1) if 0 <= n <= maximum]
        free = DICE.choice((*near_due, DICE.randrange(min(maximum, 1 << 20) + 1), maximum))
        got = device_limit(
            demand_for(size, space, used_space, required, used, maximum=maximum, free=free)
        )
        reserved = required - used if required > used else 0
        if maximum < 509 or required >= 256 or free <= reserved:
            assert got == 1
            continue
        most = min(256 - required, free - reserved)
        if size == space:
            assert got == most
            continue
        share = Fraction(most * size, available)
        near = share - share.__floor__()
        if Fraction(1, 1 << 20) < near < 1 - Fraction(1, 1 << 20):
            assert got == max(share.__floor__(), 1)
        assert 1 <= got <= most and abs(got - max(share, 1)) <= 1


def test_a_configuration_at_a_limit_is_accepted_and_past_it_refused() -> None:
    least = Config(region=MIB, block=MIB, limit=1, page=MIB, requested=MIB)
    fix(QEMU, least)
    for past in ({"page": 2 * MIB}, {"block": MIB // 2}, {"limit": 0}, {"requested": 2 * MIB}):
        with pytest.raises(ConfigError):
            fix(QEMU, replace(least, **past))
    top = (1 << 64) - 2 * MIB
    fix(QEMU, replace(least, addr=top))
    for addr in (top + MIB, MIB // 2):
        with pytest.raises(ConfigError):
            fix(QEMU, replace(least, addr=addr))
    with pytest.raises(ConfigError):
        fix(QEMU, Config(region=6 * MIB, block=3 * MIB, limit=1, addr=3 * MIB))


@pytest.mark.parametrize("size", [0, 17 * GIB])
def test_a_device_that_does_not_fit_has_no_limit(size: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        device_limit(demand_for(size=size, device_space=16 * GIB))


WRONG = [
    (device._extent, "Usable.EXTENT: config.extent", "Usable.EXTENT: config.block"),
    (device.fix, "prealloc=config.prealloc", "prealloc=False"),
    (device.fix, "start_requested=config.requested", "start_requested=0"),
    (device.fix, "addr=config.addr", "addr=0"),
    (device.decision_input, "limit=config.limit", "limit=config.limit + 1"),
    (device.check_config, "block < config.page", "block <= config.page"),
    (device.check_config, "config.addr + config.region > U64_MASK", "False"),
    (device.check_config, " or block & (block - 1)", ""),
    (caller.decision_limit, "d.le(c.free, reserved)", "d.lt(c.free, reserved)"),
    (caller.decision_limit, "d.sub(c.free, reserved)", "c.free"),
    (caller.reserved_memslots, "d.lt(required, used)", "False"),
    (caller.reserved_memslots, "d.sub(required, used)", "required"),
    (caller.decision_limit, "d.lt(c.maximum, d.lit(SAFE_MAX_MEMSLOTS))", "False"),
    (caller.decision_limit, "d.sub(c.device_space, c.used_space)", "2**40"),
    (caller.memslot_proportion, "d.double_product(d.double(memslots), d.double(size))", "size"),
]


@pytest.mark.parametrize(("function", "right", "wrong"), WRONG)
def test_a_wrong_edit_on_the_way_to_the_rules_is_noticed(
    function: FunctionType, right: str, wrong: str
) -> None:
    noticed = AssertionError, ConfigError, pytest.fail.Exception
    with Mutant("", function, right, wrong).applied(), pytest.raises(noticed):
        test_a_configuration_at_a_limit_is_accepted_and_past_it_refused()
        test_every_field_is_what_the_configuration_says(QEMU)
        test_the_limit_is_the_exact_share_but_for_the_rounding_of_doubles()
