"""Requests that are answered wrongly, or refused without a reason."""

import sys

from device import TOP, bits
from fault import Fault


class UsableEdge(Fault):
    """A range may end one block beyond the usable region."""

    def place(self, do):
        usable, self.usable = self.usable, min(self.usable + self.block, self.region)
        where = super().place(do)
        self.usable = usable
        return where


class OverRequest(Fault):
    """PLUG may exceed the requested size by a block."""

    def fits(self, count):
        return super().fits(count - 1)


class ExactFitRefused(Fault):
    """A PLUG up to exactly the requested size is refused."""

    def fits(self, count):
        return super().fits(count + 1)


class PlugsPlugged(Fault):
    """PLUG of a range whose first block is unplugged is carried out, whatever the others are."""

    def none_of(self, first, count):
        return super().none_of(first, 1)


class UnplugsUnplugged(Fault):
    """UNPLUG looks at the first block of a range only."""

    def all_of(self, first, count):
        return super().all_of(first, 1)


class EmptyRange(Fault):
    """A request of no blocks is acknowledged."""

    def plug(self, do, failing):
        return "ack" if do["blocks"] == 0 and self.inside(do) else super().plug(do, failing)

    def unplug(self, do, failing):
        return "ack" if do["blocks"] == 0 and self.inside(do) else super().unplug(do, failing)

    def inside(self, do):
        return self.place(do | {"blocks": 1}) is not None


class RoundsDown(Fault):
    """A misaligned address is rounded down to its block."""

    def place(self, do):
        return super().place(do | {"addr": do["addr"] // self.block * self.block})


class MisalignedState(Fault):
    """STATE rounds a misaligned address down to its block."""

    def state(self, do, failing):
        return super().state(do | {"addr": do["addr"] // self.block * self.block}, failing)


class AddressWraps(Fault):
    """The end of a range wraps at 2^64, so that one far beyond the region counts as inside."""

    def place(self, do):
        end = (do["addr"] + do["blocks"] * self.block) % TOP
        if do["addr"] >= self.addr and end <= self.addr + self.usable and end < do["addr"]:
            return 0, 1
        return super().place(do)


class BelowTheRegion(Fault):
    """An address below the region is taken for an offset into it."""

    def place(self, do):
        if do["addr"] < self.addr:
            do = do | {"addr": do["addr"] + self.addr}
        return super().place(do)


class LargestCountRefused(Fault):
    """A request of 65535 blocks is answered by ERROR."""

    def place(self, do):
        return None if do["blocks"] == 0xFFFF else super().place(do)


class CountInFifteenBits(Fault):
    """The number of blocks of a request is kept in 15 bits."""

    def place(self, do):
        return super().place(do | {"blocks": do["blocks"] & 0x7FFF})


class AcrossMemslotsRefused(Fault):
    """A PLUG across the border of two memslots is answered by ERROR."""

    def plug(self, do, failing):
        where = self.place(do)
        if where and self.fits(where[1]) and self.slots(*where)[1] > 1:
            return "error"
        return super().plug(do, failing)


class UnplugBelowRequestedRefused(Fault):
    """An UNPLUG below the requested size is answered by NACK."""

    def unplug(self, do, failing):
        where = self.place(do)
        if where and self.all_of(*where) and self.size - where[1] * self.block < self.requested:
            return "nack"
        return super().unplug(do, failing)


class HugePagesOnly(Fault):
    """Of an even pair of blocks, a huge page, one alone cannot be unplugged."""

    def unplug(self, do, failing):
        where = self.place(do)
        if where and self.all_of(*where) and (where[0] % 2 or where[1] % 2):
            return "error"
        return super().unplug(do, failing)


class UnplugAllRefused(Fault):
    """UNPLUG_ALL is answered by BUSY while anything is requested."""

    def unplug_all(self, do, failing):
        return "busy" if self.requested else super().unplug_all(do, failing)


class MixedIsPlugged(Fault):
    """STATE says plugged of a partly plugged range."""

    def state_of(self, first, count):
        told = super().state_of(first, count)
        return "plugged" if told == "mixed" else told


class StateOfFirst(Fault):
    """STATE looks at the first block only."""

    def state_of(self, first, count):
        return super().state_of(first, 1)


class StateOfEnds(Fault):
    """STATE looks at the first and the last block only."""

    def state_of(self, first, count):
        ends = {super(StateOfEnds, self).state_of(at, 1) for at in (first, first + count - 1)}
        return "mixed" if len(ends) == 2 else ends.pop()


class StateBusy(Fault):
    """STATE is answered by BUSY during a migration."""

    def state(self, do, failing):
        return "busy" if self.busy else super().state(do, failing)


class StateOfMapped(Fault):
    """STATE says plugged of blocks in a mapped memslot."""

    def state_of(self, first, count):
        told = super().state_of(first, count)
        within = self.own and self.mapped & bits(*self.slots(first, count))
        return "plugged" if told == "unplugged" and within else told


class PlugWhileMigrating(Fault):
    """PLUG is carried out during a migration."""

    def plug(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().plug(do, failing)
        self.busy = busy
        return answer


class UnplugWhileMigrating(Fault):
    """UNPLUG is carried out during a migration."""

    def unplug(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().unplug(do, failing)
        self.busy = busy
        return answer


class UnplugAllWhileMigrating(Fault):
    """UNPLUG_ALL is carried out during a migration."""

    def unplug_all(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().unplug_all(do, failing)
        self.busy = busy
        return answer


class EmptyUnplugAllBusy(Fault):
    """UNPLUG_ALL is answered by BUSY during a migration, even if nothing is plugged."""

    def unplug_all(self, do, failing):
        return "busy" if self.busy else super().unplug_all(do, failing)


class UnknownStaysBroken(Fault):
    """After an unknown request a device reset does not help."""

    def device_reset(self, do, failing):
        return "done"


class UnknownKills(Fault):
    """The program ends at an unknown request."""

    def unknown(self, do, failing):
        sys.exit("thread 'virtio-mem' panicked: unknown request")


class ShortAnswered(Fault):
    """A request in buffers that are too small is acknowledged."""

    def short(self, do, failing):
        return "ack"


class AnyDriver(Fault):
    """A driver without UNPLUGGED_INACCESSIBLE is accepted."""

    def negotiate(self, do, failing):
        return "done"


class GoesWhileRequested(Fault):
    """The device can be unplugged from the machine while memory is requested."""

    def unrealize(self, do, failing):
        requested, self.requested = self.requested, 0
        answer = super().unrealize(do, failing)
        self.requested = requested
        return answer
