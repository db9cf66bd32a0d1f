"""The part of `slotproof check` that only a real QEMU has: its memslot decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from conformance.commands.failure import TargetFailure
from conformance.commands.progress import progress
from conformance.targets.qemu.accel import KVM, Accel
from conformance.targets.qemu.decision import DecisionOutcome, compare_decisions
from conformance.targets.qemu.decision_grid import decision_grid, fits_kvm
from conformance.targets.qemu.process import QemuError, qemu_version

TRACES_PER_MACHINE: Final = 3
"""Traces that one QEMU serves before another machine is asked for."""


@dataclass(frozen=True, slots=True)
class DecisionReport:
    """The comparison with one QEMU.

    `limits` are the distinct limits (memslots) of the devices compared, `short_last` counts those
    with a last memslot smaller than the others, `mapped` all memslots seen mapped. `differences`
    are one line each.
    """

    version: str
    configurations: int
    limits: tuple[int, ...]
    short_last: int
    mapped: int
    differences: tuple[str, ...]

    def text(self) -> list[str]:
        """What was compared, as lines of text; the differences are not among them."""
        return [
            f"  version           {self.version}",
            f"  configurations    {self.configurations}",
            f"  limits            {', '.join(map(str, self.limits))}",
            f"  short last slot   {self.short_last}",
            f"  memslots mapped   {self.mapped}",
        ]

    def document(self) -> dict[str, Any]:
        """The object `decisions` of `conformance/schema/check-v1.json`."""
        lists = {"limits": list(self.limits), "differences": list(self.differences)}
        return asdict(self) | lists


def decided(binary: Path, accel: Accel) -> DecisionReport:
    """Compare the full grid, with a progress display; of machines that KVM carries, those whose
    memslots its metadata leaves room for. Raises TargetFailure where QEMU fails."""
    cases = decision_grid(full=True)
    if accel is KVM:
        cases = tuple(filter(fits_kvm, cases))
    try:
        version = qemu_version(binary)
        with progress("comparing decisions") as bars:
            bars.update(bars.task_ids[0], total=len(cases))
            outcomes = compare_decisions(
                binary, cases, lambda _: bars.advance(bars.task_ids[0]), accel
            )
    except QemuError as error:
        raise TargetFailure(str(error)) from None
    return _report(version, outcomes)


def _report(version: str, outcomes: Sequence[DecisionOutcome]) -> DecisionReport:
    return DecisionReport(
        version=version,
        configurations=len(outcomes),
        limits=tuple(sorted({outcome.expected.limit for outcome in outcomes})),
        short_last=sum(outcome.expected.last < outcome.expected.size for outcome in outcomes),
        mapped=sum(len(outcome.seen_slots) for outcome in outcomes),
        differences=tuple(f"{o.case}: {o.difference}" for o in outcomes if o.difference),
    )
