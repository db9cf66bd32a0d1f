"""The host's side of a device: memslots, the memory behind them, and listeners."""


def bits(first, count):
    """A number with `count` bits set from bit `first` on."""
    return ((1 << max(count, 0)) - 1) << first


def runs(number):
    """(first, count) of each run of set bits."""
    at = 0
    while number:
        skip = (number & -number).bit_length() - 1
        number >>= skip
        length = (~number & number + 1).bit_length() - 1
        yield at + skip, length
        number >>= length
        at += skip + length


class Host:
    """What a device does to its host. The device's blocks and sizes are set by the class below."""

    def slots(self, first, count):
        """(first, count) of the memslots that blocks touch."""
        start = first // self.per
        return start, (first + count - 1) // self.per + 1 - start

    def map(self, first, count):
        if self.own:
            self.mapped |= bits(*self.slots(first, count))

    def unmap(self, first, count):
        """Unmap those of the blocks' memslots that hold no plugged block."""
        start, number = self.slots(first, count)
        for slot in range(start, start + number):
            if self.own and self.empty(slot):
                self.mapped &= ~bits(slot, 1)

    def empty(self, slot):
        return not self.plugged & bits(slot * self.per, self.per)

    def discard(self, first, count):
        """Give the memory of blocks back."""
        self.backed &= ~bits(first, count)
        start, end = first * self.block, (first + count) * self.block
        for offset in [offset for offset in self.ram if start <= offset < end]:
            del self.ram[offset]

    def reachable(self, offset):
        """There is memory at an offset into the region."""
        block = offset // self.block
        return not self.own or bool(self.mapped >> block // self.per & 1)

    def write(self, offset, value):
        if self.reachable(offset):
            self.ram[offset] = value

    def touch(self, first, count):
        """The guest wrote all over plugged blocks: the host has memory behind them."""
        self.backed |= bits(first, count)

    def read(self, offset):
        return self.ram.get(offset, 0) if self.reachable(offset) else 0

    def hear(self, heard, first, count):
        start, size = self.addr + first * self.block, count * self.block
        self.told.append({"heard": heard, "addr": start, "size": size})

    def held(self):
        """Bytes that the host spends on the region, and on each memslot with any."""
        most = [self.part(0, self.total)]
        slots = sorted({first // self.per for first, _ in runs(self.backed)})[:64]
        return most + [self.part(slot * self.per, self.per) for slot in slots]

    def part(self, first, count):
        count = min(count, self.total - first)
        memory = (self.backed & bits(first, count)).bit_count() * self.block
        size = count * self.block
        return {"addr": self.addr + first * self.block, "size": size, "held": memory}
