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


class DriverRefused(Fault):
    """A driver without UNPLUGGED_INACCESSIBLE is refused by a device that does not offer it."""

    found_by = ("init-accepts-not-offered", "answer")

    def negotiate(self, do, failing):
        return "done" if do["value"] else "refused"


class StateRemembered(Fault):
    """STATE of the range asked for last is told from memory, unless a block before it changed."""

    found_by = (*STATES, "mixed-range")

    last = None

    def state_of(self, first, count):
        if self.last is None or self.last[:2] != (first, count):
            self.last = first, count, super().state_of(first, count)
        return self.last[2]

    def forget(self, first):
        if self.last is not None and first <= self.last[0]:
            self.last = None

    def populate(self, first, count):
        self.forget(first)
        super().populate(first, count)

    def release(self, first, count):
        self.forget(first)
        super().release(first, count)


class StateAcrossIsMixed(Fault):
    """STATE says mixed of plugged blocks in more than one memslot."""

    found_by = STATES

    def state_of(self, first, count):
        told = super().state_of(first, count)
        return "mixed" if told == "plugged" and self.slots(first, count)[1] > 1 else told


class DoneAfterReset(Fault):
    """A PLUG that a broken device did not answer is carried out with the next device reset."""

    found_by = ("init-reset-keeps-blocks", "size", "config-plugged-size")

    waiting = None

    def do(self, do):
        if self.broken and do["op"] == "plug":
            self.waiting = do
        return super().do(do)

    def device_reset(self, do, failing):
        answer = super().device_reset(do, failing)
        if self.waiting is not None:
            self.plug(self.waiting, ())
        self.waiting = None
        return answer


class GoesWhileRequested(Fault):
    """The device can be unplugged from the machine while memory is requested."""

    found_by = ("answer",)

    def unrealize(self, do, failing):
        requested, self.requested = self.requested, 0
        answer = super().unrealize(do, failing)
        self.requested = requested
        return answer


class GoesWhileBusy(Fault):
    """The device can be unplugged from the machine while it is migrated."""

    found_by = ("answer",)

    def unrealize(self, do, failing):
        busy, self.busy = self.busy, False
        answer = super().unrealize(do, failing)
        self.busy = busy
        return answer


class GoneAnswers(Fault):
    """A device that was unplugged from the machine answers requests still."""

    found_by = ("answer",)

    def unrealize(self, do, failing):
        answer = super().unrealize(do, failing)
        self.gone = False
        return answer
