"""A right device that is unlike QEMU's: blocks of 2 MiB and memslots of 128 MiB, and no others.

It keeps the text of VIRTIO to the letter: a PLUG of plugged blocks is an ERROR, too much or not.
"""

from device import MIB, Device, Refused

BLOCK, SLOT, MOST = 2 * MIB, 128 * MIB, 64 << 30

LIMITS = {
    "block": {"min": BLOCK, "max": BLOCK},
    "region": {"multiple": SLOT, "max": MOST},
    "option": True,
    "inaccessible": True,
    "prealloc": False,
    "slot": SLOT,
}


class SmallMemslots(Device):
    """Firecracker's sizes, by default."""

    def check_sizes(self, c):
        super().check_sizes(c)
        if c["block"] != BLOCK or c["region"] % SLOT or c["region"] > MOST:
            raise Refused("only blocks of 2 MiB in memslots of 128 MiB")

    def cut(self):
        return SLOT // BLOCK

    def plug(self, do, failing):
        where = self.place(do)
        if where and not self.none_of(*where):
            return "error"
        return super().plug(do, failing)
