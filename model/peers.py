"""Devices of other programs: their requests as changes of the rules' results.

Source: Firecracker src/vmm/src/devices/virtio/mem/device.rs (process_plug_request, update_range,
handle_unplug_all_request); Cloud Hypervisor virtio-devices/src/mem.rs (state_change_request).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from model.arithmetic import B, Domain, S, W
from model.profiles import FailedPlug
from model.requests import plug, request_size, unplug_all
from model.state import Action, Answer, Fixed, Op, Result, State

Rule = Callable[..., Result[Any, Any, Any]]


def peer_plug(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """PLUG of a device that looks at sizes first, has another answer to them, or marks the blocks
    before it finds that they cannot be mapped, and leaves it so."""
    excess = d.lt(s.requested, d.add(s.size, request_size(d, f, a)))
    if f.profile.size_before_range and d.test(excess):
        return Result(s, Answer.NACK)
    failing = f.profile.failed_plug is not FailedPlug.UNDONE and d.test(a.faults.populate)
    if failing:
        a = replace(a, faults=replace(a.faults, populate=d.truth(False)))
    result = plug(d, f, s, a)
    if result.answer is Answer.NACK and f.profile.excess_is_error:
        return Result(s, Answer.ERROR)
    if failing and result.answer is Answer.ACK:
        counted = f.profile.failed_plug is FailedPlug.KEPT
        marked = result.state
        size = marked.size if counted else s.size
        return Result(replace(s, plugged=marked.plugged, size=size), Answer.ERROR)
    return result


def peer_unplug_all(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG_ALL of a device that may close the usable region with it."""
    result = unplug_all(d, f, s, a)
    if f.profile.unplug_all_closes and result.answer is Answer.ACK:
        return replace(result, state=replace(result.state, usable=d.lit(0)))
    return result


PEER_RULES = {Op.PLUG: peer_plug, Op.UNPLUG_ALL: peer_unplug_all}


def with_peers(rules: Mapping[Op, Rule]) -> dict[Op, Rule]:
    """The rules by operation, those of `PEER_RULES` taken for the profiles that are peers."""
    return {
        op: _either(rule, PEER_RULES[op]) if op in PEER_RULES else rule
        for op, rule in rules.items()
    }


def _either(rule: Rule, peers: Rule) -> Rule:
    def of_profile(d: Any, f: Fixed[Any, Any], s: Any, a: Any) -> Result[Any, Any, Any]:
        return (peers if f.profile.peer else rule)(d, f, s, a)

    return of_profile
