"""Every device normative statement of VIRTIO's Memory Device section, by an id and in our words.

Source: VIRTIO, device type 24, the subsections marked device normative; read at the text of the
1.4 development branch. A rule of level TEXT is no normative statement: it is what the description
around them says; those of the levels HOST and NEED stand beside the text. `unjudged` says why
nothing that is seen of a device can break a rule. A device that reads what it has to ignore breaks
the rule about the answer it then gets wrong: the `-ignored` ones count how often arbitrary bytes
were there (capability `padding`).
"""

from __future__ import annotations

from typing import Final

from conformance.judge.virtio.host_rules import HOST_RULES, NEED_RULES
from conformance.judge.virtio.rule import Level, Rule

_LAYOUT: Final = "Memory Device / Device configuration layout"
_INIT: Final = "Memory Device / Device Initialization"
_OPERATION: Final = "Memory Device / Device Operation"

_PROPERTIES: Final = "memory properties (such as storage keys) are not seen"

_CONFIGURATION: Final = (
    Rule("config-may-change", _LAYOUT, Level.MAY, "usable and requested size change at run time"),
    Rule(
        "config-constant",
        _LAYOUT,
        Level.MUST_NOT,
        "block size, node, address and region size change in a system reset only",
        unprofiled=True,
    ),
    Rule(
        "config-plugged-size", _LAYOUT, Level.MUST, "the plugged size is that of the plugged blocks"
    ),
    Rule(
        "config-usable-covers-requested",
        _LAYOUT,
        Level.MUST,
        "the usable region is at least as large as the requested size",
    ),
    Rule("config-block-power-of-two", _LAYOUT, Level.MUST, "the block size is a power of two"),
    Rule(
        "config-whole-blocks",
        _LAYOUT,
        Level.MUST,
        "address, region, usable, plugged and requested size are multiples of the block size",
    ),
    Rule(
        "config-region-size",
        _LAYOUT,
        Level.MUST,
        "the region size is not negative",
        "the field is unsigned",
    ),
    Rule(
        "config-usable-only-grows",
        _LAYOUT,
        Level.MUST_NOT,
        "the usable region shrinks in UNPLUG ALL or a system reset only",
    ),
    Rule(
        "config-change-notified",
        _LAYOUT,
        Level.MUST,
        "another usable or requested size is notified, but for UNPLUG ALL (and a system reset, "
        "after which there is no driver yet)",
    ),
    Rule(
        "config-plugged-not-notified",
        _LAYOUT,
        Level.SHOULD_NOT,
        "another plugged size alone is not notified",
    ),
    Rule("config-may-notify", _LAYOUT, Level.MAY, "a notification comes although nothing changed"),
    Rule(
        "config-usable-within-region",
        _LAYOUT,
        Level.TEXT,
        "the usable region grows up to the region size",
    ),
)
_INITIALIZATION: Final = (
    Rule("init-all-unplugged", _INIT, Level.TEXT, "at first all blocks are unplugged"),
    Rule(
        "init-may-refuse",
        _INIT,
        Level.MAY,
        "the device does not work for a driver without UNPLUGGED_INACCESSIBLE",
    ),
    Rule(
        "init-accepts-not-offered",
        _INIT,
        Level.TEXT,
        "no driver is refused for the lack of UNPLUGGED_INACCESSIBLE where it is not offered",
    ),
    Rule(
        "init-reset-keeps-blocks", _INIT, Level.MUST_NOT, "a device reset changes no block's state"
    ),
    Rule(
        "init-reset-keeps-memory",
        _INIT,
        Level.MUST_NOT,
        "a device reset leaves the memory of plugged blocks alone",
    ),
    Rule(
        "init-offers-persistent-suspend",
        _INIT,
        Level.SHOULD,
        "PERSISTENT_SUSPEND is offered where the platform can suspend with plugged blocks",
        "what a platform can do is not seen",
    ),
)
_IN_OPERATION: Final = (
    Rule(
        "memory-like-ram",
        _OPERATION,
        Level.MUST,
        "device memory has the memory properties of comparable RAM",
        _PROPERTIES,
    ),
    Rule(
        "memory-unplugged-may-change",
        _OPERATION,
        Level.MAY,
        "memory of unplugged blocks changes at any time",
        "a driver does not write there, so no change can be told",
    ),
    Rule(
        "memory-plugged-kept", _OPERATION, Level.MUST_NOT, "memory of plugged blocks is left alone"
    ),
    Rule(
        "memory-plugged-usable",
        _OPERATION,
        Level.MUST,
        "memory of plugged blocks can be read and written",
    ),
    Rule(
        "memory-unplugged-readable",
        _OPERATION,
        Level.MUST,
        "without UNPLUGGED_INACCESSIBLE, unplugged memory of the usable region can be read",
        "a read that fails looks like one that finds zeros",
    ),
    Rule("reset-may-change-blocks", _OPERATION, Level.MAY, "a system reset changes block states"),
    Rule("reset-unplugs-all", _OPERATION, Level.SHOULD, "a system reset unplugs all blocks"),
    Rule(
        "suspend-keeps-blocks",
        _OPERATION,
        Level.MUST_NOT,
        "with PERSISTENT_SUSPEND negotiated, suspend and wake-up change no block's state",
    ),
    Rule(
        "answers-every-request",
        _OPERATION,
        Level.TEXT,
        "a request of a known type gets a response of a known type",
    ),
    Rule(
        "unusable-blocks-unplugged",
        _OPERATION,
        Level.TEXT,
        "blocks outside the usable region are unplugged",
    ),
)


def _request(kind: str, name: str, *rules: Rule) -> tuple[Rule, ...]:
    """The rules of a request; what all of them share first."""
    section = f"{_OPERATION} / {name} request"
    return (
        Rule(
            f"{kind}-rest-ignored",
            section,
            Level.MUST,
            "nothing but the type and its data counts in a request",
        ),
        Rule(f"{kind}-padding-ignored", section, Level.MUST, "padding does not count"),
        *rules,
    )


def _range_rules(kind: str, name: str) -> tuple[Rule, ...]:
    section = f"{_OPERATION} / {name} request"
    what = {
        "misaligned": "an address that is not a multiple of the block size",
        "empty": "no blocks at all",
        "outside": "a block outside the usable region",
    }
    return tuple(
        Rule(f"{kind}-{id}-is-error", section, Level.MUST, f"{text} is answered by ERROR")
        for id, text in what.items()
    )


def _change_rules(kind: str, name: str, done: str) -> tuple[Rule, ...]:
    section = f"{_OPERATION} / {name} request"
    return (
        *_range_rules(kind, name),
        Rule(
            f"{kind}-{done}-is-error",
            section,
            Level.MUST,
            f"a block that is {done} already is answered by ERROR",
        ),
        Rule(f"{kind}-may-busy", section, Level.MAY, "BUSY where it cannot be done now"),
        Rule(
            f"{kind}-done-is-ack",
            section,
            Level.MUST,
            "done is answered by ACK: without one not all that was asked for was done",
        ),
        Rule(
            f"{kind}-in-plugged-size",
            section,
            Level.MUST,
            "with an ACK the plugged size changes by what was asked for",
        ),
    )


_UNPLUG_ALL: Final = f"{_OPERATION} / UNPLUG ALL request"
_STATE: Final = f"{_OPERATION} / STATE request"

RULES: Final = (
    *_CONFIGURATION,
    *_INITIALIZATION,
    *_IN_OPERATION,
    *_request("plug", "PLUG", *_change_rules("plug", "PLUG", "plugged")),
    Rule(
        "plug-enough-is-rejected",
        "Memory Device",
        Level.TEXT,
        "no PLUG is acknowledged once the plugged size has reached the requested size",
    ),
    *_request("unplug", "UNPLUG", *_change_rules("unplug", "UNPLUG", "unplugged")),
    *_request(
        "unplug-all",
        "UNPLUG ALL",
        Rule("unplug-all-may-busy", _UNPLUG_ALL, Level.MAY, "BUSY where it cannot be done now"),
        Rule(
            "unplug-all-done-is-ack",
            _UNPLUG_ALL,
            Level.MUST,
            "done is answered by ACK: without one not all that was asked for was done",
        ),
        Rule("unplug-all-empties", _UNPLUG_ALL, Level.MUST, "with an ACK the plugged size is 0"),
        Rule("unplug-all-may-resize", _UNPLUG_ALL, Level.MAY, "the usable region changes"),
    ),
    *_request(
        "state",
        "STATE",
        *_range_rules("state", "STATE"),
        Rule(
            "state-is-acknowledged",
            _STATE,
            Level.MUST,
            "anything else is answered by ACK with a block state",
        ),
        Rule("state-plugged", _STATE, Level.MUST, "PLUGGED if all blocks are plugged"),
        Rule("state-unplugged", _STATE, Level.MUST, "UNPLUGGED if no block is plugged"),
        Rule("state-mixed", _STATE, Level.MUST, "MIXED if some blocks are plugged and some not"),
    ),
    Rule(
        "used-length",
        "Split Virtqueues / The Virtqueue Used Ring",
        Level.MUST,
        "the used length is that of the response, 10 bytes, whatever room there is",
        unprofiled=True,
    ),
    *HOST_RULES,
    *NEED_RULES,
)
RULE_NAMED: Final = {rule.id: rule for rule in RULES}
UNPROFILED: Final = frozenset(rule.id for rule in RULES if rule.unprofiled)
"""The rules that bind beside any profile: none says what they are about."""
