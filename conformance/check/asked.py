"""A scenario made for a target: its trace, or why the target is not asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from conformance.check.scenarios import Scenario
from conformance.check.steps import Site, Unsuited
from conformance.targets.target import BATCH, Target, TargetError, limits_of, needs
from conformance.traces.batches import batched
from conformance.traces.codec import MAX_BLOCKS
from conformance.traces.trace import Trace, TraceStep
from model.device import ConfigError, fix
from model.observation import Observation
from model.profiles import Profile
from model.state import RANGE_REQUESTS, Config, Op, action


@dataclass(frozen=True, slots=True)
class Made:
    """The trace of a scenario; `started` is the start of its device, where that is done already."""

    trace: Trace
    started: Observation | None


def made(scenario: Scenario, target: Target, profile: Profile) -> Made | str:
    """The scenario's trace on a target, or in one line why the target is not asked for it."""
    asked = replace(scenario.config, option=scenario.config.option and bool(profile.option_name))
    config = target.fitted(profile, asked)
    if config.option != asked.option and (config.option or scenario.of_memslots):
        return f"the target has no device with the option {'on' if asked.option else 'off'}"
    try:
        slot, started = _slot(scenario, target, profile, config)
        site = Site(**asdict(config), slot=slot)
        taken = list(_steps(scenario, target, site))
        if scenario.batched and BATCH in target.capabilities:
            taken = batched(taken)
    except (ConfigError, Unsuited) as error:
        return str(error)
    if config.requested < asked.requested:
        # A device that starts with less is asked for it first.
        whole = asked.requested == asked.region
        wanted = config.region if whole else min(asked.requested, config.region)
        taken.insert(0, TraceStep(action(Op.RESIZE, value=wanted)))
    for step in taken:
        if lacking := needs(step.action, step.layout) - target.capabilities:
            return f"the target cannot do {min(lacking)}"
        end = step.action.addr + step.action.blocks * config.block
        meant = step.action.op in RANGE_REQUESTS and step.action.blocks < MAX_BLOCKS
        if meant and end > config.addr + config.region:
            blocks = config.region // config.block
            return f"a region of {blocks} blocks is too small for it"
    return Made(Trace(profile, config, tuple(taken)), started)


def _steps(scenario: Scenario, target: Target, site: Site) -> Iterator[TraceStep]:
    """The steps without those that are left out. Raises Unsuited."""
    for step in scenario.steps(site):
        taken = step if isinstance(step, TraceStep) else TraceStep(step)
        op = taken.action.op
        if op not in scenario.optional or op.value in target.capabilities:
            yield taken


def _slot(
    scenario: Scenario, target: Target, profile: Profile, config: Config
) -> tuple[int, Observation | None]:
    """Bytes of a memslot: what the device says of itself goes before the profile. With the start of
    the device where it was started to see them.

    Raises ConfigError where the profile has no such device.
    """
    chosen = fix(profile, config).slots.size
    if (stated := limits_of(target).slot) is not None:
        return stated, None
    if scenario.of_memslots and "slots" in target.capabilities:
        # A device that does not come into being, or with no memslots, is for the run to tell.
        with suppress(TargetError):
            started = target.start(profile, config)
            shown = started.slots
            if shown is None or shown.size < config.block:
                return chosen, started
            return shown.size, started
    return chosen, None
