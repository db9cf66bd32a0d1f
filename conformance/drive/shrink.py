"""Makes a failing list of events small: fewer events, smaller sizes, the same failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from conformance.drive.run import run_list
from conformance.targets.linux.driven import DriverTarget
from conformance.traces.driven import SIZED, Do, Driven, Event

MAX_RUNS = 60
"""How often a list is run again at most: each time, a guest is brought back and driven."""

Listener = Callable[[int, int], None]
"""Told the number of runs so far and the events of the smallest failing list."""


def shrink_list(
    target: DriverTarget,
    failing: Driven,
    rules: frozenset[str],
    listener: Listener = lambda runs, events: None,
    most: int = MAX_RUNS,
) -> Driven:
    """The smallest list found whose run ends in the same way, as it was run."""
    if failing.found is None:
        raise ValueError("only a list that fails can be made small")
    best, runs = failing, 0
    tried: set[tuple[Event, ...]] = {failing.events}
    progress = True
    while progress:
        progress = False
        for events in _simpler(best):
            if runs >= most:
                return best
            if events in tried:
                continue
            tried.add(events)
            runs += 1
            again = run_list(target, msgspec.structs.replace(best, events=events), rules).run
            if again.found is not None and again.found.what == failing.found.what:
                best, progress = again, True
            listener(runs, len(best.events))
            if progress:
                break
    return best


def _simpler(run: Driven) -> Iterator[tuple[Event, ...]]:
    """Lists that are simpler in one place, the largest changes first."""
    events, size = run.events, max(len(run.events) // 2, 1)
    while size:
        for start in range(0, len(events), size):
            yield events[:start] + events[start + size :]
        size //= 2
    for place, event in enumerate(events):
        for smaller in _sizes(event, run.setup.block):
            yield (*events[:place], Event(event.do, smaller), *events[place + 1 :])


def _sizes(event: Event, block: int) -> Iterator[int]:
    """Smaller sizes of an event, of whole blocks."""
    if event.do not in SIZED or not event.size:
        return
    if event.do is Do.RESIZE:
        yield 0
    half = event.size // 2 // block * block
    if half:
        yield half
