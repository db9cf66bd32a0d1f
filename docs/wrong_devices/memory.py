"""Memory that is lost or not given back, failing hosts, and listeners that are not told."""

from fault import Fault
from host import runs


class NotGivenBack(Fault):
    """Unplugged memory is not given back to the host."""

    found_by = ("memory-given-back", "held")

    def discard(self, first, count):
        backed = self.backed
        super().discard(first, count)
        self.backed = backed


class UnplugAllNotGivenBack(Fault):
    """UNPLUG_ALL and a system reset do not give the memory back."""

    found_by = ("memory-given-back", "held")

    def release_all(self):
        backed = self.backed
        super().release_all()
        self.backed = backed


class GivesBackFirstOnly(Fault):
    """Of an unplugged range only the first block is given back."""

    found_by = ("memory-given-back", "held")

    def discard(self, first, count):
        super().discard(first, 1)


class DiscardsOneBeyond(Fault):
    """An UNPLUG discards the block behind the range as well."""

    found_by = ("memory-plugged-kept", "memory")

    def discard(self, first, count):
        super().discard(first, count + 1)


class DiscardsWholeMemslot(Fault):
    """An UNPLUG discards all memory of its memslots."""

    found_by = ("memory-plugged-kept", "memory")

    def discard(self, first, count):
        start, number = self.slots(first, count)
        super().discard(start * self.per, number * self.per)


class UnplugAllFailsLate(Fault):
    """An UNPLUG_ALL that fails has discarded the memory, and the blocks are still plugged."""

    found_by = ("memory-plugged-kept", "memory")

    def unplug_all(self, do, failing):
        answer = super().unplug_all(do, failing)
        if answer == "busy" and "discard" in failing:
            self.discard(0, self.total)
        return answer


class UnplugAllHalf(Fault):
    """An UNPLUG_ALL that fails has unplugged the first range."""

    found_by = ("unplug-all-done-is-ack", "rejected-changes-nothing", "size")

    def unplug_all(self, do, failing):
        answer = super().unplug_all(do, failing)
        if answer == "busy" and "discard" in failing:
            for where in list(runs(self.plugged))[:1]:
                self.release(*where)
        return answer


class LastBlockMissing(Fault):
    """There is no memory behind the last block of a range that was plugged."""

    found_by = ("memory-plugged-usable",)

    holes = ()

    def populate(self, first, count):
        super().populate(first, count)
        self.holes = {*self.holes, first + count - 1} if count > 1 else {*self.holes} - {first}

    def reachable(self, offset):
        return super().reachable(offset) and offset // self.block not in self.holes


class UnmappedReadable(Fault):
    """Memory of memslots that are not mapped can be written and read."""

    found_by = ("memory-unmapped-gone",)

    def reachable(self, offset):
        return True


class DeviceResetDiscards(Fault):
    """A device reset discards the memory of plugged blocks."""

    found_by = ("init-reset-keeps-memory", "memory-plugged-kept", "memory")

    def device_reset(self, do, failing):
        self.ram = {}
        return super().device_reset(do, failing)


class PlugClears(Fault):
    """A PLUG discards the memory of the whole memslot."""

    found_by = ("memory-plugged-kept", "memory")

    def populate(self, first, count):
        backed = self.backed
        start, number = self.slots(first, count)
        self.discard(start * self.per, number * self.per)
        self.backed = backed
        super().populate(first, count)


class FailedDiscardAcknowledged(Fault):
    """An UNPLUG whose memory cannot be discarded is acknowledged, and the memory stays."""

    found_by = ("memory-given-back", "held", "answer")

    def unplug(self, do, failing):
        backed = self.backed
        answer = super().unplug(do, ())
        if answer == "ack" and "discard" in failing:
            self.backed = backed
        return answer


class FailedDiscardIsError(Fault):
    """An UNPLUG whose memory cannot be discarded is answered by ERROR."""

    found_by = ("answer",)

    def unplug(self, do, failing):
        answer = super().unplug(do, failing)
        return "error" if answer == "busy" and "discard" in failing else answer


class FailedDiscardUnplugs(Fault):
    """An UNPLUG whose memory cannot be discarded is answered by BUSY, and done all the same."""

    found_by = ("unplug-done-is-ack", "answer")

    def unplug(self, do, failing):
        answer = super().unplug(do, ())
        return "busy" if answer == "ack" and "discard" in failing else answer


class PreallocIgnored(Fault):
    """Memory that cannot be preallocated is plugged all the same."""

    found_by = ("answer",)

    def cannot_prepare(self, failing):
        return False


class ListenerIgnored(Fault):
    """A listener that refuses is not listened to."""

    found_by = ("answer",)

    def plug(self, do, failing):
        return super().plug(do, [one for one in failing if one != "populate"])


class FailedPlugKept(Fault):
    """A PLUG that a listener refuses is answered by BUSY, and its blocks stay marked."""

    found_by = ("plug-done-is-ack", "answer")

    def refused(self, before, first, count):
        self.populate(first, count)
        return "busy"


class PlugUntold(Fault):
    """Listeners are not told of plugged blocks."""

    found_by = ("listeners-know-plugged", "told")

    def hear(self, heard, first, count):
        if heard == "discard":
            super().hear(heard, first, count)


class UnplugUntold(Fault):
    """Listeners are not told of unplugged blocks."""

    found_by = ("listeners-know-plugged", "told")

    def hear(self, heard, first, count):
        if heard == "populate":
            super().hear(heard, first, count)


class ToldOneShort(Fault):
    """Listeners are told of all blocks of an unplugged range but the last."""

    found_by = ("listeners-know-plugged", "told")

    def hear(self, heard, first, count):
        super().hear(heard, first, count - 1 if heard == "discard" and count > 1 else count)


class RefusalTold(Fault):
    """Listeners keep what one of them refused."""

    found_by = ("listeners-know-plugged", "told")

    def refused(self, before, first, count):
        self.hear("populate", first, count)
        return super().refused(before, first, count)


class MigrationUntold(Fault):
    """Listeners of a device that was moved are not told of its plugged blocks."""

    found_by = ("listeners-know-plugged", "told")

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        self.told = []
        return answer
