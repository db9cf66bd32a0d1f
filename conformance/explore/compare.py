"""Two profiles compared over all small devices that both have: the fewest steps that tell them
apart.

Where none do, that is said of the devices counted and no others. A proof for all sizes, by
bisimulation over the solver's reading of the rules, would be a further result of `Comparison`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from conformance.explore.product import PARTS, Cause, Part, Product, Sides, side
from conformance.explore.scale import NoScale, scaled_config
from conformance.judge.finding import Finding, Kind
from conformance.judge.oracle import spelled
from conformance.targets.reference import at_start
from conformance.traces.codec import observation_to_json
from conformance.traces.sizes import format_size
from conformance.traces.trace import Trace, TraceStep
from model.device import ConfigError, ReferenceDevice
from model.observation import Observation
from model.profiles import Profile
from model.state import ConcreteAction, Config, Op

MODES: Final = ((True, True), (True, False), (False, True), (False, False))
"""`option` and `inaccessible`, the usual pair first."""
FIELDS_OF: Final = {
    Part.RESPONSE: ("answer", "state", "notified"),
    Part.CONFIG: ("size", "requested", "usable"),
    Part.MAPPED: ("slots", "mapped"),
}
"""The fields of an observation, by the names that traces give them."""
SIZES: Final = frozenset(FIELDS_OF[Part.CONFIG])
"""Those in bytes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What tells two devices apart to who sees `part` alone, and the last operation that it takes;
    None if the start does.

    `trace` is of the left profile, with what a device of the right one showed; its finding is the
    difference, in the words of a replay. `message` names both profiles instead.
    """

    part: Part
    op: Op | None
    trace: Trace
    message: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and what tells the two apart.

    `configs` counts the devices, `watched` those that show a part, `pairs` the pairs of states
    visited, and `steps` the steps taken on both sides. `shortest` has the fewest steps for each
    part that tells anything apart; `causes` every part and operation in which a difference shows
    first, with the fewest steps, none of which shows one before.
    """

    left: Profile
    right: Profile
    blocks: int
    slots: int
    configs: int
    watched: dict[Part, int]
    pairs: int
    steps: int
    shortest: dict[Part, Difference]
    causes: tuple[Difference, ...]


def compare(
    left: Profile, right: Profile, blocks: int, slots: int, sides: Sides | None = None
) -> Comparison:
    """Compare all devices of that size that both profiles have: every requested size at start, the
    option on and off, unplugged-inaccessible on and off.

    `sides` are devices that other comparisons asked for too, and grow. Raises
    model.device.ConfigError where there are none.
    """
    known_sides: Sides = {} if sides is None else sides
    products = [
        (config, Product(*(side(known_sides, one, config) for one in (left, right))))
        for config in _shared(left, right, blocks, slots)
    ]
    causes: dict[Cause, Difference] = {}
    for config, product in products:
        for (part, op), path in product.causes().items():
            known = causes.get((part, op))
            if known is None or len(path) < len(known.trace.steps):
                actions = [product.actions[at] for at in path]
                found = _replayed(left, right, config, part, actions)
                causes[part, op] = Difference(part, op, *found)
    # Sorting is stable: of equally many steps, the one of the usual device stays first.
    ordered = sorted(causes.values(), key=lambda difference: len(difference.trace.steps))
    shortest: dict[Part, Difference] = {}
    for part in PARTS:
        best = next((found for found in ordered if found.part is part), None)
        for config, product in products:
            below = None if best is None else len(best.trace.steps)
            if part not in product.parts or (way := product.shortest(part, below)) is None:
                continue
            actions = [product.actions[at] for at in way]
            op = actions[-1].op if actions else None
            best = Difference(part, op, *_replayed(left, right, config, part, actions))
        if best is not None:
            shortest[part] = best
    return Comparison(
        left=left,
        right=right,
        blocks=blocks,
        slots=slots,
        configs=len(products),
        watched={part: sum(part in product.parts for _, product in products) for part in PARTS},
        pairs=sum(len(product.pairs) for _, product in products),
        steps=sum(product.steps for _, product in products),
        shortest=shortest,
        causes=tuple(ordered),
    )


def _shared(left: Profile, right: Profile, blocks: int, slots: int) -> Iterator[Config]:
    """The devices that both profiles have. Raises model.device.ConfigError where there are none."""
    refused: ConfigError | None = None
    none = True
    for option, inaccessible in MODES:
        modes = {"option": option, "inaccessible": inaccessible}
        try:
            made, _ = (scaled_config(one, blocks, slots, **modes) for one in (left, right))
        except NoScale:
            raise
        except ConfigError as error:
            # One of the two refuses the pair of options.
            refused = error
            continue
        none = False
        for requested in range(blocks + 1):
            yield replace(made, requested=requested * made.block)
    if none and refused is not None:
        raise refused


def _replayed(
    left: Profile, right: Profile, config: Config, part: Part, actions: list[ConcreteAction]
) -> tuple[Trace, str]:
    """Run both devices afresh: they show the same of the part up to the last step, and there they
    do not. The trace, and which profile shows what. Raises RuntimeError if that is not so."""
    devices = ReferenceDevice(left, config), ReferenceDevice(right, config)
    shown = [(at_start(devices[0]), at_start(devices[1]))]
    shown += [(devices[0].apply(done), devices[1].apply(done)) for done in actions]
    differing = [number for number, pair in enumerate(shown) if _field(part, *pair) is not None]
    field = _field(part, *shown[-1])
    if differing != [len(actions)] or field is None:
        raise RuntimeError(f"a replay does not confirm the difference: {differing} of {actions}")
    values = [observation_to_json(side).get(field) for side in shown[-1]]
    allowed, seen = map(spelled, values)
    message = f"{field}: allowed {allowed}, seen {seen}"
    steps = (TraceStep(done, pair[1]) for done, pair in zip(actions, shown[1:], strict=True))
    finding = Finding(Kind.DIVERGENCE, field, len(actions), message)
    trace = Trace(left, config, tuple(steps), finding=finding, seen=shown[0][1])
    told = (format_size(v) if field in SIZES and v is not None else spelled(v) for v in values)
    sides = zip((left.name, right.name), told, strict=True)
    return trace, f"{field}: {', '.join(f'{name} {value}' for name, value in sides)}"


def _field(part: Part, allowed: Observation, seen: Observation) -> str | None:
    """The first field of a part in which two observations differ."""
    sides = observation_to_json(allowed), observation_to_json(seen)
    return next(
        (name for name in FIELDS_OF[part] if sides[0].get(name) != sides[1].get(name)), None
    )
