"""What a wrong device says of itself."""

from device import Device

STATES = (
    "state-mixed",
    "state-plugged",
    "state-unplugged",
    "config-plugged-size",
    "listeners-know-plugged",
    "state",
)
"""What may find a device whose STATE says what is not so."""


class Fault(Device):
    """Wrong in the way that the docstring of the class says; `found_by` names what must find it.

    A claim, a rule, a scenario or a field that differs from the profile, by the name in a report.
    """

    found_by = ()

    @classmethod
    def described(cls):
        says = " ".join(cls.__doc__.split())
        return {"fault": name_of(cls), "says": says, "found_by": list(cls.found_by)}


def name_of(cls):
    """The class name in words: UnmapEarly is unmap-early."""
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__)
    return words.lstrip("-")
