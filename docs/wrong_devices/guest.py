"""The guest on the device: it writes to plugged memory after every step, and reads it again."""

REMEMBERED = 16


class Guest:
    """What was written, by the offset into the region, and must still be there."""

    def __init__(self):
        self.written = {}
        self.value = 0

    def use(self, device, do, seen):
        """Read what is left, write anew; the probes of one step."""
        self.forget(device, do, seen)
        probes = [self.probe(device, offset, False) for offset in self.written]
        for offset in self.places(device, do, seen):
            self.write(device, offset)
            probes.append(self.probe(device, offset, True))
            if seen["answer"] != "ack" or do["op"] != "plug":
                del self.written[offset]
        for offset in list(self.written)[:-REMEMBERED]:
            del self.written[offset]
        # Written again, as a guest does all the time: a migration must bring the newest.
        for offset in self.written:
            self.write(device, offset)
        return probes

    def write(self, device, offset):
        self.value += 1
        self.written[offset] = self.value
        device.write(offset, self.value)

    def probe(self, device, offset, fresh):
        held = device.read(offset) == self.written[offset]
        return {"addr": device.addr + offset, "fresh": fresh, "held": held}

    def forget(self, device, do, seen):
        """What was unplugged may have changed."""
        if not seen.get("size"):
            self.written = {}
        elif do["op"] == "unplug" and seen["answer"] == "ack":
            start = do["addr"] - device.addr
            end = start + do["blocks"] * device.block
            for offset in [offset for offset in self.written if start <= offset < end]:
                del self.written[offset]

    def places(self, device, do, seen):
        """The first and the last byte of the first and the last block of a request."""
        if do["op"] not in ("plug", "unplug") or seen["answer"] != "ack":
            return []
        start, block = do["addr"] - device.addr, device.block
        end = start + do["blocks"] * block
        if start % block or not 0 <= start < end <= device.region:
            return []
        places = dict.fromkeys([start, start + block - 1, end - block, end - 1])
        if do["op"] == "plug":
            device.touch(start // block, do["blocks"])
            return places
        if not device.own:
            return []
        return [at for at in places if not device.mapped >> at // block // device.per & 1]
