"""The same traces on several QEMUs, with the option on and off: a table of verdicts.

    python tests/qemu/matrix.py [--traces N] [BINARY...]

A BINARY is a path; `tests/qemu/unpack.sh SUITE` prints one. Ends 1 if any trace fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.check.campaign import check
from conformance.check.scenarios import SCENARIOS
from conformance.check.suite import run_scenario
from conformance.judge.judge import Judge
from conformance.judge.verdict import FAILURES
from conformance.targets.qemu.process import find_qemu, has_memslots, lacking, qemu_version
from conformance.targets.qemu.target import QemuTarget
from model.profiles import QEMU, QEMU_7_2, QEMU_8_2, Profile

KNOWN = Judge(tolerated=frozenset({"empty-unplug-all-acknowledged"}))
"""The contract that 7.2 does not keep: see docs/known-faults."""


def profile_of(version: str, memslots: bool) -> Profile:
    """The rules of a version, by its first two numbers."""
    if not memslots:
        return QEMU_7_2
    major, minor, *_ = version.split(".")
    return QEMU if (int(major), int(minor)) >= (9, 2) else QEMU_8_2


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=int, default=50)
    parser.add_argument("binary", nargs="*", type=Path)
    options = parser.parse_args()
    columns = "version", "option", "profile", "traces", "steps", "deviates", "scenarios", "verdict"
    table = Table(*columns, "s")
    failed = False
    for binary in options.binary or [find_qemu()]:
        version, there = qemu_version(binary), has_memslots(binary)
        profile = profile_of(version, there)
        for option in (True, False) if there else (False,):
            start = time.monotonic()
            with closing(QemuTarget(binary, memslots=option, lacking=lacking(binary))) as target:
                report = check(
                    target, profile, seed=7, traces=options.traces, steps=60, judge=KNOWN
                )
                results = [run_scenario(one, target, profile, KNOWN) for one in SCENARIOS]
            bad = [result.id for result in results if result.verdict in FAILURES]
            counted = Counter(result.verdict.value for result in results)
            said = "holds" if report.finding is None else report.finding.message
            failed = failed or bool(bad) or report.finding is not None
            table.add_row(
                version,
                "on" if option else "off" if there else "none",
                profile.name,
                str(report.traces),
                str(report.steps),
                ", ".join(sorted(report.breached)),
                ", ".join(bad) or ", ".join(f"{count} {how}" for how, count in counted.items()),
                said,
                f"{time.monotonic() - start:.0f}",
            )
    Console(width=160).print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
