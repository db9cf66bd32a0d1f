"""The metadata over the plugged size, or over the steps of a trace, as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metadata.device import VARIANTS, DeviceMetadata, curve
from model.arithmetic import GIB, MIB
from model.metadata import Metadata, memslot_metadata
from model.state import Fixed

FORMATS: Final = ("svg", "png")
SHOWN: Final = ("no_smm", "no_smm_tdp_mmu")
"""The machines that are drawn; SMM doubles both."""
NAMES: Final = {"no_smm": "without the TDP MMU", "no_smm_tdp_mmu": "with the TDP MMU"}
COLOURS: Final = {"no_smm": "#b45309", "no_smm_tdp_mmu": "#1d4ed8"}
SETTINGS: Final[dict[Any, Any]] = {
    # Text stays text, so that it can be read aloud and searched.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram: metadata at ascending places `x`; `static` is that of a single memslot.

    `steps`: the places are steps of a trace, each holding until the next; else they are plugged
    sizes in bytes, each the last one with its metadata.
    """

    title: str
    x: tuple[int, ...]
    dynamic: tuple[Metadata, ...]
    static: Metadata
    steps: bool = False


def over_plugged(device: DeviceMetadata) -> Panel:
    """The packed memslots of a device over its plugged size."""
    return panel(device.name, device.fixed)


def panel(name: str, fixed: Fixed[int, bool]) -> Panel:
    """As `over_plugged`."""
    points = tuple(curve(fixed))
    count = fixed.slots.count
    return Panel(
        title=f"{name}: {count} memslot{'s' if count > 1 else ''}",
        x=tuple(plugged for plugged, _ in points),
        dynamic=tuple(metadata for _, metadata in points),
        static=memslot_metadata(fixed.addr, fixed.region),
    )


def over_steps(states: Sequence[DeviceMetadata]) -> Panel:
    """The mapped memslots of a trace after each of its steps."""
    return Panel(
        title=states[0].name,
        x=tuple(range(len(states))),
        dynamic=tuple(state.dynamic for state in states),
        static=states[0].static,
        steps=True,
    )


def drawn(panels: Sequence[Panel], kind: str, salt: str = "slotproof") -> bytes:
    """The diagrams below each other, as the bytes of an SVG or PNG file.

    Drawings for one page have a `salt` each, which keeps the ids in them apart.
    """
    with rc_context(SETTINGS | {"svg.hashsalt": salt}):
        figure = Figure(figsize=(7.2, 4.2 * len(panels)), layout="constrained")
        for axes, panel in zip(
            figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True
        ):
            _draw(axes, panel)
        out = BytesIO()
        figure.savefig(out, format=kind, dpi=150, metadata=_about(kind))
    return out.getvalue()


def _about(kind: str) -> dict[str, str | None]:
    # A date would make every drawing another file.
    return {"Date": None, "Creator": "slotproof"} if kind == "svg" else {"Software": "slotproof"}


def _draw(axes: Axes, panel: Panel) -> None:
    unit = 1 if panel.steps else GIB
    x = [place / unit for place in panel.x]
    for name in SHOWN:
        smm, tdp_mmu = VARIANTS[name]
        colour = COLOURS[name]
        static = panel.static.total(smm=smm, tdp_mmu=tdp_mmu) / MIB
        dynamic = [m.total(smm=smm, tdp_mmu=tdp_mmu) / MIB for m in panel.dynamic]
        axes.step(
            x,
            dynamic,
            where="post" if panel.steps else "pre",
            color=colour,
            label=f"dynamic, {NAMES[name]}",
        )
        axes.axhline(static, color=colour, linestyle="--", label=f"static, {NAMES[name]}")
    axes.set_title(panel.title)
    axes.set_xlabel("step" if panel.steps else "plugged, GiB")
    axes.set_ylabel("metadata without SMM, MiB")
    axes.set_xlim(0, max(x[-1], 1))
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
