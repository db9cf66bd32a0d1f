"""What the host does to the device: realize, resize, resets, migration, unrealize."""

from __future__ import annotations

from dataclasses import replace

from model.arithmetic import B, Domain, S, W, is_aligned
from model.effects import Did, Effect, Effects
from model.mapping import mapped_for_blocks, remapped, resize_usable_region
from model.profiles import Mapping
from model.requests import unplug_everything
from model.state import Action, Answer, Fixed, Op, Result, State


def realize(d: Domain[W, B, S], f: Fixed[W, B]) -> State[W, B, S]:
    """The state of a device just realized. Source: virtio_mem_device_realize."""
    no, unmapped = d.truth(False), d.no_slots()
    # A static region is the machine's own single memslot, mapped from the start.
    static = f.mapping is Mapping.STATIC
    state = State(
        plugged=d.no_blocks(),
        mapped=d.filled(unmapped, d.lit(0), d.lit(1)) if static else unmapped,
        size=d.lit(0),
        requested=f.start_requested,
        usable=d.lit(0),
        busy=no,
        accepted=no,
        broken=no,
        realized=d.truth(True),
    )
    return resize_usable_region(d, f, state, f.start_requested, can_shrink=True)


def resize(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """The host sets the requested size; the guest is notified even if nothing changed.

    Source: virtio_mem_set_requested_size.
    """
    if not d.test(is_aligned(d, a.value, f.block)) or d.test(d.lt(f.region, a.value)):
        return Result(s, Answer.REFUSED)
    effects: Effects[W, B, S] = ()
    if not d.test(d.eq(a.value, s.requested)):
        fitted = resize_usable_region(d, f, s, a.value, can_shrink=False)
        # A usable region that would shrink is left before memslots are looked at.
        effects = () if fitted is s else remapped(d, f, fitted)
        s = replace(fitted, requested=a.value)
    return Result(s, Answer.DONE, notified=True, effects=effects)


def device_reset(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """The driver writes 0 to the device status: blocks and memslots stay as they are.

    Source: VIRTIO, Memory Device, Device Initialization (device normative); virtio_reset.
    """
    no = d.truth(False)
    return Result(replace(s, accepted=no, broken=no), Answer.DONE)


def system_reset(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """Reset of the machine: unplug all if that is possible now, then a device reset.

    Source: virtio_mem_system_reset, which ignores a failure.
    """
    unplugged = unplug_everything(d, f, s, a.faults)
    return replace(device_reset(d, f, unplugged.state, a), effects=unplugged.effects)


def wake_up(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """Wake-up from suspend: a system reset, but for devices that keep their blocks through it.

    Source: virtio_mem_system_reset_hold and RESET_TYPE_WAKEUP (QEMU 9.2 and later).
    """
    rule = device_reset if f.profile.wake_up_keeps else system_reset
    return rule(d, f, s, a)


def negotiate(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """The driver accepts (value 1) or leaves out VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE.

    A device that offers the feature refuses a driver without it; one that keeps unplugged memory
    readable does not offer it. Source: virtio_mem_get_features, virtio_mem_validate_features.
    """
    if not d.test(f.inaccessible):
        return Result(replace(s, accepted=d.truth(False)), Answer.DONE)
    if d.test(d.eq(a.value, d.lit(0))):
        return Result(replace(s, accepted=d.truth(False)), Answer.REFUSED)
    return Result(replace(s, accepted=d.truth(True)), Answer.DONE)


def migration_start(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """An outgoing migration starts: the device is busy. Source: virtio_mem_is_busy."""
    return Result(replace(s, busy=d.truth(True)), Answer.DONE)


def migration_end(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """The outgoing migration was cancelled or failed: the device is no longer busy.

    Source: virtio_mem_is_busy, which asks whether a migration runs now.
    """
    return Result(replace(s, busy=d.truth(False)), Answer.DONE)


def migration_in(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """The state arrives in a device just realized with the same configuration, which goes on.

    The bitmap, plugged, requested and usable size are loaded as they were; memslots are not part of
    the stream. Memory is allocated for the restored blocks if that was asked for, listeners are
    told of them, and at the end the memory of all others is given back. A host operation that fails
    ends the migration, so that there is no device here to speak of: faults are not read.
    Source: vmstate_virtio_mem_device(_early), virtio_mem_post_load_early, virtio_mem_post_load,
    virtio_mem_post_load_bitmap (by precopy); the patch (v2) has no hunk there.
    """
    yes, zero = d.truth(True), d.lit(0)
    mapped = realize(d, f).mapped
    effects: Effects[W, B, S] = ()
    if d.test(f.prealloc):
        ready = Effect(Did.HOST_PREALLOC_PLUGGED, s.plugged, mapped, zero, f.region, yes)
        effects = (ready,)
    if f.profile.post_load_maps and f.mapping is Mapping.PLUGGED:
        mapped = mapped_for_blocks(d, f, mapped, s.plugged)
        effects = (*effects, Effect(Did.MAP, s.plugged, mapped, zero, f.region, yes))
    replay = Effect(Did.REPLAY, s.plugged, mapped, zero, f.region, yes)
    restore = Effect(Did.HOST_DISCARD_UNPLUGGED, s.plugged, mapped, zero, f.region, yes)
    loaded = replace(s, mapped=mapped, busy=d.truth(False))
    return Result(loaded, Answer.DONE, effects=(*effects, replay, restore))


def unrealize(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """Hot-unplug of the device, refused while it may be in use.

    Source: virtio_mem_unplug_request_check; qdev_unplug refuses during migration; patch hunk
    virtio_mem_device_unrealize.
    """
    if not d.test(f.inaccessible) or d.test(s.busy):
        return Result(s, Answer.REFUSED)
    if d.test(d.lt(d.lit(0), s.size)) or d.test(d.lt(d.lit(0), s.requested)):
        return Result(s, Answer.REFUSED)
    if f.profile.unrealize_shrinks:
        # Memslots that follow the usable region are those of a device that is refused above.
        s = resize_usable_region(d, f, s, d.lit(0), can_shrink=True)
    return Result(replace(s, realized=d.truth(False)), Answer.DONE)


EVENT_RULES = {
    Op.NEGOTIATE: negotiate,
    Op.RESIZE: resize,
    Op.SYSTEM_RESET: system_reset,
    Op.DEVICE_RESET: device_reset,
    Op.WAKE_UP: wake_up,
    Op.MIGRATION_START: migration_start,
    Op.MIGRATION_END: migration_end,
    Op.MIGRATION_IN: migration_in,
    Op.UNREALIZE: unrealize,
}
