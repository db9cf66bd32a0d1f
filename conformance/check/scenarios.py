"""Named scenarios: faults that were reported of real devices, each as a short trace.

A scenario is judged like any trace, and by all of its rules whatever their level: under any oracle
it fails if one is broken, and is skipped if one never applied. Its steps are made for the
configuration that the target can have, so they are offsets into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.targets.target import Target, needs
from conformance.traces.layout import Layout, Place
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB, U64_MASK
from model.device import ConfigError, fix
from model.profiles import Profile
from model.state import ConcreteAction, Config, Op, action

Steps = Callable[[Config], Iterator[ConcreteAction | TraceStep]]

_SEVERAL: Final = Config(region=4 * GIB, block=2 * MIB, limit=256, requested=4 * GIB)
"""Memslots of 1 GiB, all of them requested."""
_VILLAIN: Final = "virtio-villain, tests of virtio-mem"
_TURNS: Final = 1_030
"""How often memory comes and goes: a device whose memslots' ids only grow has used up 1,024."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A short trace with a name. `rules` are those that it must be judged by, none where only the
    profile says what is right; `source` the report of the fault."""

    id: str
    says: str
    source: str
    rules: tuple[str, ...]
    config: Config
    steps: Steps
    by_rules: bool = False
    """Judged by its rules alone: no profile says what comes of it."""


def _laid_out(done: ConcreteAction, **layout: Any) -> TraceStep:
    """A request that lies in the queue in a way of its own."""
    return TraceStep(done, layout=Layout(**layout))


def _batch(*requests: ConcreteAction) -> Iterator[TraceStep]:
    """Requests that go out with one notification."""
    *before, last = requests
    yield from (_laid_out(one, more=True) for one in before)
    yield TraceStep(last)


def _on(op: Op, config: Config, offset: int, blocks: int = 1) -> ConcreteAction:
    """A range request at an offset of bytes into the region."""
    return action(op, addr=config.addr + offset, blocks=blocks)


def _whole(config: Config) -> int:
    """The blocks of the region, as many as one request can count."""
    return min(config.region // config.block, 0xFFFF)


def _state(config: Config) -> ConcreteAction:
    return _on(Op.STATE, config, 0, _whole(config))


def _huge_size(config: Config) -> Iterator[ConcreteAction]:
    yield action(Op.RESIZE, value=U64_MASK // config.block * config.block)
    yield action(Op.RESIZE, value=U64_MASK // MIB)
    yield action(Op.RESIZE, value=1 << 63)
    yield _on(Op.PLUG, config, 0)


def _across_slots(config: Config) -> Iterator[ConcreteAction]:
    edges = range(GIB, config.region, GIB)
    yield from (_on(Op.PLUG, config, edge - config.block, 2) for edge in edges)
    yield action(Op.MIGRATION_IN)
    yield from (_on(Op.STATE, config, edge - config.block, 2) for edge in edges)
    yield from (_on(Op.UNPLUG, config, edge, 1) for edge in edges)
    yield action(Op.MIGRATION_IN)
    yield _state(config)


def _reboot(config: Config) -> Iterator[ConcreteAction]:
    yield _on(Op.PLUG, config, 0, 3)
    yield action(Op.SYSTEM_RESET)
    yield _state(config)
    yield _on(Op.PLUG, config, 0, 3)
    yield action(Op.DEVICE_RESET)
    yield _on(Op.STATE, config, 0, 3)
    yield action(Op.UNPLUG_ALL)
    yield _state(config)


def _restore(config: Config) -> Iterator[ConcreteAction]:
    yield _on(Op.PLUG, config, config.block, 4)
    yield action(Op.MIGRATION_IN)
    yield _on(Op.STATE, config, config.block, 4)
    yield _on(Op.UNPLUG, config, 2 * config.block, 2)
    yield _on(Op.STATE, config, 0, 6)
    yield _on(Op.PLUG, config, 2 * config.block, 2)
    yield action(Op.MIGRATION_IN)
    yield action(Op.DEVICE_RESET)
    yield _on(Op.STATE, config, config.block, 4)


def _reused(config: Config) -> Iterator[ConcreteAction]:
    for turn in range(_TURNS):
        offset = turn * GIB % config.region
        yield _on(Op.PLUG, config, offset)
        yield _on(Op.UNPLUG, config, offset) if turn % 2 else action(Op.UNPLUG_ALL)


def _early_resize(config: Config) -> Iterator[ConcreteAction]:
    yield action(Op.DEVICE_RESET)
    yield action(Op.RESIZE, value=config.region)
    yield _on(Op.PLUG, config, 0)
    yield action(Op.SYSTEM_RESET)
    yield action(Op.RESIZE, value=config.block)
    yield _on(Op.PLUG, config, 0)


def _unknown(config: Config) -> Iterator[ConcreteAction]:
    for value in (4, 0x100, 0xFFFF):
        yield action(Op.UNKNOWN, value=value)
        yield action(Op.DEVICE_RESET)
        yield _on(Op.STATE, config, 0)
    yield action(Op.SHORT)
    yield action(Op.DEVICE_RESET)
    yield _on(Op.PLUG, config, 0)


def _plain(config: Config) -> Iterator[ConcreteAction]:
    yield _on(Op.PLUG, config, 0)
    yield _on(Op.UNPLUG, config, 0)
    yield _on(Op.PLUG, config, config.region - config.block)
    yield action(Op.UNPLUG_ALL)
    yield _state(config)


def _busy(config: Config) -> Iterator[ConcreteAction]:
    yield action(Op.MIGRATION_START)
    yield action(Op.UNPLUG_ALL)
    yield action(Op.MIGRATION_END)


def _nothing(config: Config) -> Iterator[ConcreteAction]:
    yield _on(Op.PLUG, config, 0)
    yield _on(Op.STATE, config, 0)
    yield action(Op.UNPLUG_ALL)
    yield action(Op.RESIZE, value=config.block)
    yield _on(Op.PLUG, config, 0)
    yield action(Op.RESIZE, value=0)
    yield _on(Op.UNPLUG, config, 0)


def _mixed(config: Config) -> Iterator[ConcreteAction]:
    yield _on(Op.PLUG, config, config.block)
    yield _on(Op.STATE, config, 0, 2)
    yield _on(Op.PLUG, config, 0, 2)
    yield _on(Op.UNPLUG, config, 0, 2)
    yield _on(Op.STATE, config, 0, 3)


def _four(config: Config) -> Iterator[TraceStep]:
    blocks = range(0, 4 * config.block, config.block)
    yield from _batch(*(_on(Op.PLUG, config, offset) for offset in blocks))
    yield TraceStep(_on(Op.STATE, config, 0, 4))
    yield from _batch(*(_on(Op.UNPLUG, config, offset) for offset in blocks))
    yield TraceStep(_on(Op.STATE, config, 0, 4))


def _in_and_out(config: Config) -> Iterator[TraceStep]:
    turn = (_on(op, config, 0, 2) for op in (Op.PLUG, Op.STATE, Op.UNPLUG, Op.STATE) * 4)
    yield from _batch(*turn)
    yield from _batch(_on(Op.PLUG, config, 0, 2), action(Op.UNPLUG_ALL), _on(Op.STATE, config, 0))


def _framed(config: Config) -> Iterator[TraceStep]:
    for number, indirect in enumerate((False, True)):
        many = {"parts": 16, "response_parts": 10, "indirect": indirect}
        yield _laid_out(_on(Op.PLUG, config, number * config.block), **many)
        yield _laid_out(_on(Op.STATE, config, 0), room=4096, indirect=indirect)


def _stray(place: Place) -> Steps:
    """A request whose response has no place, and what the device makes of others afterwards."""

    def steps(config: Config) -> Iterator[TraceStep]:
        yield TraceStep(_on(Op.PLUG, config, 0, 2))
        yield _laid_out(action(Op.SHORT), place=place)
        yield TraceStep(action(Op.DEVICE_RESET))
        yield TraceStep(_on(Op.STATE, config, 0, 2))
        yield TraceStep(_on(Op.UNPLUG, config, 0, 2))

    return steps


SCENARIOS: Final = (
    Scenario(
        "huge-requested-size",
        "a requested size that wraps in some unit is refused",
        "Firecracker pull request 6076",
        ("resize-as-set",),
        replace(_SEVERAL, requested=GIB),
        _huge_size,
    ),
    Scenario(
        "memslots-in-a-snapshot",
        "blocks at memslot boundaries come through a snapshot with their memory",
        "Firecracker pull request 5705; patch v2 has no memslots after post-load",
        ("memory-plugged-kept", "state-plugged"),
        _SEVERAL,
        _across_slots,
    ),
    Scenario(
        "reboot",
        "a reboot unplugs all, and blocks can be plugged anew",
        "Cloud Hypervisor issue 1593; Firecracker commit 3b63f3413",
        ("reset-unplugs-all", "init-reset-keeps-blocks", "state-unplugged", "plug-possible"),
        _SEVERAL,
        _reboot,
    ),
    Scenario(
        "restore-then-unplug",
        "restored blocks keep their memory, also where others are unplugged later",
        "Cloud Hypervisor issue 6337, commit 0fb24ea3a",
        ("memory-plugged-kept", "config-plugged-size", "state-mixed"),
        _SEVERAL,
        _restore,
    ),
    Scenario(
        "memslots-reused",
        "memslots that came and went often can be mapped again",
        "Cloud Hypervisor pull request 6842, issue 2340; rust-vmm/vhost pull request 224",
        ("plug-possible", "unplug-possible"),
        _SEVERAL,
        _reused,
    ),
    Scenario(
        "resize-before-driver",
        "a resize right after a reset neither hangs nor is lost",
        "Cloud Hypervisor issue 4001",
        ("resize-as-set", "config-usable-covers-requested", "plug-possible"),
        replace(_SEVERAL, requested=0),
        _early_resize,
    ),
    Scenario(
        "unknown-request",
        "a request of an unknown type or length harms nothing beyond the next reset",
        "Cloud Hypervisor commit 97e16f249",
        ("answers-every-request",),
        _SEVERAL,
        _unknown,
    ),
    Scenario(
        "option-off",
        "a device without memslots of its own plugs and unplugs",
        "QEMU commit 364eff6885a7 (division by zero)",
        ("plug-possible", "unplug-possible", "unplug-all-empties"),
        replace(_SEVERAL, option=False),
        _plain,
    ),
    Scenario(
        "unplug-all-of-nothing-while-busy",
        "UNPLUG_ALL during a migration with nothing plugged",
        "patch v2 against QEMU 8.2: an extra busy check",
        (),
        _SEVERAL,
        _busy,
    ),
    Scenario(
        "nothing-requested",
        "a device with nothing requested answers",
        "Cloud Hypervisor issue 1564",
        ("plug-outside-is-error", "state-outside-is-error"),
        replace(_SEVERAL, requested=0),
        _nothing,
    ),
    Scenario(
        "mixed-range",
        "STATE says MIXED, and requests over blocks in both states are errors",
        "virtio-villain test r0037, which asks elsewhere",
        ("state-mixed", "plug-plugged-is-error", "unplug-unplugged-is-error"),
        _SEVERAL,
        _mixed,
    ),
    Scenario(
        "four-in-a-batch",
        "four requests with one notification are answered one by one",
        f"{_VILLAIN}: four requests in one batch",
        ("answers-every-request", "config-plugged-size", "state-plugged", "state-unplugged"),
        _SEVERAL,
        _four,
    ),
    Scenario(
        "plug-and-unplug-in-a-batch",
        "requests with one notification are done in their order, sixteen of them too",
        f"{_VILLAIN}: PLUG and UNPLUG in one batch",
        ("answers-every-request", "config-plugged-size", "state-plugged", "state-unplugged"),
        _SEVERAL,
        _in_and_out,
    ),
    Scenario(
        "request-in-parts",
        "a request in many descriptors, or in a table of them, is the same request",
        f"{_VILLAIN}: a response buffer that is too long; VIRTIO 2.7.4.1",
        ("answers-every-request", "used-length", "state-plugged"),
        _SEVERAL,
        _framed,
    ),
    *(
        Scenario(
            f"response-{id}",
            f"a response buffer {says} harms nothing after the next reset",
            f"{_VILLAIN}: {says}",
            ("answers-every-request", "state-plugged", "config-plugged-size"),
            _SEVERAL,
            _stray(place),
            by_rules=True,
        )
        for id, says, place in (
            ("beyond-memory", "outside of memory", Place.BEYOND),
            ("that-wraps", "whose end wraps at 2^64", Place.WRAPS),
            ("in-the-device", "in the device's own window", Place.WINDOW),
        )
    ),
)
SCENARIO_NAMED: Final = {scenario.id: scenario for scenario in SCENARIOS}


def made(scenario: Scenario, target: Target, profile: Profile) -> Trace | str:
    """The scenario's trace on a target, or in one line why the target is not asked for it."""
    asked = replace(scenario.config, option=scenario.config.option and bool(profile.option_name))
    config = target.fitted(profile, asked)
    if config.option != asked.option:
        return f"the target has no device with the option {'on' if asked.option else 'off'}"
    try:
        fix(profile, config)
    except ConfigError as error:
        return str(error)
    steps = [
        step if isinstance(step, TraceStep) else TraceStep(step) for step in scenario.steps(config)
    ]
    for step in steps:
        if lacking := needs(step.action, step.layout) - target.capabilities:
            return f"the target cannot do {min(lacking)}"
    return Trace(profile, config, tuple(steps))
