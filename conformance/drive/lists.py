"""Lists of host events, made from a seed. Sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.generate.choices import Choices, RandomChoices
from conformance.generate.traces import trace_seed
from conformance.traces.driven import Do, Driven, Event, Setup
from model.arithmetic import GIB, MIB

SETUPS: Final = (
    Setup(GIB, 2 * MIB),
    Setup(GIB, 256 * MIB),
    Setup(GIB, 2 * MIB, inaccessible=False),
    Setup(GIB, 64 * MIB),
)
"""Blocks much smaller than Linux's own memory blocks of 128 MiB, larger ones, and some between."""
PER_SETUP: Final = 5
"""Lists one after the other with the same setup: a guest boots once for all of them."""
_FILES: Final = (4 * MIB, 16 * MIB)


@dataclass(slots=True)
class _Moment:
    """What the list has come to."""

    size: int = 0
    busy: bool = False
    anew: bool = False
    """The guest began anew, which takes it long: once in a list is enough."""
    filled: bool = False


def event_list(seed: int, number: int, length: int, able: frozenset[Do]) -> Driven:
    """The list of a number from 1 on, of so many events. The same seed gives the same lists."""
    setup = SETUPS[(number - 1) // PER_SETUP % len(SETUPS)]
    choices = RandomChoices(trace_seed(seed, number))
    moment = _Moment()
    # With nothing plugged, most events mean little.
    events = [_resize(choices, setup, moment)]
    while len(events) < length:
        events.append(_event(choices, setup, moment, able))
    return Driven(setup, tuple(events), seed=seed)


def _event(choices: Choices, setup: Setup, moment: _Moment, able: frozenset[Do]) -> Event:
    weights = {
        Do.SETTLE: 8,
        Do.RESIZE: 8,
        Do.BUSY: 0 if moment.busy else 2,
        Do.END_BUSY: 5 if moment.busy else 0,
        Do.MIGRATE: 2,
        Do.RESET: 0 if moment.anew else 1,
        Do.KEXEC: 0 if moment.anew else 1,
        Do.SUSPEND: 2,
        Do.FILL: 2,
        Do.FREE: 2 if moment.filled else 0,
        Do.SCRIBBLE: 2,
    }
    chosen = choices.pick([(w, do) for do, w in weights.items() if w and do in able])
    if chosen is Do.RESIZE:
        return _resize(choices, setup, moment)
    moment.anew = moment.anew or chosen in (Do.RESET, Do.KEXEC)
    moment.busy = chosen is Do.BUSY or (
        moment.busy and chosen not in (Do.END_BUSY, Do.MIGRATE, Do.KEXEC)
    )
    if chosen is Do.FILL:
        moment.filled = True
        return Event(chosen, choices.integer(_FILES[0] // MIB, _FILES[1] // MIB) * MIB)
    moment.filled = moment.filled and chosen is not Do.FREE
    return Event(chosen)


def _resize(choices: Choices, setup: Setup, moment: _Moment) -> Event:
    """To another size: nothing, all, any, or a block more or less."""
    block, total = setup.block, setup.region // setup.block
    now = moment.size // block
    wanted = choices.pick(
        [
            (5, choices.integer(1, total)),
            (2, total),
            (2, now + 1),
            (2, now - 1),
            (2 if now else 0, 0),
        ]
    )
    if not 0 <= wanted <= total or wanted == now:
        wanted = total // 2 if now != total // 2 else total
    moment.size = wanted * block
    return Event(Do.RESIZE, moment.size)
