"""Named scenarios: faults that were reported of real devices, each as a short trace.

A scenario is judged like any trace, and by all of its rules whatever their level: under any oracle
it fails if one is broken, and is skipped if one never applied. Its steps are made for the
configuration that the target can have, so they are offsets into it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from conformance.check import steps
from conformance.check.steps import Steps
from conformance.targets.target import Target, needs
from conformance.traces.layout import Place
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.device import ConfigError, fix
from model.profiles import Profile
from model.state import Config, Op, action

_SEVERAL: Final = Config(region=4 * GIB, block=2 * MIB, limit=256, requested=4 * GIB)
"""Memslots of 1 GiB, all of them requested."""
_VILLAIN: Final = "virtio-villain, tests of virtio-mem"


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


SCENARIOS: Final = (
    Scenario(
        "huge-requested-size",
        "a requested size that wraps in some unit is refused",
        "Firecracker pull request 6076",
        ("resize-as-set",),
        replace(_SEVERAL, requested=GIB),
        steps.huge_size,
    ),
    Scenario(
        "memslots-in-a-snapshot",
        "blocks at memslot boundaries come through a snapshot with their memory",
        "Firecracker pull request 5705; patch v2 has no memslots after post-load",
        ("memory-plugged-kept", "state-plugged"),
        _SEVERAL,
        steps.across_slots,
    ),
    Scenario(
        "reboot",
        "a reboot unplugs all, and blocks can be plugged anew",
        "Cloud Hypervisor issue 1593; Firecracker commit 3b63f3413",
        ("reset-unplugs-all", "init-reset-keeps-blocks", "state-unplugged", "plug-possible"),
        _SEVERAL,
        steps.reboot,
    ),
    Scenario(
        "restore-then-unplug",
        "restored blocks keep their memory, also where others are unplugged later",
        "Cloud Hypervisor issue 6337, commit 0fb24ea3a",
        ("memory-plugged-kept", "config-plugged-size", "state-mixed"),
        _SEVERAL,
        steps.restore,
    ),
    Scenario(
        "memslots-reused",
        "memslots that came and went often can be mapped again",
        "Cloud Hypervisor pull request 6842, issue 2340; rust-vmm/vhost pull request 224",
        ("plug-possible", "unplug-possible"),
        _SEVERAL,
        steps.reused,
    ),
    Scenario(
        "resize-before-driver",
        "a resize right after a reset neither hangs nor is lost",
        "Cloud Hypervisor issue 4001",
        ("resize-as-set", "config-usable-covers-requested", "plug-possible"),
        replace(_SEVERAL, requested=0),
        steps.early_resize,
    ),
    Scenario(
        "unknown-request",
        "a request of an unknown type or length harms nothing beyond the next reset",
        "Cloud Hypervisor commit 97e16f249",
        ("answers-every-request",),
        _SEVERAL,
        steps.unknown,
    ),
    Scenario(
        "option-off",
        "a device without memslots of its own plugs and unplugs",
        "QEMU commit 364eff6885a7 (division by zero)",
        ("plug-possible", "unplug-possible", "unplug-all-empties"),
        replace(_SEVERAL, option=False),
        steps.plain,
    ),
    Scenario(
        "unplug-all-of-nothing-while-busy",
        "UNPLUG_ALL during a migration with nothing plugged",
        "patch v2 against QEMU 8.2: an extra busy check",
        (),
        _SEVERAL,
        steps.busy,
    ),
    Scenario(
        "nothing-requested",
        "a device with nothing requested answers",
        "Cloud Hypervisor issue 1564",
        ("plug-outside-is-error", "state-outside-is-error"),
        replace(_SEVERAL, requested=0),
        steps.nothing,
    ),
    Scenario(
        "mixed-range",
        "STATE says MIXED, and requests over blocks in both states are errors",
        "virtio-villain test r0037, which asks elsewhere",
        ("state-mixed", "plug-plugged-is-error", "unplug-unplugged-is-error"),
        _SEVERAL,
        steps.mixed,
    ),
    Scenario(
        "four-in-a-batch",
        "four requests with one notification are answered one by one",
        f"{_VILLAIN}: four requests in one batch",
        ("answers-every-request", "config-plugged-size", "state-plugged", "state-unplugged"),
        _SEVERAL,
        steps.four,
    ),
    Scenario(
        "plug-and-unplug-in-a-batch",
        "requests with one notification are done in their order, sixteen of them too",
        f"{_VILLAIN}: PLUG and UNPLUG in one batch",
        ("answers-every-request", "config-plugged-size", "state-plugged", "state-unplugged"),
        _SEVERAL,
        steps.in_and_out,
    ),
    Scenario(
        "request-in-parts",
        "a request in many descriptors, or in a table of them, is the same request",
        f"{_VILLAIN}: a response buffer that is too long; VIRTIO 2.7.4.1",
        ("answers-every-request", "used-length", "state-plugged"),
        _SEVERAL,
        steps.framed,
    ),
    Scenario(
        "other-rings",
        "a packed ring and one with event index carry the same requests",
        "VIRTIO 2.7.10 and 2.8",
        ("answers-every-request", "used-length", "state-plugged", "config-plugged-size"),
        _SEVERAL,
        steps.rings,
    ),
    Scenario(
        "suspend-with-plugged-blocks",
        "where the driver accepted PERSISTENT_SUSPEND, blocks come through a suspend",
        f"{_VILLAIN}: the PERSISTENT_SUSPEND bit",
        ("suspend-keeps-blocks", "state-plugged"),
        _SEVERAL,
        steps.suspended,
    ),
    *(
        Scenario(
            f"response-{id}",
            f"a response buffer {says} harms nothing after the next reset",
            f"{_VILLAIN}: {says}",
            ("answers-every-request", "state-plugged", "config-plugged-size"),
            _SEVERAL,
            steps.stray(place),
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
    taken = [
        step if isinstance(step, TraceStep) else TraceStep(step) for step in scenario.steps(config)
    ]
    if config.requested < asked.requested:
        # A device that starts with less is asked for it first.
        whole = asked.requested == asked.region
        wanted = config.region if whole else min(asked.requested, config.region)
        taken.insert(0, TraceStep(action(Op.RESIZE, value=wanted)))
    for step in taken:
        if lacking := needs(step.action, step.layout) - target.capabilities:
            return f"the target cannot do {min(lacking)}"
    return Trace(profile, config, tuple(taken))
