"""The executable reference device: the rules over machine integers."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.arithmetic import U64_MASK, UINT_BITS
from model.events import realize
from model.geometry import (
    MIN_BLOCK_SIZE,
    DecisionInput,
    decide_memslots,
    realized_memslots,
    slot_length,
)
from model.machine_ints import INTS
from model.observation import Constants, Observation, SlotLayout
from model.own_rules import own_start
from model.profiles import Mapping, Profile, Usable
from model.rules import step
from model.state import (
    Answer,
    BlockState,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Config,
    Fixed,
)


class ConfigError(ValueError):
    """A configuration that the device would refuse; the message says what would be right."""


def check_config(config: Config) -> None:
    """Raise ConfigError for a configuration that realize or a property setter refuses.

    Source: virtio_mem_set_block_size, virtio_mem_device_realize. That the requested size is at most
    the region is asked here and by virtio_mem_set_requested_size, but not by realize.
    """
    for name in ("region", "block", "limit", "requested", "addr", "page", "extent"):
        if not 0 <= getattr(config, name) <= U64_MASK:
            raise ConfigError(f"{name} {getattr(config, name)} is not an unsigned 64-bit number")
    block = config.block
    if block < MIN_BLOCK_SIZE or block & (block - 1):
        raise ConfigError(f"block size {block} is not a power of two of at least {MIN_BLOCK_SIZE}")
    if block < config.page:
        raise ConfigError(f"block size {block} is below the page size {config.page}")
    if not 1 <= config.limit < 1 << UINT_BITS:
        raise ConfigError(f"limit {config.limit} is not within 1..{(1 << UINT_BITS) - 1} memslots")
    if config.region == 0:
        raise ConfigError("region size 0: a memory backend has at least one block")
    for name in ("region", "requested", "addr"):
        if getattr(config, name) % block:
            raise ConfigError(
                f"{name} {getattr(config, name)} is not a multiple of the block size {block}"
            )
    if config.requested > config.region:
        raise ConfigError(f"requested {config.requested} exceeds the region of {config.region}")
    if config.addr + config.region > U64_MASK:
        raise ConfigError(f"the region ends above 2^64: addr {config.addr}, size {config.region}")


def decision_input(config: Config) -> DecisionInput[int, bool]:
    """What the decision function reads of a configuration."""
    return DecisionInput(
        region=config.region,
        block=config.block,
        limit=config.limit,
        page=config.page,
        default_block=config.block,
        option=config.option,
        has_ram=True,
    )


def fix(profile: Profile, config: Config) -> Fixed[int, bool]:
    """What realize fixes for a configuration. Raises ConfigError."""
    check_config(config)
    try:
        mapping = profile.mapping_for(option=config.option, inaccessible=config.inaccessible)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    decided = decide_memslots(INTS, decision_input(config))
    if decided.count == 0:
        raise ConfigError(
            f"limit {config.limit} makes the uint16_t memslot count 0, on which QEMU asserts"
        )
    return Fixed(
        profile=profile,
        mapping=mapping,
        slots=realized_memslots(INTS, config.region, decided),
        region=config.region,
        block=config.block,
        addr=config.addr,
        extent=_extent(profile, config),
        start_requested=config.requested,
        inaccessible=config.inaccessible,
        prealloc=config.prealloc,
    )


def _extent(profile: Profile, config: Config) -> int:
    """How far beyond the requested size the usable region reaches, in bytes.

    Source: QEMU VIRTIO_MEM_USABLE_EXTENT; Firecracker update_requested_size, whose rounding up to a
    memslot is left out; Cloud Hypervisor Mem::new.
    """
    reach = {Usable.EXTENT: config.extent, Usable.REQUESTED: 0, Usable.REGION: config.region}
    return reach[profile.usable]


def slot_layout(fixed: Fixed[int, bool]) -> SlotLayout | None:
    """How the region was cut, None for a device without memslots of its own."""
    if fixed.mapping is Mapping.STATIC:
        return None
    slots = fixed.slots
    last = slot_length(INTS, slots, fixed.region, slots.count - 1)
    return SlotLayout(count=slots.count, size=slots.size, last=last)


@dataclass(slots=True)
class ReferenceDevice:
    """A device that behaves exactly as the rules of its profile say. Raises ConfigError."""

    profile: Profile
    config: Config
    fixed: Fixed[int, bool] = field(init=False)
    state: ConcreteState = field(init=False)

    def __post_init__(self) -> None:
        self.fixed = fix(self.profile, self.config)
        self.state = own_start(INTS, self.fixed, realize(INTS, self.fixed))

    def take(self, action: ConcreteAction) -> ConcreteResult:
        """Carry out one action and say all that came of it."""
        result = step(INTS, self.fixed, self.state, action)
        self.state = result.state
        return result

    def apply(self, action: ConcreteAction) -> Observation:
        """Carry out one action and say what can be seen afterwards."""
        return self.seen_after(self.take(action))

    def seen_after(self, result: ConcreteResult) -> Observation:
        """What can be seen now that the last action came to that result."""
        return self.observe(result.answer, result.block_state, notified=result.notified)

    def observe(
        self,
        answer: Answer,
        block_state: BlockState | None = None,
        *,
        notified: bool | None = None,
        slots: SlotLayout | None = None,
        constants: Constants | None = None,
    ) -> Observation:
        """What can be seen now, with what only the last action or the start can tell."""
        state = self.state
        return Observation(
            answer=answer,
            block_state=block_state,
            usable=state.usable,
            size=state.size,
            requested=state.requested,
            mapped=None if self.fixed.mapping is Mapping.STATIC else state.mapped,
            notified=notified,
            slots=slots,
            constants=constants,
        )
