"""Sizes that are kept, checked or told wrongly."""

from device import MIB, TOP
from fault import Fault


class SizeDrifts(Fault):
    """A failed UNPLUG is subtracted from the plugged size."""

    found_by = ("unplug-done-is-ack", "rejected-changes-nothing", "size")

    def unplug(self, do, failing):
        answer = super().unplug(do, failing)
        if answer == "busy":
            self.size = max(self.size - do["blocks"] * self.block, 0)
        return answer


class SizeInThirtyTwoBits(Fault):
    """The plugged size is kept in 32 bits."""

    found_by = ("plug-in-plugged-size", "size")

    def populate(self, first, count):
        super().populate(first, count)
        self.size &= 0xFFFFFFFF


class SizeLate(Fault):
    """The plugged size shows an UNPLUG only after the next request."""

    found_by = ("memory-plugged-kept", "unplug-in-plugged-size", "config-plugged-size", "size")

    late = 0

    def show(self):
        seen = super().show()
        if seen:
            shown, self.late = max(seen["size"], min(self.late, self.region)), seen["size"]
            seen["size"] = shown
        return seen


class SizeOfUnplugAll(Fault):
    """UNPLUG_ALL forgets to reset the plugged size."""

    found_by = ("unplug-all-empties", "unusable-blocks-unplugged", "size")

    def release_all(self):
        size = self.size
        super().release_all()
        self.size = size


class HugeSizeWraps(Fault):
    """A requested size is kept in 44 bits: 2^63 is taken for 0."""

    found_by = ("resize-as-set", "answer")

    def resize(self, do, failing):
        return super().resize(do | {"value": do["value"] % (1 << 44)}, failing)


class MebibytesInThirtyTwoBits(Fault):
    """A requested size is kept in MiB, in 32 bits: 2^32 MiB is taken for 0."""

    found_by = ("resize-as-set", "answer")

    def resize(self, do, failing):
        if do["value"] % MIB == 0:
            do = do | {"value": do["value"] // MIB % (1 << 32) * MIB}
        return super().resize(do, failing)


class FourGibibyteSizes(Fault):
    """A requested size is kept in 32 bits: 2^32 is taken for 0."""

    found_by = ("resize-as-set", "answer")

    def resize(self, do, failing):
        if do["value"] <= self.region:
            do = do | {"value": do["value"] % (1 << 32)}
        return super().resize(do, failing)


class RoundsResize(Fault):
    """A requested size that is not whole blocks is rounded down and accepted."""

    found_by = ("resize-as-set", "answer")

    def resize(self, do, failing):
        return super().resize(do | {"value": do["value"] // self.block * self.block}, failing)


class CutsResize(Fault):
    """A requested size above the region is cut to it and accepted."""

    found_by = ("resize-as-set", "answer")

    def resize(self, do, failing):
        return super().resize(do | {"value": min(do["value"], self.region)}, failing)


class SumOverflows(Fault):
    """The requested size and the extent beyond it are added in 64 bits before they are checked."""

    found_by = ("resize-as-set", "answer")

    def resize(self, do, failing):
        if (do["value"] + self.config["extent"]) % TOP < do["value"]:
            do = do | {"value": 0}
        return super().resize(do, failing)


class UsableNeverGrows(Fault):
    """A larger requested size leaves the usable region as it is."""

    found_by = ("config-usable-covers-requested", "usable")

    def request(self, size):
        self.requested = size


class UsableShrinks(Fault):
    """A smaller requested size shrinks the usable region at once."""

    found_by = ("config-usable-only-grows", "usable")

    def request(self, size):
        self.requested = size
        self.fit(shrink=True)


class UsableStays(Fault):
    """UNPLUG_ALL does not shrink the usable region."""

    found_by = ("usable",)

    def unplug_all(self, do, failing):
        usable = self.usable
        answer = super().unplug_all(do, failing)
        self.usable = max(self.usable, usable)
        return answer


class UnplugAllCloses(Fault):
    """UNPLUG_ALL shrinks the usable region to nothing, whatever is requested."""

    found_by = ("config-usable-covers-requested", "usable")

    def unplug_all(self, do, failing):
        answer = super().unplug_all(do, failing)
        if answer == "ack":
            self.usable = 0
        return answer


class UsableIgnoresExtent(Fault):
    """The usable region ends with the requested size."""

    found_by = ("usable",)

    def wanted(self):
        return self.requested


class UsableBeyondRegion(Fault):
    """The usable region may end beyond the region."""

    found_by = ("config-usable-within-region", "usable")

    def wanted(self):
        reach = self.requested + self.config["extent"]
        return -(-reach // self.block) * self.block


class SilentResize(Fault):
    """A new requested size is not notified."""

    found_by = ("config-change-notified", "notified")

    def resize(self, do, failing):
        answer = super().resize(do, failing)
        self.notified = False
        return answer


class SilentSameSize(Fault):
    """The same requested size again is not notified."""

    found_by = ("notified",)

    def resize(self, do, failing):
        same = do["value"] == self.requested
        answer = super().resize(do, failing)
        self.notified = self.notified and not same
        return answer


class PlugNotified(Fault):
    """Every PLUG that is done is notified."""

    found_by = ("notified", "config-plugged-not-notified")

    def populate(self, first, count):
        super().populate(first, count)
        self.notified = True


class OtherBlockSize(Fault):
    """Another block size is shown than the one that is used."""

    found_by = ("config-whole-blocks", "constants")

    def constants(self):
        return super().constants() | {"block": self.block * 2}


class OtherAddress(Fault):
    """The address of the region is shown in pages."""

    # Its host memory is told of where the region is not, then.
    found_by = ("config-whole-blocks", "constants", "memory-given-back")

    def constants(self):
        return super().constants() | {"addr": self.addr >> 12}
