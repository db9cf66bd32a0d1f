"""A right virtio-mem device with memslots, as QEMU has it, to be made wrong in one way at a time.

It shares no code with slotproof and is written otherwise: the blocks of the region are the bits of
one whole number, memslots those of another, and its memory is there to be written and read.
"""

from host import Host, bits, runs

MIB, GIB = 1 << 20, 1 << 30
TOP = 1 << 64
RESPONSE = 10
OPENED_BY_RESET = ("device-reset", "system-reset", "wake-up")


class Refused(Exception):
    """The device does not come into being."""


class Device(Host):
    """Each method may be made wrong by a class of the catalogue."""

    def __init__(self, config):
        self.config = config
        self.check(config)
        self.block, self.addr = config["block"], config["addr"]
        self.region, self.limit = config["region"], config["limit"]
        self.total = self.region // self.block
        self.own = config["option"]
        self.per = self.cut() if self.own else self.total
        self.count = -(-self.total // self.per)
        self.plugged = self.backed = self.mapped = self.size = self.usable = 0
        self.requested = config["requested"]
        self.busy = self.broken = self.gone = False
        self.told, self.notified = [], False
        self.ram = {}
        self.turns = 0
        self.fit(shrink=True)

    # The configuration

    def check(self, c):
        block = c["block"]
        if block < MIB or block & block - 1 or block < c["page"]:
            raise Refused("block size")
        self.check_sizes(c)
        if c["option"] and not c["inaccessible"]:
            raise Refused("dynamic-memslots=on needs unplugged-inaccessible=on")
        if not 1 <= c["limit"] < 1 << 32:
            raise Refused("limit")

    def check_sizes(self, c):
        if not c["region"] or c["region"] % c["block"]:
            raise Refused("region size")
        if c["addr"] % c["block"] or c["addr"] + c["region"] >= TOP:
            raise Refused("address")
        if c["requested"] % c["block"] or c["requested"] > c["region"]:
            raise Refused("requested size")

    def cut(self):
        """Blocks of each memslot but the last."""
        if self.limit < 2:
            return self.total
        share = -(-(self.region // self.limit) // self.block)
        return min(max(share, GIB // self.block, 1), self.total)

    def layout(self):
        """The last memslot has what is left."""
        last = self.total - (self.count - 1) * self.per
        sizes = {"size": self.per * self.block, "last": last * self.block}
        return {"count": self.count} | sizes

    def fit(self, shrink):
        """The usable region follows the requested size."""
        wanted = self.wanted() if self.requested else 0
        if wanted >= self.usable or shrink:
            self.usable = wanted

    def wanted(self):
        reach = self.requested + self.config["extent"]
        return min(-(-reach // self.block) * self.block, self.region)

    # Requests of the guest

    def place(self, do):
        """First block and number of blocks of a request that names usable blocks only."""
        offset = do["addr"] - self.addr
        if offset < 0 or offset % self.block or not do["blocks"]:
            return None
        if offset + do["blocks"] * self.block > self.usable:
            return None
        return offset // self.block, do["blocks"]

    def fits(self, count):
        """So many blocks more do not exceed the requested size."""
        return self.size + count * self.block <= self.requested

    def none_of(self, first, count):
        return not self.plugged & bits(first, count)

    def all_of(self, first, count):
        return self.plugged & bits(first, count) == bits(first, count)

    def plug(self, do, failing):
        if (where := self.place(do)) is None:
            return "error"
        if not self.fits(where[1]):
            return "nack"
        if not self.none_of(*where):
            return "error"
        if self.busy or self.cannot_prepare(failing):
            return "busy"
        before = self.mapped
        self.map(*where)
        if "populate" in failing:
            return self.refused(before, *where)
        self.populate(*where)
        return "ack"

    def cannot_prepare(self, failing):
        return self.config["prealloc"] and "prealloc" in failing

    def refused(self, before, first, count):
        """A listener refuses: nothing has happened."""
        self.mapped = before
        return "busy"

    def populate(self, first, count):
        self.plugged |= bits(first, count)
        self.size += count * self.block
        self.hear("populate", first, count)

    def unplug(self, do, failing):
        if (where := self.place(do)) is None or not self.all_of(*where):
            return "error"
        if self.busy or "discard" in failing:
            return "busy"
        self.release(*where)
        return "ack"

    def release(self, first, count):
        """Unplug blocks: their memory goes back to the host, then their memslots go."""
        self.hear("discard", first, count)
        self.plugged &= ~bits(first, count)
        self.size -= count * self.block
        self.discard(first, count)
        self.unmap(first, count)

    def unplug_all(self, do, failing):
        if self.size:
            if self.busy or "discard" in failing:
                return "busy"
            self.release_all()
        self.fit(shrink=True)
        return "ack"

    def release_all(self):
        for first, count in list(runs(self.plugged)):
            self.release(first, count)

    def state(self, do, failing):
        if (where := self.place(do)) is None:
            return "error"
        return "ack", self.state_of(*where)

    def state_of(self, first, count):
        if self.none_of(first, count):
            return "unplugged"
        return "plugged" if self.all_of(first, count) else "mixed"

    def unknown(self, do, failing):
        self.broken = self.notified = True
        return "violation"

    def short(self, do, failing):
        return self.unknown(do, failing)

    # Events of the host

    def negotiate(self, do, failing):
        return "refused" if self.config["inaccessible"] and not do["value"] else "done"

    def resize(self, do, failing):
        if do["value"] % self.block or do["value"] > self.region:
            return "refused"
        self.request(do["value"])
        self.notified = True
        return "done"

    def request(self, size):
        if size != self.requested:
            self.requested = size
            self.fit(shrink=False)

    def device_reset(self, do, failing):
        self.broken = False
        return "done"

    def system_reset(self, do, failing):
        self.unplug_all(do, failing)
        return self.device_reset(do, failing)

    def wake_up(self, do, failing):
        return self.device_reset(do, failing)

    def migration_start(self, do, failing):
        self.busy = True
        return "done"

    def migration_end(self, do, failing):
        self.busy = False
        return "done"

    def migration_in(self, do, failing):
        """Only blocks, sizes and memory are in the stream; the rest follows from the blocks."""
        self.busy = False
        self.mapped = 0
        for first, count in runs(self.plugged):
            self.map(first, count)
            self.hear("populate", first, count)
        return "done"

    def unrealize(self, do, failing):
        if not self.config["inaccessible"] or self.busy or self.size or self.requested:
            return "refused"
        self.gone = True
        return "done"

    # The queue

    more = ()
    """What it can do and show beyond the rest."""

    def together(self, requests):
        """Carry out requests that came with one notification: answer, state and used length."""
        done, told, notified = [], [], False
        for each in requests:
            done.append(self.do(each))
            told, notified = told + self.told, notified or self.notified
        self.told, self.notified = told, notified
        return [(answer, state, self.used(answer)) for answer, state in done]

    def used(self, answer):
        """The length that comes with a response, in bytes."""
        return RESPONSE if answer in ("ack", "nack", "busy", "error") else None

    # One operation

    def do(self, do):
        """Carry out one operation; the answer, and the state of a STATE request."""
        self.told, self.notified = [], False
        self.turns += 1
        op = do["op"].replace("-", "_")
        if do["op"] in REQUESTS:
            if self.gone or self.broken:
                return "silent", None
        elif self.gone:
            return "refused", None
        answer = getattr(self, op)(do, do.get("fail", ()))
        return answer if isinstance(answer, tuple) else (answer, None)

    def show(self):
        if self.gone:
            return {}
        seen = {"usable": self.usable, "size": self.size % TOP, "requested": self.requested}
        seen["held"] = self.held()
        if self.own:
            seen["mapped"] = [[first, first + count] for first, count in runs(self.mapped)]
        return seen

    def constants(self):
        return {"block": self.block, "addr": self.addr, "region": self.region, "node": 0}


REQUESTS = ("plug", "unplug", "unplug-all", "state", "unknown", "short")
EVENTS = ("negotiate", "resize", "device-reset", "system-reset", "wake-up", "unrealize")
EVENTS += ("migration-start", "migration-end", "migration-in")
FAILURES = ("fail-discard", "fail-prealloc", "fail-populate")
VIEWS = ("usable", "size", "requested", "mapped", "notified", "slots", "constants")
VIEWS += ("memory", "held", "told", "maps-plugged", "bad-config")
