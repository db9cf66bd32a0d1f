"""One virtio-mem device whose metadata is asked for: its memslots, and those that are mapped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from conformance.traces.trace import Trace
from model.device import ConfigError, ReferenceDevice, fix
from model.extents import Extents
from model.metadata import (
    Metadata,
    mapped_at_most,
    mapped_if_packed,
    memslot_metadata,
    metadata_of,
    slot_spans,
)
from model.profiles import Profile
from model.state import Config, Fixed

VARIANTS: Final = {
    "no_smm": (False, False),
    "smm": (True, False),
    "no_smm_tdp_mmu": (False, True),
    "smm_tdp_mmu": (True, True),
}
"""The machines of the patch's table by name: with SMM, with the TDP MMU."""


@dataclass(frozen=True, slots=True)
class DeviceMetadata:
    """A device, and the memslots that `plugged` bytes map in it.

    `option`: it has several memslots now; `fixed` is the device as it is with them. `limit` is what
    they were chosen by, None where that is not known. `at_most` is the most memslots that so many
    plugged bytes can map, wherever the guest puts them, and None where `mapped` was seen and not
    computed for blocks packed at the region's start.
    """

    name: str
    option: bool
    limit: int | None
    fixed: Fixed[int, bool]
    plugged: int
    mapped: Extents
    at_most: Extents | None = None

    @property
    def static(self) -> Metadata:
        """The metadata of a single memslot over the whole region."""
        return memslot_metadata(self.fixed.addr, self.fixed.region)

    @property
    def dynamic(self) -> Metadata:
        """The metadata of the mapped memslots."""
        return metadata_for(self.fixed, self.mapped)


def metadata_for(fixed: Fixed[int, bool], mapped: Extents) -> Metadata:
    """The metadata of these memslots of a device."""
    return metadata_of(fixed.addr, slot_spans(fixed, mapped))


def totals(metadata: Metadata) -> dict[str, int]:
    """The bytes on each machine of the table."""
    return {
        name: metadata.total(smm=smm, tdp_mmu=tdp_mmu) for name, (smm, tdp_mmu) in VARIANTS.items()
    }


def check_plugged(plugged: int, config: Config) -> None:
    """Raise ConfigError for a plugged size that the device cannot have."""
    if plugged > config.region:
        raise ConfigError(f"plugged {plugged} exceeds the region of {config.region} bytes")
    if plugged % config.block:
        above = plugged - plugged % config.block + config.block
        raise ConfigError(
            f"plugged {plugged} is not a multiple of the block size {config.block}: "
            f"the nearest above is {above}"
        )


def of_config(name: str, profile: Profile, config: Config, plugged: int) -> DeviceMetadata:
    """A device by its configuration, with the plugged blocks packed at its start.

    The option counts as on, and unplugged memory as inaccessible where that takes it; what
    `config` says of the option is only told. Raises ConfigError.
    """
    inaccessible = config.inaccessible or not profile.accessible_slots
    fixed = fix(profile, replace(config, option=True, inaccessible=inaccessible))
    check_plugged(plugged, config)
    return DeviceMetadata(
        name=name,
        option=config.option,
        limit=config.limit,
        fixed=fixed,
        plugged=plugged,
        mapped=mapped_if_packed(fixed, plugged),
        at_most=mapped_at_most(fixed, plugged),
    )


def along_trace(name: str, trace: Trace) -> Iterator[DeviceMetadata]:
    """The device at the start of a trace and after each of its steps, as the model has it."""
    model = ReferenceDevice(trace.profile, trace.config)
    yield _now(name, model)
    for step in trace.steps:
        model.apply(step.action)
        yield _now(name, model)


def _now(name: str, model: ReferenceDevice) -> DeviceMetadata:
    return DeviceMetadata(
        name=name,
        option=model.config.option,
        limit=model.config.limit,
        fixed=model.fixed,
        plugged=model.state.size,
        mapped=model.state.mapped,
    )
