"""Views that are promised and say nothing, or say what cannot be."""

from fault import Fault


class TellsOfNoMemory(Fault):
    """No range of host memory is ever told of."""

    found_by = ("memory-accounted",)

    def held(self):
        return []


class NothingHeld(Fault):
    """The host is said to hold no memory at all, whatever was written."""

    found_by = ("memory-accounted",)

    def held(self):
        return [part | {"held": 0} for part in super().held()]


class HeldElsewhere(Fault):
    """Host memory is told of for the last block of the region alone."""

    found_by = ("memory-accounted",)

    def held(self):
        return [self.part(self.total - 1, 1)]


class NeverShown(Fault):
    """`hidden` is promised, and never shown."""

    hidden = ""

    def show(self):
        seen = super().show()
        seen.pop(self.hidden, None)
        return seen


class HeldNeverShown(NeverShown):
    """Host memory is promised as a view, and never shown."""

    found_by = ("held",)
    hidden = "held"


class MappedNeverShown(NeverShown):
    """Mapped memslots are promised as a view, and never shown."""

    found_by = ("mapped",)
    hidden = "mapped"


class SizeNeverShown(NeverShown):
    """The plugged size is promised as a view, and never shown."""

    found_by = ("size",)
    hidden = "size"


class NodeOfTheDestination(Fault):
    """After a migration another node is shown."""

    found_by = ("config-constant",)

    moved = 0

    def migration_in(self, do, failing):
        self.moved = 1
        return super().migration_in(do, failing)

    def show(self):
        seen = super().show()
        return seen | {"constants": self.constants() | {"node": self.moved}} if seen else seen
