"""Small devices with the rules unchanged: few blocks, few memslots, all of them real sizes.

A memslot has at least 1 GiB, so a device with few blocks to a memslot has blocks of 1 GiB.
"""

from __future__ import annotations

from typing import Final

from model.arithmetic import GIB
from model.device import ConfigError, fix
from model.profiles import Profile
from model.state import Config

BLOCK: Final = GIB
"""Bytes of a block of a scaled device. The usable region's extent is a part of a block, so the
usable region reaches one block beyond the requested size."""
ADDRESS: Final = 4 * GIB
"""Guest physical address of a scaled device; a real QEMU has its first memory device there."""
MOST_BLOCKS: Final = 10
"""Blocks of a scaled device at most: a state graph grows threefold with each."""


class NoScale(ConfigError):
    """Blocks that cannot be cut into so many memslots; the message says into how many."""


def scaled_config(
    profile: Profile,
    blocks: int,
    slots: int,
    *,
    requested: int = 1,
    option: bool | None = None,
    inaccessible: bool = True,
) -> Config:
    """A configuration with that many blocks and memslots; `requested` blocks are at start.

    With the `option` off, as it is for a profile that has none, there is one memslot, whatever
    `slots` says. Raises model.device.ConfigError where the profile has no such device, and NoScale
    where the decision function makes another number of memslots of the figures.
    """
    option = bool(profile.option_name) if option is None else option
    config = Config(
        region=blocks * BLOCK,
        block=BLOCK,
        limit=slots,
        requested=requested * BLOCK,
        addr=ADDRESS,
        option=option,
        inaccessible=inaccessible,
    )
    count = fix(profile, config).slots.count
    if option and count != slots:
        raise NoScale(
            f"{blocks} blocks in at most {slots} memslots of whole blocks make {count}: no device "
            f"has {slots}"
        )
    return config
