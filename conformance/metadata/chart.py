"""The cost over the plugged size, or over the steps of a trace, drawn as SVG: a panel a kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from conformance.metadata.answer import about
from conformance.metadata.cost import curve, dynamic_cost, static_cost
from conformance.metadata.device import DeviceMetadata
from conformance.metadata.kernel import NAMED, Asked, kernel_named
from conformance.traces.sizes import UNITS, format_size
from model.kernels import TDP_MMU_BY_DEFAULT, Vm

WIDE: Final = 360
HIGH: Final = 250
LEFT, RIGHT, TOP, BOTTOM = 66, 350, 28, 168
"""Where the lines are drawn; texts lie around."""
LINES: Final = {
    "now": "dynamic, now",
    "static-now": "static, now",
    "logging": "dynamic, migrating",
    "static-logging": "static, migrating",
}


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline with its place in the key."""

    name: str
    what: str
    points: str
    key_x: int
    key_y: int


@dataclass(frozen=True, slots=True)
class Panel:
    """A diagram ready to be drawn; `told` says in words what it shows."""

    title: str
    told: str
    x_label: str
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    lines: tuple[Line, ...]


def over_plugged(device: DeviceMetadata, asked: Asked) -> Iterator[Panel]:
    """A panel for the machine asked about, and one for each of Debian's kernels that differs."""
    static = static_cost(asked.vm, device)
    yield _over_plugged(device, asked.vm, f"{device.name} on {asked.vm.kernel.name}")
    seen = {(static.now, static.logging)}
    for name in NAMED:
        kernel = kernel_named(name)
        on = kernel.release >= TDP_MMU_BY_DEFAULT
        vm = Vm(kernel, tdp_mmu=on, smm=asked.vm.smm, private=asked.vm.private)
        cost = static_cost(vm, device)
        # Memslots themselves differ by a few bytes; what is drawn is a thousandth at least.
        if all(abs(cost.logging - logging) > logging // 1000 for _, logging in seen):
            seen.add((cost.now, cost.logging))
            yield _over_plugged(device, vm, f"{device.name} on {name}")


def _over_plugged(device: DeviceMetadata, vm: Vm, title: str) -> Panel:
    points = list(curve(vm, device.fixed))
    static = static_cost(vm, device)
    x = [plugged for plugged, _ in points]
    values = {
        "now": [cost.now for _, cost in points],
        "static-now": [static.now] * len(x),
        "logging": [cost.logging for _, cost in points],
        "static-logging": [static.logging] * len(x),
    }
    columns = tuple(
        Tick(_x(at, x[-1]), format_size(at) if at else "0", anchor)
        for at, anchor in ((0, "start"), (x[-1] // 2, "middle"), (x[-1], "end"))
    )
    return _panel(title, x, values, columns, "plugged")


def over_steps(states: Sequence[DeviceMetadata], asked: Asked) -> Iterator[Panel]:
    """The mapped memslots of a trace after each of its steps."""
    vm = asked.vm
    costs = [dynamic_cost(vm, state) for state in states]
    static = static_cost(vm, states[0])
    # A step holds until the next one.
    x = [place for place in range(len(states)) for _ in range(2)][1:]
    every = [cost for cost in costs for _ in range(2)][:-1]
    values = {
        "now": [cost.now for cost in every],
        "static-now": [static.now] * len(x),
        "logging": [cost.logging for cost in every],
        "static-logging": [static.logging] * len(x),
    }
    last = max(x[-1], 1)
    columns = (Tick(_x(0, last), "0", "start"), Tick(_x(last, last), str(last), "end"))
    yield _panel(f"{states[0].name} on {vm.kernel.name}", x, values, columns, "step")


def _panel(
    title: str,
    x: Sequence[int],
    values: dict[str, list[int]],
    columns: tuple[Tick, ...],
    x_label: str,
) -> Panel:
    highest = max(max(line) for line in values.values())
    rows = _rows(highest)
    top = rows[-1][0]
    lines = []
    for number, (name, what) in enumerate(LINES.items()):
        points = [(_x(place, x[-1]), _y(y, top)) for place, y in zip(x, values[name], strict=True)]
        if x_label == "plugged":
            points = _risers(points)
        shown = " ".join(f"{px:g},{py:g}" for px, py in points)
        lines.append(Line(name, what, shown, 14 + number % 2 * 172, 220 + number // 2 * 18))
    told = (
        f"static {about(values['static-now'][0])} now and {about(values['static-logging'][0])} "
        f"while migrating; dynamic at most {about(max(values['now']))} and "
        f"{about(max(values['logging']))}"
    )
    ticks = tuple(Tick(_y(value, top), text) for value, text in rows)
    return Panel(title, told, x_label, ticks, columns, tuple(lines))


def _risers(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A plugged size is the last one with its cost: the line rises right after it."""
    shown = points[:1]
    for x, y in points[1:]:
        shown += [(shown[-1][0], y), (x, y)]
    return shown


def _rows(highest: int) -> list[tuple[float, str]]:
    """Values for horizontal lines, in round numbers of a unit, and their texts."""
    power = min(int(math.log2(max(highest, 1)) // 10), len(UNITS))
    unit = 1 << 10 * power
    name = f"{UNITS[power - 1]}iB" if power else "B"
    rough = max(highest / unit, 1) / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= rough)
    count = math.ceil(max(highest / unit, 1) / step)
    above = [(n * step * unit, f"{n * step:g} {name}") for n in range(1, count + 1)]
    return [(0, "0"), *above]


def _x(value: float, last: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * value / max(last, 1), 1)


def _y(value: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value / top, 1)


def drawn(panel: Panel, at: int | None = None) -> Markup:
    """A panel as an `svg` element; one of several below each other lies `at` there."""
    template = _templates().get_template("panel.svg.j2")
    frame = {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}
    return Markup(template.render(panel=panel, at=at, wide=WIDE, high=HIGH, **frame))


def chart(panels: Sequence[Panel]) -> str:
    """An SVG file of the panels below each other."""
    template = _templates().get_template("chart.svg.j2")
    shown = [drawn(panel, number * HIGH) for number, panel in enumerate(panels)]
    return template.render(panels=shown, wide=WIDE, high=HIGH * len(panels)) + "\n"


def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("conformance.metadata"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
