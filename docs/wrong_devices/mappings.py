"""Memslots that are mapped or unmapped at the wrong time."""

from fault import Fault
from host import bits, runs


class MapsFirstOnly(Fault):
    """Plugging maps the first memslot of a range only."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def map(self, first, count):
        super().map(first, 1)


class MapsEndsOnly(Fault):
    """Plugging maps the first and the last memslot of a range, none between."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def map(self, first, count):
        super().map(first, 1)
        super().map(first + count - 1, 1)


class MapsOneBeyond(Fault):
    """Plugging maps the memslot behind the range as well, if it ends at a border."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def slots(self, first, count):
        start, number = super().slots(first, count)
        if (first + count) % self.per == 0 and start + number < self.count:
            number += 1
        return start, number


class CountsInSixteenBits(Fault):
    """Plugged blocks of a memslot are counted in 16 bits: one with 65536 of them is unmapped."""

    found_by = (
        "full-memslot",
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def map(self, first, count):
        super().map(first, count)
        self.mapped &= ~self.none_left(first, count)

    def none_left(self, first, count):
        start, number = self.slots(first, count)
        after = self.plugged | bits(first, count)
        each = range(start, start + number if self.own else start)
        counts = {at: (after & bits(at * self.per, self.per)).bit_count() for at in each}
        return sum(1 << at for at, plugged in counts.items() if not plugged % (1 << 16))


class MapsTooSoon(Fault):
    """Memslots are mapped before the states of the blocks are looked at."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def none_of(self, first, count):
        self.map(first, count)
        return super().none_of(first, count)

    def state_of(self, first, count):
        mapped = self.mapped
        told = super().state_of(first, count)
        self.mapped = mapped
        return told


class MapsByUsable(Fault):
    """Every memslot of the usable region is mapped, plugged or not."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def fit(self, shrink):
        super().fit(shrink)
        if self.own:
            self.mapped |= bits(0, -(-self.usable // self.block // self.per))


class NeverUnmaps(Fault):
    """A memslot without plugged blocks stays mapped."""

    found_by = ("memslot-goes-with-last-block", "mapped")

    def unmap(self, first, count):
        pass


class UnmapsTooSoon(Fault):
    """Unplugging unmaps memslots that hold plugged blocks still."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def empty(self, slot):
        return True


class UnmapsFirstOnly(Fault):
    """Of several memslots that an UNPLUG empties only the first one is unmapped."""

    found_by = ("memslot-goes-with-last-block", "mapped")

    def unmap(self, first, count):
        super().unmap(first, 1)


class ShortLastUnmappedTooSoon(Fault):
    """The last block of a short last memslot is not looked at before it is unmapped."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def empty(self, slot):
        if slot < self.count - 1 or self.total % self.per == 0:
            return super().empty(slot)
        first = slot * self.per
        return not self.plugged & bits(first, self.total - first - 1)


class ShortLastStaysMapped(Fault):
    """A short last memslot counts as empty once a whole memslot's blocks were unplugged there."""

    found_by = ("memslot-goes-with-last-block", "mapped")

    def unmap(self, first, count):
        super().unmap(first, count)
        if self.own and self.total % self.per and (first + count - 1) // self.per == self.count - 1:
            self.mapped |= bits(self.count - 1, 1)


class UnplugAllKeepsMapped(Fault):
    """UNPLUG_ALL leaves memslots mapped."""

    found_by = ("memslot-goes-with-last-block", "mapped")

    def release_all(self):
        mapped = self.mapped
        super().release_all()
        self.mapped = mapped


class ResetKeepsMapped(Fault):
    """A system reset unplugs all blocks and leaves their memslots mapped."""

    found_by = ("memslot-goes-with-last-block", "mapped")

    def system_reset(self, do, failing):
        mapped = self.mapped
        answer = super().system_reset(do, failing)
        self.mapped = mapped
        return answer


class DeviceResetUnmaps(Fault):
    """A device reset unmaps the memslots."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def device_reset(self, do, failing):
        self.mapped = 0
        return super().device_reset(do, failing)


class NoRollback(Fault):
    """A PLUG that a listener refuses leaves its memslots mapped."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def refused(self, before, first, count):
        return "busy"


class FirstOfTwoKept(Fault):
    """Where the second of two memslots cannot be mapped, the first one stays mapped."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def refused(self, before, first, count):
        start, number = self.slots(first, count)
        self.mapped = before | (bits(start, 1) if number > 1 else 0)
        return "busy"


class RollbackTooFar(Fault):
    """A PLUG that a listener refuses unmaps memslots that were mapped before."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def refused(self, before, first, count):
        self.mapped = before & ~bits(*self.slots(first, count))
        return "busy"


class MigrationMapsNothing(Fault):
    """An incoming migration maps no memslot."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        self.mapped = 0
        return answer


class MigrationMapsFirstRun(Fault):
    """An incoming migration maps the memslots of the first plugged range only."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        for first, count in list(runs(self.plugged))[:1]:
            self.mapped = 0
            self.map(first, count)
        return answer


class MigrationMapsAll(Fault):
    """An incoming migration maps every memslot as soon as any block is plugged."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        if self.mapped:
            self.mapped = bits(0, self.count)
        return answer


class MigrationEndUnmaps(Fault):
    """A migration that is cancelled unmaps the memslots on the source."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    def migration_end(self, do, failing):
        if self.busy:
            self.mapped = 0
        return super().migration_end(do, failing)
