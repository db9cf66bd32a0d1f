"""Devices of other programs: their requests as changes of the rules' results.

Source: Firecracker src/vmm/src/devices/virtio/mem/device.rs (process_plug_request, update_range,
handle_unplug_all_request); Cloud Hypervisor virtio-devices/src/mem.rs (state_change_request).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from model.answers import request_size
from model.arithmetic import B, Domain, S, W
from model.effects import Did, Effect
from model.profiles import FailedPlug
from model.requests import plug, unplug, unplug_all
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
    undone = f.profile.failed_plug is FailedPlug.UNDONE
    mappable = a if undone else replace(a, faults=replace(a.faults, populate=d.truth(False)))
    result = plug(d, f, s, mappable)
    if result.answer is Answer.NACK and f.profile.excess_is_error:
        return Result(s, Answer.ERROR)
    if undone or result.answer is not Answer.ACK:
        return result
    marked = result.state
    if not d.test(a.faults.populate):
        return replace(result, effects=(_shared(d, f, a, marked, done=True),))
    counted = f.profile.failed_plug is FailedPlug.KEPT
    kept = replace(s, plugged=marked.plugged, size=marked.size if counted else s.size)
    return Result(kept, Answer.ERROR, effects=(_shared(d, f, a, kept, done=False),))


def _shared(
    d: Domain[W, B, S], f: Fixed[W, B], a: Action[W, B], s: State[W, B, S], *, done: bool
) -> Effect[W, B, S]:
    """The one effect of a PLUG that marks its blocks first: the memslots mapped (Firecracker), or
    the range told to whoever maps it for devices (Cloud Hypervisor)."""
    did = Did.MAP if f.profile.slots_before_discard else Did.POPULATE
    offset, size = d.sub(a.addr, f.addr), request_size(d, f, a)
    return Effect(did, s.plugged, s.mapped, offset, size, d.truth(done))


def peer_unplug(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG of a device with another order of its effects."""
    return _reordered(f, unplug(d, f, s, a))


def peer_unplug_all(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG_ALL of a device that may close the usable region with it."""
    result = _reordered(f, unplug_all(d, f, s, a))
    if f.profile.unplug_all_closes and result.answer is Answer.ACK:
        return replace(result, state=replace(result.state, usable=d.lit(0)))
    return result


def _reordered(f: Fixed[W, B], result: Result[W, B, S]) -> Result[W, B, S]:
    """A device marks the blocks first and then unmaps memslots before it gives host memory back and
    without listeners (Firecracker), or tells whoever maps it for devices last (Cloud Hypervisor).
    """
    if f.profile.failed_plug is FailedPlug.UNDONE or result.answer is not Answer.ACK:
        return result
    s = result.state
    if f.profile.slots_before_discard:
        kinds = (Did.UNMAP, Did.HOST_DISCARD)
    else:
        kinds = (Did.HOST_DISCARD, Did.DISCARD)
    found = {effect.did: effect for effect in result.effects}
    seen = (found[kind] for kind in kinds if kind in found)
    after = kinds if f.profile.slots_before_discard else (Did.DISCARD,)
    return replace(
        result,
        effects=tuple(
            replace(e, plugged=s.plugged, mapped=s.mapped) if e.did in after else e for e in seen
        ),
    )


PEER_RULES = {Op.PLUG: peer_plug, Op.UNPLUG: peer_unplug, Op.UNPLUG_ALL: peer_unplug_all}


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
