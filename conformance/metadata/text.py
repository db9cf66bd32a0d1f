"""The answer as lines for a person: the sentence first, then the table."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from conformance.metadata.answer import Answer, about, arrivals, headline, other_kernels, remarks
from conformance.metadata.device import DeviceMetadata, totals
from conformance.metadata.document import last_slot
from conformance.metadata.measure import Case
from conformance.traces.sizes import format_size
from model.allocation import MEMSLOT
from model.kernels import ITEMS

WHAT: Final = {item.name: item.what for item in ITEMS} | {MEMSLOT: "the memslot itself"}
PATCH_ITEMS: Final = {
    "rmap_4k": "(1) rmap, 8 B a 4 KiB page",
    "rmap_2m": "    rmap, 8 B a 2 MiB page",
    "rmap_1g": "    rmap, 8 B a 1 GiB page",
    "gfn_track": "(2) gfn_track, 2 B a 4 KiB page",
    "lpage_info_2m": "(3) lpage_info, 4 B a 2 MiB page",
    "lpage_info_1g": "    lpage_info, 4 B a 1 GiB page",
    "dirty_bitmaps": "(4) 2 dirty bitmaps, 1 bit a 4 KiB page",
}
"""The items with the numbers that the patch gives them."""
PATCH_TOTALS: Final = {
    "no_smm": "total without SMM",
    "smm": "total with SMM",
    "no_smm_tdp_mmu": "total without SMM, TDP MMU",
    "smm_tdp_mmu": "total with SMM, TDP MMU",
}
_WIDE: Final = 42


def text(answer: Answer) -> list[str]:
    """The answer as lines."""
    lines = [headline(answer), ""]
    lines += [line for device in answer.devices for line in _told(device)]
    lines += _scattered(answer)
    lines += ["", *(_patch(answer) if answer.asked is None else _table(answer))]
    if answer.found.steps:
        peak = max(answer.found.steps, key=lambda state: len(state.mapped))
        lines.append(
            f"most memslots mapped in {len(answer.found.steps) - 1} steps: {len(peak.mapped)}, "
            f"with {format_size(peak.plugged)} plugged"
        )
    if answer.measured:
        lines += ["", *_measured(answer.measured)]
    if notes := remarks(answer):
        lines += ["", *(f"note: {note}" for note in notes)]
    return lines


def _scattered(answer: Answer) -> list[str]:
    """What is saved if the plugged blocks lie as far apart as can be; the first line has them
    together."""
    if answer.asked is None:
        return []
    vm = answer.asked.vm
    most = answer.scattered(vm)
    if most is None:
        return []
    static = answer.static(vm)
    now, logging = static.now - most.now, static.logging - most.logging
    told = [
        f"{about(abs(saved))} {'less' if saved > 0 else 'more'} than static {when}"
        for saved, when in ((now, "now"), (logging, "during migration"))
    ]
    return [f"  with {most.memslots} mapped: {', '.join(told)}"]


def _table(answer: Answer) -> list[str]:
    assert answer.asked is not None
    vm = answer.asked.vm
    static, dynamic = answer.static(vm), answer.dynamic(vm)
    why = {item.name: item.allocated(vm)[1] for item in ITEMS}
    spaces = "" if vm.address_spaces == 1 else ", twice because of SMM"
    lines = [f"{'KVM metadata' + spaces:<{_WIDE}}{'static':>10}{'dynamic':>10}"]
    for name, what in WHAT.items():
        row = f"{about(static.items[name]):>10}{about(dynamic.items[name]):>10}"
        lines.append(f"{what:<{_WIDE}}{row}  {why.get(name, 'always')}".rstrip())
    for what, before, after in (
        ("total now", static.now, dynamic.now),
        ("total while dirty pages are logged", static.logging, dynamic.logging),
    ):
        lines.append(f"{what:<{_WIDE}}{about(before):>10}{about(after):>10}")
    switches = asdict(vm) | {"smm": vm.smm and vm.kernel.smm}
    said = ", ".join(
        f"{name} {'on' if switches[name] else 'off'} ({reason})"
        for name, reason in sorted(answer.asked.why.items())
        if name != "kernel" and reason != "assumed"
    )
    if said:
        lines += ["", f"read: {said}"]
    lines += ["", f"{'saved on':<14}{'now':>10}{'while logging':>16}"]
    for name, now, logging in other_kernels(answer):
        lines.append(f"{name:<14}{about(now):>10}{about(logging):>16}")
    return [*lines, *_arrivals(answer)]


def _arrivals(answer: Answer) -> list[str]:
    """What is saved once more is allocated, and by which items."""
    assert answer.asked is not None
    vm = answer.asked.vm
    lines = []
    for what, then in arrivals(answer):
        now, logging = (about(saved) for saved in answer.saved(then))
        before, static, dynamic = (answer.static(vm), answer.static(then), answer.dynamic(then))
        items = ", ".join(
            f"{WHAT[name].partition(',')[0]} {about(bytes)} static, "
            f"{about(dynamic.items[name])} dynamic"
            for name, bytes in static.items.items()
            if bytes != before.items[name]
        )
        lines.append(f"  once {what}: saved {now}, {logging} while logging ({items})")
    if not lines:
        return []
    return ["", f"more is allocated on {vm.kernel.name}", *lines]


def _patch(answer: Answer) -> list[str]:
    static, dynamic = answer.patch
    lines = [f"{'KVM metadata in bytes':<{_WIDE}}{'static':>16}{'dynamic':>16}"]
    before, after = asdict(static), asdict(dynamic)
    for name, what in PATCH_ITEMS.items():
        lines.append(f"{what:<{_WIDE}}{before[name]:>16}{after[name]:>16}")
    before, after = totals(static), totals(dynamic)
    for name, what in PATCH_TOTALS.items():
        lines.append(f"{what:<{_WIDE}}{before[name]:>16}{after[name]:>16}")
    return lines


def _milliseconds(seconds: float) -> str:
    shown = seconds * 1000
    return f"{shown:.0f}" if shown >= 100 else f"{shown:.3g}"


def _measured(cases: tuple[Case, ...]) -> list[str]:
    lines = [f"{'measured, in pages':<{_WIDE}}{'predicted':>12}{'measured':>12}"]
    for case in cases:
        kind = "static" if case.static else f"dynamic, {case.memslots} mapped"
        logging = "logging starts" if case.logging else "set up"
        lines.append(f"{case.device}, {kind}: {logging} in {_milliseconds(case.seconds)} ms")
        for name, predicted, measured in case.rows:
            if predicted or measured or name in case.differs:
                wrong = "  DIFFERS" if name in case.differs else ""
                what = f"  {WHAT.get(name, 'other of KVM')}"
                lines.append(f"{what:<{_WIDE}}{predicted:>12}{measured:>12}{wrong}")
    return lines


def _told(device: DeviceMetadata) -> list[str]:
    slots, mapped = device.fixed.slots, len(device.mapped)
    last = last_slot(device)
    short = "" if last == slots.size else f", the last of {format_size(last)}"
    most = ""
    if device.at_most is not None and len(device.at_most) > mapped:
        most = f" if the blocks lie together, {len(device.at_most)} at most"
    return [
        f"{device.name}: region {format_size(device.fixed.region)}, {slots.count} "
        f"memslot{'s' if slots.count > 1 else ''} of {format_size(slots.size)}{short}"
        f"{'' if device.option else ' if its option were on'}",
        f"  {format_size(device.plugged)} plugged: {mapped} mapped{most}",
    ]
