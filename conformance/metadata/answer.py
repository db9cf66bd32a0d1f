"""What the command has to tell, and the first sentence of it: whether to turn it on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from conformance.metadata.cost import Cost, dynamic_cost, mapped_cost, static_cost
from conformance.metadata.device import DeviceMetadata
from conformance.metadata.found import Found
from conformance.metadata.kernel import NAMED, PATCH, Asked, kernel_named
from conformance.metadata.measure import Case
from conformance.metadata.vhost import KERNEL, SETTING, Vhost, remedy
from conformance.traces.sizes import UNITS
from model.arithmetic import MIB
from model.caller import SAFE_MAX_MEMSLOTS
from model.kernels import TDP_MMU_BY_DEFAULT, Vm
from model.metadata import NOTHING, Metadata

WORTH: Final = 16 * MIB
"""Bytes saved that make a difference to somebody who sizes a virtual machine."""
LIVE: Final = ("qemu-cmdline", "qmp")
"""Sources that say whether a device has dynamic memslots already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that there is to tell. `asked` is None for the patch's own table; `measured` holds the
    cases of --measure; `enough` is what would be found if vhost took enough memory regions, where
    it decides."""

    profile: str
    source: str
    name: str | None
    found: Found
    asked: Asked | None
    measured: tuple[Case, ...] = ()
    enough: Found | None = None

    @property
    def devices(self) -> tuple[DeviceMetadata, ...]:
        """The devices."""
        return self.found.devices

    def static(self, vm: Vm) -> Cost:
        """All devices with a single memslot each."""
        return sum((static_cost(vm, device) for device in self.devices), Cost())

    def dynamic(self, vm: Vm) -> Cost:
        """The mapped memslots of all devices."""
        return sum((dynamic_cost(vm, device) for device in self.devices), Cost())

    def saved(self, vm: Vm) -> tuple[int, int]:
        """Bytes now, and while dirty pages are logged; negative if the dynamic ones cost more."""
        static, dynamic = self.static(vm), self.dynamic(vm)
        return static.now - dynamic.now, static.logging - dynamic.logging

    def scattered(self, vm: Vm) -> Cost | None:
        """The most memslots that the plugged blocks can map, None where that is not known or no
        more than are mapped."""
        most = [
            device.mapped if device.at_most is None else device.at_most for device in self.devices
        ]
        if sum(map(len, most)) <= sum(len(device.mapped) for device in self.devices):
            return None
        pairs = zip(self.devices, most, strict=True)
        return sum((mapped_cost(vm, device.fixed, mapped) for device, mapped in pairs), Cost())

    @property
    def pays(self) -> bool:
        """So much is saved that they are worth turning on."""
        return self.asked is not None and max(self.saved(self.asked.vm)) >= WORTH

    @property
    def with_enough(self) -> Answer | None:
        """The answer where vhost takes enough memory regions, if it decides."""
        return None if self.enough is None else replace(self, found=self.enough, enough=None)

    @property
    def on(self) -> bool:
        """The source says that every device has them already."""
        return self.source in LIVE and all(device.option for device in self.devices)

    @property
    def patch(self) -> tuple[Metadata, Metadata]:
        """The patch's items, static and dynamic."""
        return (
            sum((device.static for device in self.devices), NOTHING),
            sum((device.dynamic for device in self.devices), NOTHING),
        )

    @property
    def differs(self) -> bool:
        """Something that was measured is not what was predicted."""
        return any(case.differs for case in self.measured)


def about(count: int) -> str:
    """Bytes with three digits that count, in the unit that fits; a negative number is a loss."""
    size, power = float(abs(count)), 0
    while size >= 1023.5 and power < len(UNITS):
        size, power = size / 1024, power + 1
    sign = "-" if count < 0 else ""
    # Between 1000 and the next unit all four digits count.
    digits = f"{size:.0f}" if size >= 999.5 else f"{size:#.3g}".rstrip(".")
    return f"{sign}{digits} {UNITS[power - 1]}iB" if power else f"{count} B"


def other_kernels(answer: Answer) -> list[tuple[str, int, int]]:
    """What the same machine saves on each kernel whose source was read."""
    if answer.asked is None:
        return []
    rows = []
    for name in NAMED:
        kernel = kernel_named(name)
        asked = answer.asked.vm
        on = kernel.release >= TDP_MMU_BY_DEFAULT
        vm = Vm(kernel, tdp_mmu=on, smm=asked.smm, private=asked.private)
        rows.append((name, *answer.saved(vm)))
    return rows


def arrivals(answer: Answer) -> list[tuple[str, Vm]]:
    """What may come into the machine and has KVM allocate more, with the machine then."""
    if answer.asked is None:
        return []
    vm = answer.asked.vm
    found = [("a nested guest runs", replace(vm, shadow_root=True))]
    if vm.kernel.tracking:
        # Only a kernel that is built for it has i915's GVT.
        found.insert(0, ("a GVT device is in the VM", replace(vm, tracker=True)))
    return [(what, then) for what, then in found if answer.saved(then) != answer.saved(vm)]


def headline(answer: Answer) -> str:
    """The answer in one sentence."""
    if answer.asked is None:
        return _patch_headline(answer)
    vm = answer.asked.vm
    now, logging = answer.saved(vm)
    kernel = f"this kernel ({vm.kernel.name})" if answer.asked.here else vm.kernel.name
    if (vhost := decider(answer)) is not None:
        return (
            f"Nothing is saved: {vhost.name} ({vhost.kind}, {vhost.regions} memory regions) makes "
            f"QEMU hand out a limit of 1 memslot; {remedy(vhost)}{_gain(answer)}."
        )
    if now < 0 and logging < 0:
        return (
            f"On {kernel}, dynamic memslots cost {about(-now)} more now, {about(-logging)} more "
            f"during migration: they do not pay with so much plugged."
        )
    if not answer.pays:
        advice = "they make no difference"
    elif now < WORTH:
        advice = "turn them on if you migrate"
    else:
        advice = "turn them on"
    if answer.on:
        advice = advice.replace("turn them on", "keep them on")
    return (
        f"On {kernel}, dynamic memslots save {about(now)} now, {about(logging)} during migration: "
        f"{advice}."
    )


def _gain(answer: Answer) -> str:
    """What is to be done besides giving vhost enough memory regions, and what is saved then."""
    also = "" if answer.on else " and turn dynamic memslots on"
    then = answer.with_enough
    if then is None:
        return also
    if answer.asked is None or not then.pays:
        return ""
    now, logging = then.saved(answer.asked.vm)
    return f"{also}, which saves {about(now)} now, {about(logging)} during migration"


def _patch_headline(answer: Answer) -> str:
    static, dynamic = answer.patch
    saved = [
        about(static.total(smm=smm, tdp_mmu=tdp) - dynamic.total(smm=smm, tdp_mmu=tdp))
        for tdp in (False, True)
        for smm in (False, True)
    ]
    return (
        f"By the {PATCH}'s table, dynamic memslots save {saved[0]} without SMM, {saved[1]} with "
        f"it; with the TDP MMU {saved[2]} and {saved[3]}."
    )


def decider(answer: Answer) -> Vhost | None:
    """The vhost device that leaves every device a single memslot."""
    limits = [device.limit for device in answer.devices]
    deciding = [vhost for vhost in answer.found.vhosts if vhost.decides]
    if not deciding or any(limit != 1 for limit in limits):
        return None
    return min(deciding, key=lambda vhost: vhost.regions)


def remarks(answer: Answer) -> list[str]:
    """Lines worth reading below the table."""
    lines = list(answer.found.notes)
    pays = answer.pays
    decides = decider(answer)
    if decides is not None and decides.kind == KERNEL:
        lines.append(SETTING)
    enough = answer.with_enough
    if enough is not None:
        pays = enough.pays
        lines.append(
            f"with {SAFE_MAX_MEMSLOTS} memory regions of vhost or more: {headline(enough)}"
        )
    if answer.asked is not None:
        lines += answer.asked.notes
    for vhost in answer.found.vhosts:
        known = "" if vhost.known else ", which is usual and was not asked"
        lines.append(f"{vhost.name} is a {vhost.kind} device of {vhost.regions} regions{known}")
    for vhost in answer.found.later:
        if vhost.decides:
            lines.append(
                f"{vhost.name} comes after a memory device: with {vhost.regions} regions QEMU "
                f"refuses it once more memslots than that are promised; {remedy(vhost)}"
            )
    if pays or any(device.option for device in answer.devices):
        lines.append(
            "a guest whose driver lacks VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE (Linux before 5.16) "
            "cannot use a device with dynamic memslots"
        )
    if any(device.limit is not None for device in answer.devices) and not answer.found.vhosts:
        lines.append(
            "a vhost device decides as well: below 509 memory regions QEMU hands out a limit of 1 "
            "(--vhost-regions)"
        )
    return lines
