"""What VIRTIO does not say and a host or a driver must still be able to rely on, as rules.

Those of level HOST are about memslots, host memory and listeners, from the device's own views.
Those of level NEED are about requests that the text lets a device reject: a driver that is refused
them without a reason gives up (Linux: virtio_mem_send_plug_request, virtio_mem_send_unplug_request,
and virtio_mem_run_wq, which marks the device broken at an unexpected error).
"""

from __future__ import annotations

from typing import Final

from conformance.judge.virtio.rule import Level, Rule

MEMSLOTS: Final = "Host / memslots"
MEMORY: Final = "Host / memory"
DRIVERS: Final = "Drivers / requests"


def _host(id: str, section: str, says: str, *, unprofiled: bool = False) -> Rule:
    return Rule(id, section, Level.HOST, says, unprofiled=unprofiled)


def _need(id: str, says: str) -> Rule:
    return Rule(id, DRIVERS, Level.NEED, says)


HOST_RULES: Final = (
    _host("memslots-tile-region", MEMSLOTS, "the memslots fill the region, none of them empty"),
    _host("memslots-whole-blocks", MEMSLOTS, "every memslot is whole blocks"),
    _host("memslot-exists", MEMSLOTS, "only memslots that there are can be mapped"),
    _host("memslot-of-plugged-mapped", MEMSLOTS, "a plugged block lies in a mapped memslot"),
    _host(
        "memslot-mapped-for-block",
        MEMSLOTS,
        "a memslot is mapped only for a plugged block, where the device promises so",
    ),
    _host(
        "memslot-goes-with-last-block",
        MEMSLOTS,
        "a memslot is unmapped with its last plugged block, where the device promises so",
    ),
    _host("memory-unmapped-gone", MEMORY, "where no memslot is mapped, nothing holds a write"),
    _host(
        "memory-given-back",
        MEMORY,
        "the host holds no more memory behind a range than is plugged there",
    ),
    _host(
        "memory-accounted",
        MEMORY,
        "what is told of host memory tells of some range while a block is plugged, and of some "
        "memory where a plugged block was written",
        unprofiled=True,
    ),
    _host(
        "listeners-know-plugged",
        MEMORY,
        "listeners know exactly the plugged blocks, and are told of each change once",
    ),
    _host(
        "resize-as-set",
        MEMORY,
        "an accepted requested size is the one that was set, and nothing else changes it",
    ),
)
NEED_RULES: Final = (
    _need("plug-possible", "a valid PLUG within the requested size is done on an idle host"),
    _need("unplug-possible", "a valid UNPLUG is done on an idle host, whatever is requested"),
    _need("unplug-all-possible", "UNPLUG ALL is done on an idle host"),
    _need("resize-possible", "a requested size of whole blocks within the region is accepted"),
    _need("rejected-changes-nothing", "a request that is not acknowledged changes no block"),
)
