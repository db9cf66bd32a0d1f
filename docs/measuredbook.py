"""The page of what was measured of memslots, from the figures that `docs/measure.py` and
`tests/kvm/kernels.py` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from conformance.metadata.answer import about

FIGURES: Final = Path(__file__).with_name("measured.json")
ITEMS: Final = ("rmap", "write_track", "lpage_info", "dirty_bitmaps")
HEAD: Final = """# Memslots measured

What KVM's memslots took of the kernel's memory, in pages of 4 KiB as `/proc/vmallocinfo` tells them
by caller, while dirty pages are logged; before that it is the same without the bitmaps. Static is
a single memslot over the region, dynamic the memslots that the plugged size maps. Every figure is
what [the model](kernels.md) predicts too: area by area when it was measured, and a test computes
each again. Times are of one run, with other work on the machine.

`python docs/measure.py` measures the kernel that runs, `python tests/kvm/kernels.py FOLDER` one of
a Debian package that is unpacked in FOLDER: in a QEMU that emulates a processor with nested paging.
"""
COLUMNS: Final = (
    "device",
    "memslots",
    *(f"`{item}`" for item in ITEMS),
    "set up",
    "logging starts",
)


def _shown(number: float) -> str:
    """Three digits that count, without a power of ten."""
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def figures() -> list[dict[str, Any]]:
    """The kernels that were measured, each with its devices."""
    found: list[dict[str, Any]] = json.loads(FIGURES.read_text(encoding="utf-8"))["kernels"]
    return found


def measured_page() -> str:
    """A table a kernel."""
    return "\n".join([HEAD, *(line for kernel in figures() for line in _of_kernel(kernel))])


def _of_kernel(entry: dict[str, Any]) -> Iterator[str]:
    kernel = entry["kernel"]
    yield f"## {kernel['name']}"
    yield ""
    switches = {name: "on" if one["on"] else "off" for name, one in kernel["switches"].items()}
    yield (
        f"{entry['at'][:10]}, {entry['machine']}; two-dimensional paging {switches['tdp']}, "
        f"TDP MMU {switches['tdp_mmu']}."
    )
    yield ""
    for item, told in kernel["items"].items():
        yield f"- `{item}`: {'' if told['allocated'] else 'no: '}{told['why']}"
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "| --- |" + " ---: |" * (len(COLUMNS) - 1)
    for device in entry["devices"]:
        for static in (True, False):
            first, last = (case for case in device["cases"] if case["static"] is static)
            name = f"{device['name']}, {'static' if static else 'dynamic'}"
            pages = [str(last["pages"][item]["measured"]) for item in ITEMS]
            # In a machine that is emulated, time goes with instructions.
            here = kernel["here"]
            times = [
                f"{_shown(case['seconds'] * 1000)} ms" if here else "" for case in (first, last)
            ]
            yield f"| {' | '.join([name, str(last['memslots']), *pages, *times])} |"
    yield ""
    yield from _saved(entry)
    if "updates" in entry:
        yield from _updates(entry["updates"])


def _saved(entry: dict[str, Any]) -> Iterator[str]:
    """What the first device saves, by the pages that were measured."""
    device = entry["devices"][0]

    def taken(static: bool, logging: bool) -> int:
        (case,) = (c for c in device["cases"] if (c["static"], c["logging"]) == (static, logging))
        return int(sum(pages["measured"] for pages in case["pages"].values()))

    now, logging = (
        about((taken(True, log) - taken(False, log)) * entry["kernel"]["page"])
        for log in (False, True)
    )
    yield f"Saved by the first device: {now} now, {logging} while dirty pages are logged."
    yield ""


def _updates(updates: list[dict[str, Any]]) -> Iterator[str]:
    yield "An update of memslots, static of 256 GiB against 256 dynamic of 1 GiB: the least, the"
    yield "middle and the most milliseconds (`tests/benchmarks/updates.py`)."
    yield ""
    yield "| what | static | 256 dynamic |"
    yield "| --- | ---: | ---: |"
    for one in updates:
        static, dynamic = (
            " / ".join(_shown(ms) for ms in one[kind]) for kind in ("static", "dynamic")
        )
        yield f"| {one['what']} | {static} | {dynamic} |"
    yield ""


def add(entry: dict[str, Any]) -> None:
    """Put a kernel's figures into the file, in the place of those of the same kernel."""
    there = figures() if FIGURES.exists() else []
    name = entry["kernel"]["name"]
    kept = [one for one in there if one["kernel"]["name"] != name]
    text = json.dumps({"kernels": [*kept, entry]}, indent=1)
    FIGURES.write_text(f"{text}\n", encoding="utf-8")
