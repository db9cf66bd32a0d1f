"""The bytes that a target looks at are written anew between steps, while a migration runs too."""

from __future__ import annotations

import pytest

from conformance.targets.driver.bus import Access, DriverError, Kind
from conformance.targets.driver.memory import GuestMemory
from model.arithmetic import GIB, MIB
from model.observation import Observation
from model.state import Answer, Config, Op, action

CONFIG = Config(region=GIB, block=2 * MIB, limit=1, requested=GIB)
PLUG = action(Op.PLUG, addr=CONFIG.addr, blocks=1)
START, STATE, ARRIVES = (action(op) for op in (Op.MIGRATION_START, Op.NEGOTIATE, Op.MIGRATION_IN))


class Memory:
    """Bytes by address; without `keeps` what is written is lost."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}
        self.keeps = True

    def exchange(self, *accesses: Access) -> list[bytes]:
        found = []
        for access in accesses:
            if access.kind is Kind.STORE and self.keeps:
                self.bytes[access.address] = access.value
            found.append(bytes([self.bytes.get(access.address, 0)]))
        return found

    def number(self, access: Access) -> int:
        raise NotImplementedError

    def late(self, what: str) -> DriverError:
        raise NotImplementedError


def seen(answer: Answer) -> Observation:
    return Observation(answer=answer, block_state=None, usable=GIB, size=2 * MIB, requested=GIB)


@pytest.mark.parametrize("while_busy", [True, False])
def test_bytes_are_written_anew_between_steps(while_busy: bool) -> None:
    memory, bus = GuestMemory(CONFIG, None, while_busy=while_busy), Memory()
    first = memory.tried(bus, PLUG, seen(Answer.ACK))
    assert len(first) == 2 and all(probe.fresh and probe.held for probe in first)
    changed = []
    for done in (STATE, START, STATE, ARRIVES):
        before = dict(bus.bytes)
        again = memory.tried(bus, done, seen(Answer.DONE))
        assert len(again) == 2 and all(probe.held and not probe.fresh for probe in again)
        changed.append(all(bus.bytes[addr] != before[addr] for addr in before))
    assert changed == [True, while_busy, while_busy, True]


def test_what_is_written_while_a_migration_runs_must_arrive() -> None:
    memory, bus = GuestMemory(CONFIG, None, while_busy=True), Memory()
    memory.tried(bus, PLUG, seen(Answer.ACK))
    bus.keeps = False
    memory.tried(bus, START, seen(Answer.DONE))
    lost = memory.tried(bus, ARRIVES, seen(Answer.DONE))
    assert not any(probe.held for probe in lost)
