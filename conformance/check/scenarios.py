"""Named scenarios: faults that were reported of real devices, each as a short trace.

A scenario is judged like any trace, and by its own rules as well: under any oracle it fails if one
is broken - of those about what drivers need, where that is asked for - and is skipped if one never
applied. Its steps are made for the configuration that the target can have, so they are offsets into
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from conformance.check import own_steps, steps
from conformance.check.steps import Steps
from conformance.traces.layout import Place
from model.arithmetic import GIB, MIB
from model.state import Config, Op

_SEVERAL: Final = Config(region=4 * GIB, block=2 * MIB, limit=256, requested=4 * GIB)
"""Memslots of 1 GiB, all of them requested."""
_VILLAIN: Final = "virtio-villain, tests of virtio-mem"
_OWN: Final = "a wrong device of docs/wrong_devices"


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
    also: tuple[str, ...] = ()
    """Rules that it is judged by as well, where they apply."""
    optional: frozenset[Op] = frozenset()
    """Operations that are left out on a target that cannot do them."""
    batched: bool = False
    """Its requests go out together, as many as can, on a target that sends several at a time."""
    of_memslots: bool = False
    """It is about memslots: a device without any of its own is not asked."""


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
        replace(_SEVERAL, region=4 * GIB + GIB // 2, requested=4 * GIB + GIB // 2),
        steps.across_slots,
        of_memslots=True,
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
        batched=True,
        of_memslots=True,
    ),
    Scenario(
        "largest-request",
        "a request can count 65535 blocks, of which one may differ from the others",
        _OWN,
        ("state-plugged", "state-mixed", "state-outside-is-error"),
        replace(_SEVERAL, region=64 * GIB, block=MIB, requested=64 * GIB),
        own_steps.largest,
    ),
    Scenario(
        "full-memslot",
        "a memslot of 65536 blocks that are all plugged is mapped, and so with one block less",
        _OWN,
        ("config-plugged-size", "state-plugged"),
        replace(_SEVERAL, region=64 * GIB, block=MIB, limit=1, requested=64 * GIB),
        own_steps.full,
        also=("unplug-all-empties", "plug-possible", "unplug-possible"),
        of_memslots=True,
    ),
    Scenario(
        "many-plugged-ranges",
        "plugged blocks that lie apart are all moved, kept and unplugged",
        _OWN,
        ("unplug-all-empties", "state-unplugged"),
        replace(_SEVERAL, block=32 * MIB),
        own_steps.apart,
        also=("reset-unplugs-all", "unplug-possible"),
        optional=frozenset({Op.MIGRATION_IN, Op.DEVICE_RESET, Op.WAKE_UP, Op.SYSTEM_RESET}),
    ),
    Scenario(
        "short-last-memslot",
        "a last memslot shorter than the others is mapped as long as a block of it is plugged",
        _OWN,
        ("state-plugged", "config-plugged-size"),
        replace(_SEVERAL, region=4 * GIB + 6 * MIB, requested=4 * GIB + 6 * MIB),
        own_steps.short_last,
        optional=frozenset({Op.MIGRATION_IN}),
        of_memslots=True,
    ),
    Scenario(
        "long-life",
        "a device that has seen much of every kind goes on as it began",
        _OWN,
        ("state-mixed", "unplug-all-empties"),
        _SEVERAL,
        own_steps.long_life,
        also=("reset-unplugs-all", "plug-possible", "unplug-possible", "unplug-all-possible"),
        optional=frozenset(Op) - {Op.PLUG, Op.UNPLUG, Op.UNPLUG_ALL, Op.STATE},
    ),
    *(
        Scenario(
            f"region-across-2-to-the-{power}",
            f"a region across the address 2^{power} is like any other: {says}",
            _OWN,
            ("state-plugged", "state-misaligned-is-error", "plug-misaligned-is-error"),
            replace(_SEVERAL, addr=(1 << power) - 2 * MIB),
            own_steps.across(power),
            also=("plug-possible", "unplug-possible"),
        )
        for power, says in (
            (32, "addresses are not kept in 32 bits"),
            (63, "addresses are neither signed nor kept in a double"),
        )
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
        "broken-through-a-migration",
        "a device that was given nonsense and then moved answers after a reset only",
        "QEMU, vmstate_virtio_broken",
        (),
        _SEVERAL,
        own_steps.stays_broken,
    ),
    Scenario(
        "one-memslot-fails",
        "a request for which the host fails in one memslot of several leaves all as it was",
        _OWN,
        ("rejected-changes-nothing", "state-plugged"),
        _SEVERAL,
        own_steps.one_memslot_fails,
        of_memslots=True,
    ),
    Scenario(
        "unplugged-from-the-machine",
        "a device goes only when nothing of it is in use, and then for good",
        _OWN,
        (),
        _SEVERAL,
        own_steps.taken_away,
        optional=frozenset({Op.MIGRATION_START, Op.MIGRATION_END, Op.SYSTEM_RESET}),
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
        "readable-memory",
        "a device that keeps unplugged memory readable works for a driver without the feature",
        _OWN,
        ("init-accepts-not-offered", "state-plugged"),
        replace(_SEVERAL, option=False, inaccessible=False),
        own_steps.readable,
        also=("plug-possible", "unplug-possible"),
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
        ("state-mixed", "plug-plugged-is-error", "unplug-unplugged-is-error", "state-unplugged"),
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
