"""The answer as a JSON document; `schema` beside this has its published form."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from conformance.metadata.answer import Answer, arrivals, headline, other_kernels, remarks
from conformance.metadata.cost import Cost, dynamic_cost, mapped_cost, static_cost
from conformance.metadata.device import VARIANTS, DeviceMetadata, totals
from conformance.metadata.host import HOST
from conformance.metadata.kernel import Asked
from conformance.metadata.measure import Case
from model.geometry import slot_length
from model.kernels import ITEMS, Arch, Kernel, Vm
from model.machine_ints import INTS

METADATA_VERSION: Final = 2


def document(answer: Answer) -> dict[str, Any]:
    """The document of `conformance/schema/metadata-v2.json`."""
    vm = None if answer.asked is None else answer.asked.vm
    static, dynamic = answer.patch
    before, after = totals(static), totals(dynamic)
    now, logging = (None, None) if vm is None else answer.saved(vm)
    return {
        "schema": METADATA_VERSION,
        "command": "metadata",
        "answer": headline(answer),
        "remarks": remarks(answer),
        "profile": answer.profile,
        "source": {"kind": answer.source, "name": answer.name},
        "kernel": None if answer.asked is None else kernel_document(answer.asked),
        "devices": [_device(device, vm) for device in answer.devices],
        "static": None if vm is None else _cost(answer.static(vm)),
        "dynamic": None if vm is None else _cost(answer.dynamic(vm)),
        "saved": None if vm is None else {"now": now, "logging": logging},
        "kernels": [
            {"name": name, "now": saved, "logging": while_logging}
            for name, saved, while_logging in other_kernels(answer)
        ],
        "arrivals": [
            {
                "what": what,
                "static": _cost(answer.static(then)),
                "dynamic": _cost(answer.dynamic(then)),
            }
            for what, then in arrivals(answer)
        ],
        "patch": {
            "static": {"items": asdict(static), "totals": before},
            "dynamic": {"items": asdict(dynamic), "totals": after},
            "saved": {name: before[name] - after[name] for name in VARIANTS},
        },
        "steps": [_step(n, state, vm) for n, state in enumerate(answer.found.steps)],
        "measured": [_case(case) for case in answer.measured],
    }


def kernel_document(asked: Asked) -> dict[str, Any]:
    """The machine, its switches and which items exist in it, each with the reason."""
    vm = asked.vm
    kernel = vm.kernel
    switches = {name: value for name, value in asdict(vm).items() if name != "kernel"}
    return {
        "name": kernel.name,
        "here": asked.here,
        "release": ".".join(map(str, kernel.release)),
        "arch": kernel.arch.value,
        "page": kernel.page,
        "tracking": kernel.tracking,
        "has_smm": kernel.smm,
        "memfd": kernel.memfd,
        "address_spaces": vm.address_spaces,
        "switches": {
            name: {"on": value, "why": asked.why[name]} for name, value in switches.items()
        },
        "items": {
            item.name: dict(zip(("allocated", "why"), item.allocated(vm), strict=True))
            for item in ITEMS
        },
    }


def asked_of(document: dict[str, Any]) -> Asked | None:
    """The machine that a document speaks of; None for the patch's own table."""
    told = document["kernel"]
    if told is None:
        return None
    major, minor = map(int, told["release"].split("."))
    kernel = Kernel(
        name=told["name"],
        release=(major, minor),
        arch=Arch(told["arch"]),
        page=told["page"],
        tracking=told["tracking"],
        smm=told["has_smm"],
        memfd=told["memfd"],
    )
    switches = told["switches"]
    settings: dict[str, Any] = {name: switch["on"] for name, switch in switches.items()}
    why = {name: switch["why"] for name, switch in switches.items()}
    return Asked(Vm(kernel, **settings), why | {"kernel": HOST if told["here"] else "named"})


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "memslots": cost.memslots,
        "items": cost.items,
        "now": cost.now,
        "logging": cost.logging,
    }


def _device(device: DeviceMetadata, vm: Vm | None) -> dict[str, Any]:
    fixed, most = device.fixed, device.at_most
    return {
        "name": device.name,
        "option": device.option,
        "region": fixed.region,
        "block": fixed.block,
        "addr": fixed.addr,
        "limit": device.limit,
        "slots": {"count": fixed.slots.count, "size": fixed.slots.size, "last": last_slot(device)},
        "mapping": fixed.mapping.value,
        "plugged": device.plugged,
        "mapped": [list(run) for run in device.mapped.ranges()],
        "memslots_at_most": None if most is None else len(most),
        "static": None if vm is None else _cost(static_cost(vm, device)),
        "dynamic": None if vm is None else _cost(dynamic_cost(vm, device)),
        "at_most": None if vm is None or most is None else _cost(mapped_cost(vm, fixed, most)),
    }


def last_slot(device: DeviceMetadata) -> int:
    """The size of the last memslot."""
    slots = device.fixed.slots
    return slot_length(INTS, slots, device.fixed.region, slots.count - 1)


def _step(number: int, state: DeviceMetadata, vm: Vm | None) -> dict[str, Any]:
    cost = None if vm is None else dynamic_cost(vm, state)
    return {
        "step": number,
        "plugged": state.plugged,
        "memslots": len(state.mapped),
        "now": None if cost is None else cost.now,
        "logging": None if cost is None else cost.logging,
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "device": case.device,
        "memslots": case.memslots,
        "static": case.static,
        "logging": case.logging,
        "seconds": round(case.seconds, 6),
        "pages": {
            name: {"predicted": predicted, "measured": measured}
            for name, predicted, measured in case.rows
        },
        "differs": list(case.differs),
    }
