"""The page of rooms: what imports what, and the way of one rule through all of them."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import graphviz

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from rooms import ENTRIES, FLOORS  # noqa: E402

from conformance.check.runner import run_trace  # noqa: E402
from conformance.targets.qemu.target import QemuTarget  # noqa: E402
from conformance.traces.trace import read_trace  # noqa: E402
from model.contracts import CONTRACTS  # noqa: E402
from model.requests import plug  # noqa: E402
from smt_proofs.solving.settle import settle  # noqa: E402
from smt_proofs.transitions.claims import claims_of  # noqa: E402
from smt_proofs.transitions.proofs import prove_transition  # noqa: E402

MODEL = (
    "arithmetic",
    "machine_ints",
    "geometry",
    "state",
    "observation",
    "mapping",
    "requests",
    "events",
    "contracts",
    "invariants",
    "rules",
    "device",
)
"""The modules of `model/` in the order in which to read them."""
PICTURE = "map.svg"


def job(file: Path) -> str:
    """The first line of a module's docstring."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return said.split("\n")[0]


def home(path: str) -> Path:
    """The file of a room or a module, by its path without the ending."""
    folder = ROOT / path
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def rooms() -> Iterator[tuple[str, str, str]]:
    """Package, room and job of every room, top to bottom."""
    for package, floors in FLOORS.items():
        for floor in floors:
            for room in floor:
                if room not in ENTRIES:
                    yield package, room, job(home(f"{package}/{room}"))


def used(package: str, room: str) -> set[str]:
    """The rooms of the same package that a room imports."""
    found = set()
    for file in (ROOT / package / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    parts = f"{node.module}.{alias.name}".split(".")
                    if parts[0] == package and parts[1] != room:
                        found.add(parts[1])
    return found


def picture() -> graphviz.Digraph:
    """The rooms as boxes, with an arrow to each room that one imports."""
    node = {"shape": "box", "style": "rounded,filled", "fillcolor": "white", "fontsize": "11"}
    font = {"fontname": "Helvetica,Arial,sans-serif"}
    drawn = graphviz.Digraph("rooms", node_attr=node | font, graph_attr=font | {"compound": "true"})
    drawn.attr(rankdir="TB", bgcolor="white", ranksep="0.35", nodesep="0.2")
    for package, floors in FLOORS.items():
        with drawn.subgraph(name=f"cluster_{package}") as box:
            box.attr(label=f"{package}/", style="rounded", color="gray60")
            for floor in floors:
                with box.subgraph() as level:
                    level.attr(rank="same")
                    for room in floor:
                        if room not in ENTRIES:
                            level.node(f"{package}.{room}", label=room)
    drawn.node("model", label="model/", fillcolor="lightyellow")
    for package, room, _ in rooms():
        for target in sorted(used(package, room)):
            drawn.edge(f"{package}.{room}", f"{package}.{target}", color="gray40")
    drawn.edge("conformance.commands", "smt_proofs.book", color="gray40", constraint="false")
    for lowest in ("conformance.judge", "smt_proofs.transitions"):
        drawn.edge(lowest, "model", color="gray40")
    return drawn


def line_of(found: Callable[..., Any]) -> str:
    """A link to the line where a function or class begins."""
    file = Path(inspect.getsourcefile(found) or "").resolve().relative_to(ROOT)
    _, line = inspect.getsourcelines(found)
    return f"[`{file}`, line {line}](../{file}#L{line})"


def way_of_plug() -> list[str]:
    """Where the rule of PLUG is written, claimed, proven and tried."""
    contract = next(c for c in CONTRACTS if c.name == "plug-marks-blocks")
    stations = [
        ("rule", "`plug`: what the device does, over any domain", plug),
        ("contract", f"`{contract.name}`: {contract.claim}", contract.holds),
        ("theorem", "`plug_obeys_plug_marks_blocks`, made of rule and contract", claims_of),
        ("obligation", "every path through the rule, with the contract denied", prove_transition),
        ("verdict", "what the search found is written as SMT-LIB and decided afresh", settle),
        ("trace", "the same step as a line of a file", read_trace),
        ("run", "the model and a device under test in lockstep", run_trace),
        ("real device", "a QEMU is sent the request over a virtqueue", QemuTarget.apply),
    ]
    return [f"| {name} | {says} | {line_of(found)} |" for name, says, found in stations]


def map_page() -> str:
    """`docs/map.md`."""
    lines = [
        "<!-- Made by docs/generate.py from the code. -->",
        "# The rooms",
        "",
        "Each folder below is a room with one job. A room imports only rooms below it, as a test",
        "holds; `model/` stands under all of them and imports none.",
        "",
        f"![The rooms of smt_proofs and conformance, with an arrow for each import]({PICTURE})",
        "",
        "| room | its job |",
        "| --- | --- |",
        *(f"| `{package}/{room}/` | {says} |" for package, room, says in rooms()),
        "",
        "## The model, in reading order",
        "",
        "| module | what it says |",
        "| --- | --- |",
        *(f"| `model/{name}` | {job(home(f'model/{name}'))} |" for name in MODEL),
        "",
        "## The way of one rule: PLUG",
        "",
        "| station | what happens | where |",
        "| --- | --- | --- |",
        *way_of_plug(),
        "",
    ]
    return "\n".join(lines)
