"""Devices of other programs by their `Own` switches: each changes the result of one rule.

Source: Firecracker src/vmm/src/devices/virtio/mem/device.rs (update_requested_size,
handle_unplug_all_request); Cloud Hypervisor virtio-devices/src/mem.rs (Mem::new, Mem::resize,
process_queue); StratoVirt virtio/src/device/memory.rs; libkrun as seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from model.answers import request_size, valid_range, violate
from model.arithmetic import B, Domain, S, W, align_up, is_aligned, maximum, minimum
from model.effects import Did
from model.events import EVENT_RULES
from model.mapping import range_unplugged, usable_size
from model.own import FailedDiscard, Nonsense, Reach
from model.peers import with_peers
from model.requests import REQUEST_RULES
from model.state import Action, Answer, Fixed, Op, Result, State

Rule = Callable[..., Result[Any, Any, Any]]


def own_usable(d: Domain[W, B, S], f: Fixed[W, B], requested: W) -> W:
    """The usable region size for a requested size, both in bytes."""
    reach = f.profile.own.reach
    if reach is Reach.REGION:
        return f.region
    if reach is Reach.SLOT:
        return minimum(d, f.region, align_up(d, requested, f.slots.size))
    return usable_size(d, f, requested)


def own_start(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> State[W, B, S]:
    """A device just realized, whose usable region reaches as far as it does."""
    return replace(s, usable=own_usable(d, f, s.requested)) if f.profile.by_version else s


def own_plug(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """PLUG of a device that looks at its blocks, or for none, before it looks at sizes."""
    size = request_size(d, f, a)
    if f.profile.own.empty_is_nack and d.test(d.eq(a.blocks, d.lit(0))):
        return Result(s, Answer.NACK)
    if f.profile.own.states_before_size and valid_range(d, f, s, a.addr, size):
        offset = d.sub(a.addr, f.addr)
        if not d.test(range_unplugged(d, f, s.plugged, offset, size)):
            return Result(s, Answer.ERROR)
    return rule(d, f, s, a)


def own_unplug(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """UNPLUG of a device that keeps what is requested, or has another answer to a failing host."""
    if f.profile.own.empty_is_nack and d.test(d.eq(a.blocks, d.lit(0))):
        return Result(s, Answer.NACK)
    kept = d.add(s.requested, request_size(d, f, a))
    if f.profile.own.unplug_keeps_requested and d.test(d.lt(s.size, kept)):
        return Result(s, Answer.NACK)
    return _discarding(d, f, s, a, rule)


def own_unplug_all(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """UNPLUG_ALL of a device whose usable region is fitted to other sizes or to none, or whose host
    has something to do even if nothing is plugged."""
    if f.profile.own.discards_all and d.test(a.faults.discard):
        return Result(s, Answer.ERROR)
    result = _discarding(d, f, s, a, rule)
    if f.profile.unplug_all_closes or result.answer is not Answer.ACK:
        return result
    usable = s.usable if f.profile.own.unplug_all_keeps else own_usable(d, f, s.requested)
    return replace(result, state=replace(result.state, usable=usable))


def _discarding(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """A rule whose failing discard may be answered by ERROR, or not be looked at."""
    meant = f.profile.own.failed_discard
    if meant is not FailedDiscard.IGNORED or not d.test(a.faults.discard):
        result = rule(d, f, s, a)
        failed = any(effect.did is Did.HOST_DISCARD for effect in result.effects)
        if meant is FailedDiscard.ERROR and failed and result.answer is Answer.BUSY:
            return replace(result, answer=Answer.ERROR)
        return result
    done = rule(d, f, s, replace(a, faults=replace(a.faults, discard=d.truth(False))))
    effects = tuple(
        replace(effect, done=d.truth(False)) if effect.did is Did.HOST_DISCARD else effect
        for effect in done.effects
    )
    return replace(done, effects=effects)


def own_unknown(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """A request of an unknown type to a device that need not break at it."""
    return _nonsense(d, f, s, a, f.profile.own.unknown)


def own_short(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """A request in buffers that are too small, to a device that need not break at it."""
    return _nonsense(d, f, s, a, f.profile.own.short)


def _nonsense(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], becomes: Nonsense
) -> Result[W, B, S]:
    if becomes is Nonsense.BREAKS:
        return violate(d, f, s, a)
    return Result(s, Answer.ERROR if becomes is Nonsense.ERROR else Answer.SILENT)


def own_resize(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """A resize that the device may have its reasons against; the usable region only grows, also
    where the size is what it was."""
    unit = d.lit(f.profile.own.resize_unit)
    same, less = d.eq(a.value, s.requested), d.lt(a.value, s.requested)
    refused = (not f.profile.own.resize_to_same and d.test(same)) or (
        f.profile.own.resize_only_grows and d.test(less)
    )
    if refused or not d.test(is_aligned(d, a.value, unit)):
        return Result(s, Answer.REFUSED)
    result = rule(d, f, s, a)
    if result.answer is not Answer.DONE:
        return result
    usable = maximum(d, s.usable, own_usable(d, f, a.value))
    return replace(result, state=replace(result.state, usable=usable))


def own_device_reset(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """A device reset that may make the device forget which blocks are plugged, not how many."""
    result = rule(d, f, s, a)
    if not f.profile.own.reset_forgets:
        return result
    return replace(result, state=replace(result.state, plugged=d.no_blocks()))


def own_system_reset(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], rule: Rule
) -> Result[W, B, S]:
    """A system reset, which is a device reset to a device that forgets by it, and may make another
    device of it."""
    if f.profile.own.reset_forgets:
        forgotten = replace(s, accepted=d.truth(False), broken=d.truth(False))
        return Result(replace(forgotten, plugged=d.no_blocks()), Answer.DONE)
    broken = a.faults.discard if f.profile.own.reset_renews else d.truth(False)
    if f.profile.own.reset_renews:
        a = replace(a, faults=replace(a.faults, discard=d.truth(False)))
    result = rule(d, f, s, a)
    usable = own_usable(d, f, result.state.requested)
    return replace(result, state=replace(result.state, usable=usable, broken=broken))


OWN_RULES: Mapping[Op, Rule] = {
    Op.PLUG: own_plug,
    Op.UNPLUG: own_unplug,
    Op.UNPLUG_ALL: own_unplug_all,
    Op.UNKNOWN: own_unknown,
    Op.SHORT: own_short,
    Op.RESIZE: own_resize,
    Op.DEVICE_RESET: own_device_reset,
    Op.SYSTEM_RESET: own_system_reset,
}


def with_own(rules: Mapping[Op, Rule]) -> dict[Op, Rule]:
    """The rules by operation, those of `OWN_RULES` around them for profiles by version."""
    return {
        op: _either(rule, OWN_RULES[op]) if op in OWN_RULES else rule for op, rule in rules.items()
    }


def _either(rule: Rule, own: Rule) -> Rule:
    def of_profile(d: Any, f: Fixed[Any, Any], s: Any, a: Any) -> Result[Any, Any, Any]:
        return own(d, f, s, a, rule) if f.profile.by_version else rule(d, f, s, a)

    return of_profile


EVERY_RULE: Mapping[Op, Rule] = with_own(with_peers(REQUEST_RULES) | EVENT_RULES)
"""The rule of each operation, for every profile."""
