"""STATE requests, nonsense, and drivers that are answered wrongly."""

import sys

from fault import STATES, Fault
from host import bits


class MisalignedState(Fault):
    """STATE rounds a misaligned address down to its block."""

    found_by = ("state-misaligned-is-error",)

    def state(self, do, failing):
        return super().state(do | {"addr": do["addr"] // self.block * self.block}, failing)


class MixedIsPlugged(Fault):
    """STATE says plugged of a partly plugged range."""

    found_by = STATES

    def state_of(self, first, count):
        told = super().state_of(first, count)
        return "plugged" if told == "mixed" else told


class StateOfFirst(Fault):
    """STATE looks at the first block only."""

    found_by = STATES

    def state_of(self, first, count):
        return super().state_of(first, 1)


class StateOfEnds(Fault):
    """STATE looks at the first and the last block only."""

    found_by = STATES

    def state_of(self, first, count):
        ends = {super(StateOfEnds, self).state_of(at, 1) for at in (first, first + count - 1)}
        return "mixed" if len(ends) == 2 else ends.pop()


class OneHoleUnseen(Fault):
    """STATE overlooks a single unplugged block among more than 64."""

    found_by = ("state-mixed", "state-plugged", "listeners-know-plugged", "state")

    def state_of(self, first, count):
        told = super().state_of(first, count)
        missing = count - (self.plugged & bits(first, count)).bit_count()
        return "plugged" if told == "mixed" and missing == 1 and count > 64 else told


class StateBusy(Fault):
    """STATE is answered by BUSY during a migration."""

    found_by = (
        "state-is-acknowledged",
        "state-empty-is-error",
        "state-outside-is-error",
        "state-misaligned-is-error",
    )

    def state(self, do, failing):
        return "busy" if self.busy else super().state(do, failing)


class StateOfMapped(Fault):
    """STATE says plugged of blocks in a mapped memslot."""

    found_by = STATES

    def state_of(self, first, count):
        told = super().state_of(first, count)
        within = self.own and self.mapped & bits(*self.slots(first, count))
        return "plugged" if told == "unplugged" and within else told


class UnknownStaysBroken(Fault):
    """After an unknown request a device reset does not help."""

    found_by = ("answers-every-request", "answer")

    def device_reset(self, do, failing):
        return "done"


class UnknownKills(Fault):
    """The program ends at an unknown request."""

    found_by = ("died",)

    def unknown(self, do, failing):
        sys.exit("thread 'virtio-mem' panicked: unknown request")


class ShortAnswered(Fault):
    """A request in buffers that are too small is acknowledged."""

    found_by = ("answer",)

    def short(self, do, failing):
        return "ack"


class AnyDriver(Fault):
    """A driver without UNPLUGGED_INACCESSIBLE is accepted."""

    found_by = ("answer",)

    def negotiate(self, do, failing):
        return "done"


class GoesWhileRequested(Fault):
    """The device can be unplugged from the machine while memory is requested."""

    found_by = ("answer",)

    def unrealize(self, do, failing):
        requested, self.requested = self.requested, 0
        answer = super().unrealize(do, failing)
        self.requested = requested
        return answer
