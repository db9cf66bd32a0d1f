"""Regions cut wrongly, and configurations that a device must refuse."""

from device import GIB, Refused
from fault import Fault


class ShortLastMerged(Fault):
    """A short last memslot is merged into the one before."""

    found_by = ("memslots-tile-region",)

    def layout(self):
        shape = super().layout()
        if shape["last"] < shape["size"]:
            shape |= {"count": shape["count"] - 1, "last": shape["size"] + shape["last"]}
        return shape


class LastSlotFullSize(Fault):
    """The last memslot is as big as the others, whatever is left for it."""

    found_by = ("memslots-tile-region",)

    def layout(self):
        return super().layout() | {"last": self.per * self.block}


class NoMinimum(Fault):
    """Memslots may be smaller than 1 GiB."""

    found_by = ("slots",)

    def cut(self):
        share = -(-(self.region // self.limit) // self.block)
        return max(share, self.total >> 12, 1)


class OneTooMany(Fault):
    """One memslot more than the limit is used."""

    found_by = ("slots",)

    def cut(self):
        share = -(-(self.region // (self.limit + 1)) // self.block)
        return min(max(share, GIB // self.block, 1), self.total)


class SingleMemslot(Fault):
    """The region is never cut."""

    found_by = ("slots",)

    def cut(self):
        return self.total


class SlotsNotWholeBlocks(Fault):
    """Memslots are an equal share of the region, be that whole blocks or not."""

    found_by = ("memslots-whole-blocks",)

    def layout(self):
        shape = super().layout()
        if shape["count"] < 2:
            return shape
        size = -(-self.region // shape["count"])
        return shape | {"size": size, "last": self.region - size * (shape["count"] - 1)}


class CountInEightBits(Fault):
    """The number of memslots is kept in 8 bits."""

    found_by = ("memslots-tile-region",)

    def layout(self):
        shape = super().layout()
        return shape | {"count": shape["count"] & 255}


class ChecksNothing(Fault):
    """Any configuration is accepted at start."""

    found_by = ("accepted",)

    def check(self, c):
        pass


class OddBlockSize(Fault):
    """A block size that is no power of two is accepted."""

    found_by = ("accepted",)

    def check(self, c):
        even = 1 << c["block"].bit_length() - 1 if c["block"] else 1 << 20
        super().check(c | {"block": max(even, c["page"], 1 << 20)})

    def check_sizes(self, c):
        pass


class MisalignedRegion(Fault):
    """A region that is not whole blocks is accepted."""

    found_by = ("accepted",)

    def check_sizes(self, c):
        super().check_sizes(c | {"region": max(c["region"] // c["block"], 1) * c["block"]})


class MisalignedAddress(Fault):
    """A region that does not start at a block's border is accepted."""

    found_by = ("accepted",)

    def check_sizes(self, c):
        super().check_sizes(c | {"addr": c["addr"] // c["block"] * c["block"]})


class RegionWraps(Fault):
    """A region that ends above 2^64 is accepted."""

    found_by = ("accepted",)

    def check_sizes(self, c):
        super().check_sizes(c | {"addr": 0} if not c["addr"] % c["block"] else c)


class ExcessAtStart(Fault):
    """A requested size above the region is accepted at start."""

    found_by = ("accepted",)

    def check_sizes(self, c):
        super().check_sizes(c | {"requested": min(c["requested"], c["region"])})


class MisalignedAtStart(Fault):
    """A requested size that is not whole blocks is accepted at start."""

    found_by = ("accepted",)

    def check_sizes(self, c):
        super().check_sizes(c | {"requested": c["requested"] // c["block"] * c["block"]})


class RefusesTheLargest(Fault):
    """A device whose whole region is requested at start is refused."""

    found_by = ("refused",)

    def check_sizes(self, c):
        super().check_sizes(c)
        if c["requested"] == c["region"]:
            raise Refused("too much")
