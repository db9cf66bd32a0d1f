"""`metadata` on the command line: its sources, its figures in text, JSON and drawing."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.metadata.answer import about
from conformance.metadata.options import CommandLineError, number_of
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB, TIB
from model.metadata import memslot_metadata

KERNEL = ("--kernel", "6.1")
"""What a machine without KVM tells as well."""

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
    given = words if "--kernel" in words else (*words, *KERNEL)
    result = metadata(*given, "--json")
    assert result.exit_code == 0, result.output
    loaded: dict[str, Any] = json.loads(result.stdout)
    assert problem(loaded, "metadata-v2.json") is None
    return loaded


def wrong(*words: object) -> str:
    """The one line about wrong use."""
    result = metadata(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_static_is_the_patch_and_dynamic_the_same_formula_over_the_mapped_memslots() -> None:
    found = document("--region", "1T", "--plugged", "1G", "--kernel", "patch")
    assert found["kernel"] is None
    assert found["static"] is None
    table = found["patch"]
    items = table["static"]["items"]
    assert list(items.values()) == [
        *(2147483648, 4194304, 8192),
        536870912,
        *(2097152, 4096),
        536870912 // 8,
    ]
    (device,) = found["devices"]
    assert device["mapped"] == [[0, 1]]
    assert device["slots"] == {"count": 256, "size": 4 * GIB, "last": 4 * GIB}
    assert table["dynamic"]["items"] == as_items(memslot_metadata(TIB, 4 * GIB))
    assert table["saved"]["no_smm"] == (
        table["static"]["totals"]["no_smm"] - table["dynamic"]["totals"]["no_smm"]
    )
    assert document("--region", "1T", "--plugged", "1G")["patch"] == table


def as_items(metadata: Any) -> dict[str, int]:
    return {name: getattr(metadata, name) for name in metadata.__dataclass_fields__}


def test_the_text_of_the_patch_holds_the_figures_of_the_json() -> None:
    words = ("--region", "6G", "--plugged", "2G", "--limit", "3", "--kernel", "patch")
    found, shown = document(*words), metadata(*words).stdout
    for side in ("static", "dynamic"):
        for part in ("items", "totals"):
            for value in found["patch"][side][part].values():
                assert f" {value}" in shown
    assert "6 GiB, 3 memslots of 2 GiB\n  2 GiB plugged: 1 mapped" in shown
    assert shown.startswith("By the patch's table, dynamic memslots save ")


@pytest.mark.parametrize(
    ("words", "now", "logging", "advice"),
    [
        (["6.12-cloud"], "2.00 MiB", "65.9 MiB", "turn them on if you migrate"),
        (["6.12"], "2.00 MiB", "65.9 MiB", "turn them on if you migrate"),
        (["6.12", "--write-tracking"], "513 MiB", "577 MiB", "turn them on"),
        (["6.1"], "513 MiB", "577 MiB", "turn them on"),
        (["6.1-cloud"], "2.00 MiB", "65.9 MiB", "turn them on if you migrate"),
        (["6.1", "--no-write-tracking"], "2.00 MiB", "65.9 MiB", "turn them on if you migrate"),
        (["6.12-cloud", "--nested"], "2.50 GiB", "2.56 GiB", "turn them on"),
        (["6.12", "--no-tdp-mmu"], "2.00 GiB", "2.06 GiB", "turn them on"),
        (["6.12-cloud", "--dirty-ring"], "2.00 MiB", "2.00 MiB", "they make no difference"),
        (["6.12-cloud", "--smm"], "3.99 MiB", "132 MiB", "turn them on if you migrate"),
        (["6.12", "--smm", "--private"], "2.00 MiB", "65.9 MiB", "turn them on if you migrate"),
        (["6.12", "--arch", "arm64"], "0 B", "63.9 MiB", "turn them on if you migrate"),
        (["5.10"], "2.50 GiB", "2.56 GiB", "turn them on"),
        (["5.10-cloud"], "2.50 GiB", "2.56 GiB", "turn them on"),
    ],
)
def test_the_answer_comes_first(words: list[str], now: str, logging: str, advice: str) -> None:
    shown = metadata("--region", "1T", "--plugged", "1G", "--kernel", *words).stdout
    first = shown.splitlines()[0]
    assert first == (
        f"On {words[0]}, dynamic memslots save {now} now, {logging} during migration: {advice}."
    )


def test_all_plugged_costs_more() -> None:
    shown = metadata("--region", "64G", "--plugged", "64G", *KERNEL).stdout
    assert "dynamic memslots cost " in shown.splitlines()[0]
    assert "more now" in shown.splitlines()[0]


def test_every_item_adds_up_and_has_its_reason() -> None:
    found = document("--region", "6G", "--plugged", "2G", "--limit", "3", "--kernel", "6.12")
    for side in ("static", "dynamic"):
        items = found[side]["items"]
        assert sum(items.values()) == found[side]["logging"]
        assert found[side]["logging"] - items["dirty_bitmaps"] == found[side]["now"]
    told = found["kernel"]["items"]
    assert [name for name, item in told.items() if item["allocated"]] == [
        "lpage_info",
        "dirty_bitmaps",
    ]
    shown = metadata("--region", "6G", "--plugged", "2G", "--kernel", "6.12").stdout
    for item in told.values():
        assert item["why"] in shown
    assert {row["name"] for row in found["kernels"]} >= {"5.10", "6.1", "6.12-cloud", "7.2"}


GVT, NESTED = "a GVT device is in the VM", "a nested guest runs"


@pytest.mark.parametrize(
    ("kernel", "switches", "told"),
    [
        ("6.12", [], {GVT: ("513 MiB", "577 MiB"), NESTED: ("2.50 GiB", "2.56 GiB")}),
        # Not built for GVT, or built so and allocated from the start.
        ("6.12-cloud", [], {NESTED: ("2.50 GiB", "2.56 GiB")}),
        ("6.1", [], {NESTED: ("2.50 GiB", "2.56 GiB")}),
        ("6.12", ["--write-tracking"], {NESTED: ("2.50 GiB", "2.56 GiB")}),
        ("6.12", ["--nested"], {}),
        ("6.12", ["--no-tdp", "--no-tdp-mmu"], {}),
        ("5.10", [], {}),
        ("6.12", ["--arch", "arm64"], {}),
    ],
)
def test_what_may_come_into_the_vm_is_told_with_its_items(
    kernel: str, switches: list[str], told: dict[str, tuple[str, str]]
) -> None:
    words = ("--region", "1T", "--plugged", "1G", "--kernel", kernel, *switches)
    found = document(*words)
    shown = metadata(*words).stdout
    assert [one["what"] for one in found["arrivals"]] == list(told)
    for one in found["arrivals"]:
        now, logging = told[one["what"]]
        assert f"  once {one['what']}: saved {now}, {logging} while logging (" in shown
        more = {
            name
            for name, size in one["static"]["items"].items()
            if size != found["static"]["items"][name]
        }
        assert more <= {"rmap", "write_track"} and more
    if GVT in told:
        assert "(gfn_track 513 MiB static, 2.00 MiB dynamic)" in shown
    assert ("more is allocated" in shown) == bool(told)


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
    assert found["kernel"]["address_spaces"] == 2


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
        metadata("--trace", file, *KERNEL).stdout
    )


@pytest.mark.parametrize("source", ["--region", "--trace"])
def test_a_chart_is_drawn(source: str, tmp_path: Path) -> None:
    trace, chart = tmp_path / "t.jsonl", tmp_path / "c.svg"
    CliRunner().invoke(slotproof, ["trace", "generate", str(trace), "--steps", "5"])
    given = {"--region": "6G", "--trace": str(trace)}[source]
    assert metadata(source, given, "--chart", chart, *KERNEL).exit_code == 0
    content = chart.read_text()
    root = ElementTree.fromstring(content)
    panels = root.findall("{http://www.w3.org/2000/svg}svg")
    assert len(panels) == (3 if source == "--region" else 1)
    assert ">static, migrating<" in content
    for panel in panels:
        lines = panel.findall("{http://www.w3.org/2000/svg}polyline")
        places = {line.get("class"): line.get("points", "").split() for line in lines}
        assert set(places) == {"now", "static-now", "logging", "static-logging"}
        heights = {name: float(shown[-1].split(",")[1]) for name, shown in places.items()}
        # All plugged, the dynamic memslots cost what the static one does, and a little more.
        if source == "--region":
            assert heights["logging"] <= heights["static-logging"] < heights["static-now"]
    metadata(source, given, "--chart", chart, *KERNEL)
    assert chart.read_text() == content


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
        (
            ("--qemu-cmdline", VM.replace("1028G", "100G")),
            "vm0: 1 TiB do not fit the 96 GiB that are left for memory devices: "
            "write maxmem=1028G or more",
        ),
        (
            ("--qemu-cmdline", VM.replace("dynamic-", "dynamic_")),
            "virtio-mem-pci has no option dynamic_memslots: write dynamic-memslots",
        ),
        (
            ("--qemu-cmdline", VM.replace("requested-size", "requested_size")),
            "virtio-mem-pci has no option requested_size: write requested-size",
        ),
        (("--qemu-cmdline", VM.replace("maxmem", "max_mem")), "-m has no option max_mem: write"),
        (
            ("--qemu-cmdline", VM.replace("size=1T", "sizes=1T")),
            "memory-backend-ram has no option sizes: write size",
        ),
        (
            ("--qemu-cmdline", f"{VM},memaddr=4G"),
            "memaddr=4G is no number, which is all that QEMU takes there: write bytes",
        ),
        (
            ("--qemu-cmdline", f"{VM} -netdev tap,id=n0,vhots=on"),
            "a netdev tap has no option vhots: write vhost",
        ),
        (
            ("--qemu-cmdline", f"{VM},unplugged-inaccessible=off"),
            "vm0: QEMU refuses dynamic-memslots=on with unplugged-inaccessible=off: write",
        ),
        (
            ("--qemu-cmdline", f"{VM},unplugged-inaccessible=auto"),
            "vm0: QEMU refuses dynamic-memslots=on with unplugged-inaccessible=auto: write",
        ),
        (("--qemu-cmdline", VM.replace("=1T", "=1TB")), "size=1TB is not a size that QEMU reads"),
        (("--qemu-cmdline", VM.replace("4G,", "0x400M,")), "size=0x400M is not a size"),
        (("--qemu-cmdline", VM.replace("4G,", "0x400,")), "size=0x400 is not a size"),
        (("--qemu-cmdline", VM.replace("4G,", "1.5,")), "size=1.5 is a part of a byte"),
        (
            ("--qemu-cmdline", "/usr/bin/qemu-system-x86_64", "-enable-kvm", "-m", "4G"),
            "No such option '-e': a QEMU command line goes in quotes",
        ),
        (("--qemu-cmdline", VM.replace("1028G", "1x")), "maxmem=1x is not a size"),
        (("--qemu-cmdline", VM.replace("1028G", "3G")), "is below the boot memory"),
        (("--qemu-cmdline", VM.replace("=on", "=maybe")), "is no switch"),
        (("--qemu-cmdline", "qemu -device {x"), "in JSON cannot be read"),
        (("--qmp", "nowhere/at.all"), "nowhere/at.all: "),
        (("--region", "1G", "--chart", "x.png"), "does not end in .svg"),
        (("--region", "1G", "--chart", "no/x.svg", *KERNEL), "cannot write no/x.svg"),
        (("--region", "1G", "--kernel", "4.19"), "older than 5.10"),
        (
            ("--region", "1G", "--kernel", "6.12-mine"),
            "no kernel '6.12-mine': expected what uname -r says of Debian's generic or cloud "
            "kernel, or --kernel 6.12, that version as Debian builds it",
        ),
        (
            ("--region", "1G", "--kernel", "6.8.0-45-generic"),
            "or --kernel 6.8, that version as Debian builds it",
        ),
        (("--region", "1G", "--kernel", "mine"), "no kernel 'mine': expected patch, host, 5.10"),
        (("--region", "1G", "--kernel", "patch", "--smm"), "go without --kernel patch"),
        (("--region", "1G", "--kernel", "patch", "--measure"), "goes without --kernel patch"),
        (("--region", "1G", "--kernel", "patch", "--chart", "x.svg"), "without --kernel patch"),
        (("--region", "1G", "--measure", *KERNEL), "--measure goes with --kernel host"),
        (("--region", "1G", "--addr", "0x100001"), "addr"),
    ],
)
def test_wrong_use_is_one_line(words: tuple[str, ...], line: str) -> None:
    assert line in wrong(*words)


@pytest.mark.parametrize(
    ("text", "boot"),
    [
        ("2048", 2 * GIB),
        ("1.5G", 3 * GIB // 2),
        (".5g", GIB // 2),
        ("+1G", GIB),
        ("1073741824b", GIB),
        ("0x4000000F", GIB + 15),
    ],
)
def test_sizes_are_read_as_qemu_reads_them(text: str, boot: int) -> None:
    line = f"q -m {text},maxmem={boot + 4 * GIB} -object memory-backend-ram,id=m,size=4G "
    (device,) = document("--qemu-cmdline", f"{line} -device virtio-mem-pci,memdev=m")["devices"]
    assert device["limit"] == 256


def test_real_options_of_a_device_are_no_misspelt_ones() -> None:
    """Those of QEMU 10.0 that are not read."""
    more = "node=0,prealloc=on,size=1T,addr=06.0,migrate-extra=on,x-early-migration=on"
    assert document("--qemu-cmdline", f"{VM},{more}")["devices"][0]["option"]


@pytest.mark.parametrize(
    ("profile", "words", "limit"),
    [
        ("qemu", VM.replace("dynamic-memslots=on", "unplugged-inaccessible=off"), 256),
        ("qemu", f"{VM},unplugged-inaccessible=auto".replace("reserve=off", "share=on"), 256),
        ("seed-v2", f"{VM},unplugged-inaccessible=off".replace("dynamic-", "multiple-"), 256),
    ],
)
def test_accessible_memory_where_qemu_takes_it(profile: str, words: str, limit: int) -> None:
    (device,) = document("--qemu-cmdline", words, "--profile", profile)["devices"]
    assert device["limit"] == limit


@pytest.mark.parametrize("option", ["on", "off"])
def test_guests_that_cannot_use_them_are_told_wherever_they_are_advised(option: str) -> None:
    found = document("--qemu-cmdline", VM.replace("slots=on", f"slots={option}"))
    assert found["answer"].endswith({"on": "keep them on.", "off": "turn them on."}[option])
    assert any("Linux before 5.16" in line for line in found["remarks"])


def test_no_guest_is_told_of_where_nothing_is_advised() -> None:
    words = VM.replace("slots=on", "slots=off").replace("size=3G", "size=1T")
    assert not any("5.16" in line for line in document("--qemu-cmdline", words)["remarks"])


def test_scattered_blocks_are_told_of_in_text() -> None:
    words = ("--region", "1T", "--plugged", "1G", "--kernel", "6.12-cloud")
    found = document(*words)
    more = found["devices"][0]["at_most"]["now"] - found["static"]["now"]
    assert more > 0
    assert f"\n  with 256 mapped: {about(more)} more than static now, " in metadata(*words).stdout
    assert "more than static" not in metadata("--region", "1T", *KERNEL).stdout


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "", True),
        ("", "-accel tcg", True),
        ("", "-enable-kvm", False),
        ("", "-accel kvm", False),
        ("", "-machine q35,accel=kvm:tcg", False),
        ("/usr/libexec/qemu-kvm", "", False),
    ],
)
def test_a_machine_without_kvm_is_told_of(before: str, after: str, told: bool) -> None:
    words = VM.replace("qemu-system-x86_64", before or "qemu-system-x86_64")
    remarks = document("--qemu-cmdline", f"{words} {after}")["remarks"]
    assert any("does not ask for KVM" in line for line in remarks) == told


@pytest.mark.parametrize(("kernel", "told"), [("6.8", True), ("6.12", False), ("5.10", False)])
def test_a_kernel_between_those_read_is_told_of(kernel: str, told: bool) -> None:
    remarks = document("--region", "1T", "--kernel", kernel)["remarks"]
    assert any("lies between versions that were read, 6.1." in line for line in remarks) == told


NET = "-netdev tap,id=net0,vhost=on -device virtio-net-pci,netdev=net0 "


def test_a_vhost_device_decides() -> None:
    """With the 64 regions of vhost, QEMU's core hands out a limit of 1: nothing is saved."""
    line = VM.replace("-object", f"{NET} -object")
    found = document("--qemu-cmdline", line)
    assert found["devices"][0]["limit"] == 1
    assert found["saved"] == {"now": 0, "logging": 0}
    assert found["answer"].startswith("Nothing is saved: net0 (vhost, 64 memory regions) ")
    assert "max_mem_regions=509" in found["answer"]


def test_what_enough_vhost_regions_would_save_is_told() -> None:
    asked = ("--qemu-cmdline", VM.replace(" -device", f" {NET}-device", 1), "--kernel", "6.1")
    (told,) = (line for line in document(*asked)["remarks"] if line.startswith("with 509 "))
    saved = document(*asked, "--vhost-regions", 509)
    assert told.endswith(f": {saved['answer']}") and "save" in told
    assert not any(line.startswith("with 509 ") for line in saved["remarks"])


@pytest.mark.parametrize(("option", "also"), [("on", ""), ("off", " and turn dynamic memslots on")])
def test_the_first_line_says_what_vhost_costs_and_what_to_do(option: str, also: str) -> None:
    line = VM.replace(" -device", f" {NET}-device", 1).replace("slots=on", f"slots={option}")
    found = document("--qemu-cmdline", line)
    saved = document("--qemu-cmdline", line, "--vhost-regions", 509)["saved"]
    assert found["answer"].endswith(
        f"max_mem_regions=509 before any VM starts{also}, which saves {about(saved['now'])} now, "
        f"{about(saved['logging'])} during migration."
    )
    (host,) = (line for line in found["remarks"] if "/etc/modprobe.d/vhost.conf" in line)
    assert "modprobe -r vhost_net" in host


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("6.1.0-40-amd64", "6.1"),
        ("6.1.0-40-cloud-amd64", "6.1-cloud"),
        ("6.12.48+deb13-cloud-amd64", "6.12-cloud"),
        ("linux-image-6.12.9+bpo-amd64", "6.12"),
    ],
)
def test_what_uname_says_is_a_kernel(name: str, same: str) -> None:
    told, plain = (document("--region", "1T", "--kernel", one) for one in (name, same))
    assert told["kernel"]["name"] == name and told["saved"] == plain["saved"]
    assert told["kernel"]["tracking"] == plain["kernel"]["tracking"]


def test_enough_vhost_regions_change_nothing() -> None:
    line = VM.replace("-object", f"{NET} -object")
    (device,) = document("--qemu-cmdline", line, "--vhost-regions", 509)["devices"]
    assert device["limit"] == 256
    assert document("--qemu-cmdline", line, "--vhost-regions", 508)["devices"][0]["limit"] == 1


@pytest.mark.parametrize(
    ("option", "limit", "told"),
    [
        ("-netdev tap,id=n,vhost=off", 256, None),
        ("-netdev tap,id=n", 256, None),
        ("-netdev tap,id=n,vhostfd=7", 1, "n is a vhost device of 64 regions"),
        ("-netdev type=tap,id=n,vhostforce=on", 1, "n is a vhost device"),
        ("-netdev vhost-user,id=n,chardev=c", 1, "n is a vhost-user device of 8 regions"),
        ("-netdev vhost-vdpa,id=n", 256, None),
        ("-device vhost-vsock-pci,guest-cid=3", 1, "vhost-vsock-pci is a vhost device"),
        ("-device vhost-user-fs-pci,id=fs", 1, "fs is a vhost-user device"),
    ],
)
def test_vhost_devices_are_known_by_their_options(
    option: str, limit: int, told: str | None
) -> None:
    found = document("--qemu-cmdline", VM.replace("-object", f"{option} -object"))
    assert found["devices"][0]["limit"] == limit
    assert any(told in remark for remark in found["remarks"]) if told else limit == 256


def test_a_vhost_device_behind_is_told_of() -> None:
    found = document("--qemu-cmdline", f"{VM} -device vhost-user-fs-pci,id=fs")
    assert found["devices"][0]["limit"] == 256
    assert any("fs comes after a memory device" in remark for remark in found["remarks"])


def test_regions_of_a_vhost_device_without_a_command_line() -> None:
    found = document("--region", "1T", "--plugged", "1G", "--vhost-regions", "64")
    assert found["devices"][0]["slots"]["count"] == 1
    assert found["answer"].startswith("Nothing is saved: ")


@pytest.mark.parametrize(
    ("option", "spaces"),
    [("", 2), ("-machine q35,smm=off", 1), ("-M pc,smm=on", 2)],
)
def test_smm_is_what_the_machine_says(option: str, spaces: int) -> None:
    found = document("--qemu-cmdline", f"{VM} {option}")
    assert found["kernel"]["address_spaces"] == spaces
    assert found["kernel"]["switches"]["smm"]["why"] == "the machine"


def test_the_dirty_ring_is_what_the_machine_says() -> None:
    found = document("--qemu-cmdline", f"{VM} -accel kvm,dirty-ring-size=4096")
    assert found["static"]["items"]["dirty_bitmaps"] == 0
    again = document("--qemu-cmdline", f"{VM} -accel kvm,dirty-ring-size=4096", "--no-dirty-ring")
    assert again["static"]["items"]["dirty_bitmaps"] > 0


def test_an_address_may_be_hexadecimal() -> None:
    (device,) = document("--region", "1G", "--addr", "0x100000000")["devices"]
    assert device["addr"] == 4 * GIB


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1023, "1023 B"),
        (2 * MIB, "2.00 MiB"),
        (-66 * MIB, "-66.0 MiB"),
        (1010 * MIB, "1010 MiB"),
        (1023 * MIB + MIB // 2, "1.00 GiB"),
        (65 * GIB // 64, "1.02 GiB"),
    ],
)
def test_sizes_are_told_without_powers_of_ten(count: int, told: str) -> None:
    assert about(count) == told


@pytest.mark.parametrize("text", ["4294967296", "0x100000000", "040000000000", "+4294967296"])
def test_an_address_is_a_number_as_qemu_reads_it(text: str) -> None:
    assert number_of(text, "memaddr") == 1 << 32


@pytest.mark.parametrize(
    "text", ["4G", "4294967296B", "", "0x", "08", "4.0", "18446744073709551616"]
)
def test_what_is_no_number_is_no_address(text: str) -> None:
    with pytest.raises(CommandLineError, match="memaddr"):
        number_of(text, "memaddr")
