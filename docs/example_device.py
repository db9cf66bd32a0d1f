#!/usr/bin/env python3
"""An example device for `slotproof check --target cmd:...`: the protocol in one short program.

It needs nothing but Python and shares no code with slotproof. It thinks in blocks, keeps one
bytearray a memslot, and knows two revisions, `qemu` and `seed-v2`. `--bug NAME` makes it wrong in
one way, so that the checker itself can be checked. See protocol.md beside this file.
"""

import argparse
import json
import sys

BUGS = {
    "floor-slots": "a short last memslot is merged into the one before",
    "last-slot-full-size": "the last memslot is as big as the others, whatever is left for it",
    "no-minimum": "memslots may be smaller than 1 GiB",
    "forget-activate": "plugging maps the first memslot of a range only",
    "never-unmap": "a memslot without plugged blocks stays mapped",
    "unmap-early": "unplugging unmaps memslots that still hold plugged blocks",
    "no-rollback": "a refused plug leaves its memslots mapped",
    "busy-ack": "UNPLUG is carried out during migration",
    "size-drift": "a failed UNPLUG is subtracted from the plugged size",
    "usable-edge": "a range may end one block beyond the usable region",
    "over-request": "PLUG may exceed the requested size",
    "state-mixed": "a partly plugged range is reported as plugged",
    "silent-resize": "a new requested size is not notified",
    "migration-forgets": "an incoming migration maps nothing",
}
GIB = 1 << 30

REQUESTS = ("plug", "unplug", "unplug-all", "state", "unknown", "short")
EVENTS = ("negotiate", "resize", "device-reset", "system-reset", "wake-up", "unrealize")
EVENTS += ("migration-start", "migration-end", "migration-in")
FAULTS = ("fail-discard", "fail-prealloc", "fail-populate")
VIEWS = ("usable", "size", "requested", "mapped", "notified", "slots", "constants", "held", "told")


class Refused(Exception):
    """The device does not come into being."""


class Device:
    def __init__(self, profile, config, bug):
        if profile not in ("qemu", "seed-v2"):
            raise Refused(f"profile {profile}: only qemu and seed-v2 are implemented")
        self.old = profile == "seed-v2"
        self.bug = bug
        self.block = config["block"]
        self.addr, self.region = config["addr"], config["region"]
        self.reach = config["extent"]
        self.prealloc = config["prealloc"]
        self.offered = config["inaccessible"]
        self.total = config["region"] // self.block
        # Without the option QEMU has no memslots of its own; patch v2 keeps a single one.
        self.own_slots = config["option"] or self.old
        if config["option"] and not self.offered and not self.old:
            raise Refused("dynamic-memslots=on needs unplugged-inaccessible=on")
        self.slots = self.cut(config["limit"] if config["option"] else 1)
        self.per = len(self.slots[0])
        self.mapped = [False] * len(self.slots)
        self.plugged = 0
        self.requested = config["requested"] // self.block
        self.usable = 0
        self.busy = self.broken = self.gone = False
        self.told = []
        self.fit(shrink=True)
        self.fresh = list(self.mapped)

    def cut(self, limit):
        """The region as a list of bytearrays, a byte a block (1: plugged)."""
        per = self.total
        if limit > 1:
            per = -(-self.total // limit)
            if self.bug != "no-minimum":
                per = max(per, GIB // self.block, 1)
        starts = range(0, self.total, per)
        slots = [bytearray(min(per, self.total - start)) for start in starts]
        if self.bug == "last-slot-full-size" and len(slots) > 1:
            slots[-1] = bytearray(per)
        if self.bug == "floor-slots" and len(slots) > 1 and len(slots[-1]) < per:
            short = slots.pop()
            slots[-1] += short
        return slots

    def pieces(self, first, count):
        """(memslot, from, to) for each memslot that the blocks touch."""
        while count > 0:
            slot = min(first // self.per, len(self.slots) - 1)
            inside = first - slot * self.per
            length = min(count, len(self.slots[slot]) - inside)
            yield slot, inside, inside + length
            first, count = first + length, count - length

    def tell(self, first, count):
        """The number of plugged blocks of a range."""
        return sum(self.slots[slot].count(1, a, b) for slot, a, b in self.pieces(first, count))

    def fit(self, shrink):
        """Fit the usable region to the requested size."""
        wanted = 0
        if self.requested:
            wanted = -(-(self.requested * self.block + self.reach) // self.block)
            wanted = min(wanted, self.total)
        if wanted < self.usable and not shrink:
            return
        self.usable = wanted
        if self.own_slots and not self.offered:
            self.mapped = [slot * self.per < wanted for slot in range(len(self.slots))]

    def tidy(self, slots):
        """Unmap those of the memslots that hold no plugged block."""
        if self.own_slots and self.offered and self.bug != "never-unmap":
            for slot in slots:
                if self.bug == "unmap-early" or 1 not in self.slots[slot]:
                    self.mapped[slot] = False

    def hear(self, heard, first, count):
        """Listeners to the device's memory take note of blocks."""
        start, size = self.addr + first * self.block, count * self.block
        if self.told and self.told[-1]["heard"] == heard:
            last = self.told[-1]
            if last["addr"] + last["size"] == start:
                last["size"] += size
                return
        self.told.append({"heard": heard, "addr": start, "size": size})

    def fill(self, first, count, byte):
        self.hear("populate" if byte else "discard", first, count)
        for slot, a, b in self.pieces(first, count):
            self.slots[slot][a:b] = bytes([byte]) * (b - a)

    def place(self, do):
        """First block and number of blocks of a request, None if the guest may not name them."""
        offset, odd = divmod(do["addr"] - self.addr, self.block)
        edge = self.usable + (self.bug == "usable-edge" and self.usable < self.total)
        if odd or do["blocks"] == 0 or not 0 <= offset < self.usable:
            return None
        return (offset, do["blocks"]) if offset + do["blocks"] <= edge else None

    # Each operation returns its answer, or the answer and further things to be seen.

    def plug(self, do, fails):
        where = self.place(do)
        if where is None:
            return "error"
        if self.plugged + where[1] > self.requested and self.bug != "over-request":
            return "nack"
        if self.tell(*where):
            return "error"
        if self.busy or (self.prealloc and "prealloc" in fails):
            return "busy"
        touched = [slot for slot, _, _ in self.pieces(*where)]
        if self.own_slots and self.offered:
            for slot in touched[:1] if self.bug == "forget-activate" else touched:
                self.mapped[slot] = True
        if "populate" in fails:
            if self.bug != "no-rollback":
                self.tidy(touched)
            return "busy"
        self.fill(*where, 1)
        self.plugged += where[1]
        return "ack"

    def unplug(self, do, fails):
        where = self.place(do)
        if where is None or self.tell(*where) < where[1]:
            return "error"
        if (self.busy and self.bug != "busy-ack") or "discard" in fails:
            if self.bug == "size-drift":
                self.plugged -= where[1]
            return "busy"
        self.fill(*where, 0)
        self.plugged -= where[1]
        self.tidy([slot for slot, _, _ in self.pieces(*where)])
        return "ack"

    def unplug_all(self, do, fails):
        if self.busy and (self.old or self.plugged):
            return "busy"
        if self.plugged:
            if "discard" in fails:
                return "busy"
            self.fill(0, self.total, 0)
            self.plugged = 0
            self.tidy(range(len(self.slots)))
        self.fit(shrink=True)
        return "ack"

    def state(self, do, fails):
        where = self.place(do)
        if where is None:
            return "error"
        told = self.tell(*where)
        mixed = "plugged" if self.bug == "state-mixed" else "mixed"
        return "ack", {"state": {0: "unplugged", where[1]: "plugged"}.get(told, mixed)}

    def unknown(self, do, fails):
        self.broken = True
        # The driver is told that the device needs a reset.
        return "violation", {"notified": True}

    short = unknown

    def negotiate(self, do, fails):
        return "refused" if self.offered and not do["value"] else "done"

    def resize(self, do, fails):
        blocks, odd = divmod(do["value"], self.block)
        if odd or blocks > self.total:
            return "refused"
        if blocks != self.requested:
            self.requested = blocks
            self.fit(shrink=False)
        return "done", {"notified": self.bug != "silent-resize"}

    def device_reset(self, do, fails):
        self.broken = False
        return "done"

    def system_reset(self, do, fails):
        self.unplug_all(do, fails)
        return self.device_reset(do, fails)

    def wake_up(self, do, fails):
        return self.system_reset(do, fails) if self.old else self.device_reset(do, fails)

    def migration_start(self, do, fails):
        self.busy = True
        return "done"

    def migration_end(self, do, fails):
        self.busy = False
        return "done"

    def migration_in(self, do, fails):
        self.busy = False
        self.mapped = list(self.fresh)
        if not self.old and self.bug != "migration-forgets":
            self.mapped = [self.own_slots and 1 in slot for slot in self.slots]
        # The device was moved: those that listen to the new one hear of every plugged block.
        for number, slot in enumerate(self.slots):
            first = slot.find(1)
            while first >= 0:
                end = (slot.find(0, first) + 1 or len(slot) + 1) - 1
                self.hear("populate", number * self.per + first, end - first)
                first = slot.find(1, end)
        return "done"

    def unrealize(self, do, fails):
        if not self.offered or self.busy or self.plugged or self.requested:
            return "refused"
        self.gone = True
        return "done"

    def do(self, do):
        """Carry out one operation and show the device afterwards."""
        more, self.told = {}, []
        if do["op"] in REQUESTS and (self.gone or self.broken):
            answer = "silent"
        elif self.gone:
            answer = "refused"
        else:
            answer = getattr(self, do["op"].replace("-", "_"))(do, do.get("fail", ()))
        if isinstance(answer, tuple):
            answer, more = answer
        shown = self.show()
        return {"answer": answer} | shown | ({"told": self.told} if shown else {}) | more

    def show(self):
        if self.gone:
            return {}
        seen = {
            "usable": self.usable * self.block,
            "size": max(self.plugged, 0) * self.block,
            "requested": self.requested * self.block,
            "notified": False,
        }
        if self.own_slots:
            seen["mapped"] = runs(self.mapped)
        # No memory stands behind this device: it claims to hold what a guest wrote all over.
        held = max(self.plugged, 0) * self.block
        seen["held"] = [{"addr": self.addr, "size": self.region, "held": held}]
        return seen

    def layout(self):
        """What never changes, and how a device with memslots of its own cut the region."""
        constants = {"block": self.block, "addr": self.addr, "region": self.region, "node": 0}
        if not self.own_slots:
            return {"constants": constants}
        first, last = len(self.slots[0]), len(self.slots[-1])
        count = len(self.slots)
        slots = {"count": count, "size": first * self.block, "last": last * self.block}
        return {"constants": constants, "slots": slots}


def runs(mapped):
    """[start, end) of each run of mapped memslots."""
    found = []
    for slot, there in enumerate(mapped):
        if there and found and found[-1][1] == slot:
            found[-1][1] = slot + 1
        elif there:
            found.append([slot, slot + 1])
    return found


def main():
    parser = argparse.ArgumentParser(description="An example device that speaks JSON lines.")
    parser.add_argument("--bug", choices=BUGS, help="be wrong in this way")
    bug = parser.parse_args().bug
    device = None
    for line in sys.stdin:
        ((kind, body),) = json.loads(line).items()
        if kind == "hello":
            able = REQUESTS + EVENTS + FAULTS + VIEWS
            answer = {"hello": {**body, "name": "example device", "capabilities": able}}
        elif kind == "start":
            try:
                device = Device(body["profile"], body["config"], bug)
                answer = {"see": {"answer": "done"} | device.show() | device.layout()}
            except Refused as reason:
                answer = {"refuse": str(reason)}
        elif kind == "do":
            answer = {"see": device.do(body)}
        else:
            break
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
