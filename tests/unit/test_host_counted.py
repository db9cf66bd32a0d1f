"""What a check says of memslots that were seen in KVM, and of a host that was made to fail."""

from dataclasses import replace
from itertools import pairwise

import pytest

from conformance.check.campaign import CheckReport, check
from conformance.check.outcome import Mapped, often
from conformance.commands.check_document import document
from conformance.commands.check_report import Done, text
from conformance.targets.reference import ReferenceTarget
from conformance.traces.schemas import problem
from model.extents import Extents
from model.observation import Observation
from model.profiles import QEMU, Profile
from model.state import ConcreteAction, Config


class Spying(ReferenceTarget):
    """Keeps what it showed and what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.mapped: list[list[Extents | None]] = []
        self.failing = 0

    def start(self, profile: Profile, config: Config) -> Observation:
        seen = super().start(profile, config)
        self.mapped.append([seen.mapped])
        return seen

    def apply(self, action: ConcreteAction) -> Observation:
        seen = super().apply(action)
        self.failing += any((action.faults.discard, action.faults.prealloc, action.faults.populate))
        if seen.mapped is not None:
            self.mapped[-1].append(seen.mapped)
        return seen


@pytest.fixture(scope="module")
def report() -> CheckReport:
    target = Spying()
    made = check(target, QEMU, seed=3, traces=8, steps=60)
    shown = [[one for one in trace if one is not None] for trace in target.mapped]
    assert made.mapped.most == max(len(one) for trace in shown for one in trace) > 1
    differ = sum(a != b for trace in shown for a, b in pairwise(trace))
    assert made.mapped.changes == differ > 10
    assert made.host_failed == target.failing > 10
    return made


def told(target: str, report: CheckReport, able: frozenset[str]) -> list[str]:
    head = {"target": target, "profile": "qemu", "seed": 3}
    done = Done(head, report, [], None, None, "exact", [], {}, promised=able)
    assert problem(document(done), "check-v1.json") is None
    lines = text(done)
    return [line for line in lines if line[2:12] in ("mapped    ", "not seen  ", "host fails")]


def test_how_many_memslots_were_seen_and_how_often_the_host_failed(report: CheckReport) -> None:
    able = frozenset({"mapped"})
    many = f"{report.mapped.most} at once at most, others than before after "
    many += f"{report.mapped.changes} steps"
    host = f"  host fails        in {report.host_failed} of 480 steps"
    by_strace = f"  mapped            the memslots that KVM was told of, as strace saw it: {many}"
    assert told("vmm:firecracker=/x", report, able) == [by_strace, host]
    in_kvm = f"  mapped            the memslots that KVM holds: {many}"
    assert told("qemu-kvm", report, able) == [in_kvm, host]
    assert told("cmd:x", report, able) == [host]
    assert told("reference", report, able) == []
    unseen = "  not seen          held, mapped and slots: there is no strace here"
    assert told("vmm:firecracker=/x", report, frozenset()) == [unseen, host]
    assert told("cmd:x", replace(report, host_failed=0), able) == []


def test_memslots_that_are_not_shown_change_nothing() -> None:
    seen, one, two = Mapped(), Extents.of_ranges([(0, 1)]), Extents.of_ranges([(1, 3)])
    for mapped in (one, None, one, two, None, two, one):
        seen.see(mapped)
    assert (seen.most, seen.changes) == (2, 2)
    seen.add(Mapped(most=1, changes=5))
    assert (seen.most, seen.changes) == (2, 7)


def test_how_often() -> None:
    assert [often(count) for count in (0, 1, 2)] == ["0 times", "once", "2 times"]
