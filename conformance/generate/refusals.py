"""Configurations that a device must refuse: one field of a good one made wrong.

Source: VIRTIO, Memory Device, Device configuration layout (whole blocks, a power of two);
virtio_mem_set_block_size, virtio_mem_device_realize.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from conformance.generate.choices import Choices
from model.arithmetic import MIB, U64_MASK
from model.device import ConfigError, fix
from model.profiles import Profile
from model.state import Config


def _odd_block(choices: Choices, config: Config) -> Config:
    return replace(config, block=config.block + choices.pick([(1, MIB), (1, 4096), (1, 1)]))


def _no_block(choices: Choices, config: Config) -> Config:
    return replace(config, block=0)


def _small_block(choices: Choices, config: Config) -> Config:
    return replace(config, block=MIB // 2)


def _part(choices: Choices, config: Config) -> int:
    """Less than a block."""
    return choices.pick([(2, config.block // 2), (1, 4096), (1, 1)])


def _odd_region(choices: Choices, config: Config) -> Config:
    return replace(config, region=config.region + _part(choices, config))


def _no_region(choices: Choices, config: Config) -> Config:
    return replace(config, region=0, requested=0)


def _odd_addr(choices: Choices, config: Config) -> Config:
    return replace(config, addr=config.addr + _part(choices, config))


def _high_addr(choices: Choices, config: Config) -> Config:
    return replace(config, addr=(U64_MASK + 1) - config.block * choices.integer(1, 2))


def _odd_requested(choices: Choices, config: Config) -> Config:
    part = _part(choices, config)
    return replace(config, requested=max(config.requested - config.block, 0) + part)


def _excess(choices: Choices, config: Config) -> Config:
    most = U64_MASK // config.block * config.block
    return replace(config, requested=choices.pick([(2, config.region + config.block), (1, most)]))


REFUSALS: Final[dict[str, Callable[[Choices, Config], Config]]] = {
    "requested": _excess,
    "misaligned requested": _odd_requested,
    "misaligned addr": _odd_addr,
    "misaligned region": _odd_region,
    "block": _odd_block,
    "addr": _high_addr,
    "empty region": _no_region,
    "small block": _small_block,
    "no block": _no_block,
}
"""What is made wrong, those first that devices get wrong most often."""


def _large_page(choices: Choices, config: Config) -> Config:
    return replace(config, page=config.block * choices.pick([(2, 2), (1, 512)]))


def _no_memslot(choices: Choices, config: Config) -> Config:
    return replace(config, limit=0)


def _readable(choices: Choices, config: Config) -> Config:
    return replace(config, option=True, inaccessible=False)


BESIDE: Final[dict[str, Callable[[Choices, Config], Config]]] = {
    "page": _large_page,
    "no memslot": _no_memslot,
    "readable memslots": _readable,
}
"""What the options of a QEMU's device do not say, or some profiles take."""


def refused_config(choices: Choices, config: Config, number: int, profile: Profile) -> Config:
    """A good configuration made one that the profile refuses, in the way of that number."""
    ways = [*REFUSALS.values(), *BESIDE.values()]
    wrong = ways[number % len(ways)](choices, config)
    try:
        fix(profile, wrong)
    except ConfigError:
        return wrong
    return _excess(choices, config)
