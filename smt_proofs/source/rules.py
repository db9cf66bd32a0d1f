"""Which function of the source is which rule of the model, and what is assumed of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from model.effects import Did
from model.mapping import range_plugged, range_unplugged
from model.profiles import Mapping
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.core_claims import device_fits, limits
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.layout_claims import (
    decides,
    defaults,
    prepares,
    tells_memslots,
    validates,
)
from smt_proofs.source.load_claims import (
    activates_range,
    discards_range,
    loads,
    loads_early,
    preallocates_range,
    restores,
)
from smt_proofs.source.message_claims import (
    configures,
    dispatches,
    handles,
    handles_all,
    is_busy,
    reports,
    requests_size,
    resets,
    tells_populated,
)
from smt_proofs.source.state_claims import (
    asks_range,
    follows,
    maps_for_plug,
    marks,
    requests,
    resizes,
    sets_block_state,
    unmaps_after_unplug,
    unplugs_all,
)

Hypotheses = Iterator[tuple[str, Any]]


def _device(d: Any, x: Inputs) -> Hypotheses:
    one = d.lit(1)
    yield "the block size is not 0", d.le(one, x.block)
    yield "there is a memslot", d.le(one, x.count)
    yield "the memslot size is not 0", d.le(one, x.slot_size)


def _decision(d: Any, x: Inputs) -> Hypotheses:
    yield "the default block size is not 0", d.le(d.lit(1), x.default_block)


def _none(d: Any, x: Inputs) -> Hypotheses:
    yield from ()


def _blocks_fit(d: Any, x: Inputs) -> Hypotheses:
    yield from _device(d, x)
    yield "the range has a block", d.le(x.block, x.length)
    first = d.div(d.sub(x.gpa, x.addr), x.block)
    end = d.add(first, d.div(x.length, x.block))
    yield "block indices stay below 2^64", d.le(first, end)


def _bitmap_fits(d: Any, x: Inputs) -> Hypotheses:
    yield from _device(d, x)
    blocks = d.div(x.region, x.block)
    yield "the region has fewer than 2^31 blocks", d.lt(blocks, d.lit(1 << 31))
    yield "no block outside the region is plugged", d.all_below(x.plugged, blocks)


def power_of_two(hypotheses: Callable[[Any, Inputs], Hypotheses]) -> Any:
    """The same, and that the block size is a power of two: a mask has a meaning only then.

    Source: virtio_mem_set_block_size refuses another one.
    """

    def more(d: Any, x: Inputs) -> Hypotheses:
        yield from hypotheses(d, x)
        alone = (x.block & (x.block - 1)) == 0
        yield "the block size is a power of two", alone

    return more


OWN: Final = frozenset({Mapping.PLUGGED, Mapping.USABLE})
"""Ways of mapping with memslots of the device's own."""
EVERY: Final = frozenset(Mapping)


@dataclass(frozen=True, slots=True)
class Rule:
    """A function of virtio-mem.c and the rule it must equal.

    `mappings` are the ways of mapping in which it is called, None where it does not matter.
    `arithmetic`: no sets are involved. `since`: the version before which it is not there. `long`:
    the proof takes seconds. `prototype` is its head, where a hunk may leave that out. `told` are
    arguments that are shown where they are false, too. `core`: it stands in memory-device.c.
    """

    function: str
    rule: str
    claims: Callable[[Case], list[Claim]]
    hypotheses: Callable[[Any, Inputs], Hypotheses] = _device
    mappings: frozenset[Mapping] | None = EVERY
    arithmetic: bool = False
    since: str = ""
    long: bool = False
    stubbed: bool = True
    prototype: str = ""
    told: tuple[str, ...] = ()
    core: bool = False


RULES: Final = (
    Rule(
        "virtio_mem_decide_memslots",
        "decide_memslots",
        decides,
        _decision,
        mappings=None,
        arithmetic=True,
    ),
    Rule("virtio_mem_get_memslots", "Fixed.slots", tells_memslots),
    Rule(
        "virtio_mem_default_block_size",
        "default_block_size",
        defaults,
        _none,
        mappings=None,
        arithmetic=True,
    ),
    Rule("virtio_mem_prepare_memslots", "slot_start, slot_length", prepares, mappings=OWN),
    Rule(
        "virtio_mem_activate_memslots_to_plug",
        "mapped_for_plug",
        follows(maps_for_plug, Did.MAP),
        mappings=OWN,
    ),
    Rule(
        "virtio_mem_deactivate_unplugged_memslots",
        "mapped_after_unplug",
        follows(unmaps_after_unplug, Did.UNMAP),
        mappings=OWN,
    ),
    Rule(
        "virtio_mem_resize_usable_region",
        "resize_usable_region",
        resizes,
        prototype="static void virtio_mem_resize_usable_region("
        "VirtIOMEM *vmem, uint64_t requested_size, bool can_shrink)",
        told=("can_shrink",),
    ),
    Rule("virtio_mem_valid_range", "valid_range", validates, mappings=None, arithmetic=True),
    Rule(
        "virtio_mem_is_range_plugged",
        "range_plugged",
        asks_range(range_plugged),
        _blocks_fit,
        mappings=None,
    ),
    Rule(
        "virtio_mem_is_range_unplugged",
        "range_unplugged",
        asks_range(range_unplugged),
        _blocks_fit,
        mappings=None,
    ),
    Rule(
        "virtio_mem_set_range_plugged",
        "filled, in plug",
        marks(plugged=True),
        mappings=None,
    ),
    Rule(
        "virtio_mem_set_range_unplugged",
        "cleared, in unplug",
        marks(plugged=False),
        mappings=None,
    ),
    Rule(
        "virtio_mem_set_block_state",
        "plug, unplug past their checks",
        sets_block_state,
        long=True,
        told=("plug",),
    ),
    Rule("virtio_mem_state_change_request", "plug, unplug", requests, long=True, told=("plug",)),
    Rule("virtio_mem_is_busy", "State.busy", is_busy, _none, mappings=None, stubbed=False),
    Rule("virtio_mem_plug_request", "plug", handles(plug=True), mappings=None, stubbed=False),
    Rule("virtio_mem_unplug_request", "unplug", handles(plug=False), mappings=None, stubbed=False),
    Rule("virtio_mem_unplug_all_request", "unplug_all", handles_all, mappings=None, stubbed=False),
    Rule("virtio_mem_state_request", "report_state", reports, mappings=None, stubbed=False),
    Rule("virtio_mem_handle_request", "step, violate", dispatches, mappings=None, stubbed=False),
    Rule("virtio_mem_get_config", "Config, State", configures, mappings=None, stubbed=False),
    Rule("virtio_mem_set_requested_size", "resize", requests_size, mappings=None, stubbed=False),
    Rule(
        "virtio_mem_system_reset_hold",
        "system_reset, wake_up",
        resets,
        mappings=None,
        stubbed=False,
        since="QEMU 9.1",
    ),
    Rule(
        "virtio_mem_rdm_is_populated",
        "valid_range, range_plugged",
        tells_populated,
        mappings=None,
        stubbed=False,
        since="QEMU 6.0",
    ),
    Rule("virtio_mem_post_load", "migration_in", loads, mappings=None, stubbed=False),
    Rule(
        "virtio_mem_post_load_early",
        "migration_in",
        loads_early,
        mappings=None,
        stubbed=False,
        since="QEMU 8.1",
    ),
    Rule("virtio_mem_restore_unplugged", "migration_in", restores, mappings=None, stubbed=False),
    Rule(
        "virtio_mem_discard_range_cb", "migration_in", discards_range, mappings=None, stubbed=False
    ),
    Rule(
        "virtio_mem_prealloc_range_cb",
        "migration_in",
        preallocates_range,
        mappings=None,
        stubbed=False,
        since="QEMU 8.1",
    ),
    Rule(
        "virtio_mem_activate_memslot_range_cb",
        "mapped_for_plug",
        activates_range,
        mappings=OWN,
        stubbed=False,
    ),
    Rule("virtio_mem_unplug_all", "unplug_everything", unplugs_all, _bitmap_fits, long=True),
    Rule(
        "memory_device_memslot_decision_limit",
        "decision_limit",
        limits,
        device_fits,
        mappings=None,
        stubbed=False,
        since="QEMU 8.2",
        long=True,
        core=True,
    ),
)
"""In the order of the report."""
RANGES: Final = tuple(rule.function for rule in RULES if "_range_" in rule.function)
"""The helpers for a range of blocks, which calls take for what their rules say."""
CALLBACKS: Final = tuple(rule.function for rule in RULES if rule.function.endswith("_cb"))
"""The functions that are handed over, to be called for each range."""
ENTRIES: Final = (
    "virtio_mem_decide_memslots",
    "virtio_mem_resize_usable_region",
    "virtio_mem_state_change_request",
    "virtio_mem_unplug_all",
)
"""What the device is asked through; all other functions serve these."""
SERVING: Final = frozenset(
    {
        "virtio_mem_default_block_size",
        "virtio_mem_prepare_memslots",
        "virtio_mem_activate_memslots_to_plug",
        "virtio_mem_deactivate_unplugged_memslots",
        "virtio_mem_valid_range",
        "virtio_mem_set_block_state",
        *RANGES,
        *CALLBACKS,
    }
)
"""The functions that only others of virtio-mem.c call: a device may never pass some inputs."""
RULE_NAMED: Final = {rule.function: rule for rule in RULES}
PROTOTYPES: Final = {rule.function: rule.prototype for rule in RULES if rule.prototype}
