"""Every driver normative statement of VIRTIO's Memory Device section, by an id and in our words.

Source: VIRTIO, device type 24, the subsections marked driver normative; read at commit 15f488c of
the specification. Statements of level TEXT are what the description says around them; OPEN names
what the text does not settle, which is counted and never a breach.
"""

from __future__ import annotations

from typing import Final

from conformance.judge.virtio.rule import Level, Rule

_LAYOUT: Final = "Memory Device / Device configuration layout"
_INIT: Final = "Memory Device / Device Initialization"
_OPERATION: Final = "Memory Device / Device Operation"
_ZEROS: Final = "QEMU writes zeros there, so a driver that looks there sees what it should"

_START: Final = (
    Rule(
        "driver-config-read-only",
        _LAYOUT,
        Level.MUST_NOT,
        "the driver writes to the device configuration",
    ),
    Rule(
        "driver-config-padding",
        _LAYOUT,
        Level.MUST,
        "the driver ignores the padding of the configuration",
        _ZEROS,
    ),
    Rule(
        "driver-node-ignored",
        _LAYOUT,
        Level.MUST,
        "without ACPI_PXM the driver ignores node_id",
        "a QEMU machine with ACPI always offers ACPI_PXM",
    ),
    Rule(
        "driver-accepts-inaccessible",
        _INIT,
        Level.SHOULD,
        "UNPLUGGED_INACCESSIBLE is accepted where it is offered",
    ),
    Rule(
        "driver-unplugs-all-first",
        _INIT,
        Level.SHOULD,
        "a driver that finds memory plugged which nobody uses sends UNPLUG ALL until that succeeds",
    ),
)
_MEMORY: Final = (
    Rule(
        "driver-unplugged-not-written",
        _OPERATION,
        Level.MUST_NOT,
        "memory of unplugged blocks is written",
    ),
    Rule(
        "driver-unusable-not-read",
        _OPERATION,
        Level.MUST_NOT,
        "memory of unplugged blocks outside the usable region is read",
    ),
    Rule(
        "driver-unplugged-not-read",
        _OPERATION,
        Level.MUST_NOT,
        "with UNPLUGGED_INACCESSIBLE, memory of unplugged blocks is read",
    ),
    Rule(
        "driver-unplugged-read-avoided",
        _OPERATION,
        Level.SHOULD_NOT,
        "without UNPLUGGED_INACCESSIBLE, memory of usable unplugged blocks is read by a processor",
    ),
    Rule(
        "driver-unplugged-no-dma",
        _OPERATION,
        Level.MUST_NOT,
        "devices read memory of unplugged blocks in the usable region",
        "a page that was accessed does not tell by whom: it counts as the processor's",
    ),
    Rule(
        "driver-properties-left-alone",
        _OPERATION,
        Level.MUST_NOT,
        "memory properties of unplugged blocks are queried or modified",
        "x86 has none (storage keys and the like)",
    ),
    Rule(
        "driver-unplugs-unused",
        _OPERATION,
        Level.MUST_NOT,
        "blocks whose memory is in use are unplugged: files in memory stay as they were written",
    ),
    Rule(
        "driver-initialises",
        _OPERATION,
        Level.SHOULD,
        "memory is initialised after it was plugged",
        "what a guest makes of the first content is not seen; the event scribble leaves garbage "
        "in blocks before they are plugged, and a guest that trips over it falls over",
    ),
)
_SIZES: Final = (
    Rule(
        "driver-reacts",
        _OPERATION,
        Level.SHOULD,
        "another requested size is followed by requests to plug or unplug",
    ),
    Rule(
        "driver-plugs-what-it-uses",
        _OPERATION,
        Level.SHOULD,
        "only blocks are plugged that the guest can use",
    ),
    Rule(
        "driver-may-fall-short",
        _OPERATION,
        Level.MAY,
        "the driver tries and does not reach the requested size",
    ),
    Rule(
        "driver-no-suspend",
        _OPERATION,
        Level.MUST_NOT,
        "without PERSISTENT_SUSPEND the guest suspends",
    ),
    Rule(
        "driver-plugs-no-more",
        "Memory Device",
        Level.TEXT,
        "no PLUG takes the plugged size above the requested size that the driver knows",
    ),
    Rule(
        "driver-unplugs-no-more",
        "Memory Device",
        Level.TEXT,
        "no UNPLUG takes the plugged size below the requested size that the driver knows, but for "
        "blocks that it has just plugged and cannot use",
    ),
)


def _valid(kind: str, name: str, state: str) -> tuple[Rule, ...]:
    """The rules of the requests that cover blocks, and the response's."""
    section = f"{_OPERATION} / {name} request"
    wrong = (
        ("misaligned", "begins with a block"),
        ("empty", "covers a block"),
        ("outside", "stays within the usable region"),
    )
    rules = [
        Rule(f"driver-{kind}-not-{id}", section, Level.TEXT, f"{name} {says}") for id, says in wrong
    ]
    if state:
        says = f"{name} covers blocks that are {state}"
        rules.append(Rule(f"driver-{kind}-of-{state}", section, Level.TEXT, says))
    return (*rules, _response(kind, name, "nothing but the type of a response counts"))


def _response(kind: str, name: str, says: str) -> Rule:
    section = f"{_OPERATION} / {name} request"
    return Rule(f"driver-{kind}-rest-ignored", section, Level.MUST, says, _ZEROS)


_REQUESTS: Final = (
    *_valid("plug", "PLUG", "unplugged"),
    *_valid("unplug", "UNPLUG", "plugged"),
    _response("unplug-all", "UNPLUG ALL", "nothing but the type of a response counts"),
    *_valid("state", "STATE", ""),
    Rule(
        "driver-state-unless-ack",
        f"{_OPERATION} / STATE request",
        Level.MUST,
        "the state in a response counts with ACK alone",
        _ZEROS,
    ),
)
_OPEN: Final = (
    Rule(
        "driver-open-unplug-below",
        f"{_OPERATION} / UNPLUG request",
        Level.OPEN,
        "what becomes of an UNPLUG at or below the requested size",
    ),
    Rule(
        "driver-open-late",
        _OPERATION,
        Level.OPEN,
        "how soon a driver follows the requested size: requests under way fit the size before",
    ),
    Rule(
        "driver-open-again",
        _OPERATION,
        Level.OPEN,
        "whether and when a driver asks again after NACK or BUSY",
    ),
    Rule(
        "driver-open-restart-in-use",
        _INIT,
        Level.OPEN,
        "how a driver that starts over learns which plugged memory is in use",
    ),
)
DRIVER_RULES: Final = (*_START, *_MEMORY, *_SIZES, *_REQUESTS, *_OPEN)
DRIVER_RULE_NAMED: Final = {rule.id: rule for rule in DRIVER_RULES}
