"""The page and the chart of what memslots cost on each kernel whose source was read."""

from __future__ import annotations

from dataclasses import replace

from conformance.metadata.answer import about
from conformance.metadata.chart import chart, over_plugged
from conformance.metadata.cost import dynamic_cost, static_cost
from conformance.metadata.device import DeviceMetadata, of_config
from conformance.metadata.kernel import NAMED, Switches, asked
from model.arithmetic import GIB, MIB, TIB
from model.kernels import ITEMS, READ, Arch, Vm
from model.profiles import QEMU
from model.state import Config

CHART = "kernels.svg"
HEAD = f"""# What memslots cost, by kernel

Read in the sources of Linux {", ".join(READ)} as Debian ships them; `-cloud` is
the flavour of their clouds, built without i915's GVT. Usual switches: two-dimensional paging, the
TDP MMU where it is on by default, no nested guest, no GVT device, no SMM, no dirty ring. Saved: a
device of 1 TiB with 1 GiB plugged, now and while dirty pages are logged. `slotproof metadata` tells
the same of your machine and your device: [what memslots cost](metadata.md).
"""
COLUMNS = " | ".join(f"`{item.name}`" for item in ITEMS)
RULE = " --- |" * len(ITEMS)


def kernels_page() -> str:
    """Which items exist on which kernel and why, and what is saved."""
    device = _device("device")
    lines = [
        HEAD,
        f"| kernel | saved now | while logging | {COLUMNS} |",
        f"| --- | --- | --- |{RULE}",
    ]
    for name in NAMED:
        vm = asked(name, None, Switches(), Switches()).vm
        saved = _saved(vm, device)
        lines.append(f"| {' | '.join([name, *saved, *_reasons(vm)])} |")
        with_gvt = replace(vm, tracker=True)
        if vm.kernel.tracking and _saved(with_gvt, device) != saved:
            cells = [f"{name}, a GVT device in the VM", *_saved(with_gvt, device)]
            lines.append(f"| {' | '.join([*cells, *_reasons(with_gvt)])} |")
    lines += ["", f"| architecture | {COLUMNS} |", f"| --- |{RULE}"]
    for arch in Arch:
        vm = asked(NAMED[-2], arch, Switches(), Switches()).vm
        lines.append(f"| {' | '.join([arch.value, *_reasons(vm)])} |")
    return "\n".join([*lines, "", f"![Metadata over the plugged size]({CHART})", ""])


def kernels_chart() -> str:
    """The kernels that differ, a panel each."""
    first = asked(NAMED[0], None, Switches(), Switches())
    return chart(list(over_plugged(_device("1 TiB"), first)))


def _device(name: str) -> DeviceMetadata:
    return of_config(name, QEMU, Config(region=TIB, block=2 * MIB, limit=256), GIB)


def _saved(vm: Vm, device: DeviceMetadata) -> list[str]:
    static, dynamic = static_cost(vm, device), dynamic_cost(vm, device)
    return [about(static.now - dynamic.now), about(static.logging - dynamic.logging)]


def _reasons(vm: Vm) -> list[str]:
    told = (item.allocated(vm) for item in ITEMS)
    return [why if there else f"no: {why}" for there, why in told]
