"""What a step did to its host, as text."""

from __future__ import annotations

from conformance.traces.sizes import format_size
from model.state import ConcreteResult, Fixed


def effects_told(fixed: Fixed[int, bool], result: ConcreteResult) -> list[str]:
    """One line an effect, in order: what was done where, and what was mapped then."""
    return [
        f"{number}. {effect.did.value} {format_size(effect.size)} at +{format_size(effect.offset)}"
        f"{'' if effect.done else ' (failed)'}, "
        f"{len(effect.plugged)} blocks plugged and "
        f"{len(effect.mapped)} of {fixed.slots.count} memslots mapped then"
        for number, effect in enumerate(result.effects, 1)
    ]
