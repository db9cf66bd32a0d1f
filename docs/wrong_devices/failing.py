"""Faults of devices whose host fails for one memslot of several, and is told which."""

from fault import Fault
from host import bits


class MemslotFault(Fault):
    """A device for which one memslot can fail alone."""

    more = ("fail-memslot",)
    at = 0

    def do(self, do):
        self.at = do.get("memslot", 0)
        return super().do(do)

    def before(self, first, count):
        """First memslot of a range, and how many come before the one that fails."""
        start, number = self.slots(first, count)
        return start, max(min(self.at, number) - 1, 0)


class MemslotsBeforeKept(MemslotFault):
    """Where a memslot cannot be mapped those before it in the range stay mapped."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def refused(self, before, first, count):
        self.mapped = before | (bits(*self.before(first, count)) if self.own else 0)
        return "busy"


class FailedMemslotKept(MemslotFault):
    """The very memslot that could not be mapped counts as mapped."""

    found_by = ("memslot-mapped-for-block", "mapped")

    def refused(self, before, first, count):
        start, earlier = self.before(first, count)
        self.mapped = before | (bits(start + earlier, 1) if self.own and self.at else 0)
        return "busy"


class MemslotsBeforeDiscarded(MemslotFault):
    """An UNPLUG that fails for a memslot has discarded the memory of those before it."""

    found_by = ("memory-plugged-kept", "memory")

    def unplug(self, do, failing):
        answer = super().unplug(do, failing)
        if answer == "busy" and "discard" in failing:
            first, count = self.place(do)
            start, earlier = self.before(first, count)
            self.discard(first, min((start + earlier) * self.per, first + count) - first)
        return answer
