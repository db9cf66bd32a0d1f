"""Resets and migrations that lose or keep the wrong things, and devices that wear out."""

from fault import STATES, Fault
from host import bits, runs


class DeviceResetUnplugs(Fault):
    """A device reset unplugs all blocks."""

    found_by = ("init-reset-keeps-blocks", "size")

    def device_reset(self, do, failing):
        self.release_all()
        return super().device_reset(do, failing)


class SystemResetKeeps(Fault):
    """A system reset leaves all blocks plugged."""

    found_by = ("size", "usable")

    def system_reset(self, do, failing):
        return self.device_reset(do, failing)


class SystemResetKeepsSize(Fault):
    """A system reset unplugs all blocks and leaves the plugged size."""

    found_by = ("size", "unusable-blocks-unplugged")

    def system_reset(self, do, failing):
        size = self.size
        answer = super().system_reset(do, failing)
        self.size = size
        return answer


class SystemResetForgetsRequest(Fault):
    """A system reset goes back to the requested size of the start: a later resize is lost."""

    found_by = ("resize-as-set", "requested")

    def system_reset(self, do, failing):
        answer = super().system_reset(do, failing)
        self.requested = self.config["requested"]
        self.fit(shrink=False)
        return answer


class ResizeBeforeDriverLost(Fault):
    """A requested size that is set right after a reset is lost."""

    found_by = ("resize-as-set", "requested")

    fresh = False

    def device_reset(self, do, failing):
        self.fresh = True
        return super().device_reset(do, failing)

    def resize(self, do, failing):
        if self.fresh:
            self.notified = True
            return "done"
        return super().resize(do, failing)

    def do(self, do):
        if do["op"] not in ("resize", "device-reset", "system-reset"):
            self.fresh = False
        return super().do(do)


class WakeUpUnplugs(Fault):
    """Wake-up from suspend unplugs all blocks."""

    found_by = ("size", "usable")

    def wake_up(self, do, failing):
        return self.system_reset(do, failing)


class MigrationForgetsBlocks(Fault):
    """The last plugged block is missing after a migration."""

    found_by = ("config-plugged-size", "memory-plugged-kept", "size")

    def migration_in(self, do, failing):
        if self.plugged:
            last = self.plugged.bit_length() - 1
            self.plugged &= ~bits(last, 1)
            self.size -= self.block
            self.discard(last, 1)
        return super().migration_in(do, failing)


class MigrationForgetsSize(Fault):
    """The plugged size is not in the stream."""

    found_by = ("config-plugged-size", "size")

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        self.size = 0
        return answer


class MigrationForgetsUsable(Fault):
    """The usable region after a migration follows the requested size, be it smaller."""

    found_by = ("config-usable-only-grows", "usable")

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        self.fit(shrink=True)
        return answer


class MigrationForgetsRequest(Fault):
    """The requested size after a migration is that of the start."""

    found_by = ("config-change-notified", "resize-as-set", "config-usable-covers-requested")

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        self.requested = self.config["requested"]
        return answer


class MigrationCures(Fault):
    """A device that is broken answers again once it was moved."""

    found_by = ("answer",)

    def migration_in(self, do, failing):
        self.broken = False
        return super().migration_in(do, failing)


class MigrationStaysBusy(Fault):
    """A device that was moved while it was busy stays busy."""

    found_by = ("plug-possible", "unplug-possible", "unplug-all-possible", "answer")

    def migration_in(self, do, failing):
        busy = self.busy
        answer = super().migration_in(do, failing)
        self.busy = busy
        return answer


class MigrationEndStaysBusy(Fault):
    """A migration that is cancelled leaves the device busy."""

    found_by = ("plug-possible", "unplug-possible", "unplug-all-possible", "answer")

    def migration_end(self, do, failing):
        return "done"


class SecondMigrationForgets(Fault):
    """The second migration brings no memslots: the first one used up the list of them."""

    found_by = (
        "memslot-of-plugged-mapped",
        "memory-plugged-usable",
        "memory-plugged-kept",
        "mapped",
    )

    moved = 0

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        self.moved += 1
        if self.moved > 1:
            self.mapped = 0
        return answer


class MigrationDropsWrites(Fault):
    """Memory arrives as it was when the migration started: what was written since is lost."""

    found_by = ("memory-plugged-kept", "memory")

    start = None

    def migration_start(self, do, failing):
        self.start = dict(self.ram)
        return super().migration_start(do, failing)

    def migration_in(self, do, failing):
        if self.busy:
            self.ram = dict(self.start)
        return super().migration_in(do, failing)


class MigrationDropsMemory(Fault):
    """Memory does not arrive at all."""

    found_by = ("memory-plugged-kept", "memory")

    def migration_in(self, do, failing):
        self.ram = {}
        return super().migration_in(do, failing)


class SnapshotAtBorders(Fault):
    """The last block of a memslot comes through a migration without its memory."""

    found_by = ("memory-plugged-kept", "memory")

    def migration_in(self, do, failing):
        for first, count in runs(self.plugged):
            for slot in range(*self.borders(first, count)):
                memory = self.backed
                self.discard((slot + 1) * self.per - 1, 1)
                self.backed = memory
        return super().migration_in(do, failing)

    def borders(self, first, count):
        return first // self.per, (first + count) // self.per


class OnlyThirtyTwoMaps(Fault):
    """Ids of memslots only grow: after 32 of them no memslot can be mapped any more."""

    found_by = ("plug-possible", "answer")

    most = 32
    taken = 0

    def cannot_prepare(self, failing):
        return self.taken >= self.most or super().cannot_prepare(failing)

    def map(self, first, count):
        before = self.mapped
        super().map(first, count)
        self.taken += (self.mapped & ~before).bit_count()


class OnlyThousandTurns(Fault):
    """After 1,000 turns of mapping and unmapping no memslot can be mapped any more."""

    found_by = ("memslots-reused",)

    taken = 0

    def cannot_prepare(self, failing):
        return self.taken >= 1000 or super().cannot_prepare(failing)

    def map(self, first, count):
        before = self.mapped
        super().map(first, count)
        self.taken += before != self.mapped


class WearsOut(Fault):
    """After 20 requests STATE says unplugged of everything."""

    found_by = STATES

    def state_of(self, first, count):
        return "unplugged" if self.turns > 20 else super().state_of(first, count)
