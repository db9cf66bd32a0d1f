"""Faults that show only late in the life of a device, or once many ranges are plugged."""

from fault import STATES, Fault
from host import bits, runs


class LateState(Fault):
    """After 70 operations STATE says plugged of a partly plugged range."""

    found_by = STATES

    def state_of(self, first, count):
        told = super().state_of(first, count)
        return "plugged" if told == "mixed" and self.turns > 70 else told


class LateMigration(Fault):
    """After 61 operations a migration brings no memslot and no memory."""

    found_by = ("memslot-of-plugged-mapped", "memory-plugged-kept", "mapped")

    def migration_in(self, do, failing):
        answer = super().migration_in(do, failing)
        if self.turns > 61:
            self.mapped, self.ram = 0, {}
        return answer


class TwentiethResizeSilent(Fault):
    """The twentieth requested size is not notified."""

    found_by = ("config-change-notified", "notified")

    sizes = 0

    def resize(self, do, failing):
        answer = super().resize(do, failing)
        self.sizes += answer == "done"
        self.notified = self.notified and self.sizes != 20
        return answer


class FifthResetKeeps(Fault):
    """From the fifth system reset on all blocks stay plugged."""

    found_by = ("reset-unplugs-all", "size", "usable")

    resets = 0

    def system_reset(self, do, failing):
        self.resets += 1
        return super().system_reset(do, failing) if self.resets < 5 else self.device_reset(do, ())


class LeaksAfterThousandTurns(Fault):
    """After 1,040 unplugs memslots without blocks stay mapped."""

    found_by = ("memslots-reused", "memslot-goes-with-last-block")

    taken = 0

    def unmap(self, first, count):
        self.taken += 1
        if self.taken < 1040:
            super().unmap(first, count)


class LateUnplugAll(Fault):
    """The tenth UNPLUG_ALL and those after it leave the plugged size."""

    found_by = ("unplug-all-empties", "unusable-blocks-unplugged", "size")

    cleared = 0

    def release_all(self):
        self.cleared += 1
        size = self.size
        super().release_all()
        if self.cleared >= 10:
            self.size = size


class SixteenthNonsenseStays(Fault):
    """A device reset helps against the first fifteen requests of unknown types only."""

    found_by = ("answers-every-request", "answer")

    wrong = 0

    def unknown(self, do, failing):
        self.wrong += 1
        return super().unknown(do, failing)

    def device_reset(self, do, failing):
        broken = self.broken
        answer = super().device_reset(do, failing)
        self.broken = broken and self.wrong > 15
        return answer


class UnplugAllSixRanges(Fault):
    """UNPLUG_ALL unplugs the first six plugged ranges."""

    found_by = ("unplug-all-empties", "size")

    def release_all(self):
        for first, count in list(runs(self.plugged))[:6]:
            self.release(first, count)


class MigrationEightRanges(Fault):
    """The eight first plugged ranges are in a migration's stream, and the size of all."""

    found_by = ("config-plugged-size", "many-plugged-ranges", "answer", "size", "told", "mapped")

    def migration_in(self, do, failing):
        for first, count in list(runs(self.plugged))[8:]:
            self.plugged &= ~bits(first, count)
        return super().migration_in(do, failing)


class ResetTwentyRanges(Fault):
    """A system reset unplugs the first twenty plugged ranges."""

    found_by = ("reset-unplugs-all", "size", "usable")

    def system_reset(self, do, failing):
        kept = list(runs(self.plugged))[20:]
        answer = super().system_reset(do, failing)
        for first, count in kept if not self.size else ():
            self.map(first, count)
            self.populate(first, count)
        return answer


class WakeUpTwelveRanges(Fault):
    """After a wake-up the blocks of the first twelve plugged ranges have their memslots."""

    found_by = ("memslot-of-plugged-mapped", "memory-plugged-kept", "mapped")

    def wake_up(self, do, failing):
        some = list(runs(self.plugged))
        if len(some) > 12:
            self.mapped = 0
            for first, count in some[:12]:
                self.map(first, count)
        return super().wake_up(do, failing)
