"""Guest memory of the device written and read over a bus. Addresses are guest-physical, bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from conformance.targets.driver.bus import Bus, as_int, load, store
from model.extents import Extents
from model.observation import Observation, Probe, SlotLayout
from model.state import RANGE_REQUESTS, Answer, ConcreteAction, Config, Op

_REMEMBERED: Final = 24
"""Bytes that are read again after every step, the ones written last."""
_TOUCHED: Final = 64
_PATTERNS: Final = 250
"""Values to write, from 1 on: memory that nobody wrote reads as 0, and no memory as 0 or 255."""

_ENDS: Final = frozenset({Op.MIGRATION_END, Op.MIGRATION_IN})
"""What ends a migration."""


class GuestMemory:
    """What was written to the region and must still be there.

    After a PLUG the first and the last byte of the first and the last block are written and read;
    after a request that leaves blocks unplugged where no memslot is mapped, the same bytes there.
    What is read again after later steps is written anew then, `while_busy` also while a migration
    runs.
    """

    def __init__(self, config: Config, slots: SlotLayout | None, *, while_busy: bool) -> None:
        self._while_busy, self._busy = while_busy, False
        self._config = config
        self._slots = slots
        self._written: dict[int, int] = {}
        self.touched: dict[int, None] = {}
        """Blocks plugged or written so far, by their addresses, the last `_TOUCHED` of them."""
        self._count = 0

    def tried(self, bus: Bus, action: ConcreteAction, seen: Observation) -> tuple[Probe, ...]:
        """Look at the memory after a step that was answered as `seen`. Raises DriverError."""
        self._forget(action, seen)
        self._busy = action.op is Op.MIGRATION_START or (self._busy and action.op not in _ENDS)
        kept = tuple(self._written.items())
        fresh = [(addr, self._pattern()) for addr in self._places(action, seen)]
        writes = [store(addr, value, 1) for addr, value in fresh]
        reads = [load(addr, 1) for addr, _ in (*kept, *fresh)]
        if not reads:
            return ()
        if action.op is Op.PLUG and seen.answer is Answer.ACK:
            self._touch(addr for addr, _ in fresh)
            self._written.update(fresh)
            while len(self._written) > _REMEMBERED:
                del self._written[next(iter(self._written))]
        anew = []
        if self._while_busy or not self._busy:
            # What stays is written anew once it was read.
            self._written = {addr: self._pattern() for addr in self._written}
            anew = [store(addr, value, 1) for addr, value in self._written.items()]
        # What is new is written before anything is read: neighbours must not suffer.
        answers = bus.exchange(*writes, *reads, *anew)[len(writes) : len(writes) + len(reads)]
        return tuple(
            Probe(addr=addr, fresh=number >= len(kept), held=as_int(answer) == value)
            for number, ((addr, value), answer) in enumerate(
                zip((*kept, *fresh), answers, strict=True)
            )
        )

    def passed(self, action: ConcreteAction, seen: Observation) -> None:
        """A request with others behind it was answered as `seen`: nothing can be tried now."""
        if action.op is Op.UNPLUG_ALL and seen.answer is Answer.ACK:
            self._written.clear()
        self._forget(action, seen)
        if action.op is Op.PLUG and seen.answer is Answer.ACK:
            self._touch(self._places(action, seen))

    def _touch(self, addresses: Iterable[int]) -> None:
        config = self._config
        for addr in addresses:
            block = addr - (addr - config.addr) % config.block
            self.touched.pop(block, None)
            self.touched[block] = None
        while len(self.touched) > _TOUCHED:
            del self.touched[next(iter(self.touched))]

    def _pattern(self) -> int:
        self._count += 1
        return self._count % _PATTERNS + 1

    def _forget(self, action: ConcreteAction, seen: Observation) -> None:
        """Drop what lies in blocks that were just unplugged: their content is undefined."""
        if seen.size == 0:
            self._written.clear()
        elif action.op is Op.UNPLUG and seen.answer is Answer.ACK:
            end = action.addr + action.blocks * self._config.block
            for addr in [addr for addr in self._written if action.addr <= addr < end]:
                del self._written[addr]

    def _places(self, action: ConcreteAction, seen: Observation) -> list[int]:
        """The bytes to write after this step; none twice."""
        config = self._config
        end = action.addr + action.blocks * config.block
        aligned = not (action.addr - config.addr) % config.block and action.addr < end
        within = config.addr <= action.addr and end <= config.addr + config.region
        if action.op is Op.UNPLUG_ALL:
            first, last = config.addr, config.addr + config.region - 1
            places = [first, last]
        elif action.op in RANGE_REQUESTS and aligned and within:
            block = config.block
            places = [action.addr, action.addr + block - 1, end - block, end - 1]
        else:
            return []
        if action.op is Op.PLUG and seen.answer is Answer.ACK:
            return list(dict.fromkeys(places))
        return [addr for addr in dict.fromkeys(places) if not self._mapped(addr, seen.mapped)]

    def _mapped(self, addr: int, mapped: Extents | None) -> bool:
        """Memory is there, of plugged blocks or not. A region without memslots always is."""
        if self._slots is None or mapped is None:
            return True
        return (addr - self._config.addr) // self._slots.size in mapped
