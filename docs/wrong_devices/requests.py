"""Requests that are answered wrongly, or refused without a reason."""

from device import TOP
from fault import Fault


class UsableEdge(Fault):
    """A range may end one block beyond the usable region."""

    found_by = ("plug-outside-is-error", "unplug-outside-is-error", "state-outside-is-error")

    def place(self, do):
        usable, self.usable = self.usable, min(self.usable + self.block, self.region)
        where = super().place(do)
        self.usable = usable
        return where


class OverRequest(Fault):
    """PLUG may exceed the requested size by a block."""

    found_by = ("plug-enough-is-rejected", "answer")

    def fits(self, count):
        return super().fits(count - 1)


class ExactFitRefused(Fault):
    """A PLUG up to exactly the requested size is refused."""

    found_by = ("plug-possible", "answer")

    def fits(self, count):
        return super().fits(count + 1)


class PlugsPlugged(Fault):
    """PLUG of a range whose first block is unplugged is carried out, whatever the others are."""

    found_by = (
        "answer",
        "config-plugged-size",
        "state-mixed",
        "state-plugged",
        "state-unplugged",
        "listeners-know-plugged",
    )

    def none_of(self, first, count):
        return super().none_of(first, 1)


class UnplugsUnplugged(Fault):
    """UNPLUG looks at the first block of a range only."""

    found_by = (
        "unplug-unplugged-is-error",
        "answer",
        "state-mixed",
        "state-plugged",
        "state-unplugged",
        "config-plugged-size",
        "unplug-in-plugged-size",
    )

    def all_of(self, first, count):
        return super().all_of(first, 1)


class EmptyRange(Fault):
    """A request of no blocks is acknowledged."""

    found_by = ("plug-empty-is-error", "unplug-empty-is-error")

    def plug(self, do, failing):
        return "ack" if do["blocks"] == 0 and self.inside(do) else super().plug(do, failing)

    def unplug(self, do, failing):
        return "ack" if do["blocks"] == 0 and self.inside(do) else super().unplug(do, failing)

    def inside(self, do):
        return self.place(do | {"blocks": 1}) is not None


class RoundsDown(Fault):
    """A misaligned address is rounded down to its block."""

    found_by = (
        "plug-misaligned-is-error",
        "unplug-misaligned-is-error",
        "state-misaligned-is-error",
    )

    def place(self, do):
        return super().place(do | {"addr": do["addr"] // self.block * self.block})


class AddressWraps(Fault):
    """The end of a range wraps at 2^64, so that one far beyond the region counts as inside."""

    found_by = ("plug-outside-is-error", "unplug-outside-is-error", "state-outside-is-error")

    def place(self, do):
        end = (do["addr"] + do["blocks"] * self.block) % TOP
        if do["addr"] >= self.addr and end <= self.addr + self.usable and end < do["addr"]:
            return 0, 1
        return super().place(do)


class BelowTheRegion(Fault):
    """An address below the region is taken for an offset into it."""

    found_by = ("plug-outside-is-error", "unplug-outside-is-error", "state-outside-is-error")

    def place(self, do):
        if do["addr"] < self.addr:
            do = do | {"addr": do["addr"] + self.addr}
        return super().place(do)


class AddressInDouble(Fault):
    """The address of a request is kept in a double: the low bits of a high one are lost."""

    found_by = (
        "plug-misaligned-is-error",
        "unplug-misaligned-is-error",
        "state-misaligned-is-error",
    )

    def place(self, do):
        return super().place(do | {"addr": int(float(do["addr"]))})


class AcrossRefused(Fault):
    """A range across some address is answered by ERROR."""

    across = TOP

    def place(self, do):
        end = do["addr"] + do["blocks"] * self.block
        return None if do["addr"] < self.across < end else super().place(do)


class SignedAddresses(AcrossRefused):
    """Addresses are signed: a range across 2^63 ends before it begins, and is answered by ERROR."""

    found_by = ("plug-possible", "unplug-possible", "state-is-acknowledged", "answer")

    across = 1 << 63


class AcrossFourGibibytes(AcrossRefused):
    """A range across the address 2^32 is answered by ERROR."""

    found_by = ("plug-possible", "unplug-possible", "state-is-acknowledged", "answer")

    across = 1 << 32


class LargestCountRefused(Fault):
    """A request of 65535 blocks is answered by ERROR."""

    found_by = ("plug-possible", "unplug-possible", "state-is-acknowledged", "answer")

    def place(self, do):
        return None if do["blocks"] == 0xFFFF else super().place(do)


class LargestAtLastBlock(Fault):
    """A request of 65535 blocks that starts at the region's last block is one of that block."""

    found_by = ("plug-outside-is-error", "unplug-outside-is-error", "state-outside-is-error")

    def place(self, do):
        if do["blocks"] == 0xFFFF and do["addr"] == self.addr + self.region - self.block:
            do = do | {"blocks": 1}
        return super().place(do)


class CountInFifteenBits(Fault):
    """The number of blocks of a request is kept in 15 bits."""

    found_by = (
        "plug-in-plugged-size",
        "unplug-in-plugged-size",
        "plug-empty-is-error",
        "state-mixed",
        "state-unplugged",
        "state-plugged",
        "answer",
    )

    def place(self, do):
        return super().place(do | {"blocks": do["blocks"] & 0x7FFF})


class AcrossMemslotsRefused(Fault):
    """A PLUG across the border of two memslots is answered by ERROR."""

    found_by = ("plug-possible", "answer")

    def plug(self, do, failing):
        where = self.place(do)
        if where and self.fits(where[1]) and self.slots(*where)[1] > 1:
            return "error"
        return super().plug(do, failing)


class UnplugBelowRequestedRefused(Fault):
    """An UNPLUG below the requested size is answered by NACK."""

    found_by = ("unplug-possible", "answer")

    def unplug(self, do, failing):
        where = self.place(do)
        if where and self.all_of(*where) and self.size - where[1] * self.block < self.requested:
            return "nack"
        return super().unplug(do, failing)


class HugePagesOnly(Fault):
    """Of an even pair of blocks, a huge page, one alone cannot be unplugged."""

    found_by = ("unplug-possible", "answer")

    def unplug(self, do, failing):
        where = self.place(do)
        if where and self.all_of(*where) and (where[0] % 2 or where[1] % 2):
            return "error"
        return super().unplug(do, failing)


class UnplugAllRefused(Fault):
    """UNPLUG_ALL is answered by BUSY while anything is requested."""

    found_by = ("unplug-all-possible", "size", "usable")

    def unplug_all(self, do, failing):
        return "busy" if self.requested else super().unplug_all(do, failing)


class PlugWhileMigrating(Fault):
    """PLUG is carried out during a migration."""

    found_by = ("answer",)

    def plug(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().plug(do, failing)
        self.busy = busy
        return answer


class UnplugWhileMigrating(Fault):
    """UNPLUG is carried out during a migration."""

    found_by = ("answer",)

    def unplug(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().unplug(do, failing)
        self.busy = busy
        return answer


class UnplugAllWhileMigrating(Fault):
    """UNPLUG_ALL is carried out during a migration."""

    found_by = ("answer", "size")

    def unplug_all(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().unplug_all(do, failing)
        self.busy = busy
        return answer


class EmptyUnplugAllBusy(Fault):
    """UNPLUG_ALL is answered by BUSY during a migration, even if nothing is plugged."""

    found_by = ("answer", "usable")

    def unplug_all(self, do, failing):
        return "busy" if self.busy else super().unplug_all(do, failing)
