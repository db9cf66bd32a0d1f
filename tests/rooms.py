"""The table of rooms, top to bottom. The map of the documentation is made of it."""

from __future__ import annotations

from typing import Final

FLOORS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "smt_proofs": (
        ("mutation",),
        ("book",),
        ("rust",),
        ("decision", "transitions", "source"),
        ("lemmas",),
        ("symbolic", "certificates"),
        ("solving",),
    ),
    "conformance": (
        ("__main__",),
        ("entry",),
        ("cli", "pytest_plugin"),
        ("commands",),
        ("report",),
        ("check", "drive"),
        ("explore", "runlog", "metadata"),
        ("generate",),
        ("targets",),
        ("traces",),
        ("judge", "guest"),
    ),
}
"""A room imports only rooms of lower floors: none above, none beside."""
ENTRIES: Final = frozenset({"__main__", "cli", "entry", "pytest_plugin"})
"""The only loose modules: how a person or a program asks."""
