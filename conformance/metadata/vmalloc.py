"""What KVM has of the kernel's vmalloc memory, by item: read from /proc/vmallocinfo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from conformance.metadata.kvm import KvmError

INFO: Final = Path("/proc/vmallocinfo")
OTHER: Final = "other"
"""What no item is known of, of KVM too."""
CALLERS: Final = {
    "memslot_rmap_alloc": "rmap",
    "kvm_page_track_create_memslot": "write_track",
    "kvm_page_track_write_tracking_alloc": "write_track",
    "__kvm_page_track_write_tracking_alloc": "write_track",
    "kvm_alloc_memslot_metadata": "lpage_info",
    "kvm_arch_prepare_memory_region": "lpage_info",
    "kvm_alloc_dirty_bitmap": "dirty_bitmaps",
    "kvm_prepare_memory_region": "dirty_bitmaps",
    "kvm_set_memslot": "dirty_bitmaps",
    "__kvm_set_memory_region": "dirty_bitmaps",
    "kvm_set_memory_region": "dirty_bitmaps",
}
"""The functions that the arrays of an item are made in, or that the compiler made these part of."""

Areas = Counter[tuple[str, int]]
"""How many areas of so many pages an item has."""


def read() -> Areas:
    """The areas of all virtual machines there are. Raises KvmError."""
    try:
        return parsed(INFO.read_text())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise KvmError(f"{INFO}: {reason}: --measure needs root") from None


def parsed(text: str) -> Areas:
    """The areas of KVM in the text of /proc/vmallocinfo."""
    found: Areas = Counter()
    for line in text.splitlines():
        words = line.split()
        pages = next((w[6:] for w in words if w.startswith("pages=")), None)
        if len(words) < 3 or pages is None:
            continue
        symbol = words[2].partition("+")[0].partition(".")[0]
        if symbol in CALLERS or symbol.startswith("kvm_") or "[kvm]" in words:
            found[CALLERS.get(symbol, OTHER), int(pages)] += 1
    return found


def difference(after: Areas, before: Areas) -> Areas:
    """What came; a negative count went."""
    changed = Counter(after)
    changed.subtract(before)
    return Counter({key: count for key, count in changed.items() if count})


def counted(taken: Iterable[tuple[str, tuple[int, ...]]]) -> Areas:
    """Areas of items, each by name with the pages of its areas."""
    return Counter((name, pages) for name, areas in taken for pages in areas)


def pages_of(areas: Areas, item: str) -> int:
    """All pages of an item."""
    return sum(pages * count for (name, pages), count in areas.items() if name == item)
