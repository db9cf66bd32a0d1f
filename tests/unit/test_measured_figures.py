"""The figures of docs/measured.json: the model of today predicts each, to the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.metadata import vmalloc
from conformance.metadata.device import of_config
from conformance.metadata.document import asked_of, kernel_document
from conformance.metadata.measure import ROWS, expected
from model.profiles import QEMU
from model.state import Config

FIGURES = Path(__file__).parents[2] / "docs" / "measured.json"
KERNELS: list[dict[str, Any]] = json.loads(FIGURES.read_text(encoding="utf-8"))["kernels"]
DEVICES = [(kernel, device) for kernel in KERNELS for device in kernel["devices"]]


def predicted(kernel: dict[str, Any], device: dict[str, Any], case: dict[str, Any]) -> list[int]:
    """The pages of each item, by the model."""
    asked = asked_of({"kernel": kernel})
    assert asked is not None
    config = Config(
        region=device["region"],
        block=device["block"],
        addr=device["addr"],
        limit=device["limit"],
    )
    made = of_config("d", QEMU, config, device["plugged"])
    assert case["memslots"] == (1 if case["static"] else len(made.mapped))
    size = made.fixed.slots.size
    spans = (
        [(0, config.region)]
        if case["static"]
        else [(n * size, min(size, config.region - n * size)) for n in range(len(made.mapped))]
    )
    areas = expected(asked.vm, config.addr, spans, case["logging"])
    return [vmalloc.pages_of(areas, row) for row in ROWS]


@pytest.mark.parametrize(
    ("kernel", "device"),
    [(kernel["kernel"], device) for kernel, device in DEVICES],
    ids=[f"{kernel['kernel']['name']}: {device['name']}" for kernel, device in DEVICES],
)
def test_what_was_measured_is_what_the_model_predicts(
    kernel: dict[str, Any], device: dict[str, Any]
) -> None:
    assert len(device["cases"]) == 4
    for case in device["cases"]:
        assert case["differs"] == []
        measured = [case["pages"][row]["measured"] for row in ROWS]
        assert measured == predicted(kernel, device, case)


@pytest.mark.parametrize("entry", KERNELS, ids=lambda entry: str(entry["kernel"]["name"]))
def test_the_reasons_are_those_of_today(entry: dict[str, Any]) -> None:
    asked = asked_of(entry)
    assert asked is not None
    assert kernel_document(asked)["items"] == entry["kernel"]["items"]
    assert entry["machine"] and entry["at"].startswith("20")


def test_another_kernel_would_not_do() -> None:
    """The control: what is predicted depends on the switches."""
    kernel, device = DEVICES[0]
    switches = kernel["kernel"]["switches"]
    other = dict(switches, tdp={"on": not switches["tdp"]["on"], "why": ""})
    other |= {"tdp_mmu": other["tdp"]}
    case = device["cases"][0]
    measured = [case["pages"][row]["measured"] for row in ROWS]
    assert predicted({**kernel["kernel"], "switches": other}, device, case) != measured
