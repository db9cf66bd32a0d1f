"""`metadata` on the command line: its sources, its figures in text, JSON and drawing."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB, TIB
from model.metadata import memslot_metadata

VM = (
    "qemu-system-x86_64 -m 4G,maxmem=1028G "
    "-object memory-backend-ram,id=mem0,size=1T,reserve=off "
    "-device virtio-mem-pci,id=vm0,memdev=mem0,dynamic-memslots=on,requested-size=3G"
)
TWO = (
    "qemu -m size=4096,slots=2,maxmem=24G "
    "-object memory-backend-ram,id=d0,size=4G --device pc-dimm,memdev=d0 "
    """-object '{"qom-type":"memory-backend-memfd","id":"m0","size":8589934592,"hugetlb":true}' """
    """-device '{"driver":"virtio-mem-pci","id":"a","memdev":"m0","dynamic-memslots":true,"""
    """"requested-size":4294967296,"memaddr":8589934592}' """
    "-object memory-backend-ram,id=m1,size=8G "
    "-device virtio-mem-pci,memdev=m1,block-size=4M,requested-size=2G"
)


def metadata(*words: object) -> Result:
    result = CliRunner().invoke(slotproof, ["metadata", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def document(*words: object) -> dict[str, Any]:
    """What `metadata --json` prints, valid by the published schema."""
    result = metadata(*words, "--json")
    assert result.exit_code == 0, result.output
    loaded: dict[str, Any] = json.loads(result.stdout)
    assert problem(loaded, "metadata-v1.json") is None
    return loaded


def wrong(*words: object) -> str:
    """The one line about wrong use."""
    result = metadata(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_static_is_the_patch_and_dynamic_the_same_formula_over_the_mapped_memslots() -> None:
    found = document("--region", "1T", "--plugged", "1G")
    items = found["static"]["items"]
    assert list(items.values()) == [
        *(2147483648, 4194304, 8192),
        536870912,
        *(2097152, 4096),
        536870912 // 8,
    ]
    (device,) = found["devices"]
    assert device["mapped"] == [[0, 1]]
    assert device["slots"] == {"count": 256, "size": 4 * GIB, "last": 4 * GIB}
    assert found["dynamic"]["items"] == as_items(memslot_metadata(TIB, 4 * GIB))
    assert found["saved"]["no_smm"] == (
        found["static"]["totals"]["no_smm"] - found["dynamic"]["totals"]["no_smm"]
    )


def as_items(metadata: Any) -> dict[str, int]:
    return {name: getattr(metadata, name) for name in metadata.__dataclass_fields__}


def test_the_text_holds_the_figures_of_the_json() -> None:
    found = document("--region", "6G", "--plugged", "2G", "--limit", "3")
    shown = metadata("--region", "6G", "--plugged", "2G", "--limit", "3").stdout
    for side in ("static", "dynamic"):
        for part in ("items", "totals"):
            for value in found[side][part].values():
                assert f" {value}" in shown
    assert "6 GiB, 3 memslots of 2 GiB\n  2 GiB plugged: 1 mapped" in shown


def test_a_command_line_in_text_gives_the_limit_of_the_core() -> None:
    (device,) = document("--qemu-cmdline", VM)["devices"]
    assert (device["name"], device["option"], device["limit"]) == ("vm0", True, 256)
    assert device["plugged"] == 3 * GIB


def test_a_command_line_of_several_devices_follows_their_order(tmp_path: Path) -> None:
    """20 GiB of device space, 4 GiB and a memslot of it taken by a DIMM."""
    file = tmp_path / "cmdline"
    file.write_text(TWO)
    found = document("--qemu-cmdline", file)
    first, second = found["devices"]
    assert first["limit"] == int(255 * 8 / 16)
    assert (first["name"], first["addr"], first["block"]) == ("a", 8 * GIB, 2 * MIB)
    assert (first["slots"]["count"], first["plugged"]) == (8, 4 * GIB)
    assert second["limit"] == 256 - 1 - 8
    assert (second["name"], second["option"], second["block"]) == ("virtio-mem 2", False, 4 * MIB)
    assert found["static"]["memslots"] == 2
    assert found["dynamic"]["memslots"] == 4 + 2
    for item, value in found["static"]["items"].items():
        assert value == first["static"]["items"][item] + second["static"]["items"][item]


def test_the_command_line_of_a_process_is_read_as_it_is(tmp_path: Path) -> None:
    words = VM.split(" ")
    file = tmp_path / "cmdline"
    file.write_text("\0".join(words) + "\0")
    assert document("--qemu-cmdline", file)["devices"] == document("--qemu-cmdline", VM)["devices"]


def test_a_trace_is_followed_step_by_step(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    made = CliRunner().invoke(
        slotproof, ["trace", "generate", str(file), "--steps", "30", "--seed", "3"]
    )
    assert made.exit_code == 0
    found = document("--trace", file)
    steps = [json.loads(line) for line in file.read_text().splitlines()[1:-1]]
    assert len(found["steps"]) == 31
    for step, line in zip(found["steps"][1:], steps, strict=True):
        seen = line["see"]
        if "mapped" in seen:
            assert step["memslots"] == sum(end - start for start, end in seen["mapped"])
        assert step["plugged"] == seen["size"]
    assert found["dynamic"]["memslots"] == found["steps"][-1]["memslots"]
    assert f"mapped in 30 steps: {max(s['memslots'] for s in found['steps'])}" in (
        metadata("--trace", file).stdout
    )


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("source", ["--region", "--trace"])
def test_a_chart_is_drawn(kind: str, source: str, tmp_path: Path) -> None:
    trace, chart = tmp_path / "t.jsonl", tmp_path / f"c.{kind}"
    CliRunner().invoke(slotproof, ["trace", "generate", str(trace), "--steps", "5"])
    given = {"--region": "6G", "--trace": str(trace)}[source]
    assert metadata(source, given, "--chart", chart).exit_code == 0
    content = chart.read_bytes()
    assert content.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    if kind == "svg":
        assert b">static, with the TDP MMU<" in content
    metadata(source, given, "--chart", chart)
    assert chart.read_bytes() == content


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "nothing given: give one of --region"),
        (("--region", "1G", "--qmp", "x"), "--region and --qmp given: give one"),
        (("--region", "1G", "--plugged", "2G"), "plugged 2147483648 exceeds the region"),
        (("--region", "3G", "--block", "2G"), "is not a multiple of the block size"),
        (("--region", "1G", "--limit", "0"), "limit 0 is not within 1..4294967295"),
        (("--trace", "x", "--limit", "3"), "--limit goes without --trace"),
        (("--trace", "nowhere"), "nowhere: no such file or directory"),
        (("--qemu-cmdline", "nowhere"), "nowhere: no such file or directory"),
        (("--qemu-cmdline", "-m 'x"), "is no shell text"),
        (("--qemu-cmdline", "qemu -m 1G"), "has no virtio-mem device"),
        (("--qemu-cmdline", VM.replace("memdev=mem0", "memdev=mem1")), "known are mem0"),
        (("--qemu-cmdline", VM.replace(",maxmem=1028G", "")), "no space for memory devices"),
        (("--qemu-cmdline", VM.replace("1028G", "100G")), "does not fit"),
        (("--qemu-cmdline", VM.replace("1028G", "1x")), "maxmem=1x is not a size"),
        (("--qemu-cmdline", VM.replace("1028G", "3G")), "is below the boot memory"),
        (("--qemu-cmdline", VM.replace("=on", "=maybe")), "is no switch"),
        (("--qemu-cmdline", "qemu -device {x"), "in JSON cannot be read"),
        (("--qmp", "nowhere/at.all"), "nowhere/at.all: "),
        (("--region", "1G", "--chart", "x.gif"), "does not end in .svg or .png"),
        (("--region", "1G", "--chart", "no/x.svg"), "cannot write no/x.svg"),
    ],
)
def test_wrong_use_is_one_line(words: tuple[str, ...], line: str) -> None:
    assert line in wrong(*words)


@pytest.mark.parametrize(
    ("text", "boot"), [("2048", 2 * GIB), ("1.5G", 3 * GIB // 2), ("0x400M", GIB), ("3Gb", 3 * GIB)]
)
def test_sizes_are_read_as_qemu_reads_them(text: str, boot: int) -> None:
    line = f"q -m {text},maxmem={boot + 4 * GIB} -object memory-backend-ram,id=m,size=4G "
    (device,) = document("--qemu-cmdline", f"{line} -device virtio-mem-pci,memdev=m")["devices"]
    assert device["limit"] == 256
