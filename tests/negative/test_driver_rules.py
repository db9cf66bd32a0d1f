"""Drivers with one fault each are named by its rule; one without any breaks none, whatever the
device does that the text allows."""

from random import Random

import pytest
from driver_player import FAULTS, Player

from conformance.drive.campaign import drive
from conformance.drive.lists import SETUPS, event_list
from conformance.drive.run import run_list
from conformance.drive.shrink import shrink_list
from conformance.judge.driver.rules import DRIVER_RULE_NAMED, DRIVER_RULES
from conformance.judge.virtio.rules import Level
from conformance.traces.driven import Do, Driven, Event, Setup
from model.arithmetic import GIB, MIB

SMALL = Setup(GIB, 2 * MIB)
TELLING = [
    Event(Do.RESIZE, 128 * MIB),
    Event(Do.SETTLE),
    Event(Do.FILL, 4 * MIB),
    Event(Do.RESIZE, 64 * MIB),
    Event(Do.SETTLE),
    Event(Do.SUSPEND),
    Event(Do.KEXEC),
    Event(Do.SETTLE),
]
ALONG = {"keeps-on": {"driver-plug-of-unplugged", "driver-unplugs-no-more"}}
"""What a fault breaks besides: whoever takes another's blocks for its own miscounts."""
OPEN = (Level.MAY, Level.OPEN)


def broken(fault: str, setup: Setup = SMALL) -> set[str]:
    run = run_list(Player(fault), Driven(setup, tuple(TELLING)), frozenset())
    return {breach.rule for _, breach in run.breaches}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_by_its_rule(fault: str) -> None:
    inaccessible = fault != "reads-without-promise"
    setup = Setup(GIB, 2 * MIB, inaccessible)
    assert broken("", setup) == set()
    assert broken(fault, setup) - ALONG.get(fault, set()) == {FAULTS[fault]}


def test_every_rule_that_can_be_broken_has_its_fault() -> None:
    judged = {r.id for r in DRIVER_RULES if not r.unjudged and r.level not in OPEN}
    assert judged == set(FAULTS.values())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_from_a_seed_and_made_small(fault: str) -> None:
    rule = FAULTS[fault]
    player = Player(fault)
    lists = (event_list(3, number, 8, player.able) for number in range(1, 41))
    report = drive(player, lists, frozenset({rule}))
    assert report.failing is not None, f"{fault} is not found"
    small = shrink_list(player, report.failing, frozenset({rule}), most=200)
    assert small.found is not None and small.found.what == rule
    assert len(small.events) <= 4, small.events


def test_a_driver_without_fault_holds_on_the_most_difficult_device() -> None:
    met: set[str] = set()
    for seed in range(20):
        player = Player(difficult=Random(seed))
        lists = [event_list(seed, n, 12, player.able) for n in range(1, 5 * len(SETUPS), 5)]
        report = drive(player, lists, frozenset(r.id for r in DRIVER_RULES))
        assert report.failing is None, report.failing
        assert report.broken == {}
        met |= set(report.exercised)
        assert report.answers["plug busy"] and report.answers["plug ack"]
    never = {r.id for r in DRIVER_RULES if not r.unjudged} - met
    assert not {id for id in never if not id.startswith("driver-state")}, never


def test_a_guest_that_falls_over_is_made_small() -> None:
    player = Player(dies_at=512 * MIB)
    lists = (event_list(1, number, 8, player.able) for number in range(1, 20))
    report = drive(player, lists, frozenset())
    assert report.failing is not None and report.failing.found is not None
    assert report.failing.found.what == "died"
    small = shrink_list(player, report.failing, frozenset(), most=200)
    assert len(small.events) == 1 and 512 * MIB <= small.events[0].size < 1024 * MIB


def test_shrinking_stays_within_its_runs() -> None:
    player = Player("ignores-resize")
    rule = FAULTS["ignores-resize"]
    failing = run_list(player, event_list(3, 1, 30, player.able), frozenset({rule})).run
    assert failing.found is not None
    player.plays = 0
    shrink_list(player, failing, frozenset({rule}), most=7)
    assert player.plays <= 7


def test_levels_are_those_of_the_text() -> None:
    assert DRIVER_RULE_NAMED["driver-reacts"].level is Level.SHOULD
    assert not DRIVER_RULE_NAMED["driver-open-again"].binding
