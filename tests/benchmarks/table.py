"""The table of docs/performance.md: this project beside its peers, measured in one run.

    make bench-table

A figure is seconds of processor time, of a process and all that it started, or of one that waits
for another machine, seconds that passed. What is shown is the least and the most of several runs,
and of a comparison the ratio of each run.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, ParamSpec

from conformance.check.runner import run_trace
from conformance.generate.traces import random_trace
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.guest import QemuGuest
from conformance.targets.qemu.process import QemuError, find_qemu, qemu_version
from conformance.targets.qemu.processor import StoppedProcessor
from conformance.targets.qemu.target import QemuTarget
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Config, Op, action
from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.solvers import version

P = ParamSpec("P")

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"
MARKS: Final = ("<!-- measured -->\n", "<!-- to here -->\n")
RUNS: Final = 3
SLOTPROOF: Final = (sys.executable, "-m", "conformance")
BLOCKS, SLOTS = "6", "3"
THEOREMS: Final = tuple(
    f"plug_keeps_{name}"
    for name in ("plugged_in_mapped", "plugged_in_usable", "usable_covers_requested")
)
REQUESTS: Final = 500
SLOW: Final = {"migration-in", "migration-start", "migration-end", "system-reset", "device-reset"}


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, of this project and, if there is one, of a peer; a figure a run."""

    what: str
    unit: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()

    def cells(self) -> tuple[str, ...]:
        ratios = [a / b for a, b in zip(self.ours, self.theirs, strict=True)] if self.peer else []
        theirs = f"{self.peer}: {spread(self.theirs)} {self.unit}" if self.peer else ""
        ratio = f"{spread(ratios)} times" if ratios else ""
        return self.what, f"{spread(self.ours)} {self.unit}", theirs, ratio


def spread(figures: Sequence[float]) -> str:
    """The least and the most of several figures."""
    low, high = shown(min(figures)), shown(max(figures))
    return low if low == high else f"{low} to {high}"


def shown(figure: float) -> str:
    return f"{figure:.0f}" if figure >= 10 else f"{figure:.2g}"


def spent(work: Callable[P, object], *args: P.args, **named: P.kwargs) -> float:
    """Seconds of processor time of the processes that `work` starts and waits for."""

    def children() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = children()
    work(*args, **named)
    return children() - before


def ran(*command: str, cwd: Path | None = None, cache: Path | None = None) -> None:
    """Run a command; with `cache`, what was proven before is looked for there."""
    extra = {} if cache is None else {VARIABLE: str(cache)}
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, env=os.environ | extra)


@contextmanager
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def made(place: Path) -> None:
    """Have SPIN make its program for the device."""
    ran("spin", "-a", "device.pml", cwd=place)
    ran("gcc", "-O2", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c", cwd=place)


def explored() -> Row:
    """All states and claims of a small device, beside SPIN on the same device and claims."""
    ours, theirs = [], []
    explore = (*SLOTPROOF, "explore", "--blocks", BLOCKS, "--slots", SLOTS)
    for _ in range(RUNS):
        with folder() as place:
            ran(*explore, "--export", str(place / "device.pml"))

            theirs.append(spent(made, place) + spent(ran, "./pan", cwd=place))
            ours.append(spent(ran, *explore))
    what = f"`explore`: {BLOCKS} blocks in {SLOTS} memslots, all states and claims"
    return Row(what, "s", ours, "SPIN, compilation included", theirs)


def searched() -> Row:
    """The same without what either does before it searches."""
    script = (
        "import time; from conformance.explore.graph import explore;"
        "from conformance.explore.scale import scaled_config; from model.profiles import QEMU;"
        f"c = scaled_config(QEMU, {BLOCKS}, {SLOTS}); t = time.process_time();"
        "explore(QEMU, c); print(time.process_time() - t)"
    )
    ours, theirs = [], []
    with folder() as place:
        explore = (*SLOTPROOF, "explore", "--blocks", BLOCKS, "--slots", SLOTS)
        ran(*explore, "--export", str(place / "device.pml"))
        made(place)
        for _ in range(RUNS):
            done = subprocess.run(
                [sys.executable, "-c", script], check=True, capture_output=True, text=True
            )
            ours.append(float(done.stdout))
            theirs.append(spent(ran, "./pan", cwd=place))
    return Row("the same, search alone", "s", ours, "SPIN's `pan`", theirs)


def proven() -> list[Row]:
    """Theorems decided, beside plain z3 on the obligations that they export; and again."""
    ours, theirs, warm = [], [], []
    z3 = str(Path(sys.executable).with_name("z3"))
    scripts = 0
    for _ in range(RUNS):
        with folder() as place:
            prove = (*SLOTPROOF, "prove", *THEOREMS)
            ours.append(spent(ran, *prove, cache=place / "cache"))
            warm.append(spent(ran, *prove, cache=place / "cache"))
            ran(*prove, "--export", str(place / "out"), cache=place / "cache")
            files = sorted(map(str, (place / "out").rglob("*.smt2")))
            scripts = len(files)
            theirs.append(sum(spent(ran, z3, one) for one in files))
    what = f"`prove`, cold: {len(THEOREMS)} theorems of PLUG, with their lemmas and controls"
    peer = f"plain z3 on the {scripts} scripts of `--export`"
    return [
        Row(what, "s", ours, peer, theirs),
        Row("the same, decided before", "s", warm),
    ]


def started() -> list[Row]:
    """From the shell to the first word."""
    decide = ("decide", "--region", "1T", "--limit", "256", "--block", "2M")
    python = [spent(ran, sys.executable, "-c", "import click") for _ in range(RUNS)]
    return [
        Row(
            f"`slotproof {words[0]}`",
            "s",
            [spent(ran, *SLOTPROOF, *words) for _ in range(RUNS)],
            "Python that imports click",
            python,
        )
        for words in (("--help",), decide)
    ]


def driven() -> Row:
    """Steps of a real QEMU that are seen and judged, beside requests alone."""
    config = fitted(Config(region=8 * GIB, block=2 * MIB, limit=256, requested=8 * GIB))
    target = QemuTarget(find_qemu())
    trace = random_trace(QEMU, 1, REQUESTS, QemuTarget.capabilities - SLOW, fitted=target.fitted)
    mix = [
        action(
            Op.UNPLUG if n % 2 else Op.PLUG, addr=config.addr + n // 2 * GIB % (8 * GIB), blocks=1
        )
        for n in range(REQUESTS)
    ]
    ours, theirs = [], []
    with closing(QemuGuest(find_qemu(), config, StoppedProcessor())) as guest, closing(target):
        for _ in range(RUNS):
            begun = time.perf_counter()
            seen = len(run_trace(target, trace).seen)
            ours.append((time.perf_counter() - begun) / seen * 1000)
            begun = time.perf_counter()
            for one in mix:
                guest.apply(one)
            theirs.append((time.perf_counter() - begun) / REQUESTS * 1000)
    what = f"`check`: a step of QEMU {qemu_version(find_qemu())}, seen and judged"
    return Row(what, "ms", ours, "bare qtest probe, one request", theirs)


def rows() -> Iterator[Row]:
    """Every row that this machine has the peers for."""
    yield from started()
    if shutil.which("spin") and shutil.which("gcc"):
        yield explored()
        yield searched()
    else:
        print("skipped: no SPIN (apt-get install spin gcc)", file=sys.stderr)
    yield from proven()
    try:
        yield driven()
    except QemuError as error:
        print(f"skipped: {error}", file=sys.stderr)


def machine() -> str:
    """Where and with what it was measured."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", info)
    chip = platform.machine() if model is None else model[1]
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({chip}), Python "
        f"{platform.python_version()}, {version('z3')}; {RUNS} runs; load average at the start "
        f"{load}. Seconds are processor time, so that other work on the machine counts little; ms "
        "are time that passed."
    )


def table() -> str:
    """The text between the marks."""
    about = machine()
    head = ("what", "slotproof", "peer, same run", "slotproof / peer")
    lines = [f"| {' | '.join(head)} |", "| --- | ---: | ---: | ---: |"]
    for row in rows():
        lines.append(f"| {' | '.join(row.cells())} |")
        print(lines[-1], flush=True)
    return f"\n{about}\n\n" + "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    told = table()
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}{told}{MARKS[1]}{after}", encoding="utf-8")
