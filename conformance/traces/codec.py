"""Configurations, actions and observations as plain JSON values, shared by traces and protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

from conformance.traces.faults import FaultsAt
from model.arithmetic import U64_MASK, UINT_BITS
from model.effects import Did
from model.extents import Extents
from model.observation import Constants, HostMemory, Observation, Probe, SlotLayout, Told
from model.profiles import Profile
from model.state import (
    NO_FAULTS,
    Answer,
    BlockState,
    ConcreteAction,
    Config,
    Faults,
    Op,
    action,
)
from model.versions import KNOWN

T = TypeVar("T")

MAX_BLOCKS: Final = (1 << 16) - 1
"""The largest `nb_blocks` of a request (le16)."""
MAX_SLOT: Final = 1 << 16
UINT_MASK: Final = (1 << UINT_BITS) - 1
"""A wrong device may well have more memslots than a right one."""
"""One past the largest memslot index (the count is a uint16_t)."""
SLOT_LIMITS: Final = {"count": UINT_MASK, "size": U64_MASK, "last": U64_MASK}
"""The members of `slots` and the largest number each may hold."""
CONSTANT_LIMITS: Final = {
    "block": U64_MASK,
    "addr": U64_MASK,
    "region": U64_MASK,
    "node": (1 << 16) - 1,
}
"""The members of `constants` and the largest number each may hold."""
HEARD: Final = (Did.POPULATE.value, Did.DISCARD.value)
"""What an entry of `told` may say; what is mapped is a view of its own."""
FAULT_NAMES: Final = tuple(field.name for field in fields(Faults))


class CodecError(ValueError):
    """A JSON value that stands for nothing in the model; the message says what would."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Which fields of an action an operation reads, and the range of its `value`."""

    numbers: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    values: tuple[int, int] = (0, U64_MASK)

    def limits(self, name: str) -> tuple[int, int]:
        """The smallest and largest number the field may hold."""
        if name == "blocks":
            return 0, MAX_BLOCKS
        return self.values if name == "value" else (0, U64_MASK)


USES: Final = {
    Op.PLUG: Uses(("addr", "blocks"), ("prealloc", "populate")),
    Op.UNPLUG: Uses(("addr", "blocks"), ("discard",)),
    Op.UNPLUG_ALL: Uses(faults=("discard",)),
    Op.STATE: Uses(("addr", "blocks")),
    Op.UNKNOWN: Uses(("value",), values=(4, (1 << 16) - 1)),
    Op.SHORT: Uses(),
    Op.NEGOTIATE: Uses(("value",), values=(0, 1)),
    Op.RESIZE: Uses(("value",)),
    Op.SYSTEM_RESET: Uses(faults=("discard",)),
    Op.DEVICE_RESET: Uses(),
    Op.WAKE_UP: Uses(faults=("discard",)),
    Op.MIGRATION_START: Uses(),
    Op.MIGRATION_END: Uses(),
    Op.MIGRATION_IN: Uses(),
    Op.UNREALIZE: Uses(),
}


def number(value: Any, name: str, low: int, high: int) -> int:
    """`value` as a whole number within low..high. Raises CodecError."""
    if type(value) is not int or not low <= value <= high:
        raise CodecError(f"{name} is {value!r}: expected a whole number within {low}..{high}")
    return value


def members(value: Any, name: str, known: frozenset[str]) -> Mapping[str, Any]:
    """`value` as an object with no member but the `known`. Raises CodecError."""
    if not isinstance(value, dict):
        raise CodecError(f"{name} is {value!r}: expected an object")
    for key in value:
        if key not in known:
            raise CodecError(f"{name} has {key!r}: known are {', '.join(sorted(known)) or 'none'}")
    return value


def word(value: Any, name: str, known: tuple[str, ...]) -> str:
    """`value` as one of the `known` words. Raises CodecError."""
    if not isinstance(value, str) or value not in known:
        raise CodecError(f"{name} is {value!r}: known are {', '.join(known)}")
    return value


def config_to_json(config: Config) -> dict[str, int | bool]:
    """Every field of the configuration by name (bytes; limit in memslots)."""
    return asdict(config)


def config_from_json(value: Any) -> Config:
    """The configuration that names every field. Raises CodecError."""
    names = {field.name: field.type for field in fields(Config)}
    given = members(value, "config", frozenset(names))
    if missing := [name for name in names if name not in given]:
        raise CodecError(f"config lacks {', '.join(missing)}")
    for name, kind in names.items():
        if kind == "bool" and type(given[name]) is not bool:
            raise CodecError(f"config.{name} is {given[name]!r}: expected true or false")
        if kind == "int":
            number(given[name], f"config.{name}", 0, U64_MASK)
    return Config(**given)


def profile_from_json(value: Any) -> Profile:
    """The profile of that name. Raises CodecError."""
    return KNOWN[word(value, "profile", tuple(KNOWN))]


def action_to_json(done: ConcreteAction) -> dict[str, Any]:
    """The operation and the fields it reads. Raises CodecError for a field it does not read."""
    uses = USES[done.op]
    for name in ("addr", "blocks", "value"):
        if name not in uses.numbers and getattr(done, name):
            raise CodecError(f"{done.op.value} reads no {name}, yet one is set")
    numbers = {name: getattr(done, name) for name in uses.numbers}
    failing = [name for name in FAULT_NAMES if getattr(done.faults, name)]
    if unread := [name for name in failing if name not in uses.faults]:
        raise CodecError(f"{done.op.value} meets no {unread[0]} fault, yet one is set")
    at = {"memslot": done.faults.memslot} if isinstance(done.faults, FaultsAt) else {}
    return {"op": done.op.value} | numbers | ({"fail": failing, **at} if failing else {})


def action_from_json(value: Any) -> ConcreteAction:
    """The action that `action_to_json` writes so. Raises CodecError."""
    known = frozenset({"op", "addr", "blocks", "value", "fail", "memslot"})
    given = members(value, "do", known)
    op = Op(word(given.get("op"), "op", tuple(op.value for op in Op)))
    uses = USES[op]
    members(value, f"do ({op.value})", frozenset({"op", "fail", "memslot", *uses.numbers}))
    numbers = {name: number(given.get(name), name, *uses.limits(name)) for name in uses.numbers}
    failing = given.get("fail", [])
    if not isinstance(failing, list):
        raise CodecError(f"fail is {failing!r}: expected a list")
    for name in failing:
        word(name, f"fail ({op.value})", uses.faults)
    fails = {name: name in failing for name in FAULT_NAMES}
    faults = Faults(**fails) if failing else NO_FAULTS
    if "memslot" in given:
        if not failing:
            raise CodecError("memslot says which one fails, yet nothing does")
        faults = FaultsAt(**fails, memslot=number(given["memslot"], "memslot", 1, MAX_SLOT))
    return action(op, faults=faults, **numbers)


def observation_to_json(seen: Observation) -> dict[str, Any]:
    """What is seen; a field that is None is left out."""
    values: dict[str, Any] = {"answer": seen.answer.value}
    if seen.block_state is not None:
        values["state"] = seen.block_state.value
    for name in ("usable", "size", "requested"):
        if (size := getattr(seen, name)) is not None:
            values[name] = size
    if seen.mapped is not None:
        values["mapped"] = [list(run) for run in seen.mapped.ranges()]
    if seen.notified is not None:
        values["notified"] = seen.notified
    if seen.used is not None:
        values["used"] = seen.used
    if seen.constants is not None:
        values["constants"] = asdict(seen.constants)
    if seen.slots is not None:
        values["slots"] = asdict(seen.slots)
    if seen.memory is not None:
        values["memory"] = [asdict(probe) for probe in seen.memory]
    if seen.held is not None:
        values["held"] = [asdict(part) for part in seen.held]
    if seen.told is not None:
        values["told"] = [asdict(each) | {"heard": each.heard.value} for each in seen.told]
    return values


def observation_from_json(value: Any) -> Observation:
    """The observation that `observation_to_json` writes so. Raises CodecError."""
    sizes = ("usable", "size", "requested", "used")
    known = frozenset(
        {"answer", "state", *sizes, "mapped", "notified", "slots", "constants", "memory"}
        | {"held", "told"}
    )
    given = members(value, "see", known)
    answer = word(given.get("answer"), "answer", tuple(answer.value for answer in Answer))
    state, notified = given.get("state"), given.get("notified")
    if state is not None:
        word(state, "state", tuple(state.value for state in BlockState))
    if notified is not None and type(notified) is not bool:
        raise CodecError(f"notified is {notified!r}: expected true or false")
    read: dict[str, int | None] = {
        name: number(given[name], name, 0, U64_MASK) if given.get(name) is not None else None
        for name in sizes
    }
    return Observation(
        answer=Answer(answer),
        block_state=None if state is None else BlockState(state),
        mapped=None if given.get("mapped") is None else _extents(given["mapped"]),
        notified=notified,
        slots=None if given.get("slots") is None else _slots(given["slots"]),
        constants=None if given.get("constants") is None else _constants(given["constants"]),
        memory=None if given.get("memory") is None else _each(_probe, given, "memory", "probes"),
        held=None if given.get("held") is None else _each(_held, given, "held", "ranges"),
        told=None if given.get("told") is None else _each(_told, given, "told", "notices"),
        **read,
    )


def _slots(value: Any) -> SlotLayout:
    """How the region was cut, all three numbers of it."""
    given = members(value, "slots", frozenset(SLOT_LIMITS))
    return SlotLayout(
        **{name: number(given.get(name), name, 0, most) for name, most in SLOT_LIMITS.items()}
    )


def _constants(value: Any) -> Constants:
    """The constant fields of the configuration space, all of them."""
    given = members(value, "constants", frozenset(CONSTANT_LIMITS))
    return Constants(
        **{name: number(given.get(name), name, 0, most) for name, most in CONSTANT_LIMITS.items()}
    )


def _each(read: Callable[[Any], T], given: Mapping[str, Any], name: str, of: str) -> tuple[T, ...]:
    """The entries of a list."""
    if not isinstance(given[name], list):
        raise CodecError(f"{name} is {given[name]!r}: expected a list of {of}")
    return tuple(map(read, given[name]))


def _probe(value: Any) -> Probe:
    given = members(value, "a probe of memory", frozenset({"addr", "fresh", "held"}))
    for name in ("fresh", "held"):
        if type(given.get(name)) is not bool:
            raise CodecError(f"{name} is {given.get(name)!r}: expected true or false")
    addr = number(given.get("addr"), "addr of a probe", 0, U64_MASK)
    return Probe(addr=addr, fresh=given["fresh"], held=given["held"])


def _held(value: Any) -> HostMemory:
    names = ("addr", "size", "held")
    given = members(value, "a range of held", frozenset(names))
    return HostMemory(**{name: number(given.get(name), name, 0, U64_MASK) for name in names})


def _told(value: Any) -> Told:
    given = members(value, "a notice of told", frozenset({"heard", "addr", "size"}))
    heard = Did(word(given.get("heard"), "heard", HEARD))
    numbers = {name: number(given.get(name), name, 0, U64_MASK) for name in ("addr", "size")}
    return Told(heard=heard, **numbers)


def _extents(value: Any) -> Extents:
    """The mapped memslots from [[start, end), ...]."""
    if not isinstance(value, list):
        raise CodecError(f"mapped is {value!r}: expected a list of [start, end) pairs")
    runs = []
    for run in value:
        if not isinstance(run, list) or len(run) != 2:
            raise CodecError(f"mapped holds {run!r}: expected a pair [start, end)")
        start = number(run[0], "start of a mapped run", 0, MAX_SLOT - 1)
        runs.append((start, number(run[1], "end of a mapped run", start + 1, MAX_SLOT)))
    return Extents.of_ranges(runs)
