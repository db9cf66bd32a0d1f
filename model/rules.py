"""One step of the device: which rule answers which action."""

from __future__ import annotations

from model.arithmetic import B, Domain, S, W
from model.own_rules import EVERY_RULE
from model.state import REQUESTS, Action, Answer, Fixed, Result, State

_REQUEST_RULES = {op: rule for op, rule in EVERY_RULE.items() if op in REQUESTS}
EVENT_RULES = {op: rule for op, rule in EVERY_RULE.items() if op not in REQUESTS}
# What a profile has of its own is around the rules there.


def step(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> Result[W, B, S]:
    """Carry out one action.

    A device that is gone answers no request and refuses every event; a broken one answers no
    request until a reset. Source: virtqueue_pop, which yields nothing for a broken device.
    """
    gone = not d.test(s.realized)
    if a.op in REQUESTS:
        if gone or d.test(s.broken):
            return Result(s, Answer.SILENT)
        return _REQUEST_RULES[a.op](d, f, s, a)
    if gone:
        return Result(s, Answer.REFUSED)
    return EVENT_RULES[a.op](d, f, s, a)
