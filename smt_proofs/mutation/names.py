"""Wrong names in a rule: another answer or effect, another field, what was before the step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from smt_proofs.mutation.edit import Edit, parsed

WRONG_MEMBER: Final = {
    "Answer": {
        "ERROR": "NACK",
        "NACK": "ERROR",
        "BUSY": "NACK",
        "ACK": "BUSY",
        "SILENT": "ERROR",
        "VIOLATION": "ERROR",
        "REFUSED": "DONE",
        "DONE": "REFUSED",
    },
    "BlockState": {"PLUGGED": "MIXED", "UNPLUGGED": "PLUGGED", "MIXED": "UNPLUGGED"},
    "Did": {
        "HOST_PREALLOC": "HOST_DISCARD",
        "HOST_PREALLOC_PLUGGED": "HOST_PREALLOC",
        "HOST_DISCARD": "HOST_PREALLOC",
        "HOST_DISCARD_UNPLUGGED": "HOST_DISCARD",
        "MAP": "POPULATE",
        "POPULATE": "MAP",
        "DISCARD": "UNMAP",
        "UNMAP": "DISCARD",
        "REMAP": "MAP",
        "REPLAY": "POPULATE",
    },
    "Mapping": {"PLUGGED": "USABLE", "USABLE": "PLUGGED", "STATIC": "PLUGGED"},
}
WRONG_FIELD: Final = {
    "s": {
        "size": "s.requested",
        "requested": "s.size",
        "usable": "s.requested",
        "busy": "s.broken",
        "broken": "s.busy",
        "realized": "s.broken",
    },
    "f": {
        "region": "f.block",
        "extent": "f.block",
        "start_requested": "f.region",
        "inaccessible": "f.prealloc",
        "prealloc": "f.inaccessible",
    },
    "a": {"value": "a.addr"},
    "c": {"region": "c.block", "block": "c.default_block", "page": "c.default_block"},
    "faults": {"discard": "faults.populate"},
}
WRONG_FAULT: Final = {"discard": "populate", "prealloc": "discard", "populate": "prealloc"}


def attribute_edits(node: ast.Attribute) -> Iterator[Edit]:
    """A wrong answer, kind of effect or way of mapping; a wrong field; a switch turned."""
    if isinstance(node.value, ast.Name):
        owner = node.value.id
        if node.attr in WRONG_MEMBER.get(owner, {}):
            other = WRONG_MEMBER[owner][node.attr]
            yield Edit(f"{node.attr}-becomes-{other}", (node,), (parsed(f"{owner}.{other}"),))
        if node.attr in WRONG_FIELD.get(owner, {}):
            other = WRONG_FIELD[owner][node.attr]
            label = f"{node.attr}-becomes-{other.rsplit('.')[-1]}"
            yield Edit(label, (node,), (parsed(other),))
    elif isinstance(node.value, ast.Attribute) and node.value.attr == "faults":
        other = WRONG_FAULT[node.attr]
        wrong = ast.Attribute(node.value, other, ast.Load())
        yield Edit(f"{node.attr}-fault-becomes-{other}", (node,), (wrong,))


def stale_edits(node: ast.Name, state: frozenset[str]) -> Iterator[Edit]:
    """What was before the step in place of what was just computed: `s.plugged` for `plugged`."""
    if isinstance(node.ctx, ast.Load) and node.id in state:
        yield Edit(f"{node.id}-as-before", (node,), (parsed(f"s.{node.id}"),))
