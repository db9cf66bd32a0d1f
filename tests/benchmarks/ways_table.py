"""The table of requests in docs/vmm.md: each way to a device, measured in one run.

make bench-vmm
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from table import spread
from ways import WAYS, Way, requests

from conformance.targets.driver.bus import DriverError
from conformance.targets.qemu.process import find_qemu, qemu_version
from conformance.targets.working import spent

PAGE: Final = Path(__file__).parents[2] / "docs" / "vmm.md"
MARKS: Final = ("<!-- requests -->\n", "<!-- to here -->\n")
RUNS: Final = 3
REQUESTS: Final = 100

Measured = tuple[list[float], list[float]]
"""Requests a second, and milliseconds of processor time a request; a figure a run."""


def measured(way: Way) -> Measured:
    """Some runs, after one that is not counted."""
    rates, times = [], []
    for number in range(RUNS + 1):
        begun, used = time.perf_counter(), time.process_time() + spent(way.pid)
        if requests(way, REQUESTS) != REQUESTS:
            raise SystemExit("a request was refused: nothing to measure")
        if number:
            rates.append(REQUESTS / (time.perf_counter() - begun))
            times.append((time.process_time() + spent(way.pid) - used) / REQUESTS * 1000)
    return rates, times


def lines() -> Iterator[str]:
    """The table, a line at a time."""
    yield "| way | memslots | requests a second | to qtest alone | processor ms a request |"
    yield "| --- | --- | ---: | ---: | ---: |"
    first: float | None = None
    for name, opened in WAYS.items():
        for observed in (False, True):
            try:
                with opened(observed) as way:
                    rates, times = measured(way)
            except DriverError as error:
                print(f"skipped: {name}: {error}", file=sys.stderr)
                continue
            middle = sorted(rates)[len(rates) // 2]
            first = first or middle
            seen = "observed" if observed else "not observed"
            yield f"| {name} | {seen} | {spread(rates)} | {middle / first:.2g} | {spread(times)} |"


def table() -> str:
    """The text between the marks."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    about = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores, QEMU "
        f"{qemu_version(find_qemu())}, smolmachines {version('smolmachines')}, Python "
        f"{platform.python_version()}; {RUNS} times {REQUESTS} requests by each way, all in one "
        f"run; load average at the start {load}. "
        "Processor time is that of the VMM and of slotproof, without the tracer's."
    )
    found = []
    for line in lines():
        print(line, flush=True)
        found.append(line)
    return f"\n{about}\n\n" + "\n".join(found) + "\n\n"


if __name__ == "__main__":
    told = table()
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}{told}{MARKS[1]}{after}", encoding="utf-8")
