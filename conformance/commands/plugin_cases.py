"""The cases of the pytest plugin, run in a process of its own that imports nothing of the project.

A project may have a package `model` itself, and a process holds one package of a name. A line of
JSON comes in and one goes out: first the settings, for the ids of all cases; then each case to run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import click

from conformance.check.cases import Settings, Suite, case_ids, settings_of
from conformance.commands.check_qemu import TRACES_PER_MACHINE
from conformance.commands.defect import told
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.spec import open_target
from conformance.targets.target import TargetError


def main() -> None:
    """Answer on what is standard output now, until standard input ends."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        # Nothing else may come between the answers.
        os.dup2(2, 1)
        try:
            with suppress(KeyboardInterrupt, BrokenPipeError):
                for answer in answers(sys.stdin):
                    print(json.dumps(answer), file=out, flush=True)
        except Exception as error:
            sys.exit(told(error))


def answers(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The answer to each line: `cases` to `settings`; `verdict` and `lines` to `case`, a case of
    the device `target`; `wrong`, one line, where settings or target are."""
    suite = None
    try:
        for line in lines:
            asked = json.loads(line)
            try:
                if "settings" in asked:
                    settings = settings_of(asked["settings"])
                    yield {"cases": case_ids()}
                    continue
                if suite is None:
                    suite = _opened(asked["target"], settings)
            except ValueError as error:
                yield {"wrong": str(error)}
                continue
            ended = suite.told(asked["case"])
            yield {"verdict": ended.verdict.value, "lines": ended.lines}
    finally:
        if suite is not None:
            suite.target.close()


def _opened(spec: str, settings: Settings) -> Suite:
    """The suite of a target. Raises ValueError, in one line, where it cannot be opened."""
    try:
        target = open_target(spec)
    except (click.UsageError, TargetError) as error:
        raise ValueError(f"slotproof_target {spec!r}: {error}") from None
    per_device = TRACES_PER_MACHINE if isinstance(target, QemuTarget) else 1
    return Suite(target, settings, spec, per_device)
