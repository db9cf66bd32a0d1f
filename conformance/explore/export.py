"""A state graph as GraphML, DOT or SVG."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.explore.graph import StateGraph
from conformance.traces.sizes import format_size
from model.extents import Extents
from model.state import ConcreteState

# Only a graph that is written needs the libraries, which an install without extras has not.
if TYPE_CHECKING:
    import graphviz  # type: ignore[import-untyped]
    import networkx as nx

MOST_DRAWN: Final = 300
"""States of a drawing at most; one with more takes minutes to lay out and nobody can read it."""


class ExportError(ValueError):
    """A graph that cannot be written so; the message is one line."""


def as_networkx(graph: StateGraph) -> nx.DiGraph[int]:
    """States as nodes, one edge for all steps from one state to another.

    A node has the state's fields (bytes; blocks and memslots as runs) and its `depth`, an edge the
    number of `steps` and their operations as `ops`.
    """
    import networkx as nx

    drawn: nx.DiGraph[int] = nx.DiGraph(profile=graph.profile.name)
    for number, state in enumerate(graph.states):
        drawn.add_node(number, depth=graph.depths[number], **_attributes(state))
    for number, row in enumerate(graph.targets):
        ops: dict[int, Counter[str]] = {}
        for action, target in zip(graph.actions, row, strict=True):
            ops.setdefault(target, Counter())[action.op.value] += 1
        for target, counted in ops.items():
            named = ", ".join(sorted(counted))
            drawn.add_edge(number, target, ops=named, steps=counted.total())
    return drawn


def _attributes(state: ConcreteState) -> dict[str, Any]:
    return {
        "plugged": runs(state.plugged),
        "mapped": runs(state.mapped),
        "size": state.size,
        "requested": state.requested,
        "usable": state.usable,
        "busy": state.busy,
        "broken": state.broken,
        "realized": state.realized,
    }


def runs(indices: Extents) -> str:
    """Index runs as text: `0-2 5`, `-` for none."""
    named = (str(a) if b - a == 1 else f"{a}-{b - 1}" for a, b in indices.ranges())
    return " ".join(named) or "-"


def as_graphml(graph: StateGraph) -> bytes:
    """GraphML, which Gephi, yEd and networkx read."""
    import networkx as nx

    return "\n".join(nx.generate_graphml(as_networkx(graph))).encode() + b"\n"


def _drawing(graph: StateGraph) -> graphviz.Digraph:
    import graphviz

    drawn = graphviz.Digraph("states", node_attr={"shape": "box", "fontname": "sans-serif"})
    known = as_networkx(graph)
    for number, state in enumerate(graph.states):
        style = {"style": "bold"} if number == 0 else {}
        drawn.node(str(number), _told(state), **style)
    for source, target, values in known.edges(data=True):
        # Steps that change nothing are left out: every state has them.
        if source != target:
            drawn.edge(str(source), str(target), label=values["ops"])
    return drawn


def _told(state: ConcreteState) -> str:
    flags = {"busy": state.busy, "broken": state.broken, "gone": not state.realized}
    lines = [
        f"plugged {runs(state.plugged)}, mapped {runs(state.mapped)}",
        f"requested {format_size(state.requested)}, usable {format_size(state.usable)}",
        ", ".join(name for name, holds in flags.items() if holds),
    ]
    return "\n".join(filter(None, lines))


def as_dot(graph: StateGraph) -> bytes:
    """DOT, for Graphviz; steps that change nothing are left out."""
    return str(_drawing(graph).source).encode()


def as_svg(graph: StateGraph) -> bytes:
    """A drawing by Graphviz. Raises ExportError where it is not installed or cannot draw it."""
    if len(graph.states) > MOST_DRAWN:
        raise ExportError(
            f"a drawing of {len(graph.states)} states cannot be read: at most {MOST_DRAWN} are "
            "drawn: expected fewer blocks or GraphML"
        )
    import graphviz

    try:
        return bytes(_drawing(graph).pipe(format="svg", quiet=True))
    except graphviz.ExecutableNotFound:
        raise ExportError(
            "SVG needs Graphviz (apt-get install graphviz); DOT and GraphML do not"
        ) from None
    except graphviz.CalledProcessError as error:
        raise ExportError(f"Graphviz failed with status {error.returncode}") from None


WRITERS: Final[dict[str, Callable[[StateGraph], bytes]]] = {
    ".graphml": as_graphml,
    ".dot": as_dot,
    ".gv": as_dot,
    ".svg": as_svg,
}
"""By the suffix of the file's name."""


def write_graph(graph: StateGraph, path: Path) -> None:
    """Write the file whole or not at all. Raises OSError and ExportError."""
    text = WRITERS[path.suffix](graph)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(text)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
