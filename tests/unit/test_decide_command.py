"""`decide` on the command line: the memslots, the invariants they meet, one line for wrong use."""

import json
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cli import slotproof
from conformance.commands.decide import DECIDE_VERSION
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB
from model.geometry import Memslots
from model.invariants import INVARIANTS, Layout
from model.machine_ints import INTS
from model.profiles import PROFILES

SMALL = {"region": "5G", "limit": "3", "block": "2M"}
TRUNCATED = f"{(64 << 10) + 2}G"
"""A region of 65538 memslots of 1 GiB: two more than the stored count can tell."""


def decide(*flags: str, **options: object) -> Result:
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    result = CliRunner().invoke(slotproof, ["decide", *words, *flags])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def document(*flags: str, **options: object) -> dict[str, Any]:
    """What `decide --json` prints, valid by the published schema."""
    loaded: dict[str, Any] = json.loads(decide(*flags, "--json", **options).stdout)
    assert problem(loaded, "decide-v1.json") is None
    return loaded


def test_a_limit_that_no_qemu_hands_out_is_said_to_be_one() -> None:
    told = decide(region="1T", limit="257", block="2M")
    assert told.exit_code == 0 and "256 memslots at most, so its limit is never 257" in told.stderr
    assert decide(region="1T", limit="257", block="2M", profile="firecracker").stderr == ""


@pytest.mark.parametrize(
    ("options", "flags", "sentence"),
    [
        ({"region": "1T", "limit": "256", "block": "2M"}, [], "1 TiB: 256 memslots of 4 GiB"),
        (SMALL, [], "5 GiB: 3 memslots, 2 of 1708 MiB and a last one of 1704 MiB"),
        (SMALL | {"limit": "256"}, [], "5 GiB: 5 memslots of 1 GiB"),
        (SMALL | {"limit": "1"}, [], "5 GiB: 1 memslot of 5 GiB"),
        (SMALL | {"region": "1G"}, [], "1 GiB: 1 memslot of 1 GiB"),
        (SMALL, ["--single"], "5 GiB: 1 memslot of 5 GiB"),
        (SMALL, ["--single", "--multiple"], "5 GiB: 3 memslots, 2 of 1708 MiB"),
        (SMALL | {"region": "6G", "block": "2G"}, [], "6 GiB: 3 memslots of 2 GiB"),
    ],
)
def test_the_decision_in_words(options: dict[str, str], flags: list[str], sentence: str) -> None:
    result = decide(*flags, **options)
    assert result.exit_code == 0
    assert result.stdout.startswith(sentence)
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


@pytest.mark.parametrize("profile", [name for name in PROFILES if PROFILES[name].option_name])
@pytest.mark.parametrize("flag", ["--single", "--multiple"])
@pytest.mark.parametrize(
    ("region", "limit", "block", "page"),
    [
        ("1T", "256", "2M", "4K"),
        ("5G", "3", "2M", "2M"),
        ("1M", "9", "1M", "1"),
        ("8E", "2", "8E", "1G"),
    ],
)
def test_the_json_is_valid_for_every_profile(
    profile: str, flag: str, region: str, limit: str, block: str, page: str
) -> None:
    found = document(flag, region=region, limit=limit, block=block, page=page, profile=profile)
    assert found["schema"] == DECIDE_VERSION
    assert found["profile"] == profile
    assert found[PROFILES[profile].option_name] is (flag == "--multiple")
    assert found["violated"] == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"multiple-memslots": True}, "qemu"),
        ({"profile": "seed-v2"}, "profile"),
        ({"count": 0}, "count"),
        ({"region": 1 << 64}, "region"),
        ({"violated": "slot-aligned"}, "violated"),
        ({"schema": DECIDE_VERSION + 1}, "schema"),
    ],
)
def test_the_schema_refuses_what_decide_never_prints(change: dict[str, Any], wrong: str) -> None:
    found = problem(document(**SMALL) | change, "decide-v1.json")
    assert found is not None
    assert wrong in found


def test_the_json_of_the_example() -> None:
    assert document(**SMALL) == {
        "schema": DECIDE_VERSION,
        "command": "decide",
        "profile": "qemu",
        "region": 5 * GIB,
        "block": 2 * MIB,
        "page": 4096,
        "limit": 3,
        "dynamic-memslots": True,
        "count": 3,
        "size": 1708 * MIB,
        "last_size": 1704 * MIB,
        "last_start": 2 * 1708 * MIB,
        "violated": [],
    }


@pytest.mark.parametrize(
    ("page", "block"), [("4K", 2 * MIB), ("2M", 2 * MIB), ("64K", MIB), ("1G", GIB)]
)
def test_without_a_block_size_the_device_picks_it(page: str, block: int) -> None:
    """Ordinary pages get the size of a transparent huge page, others 1 MiB or themselves."""
    assert document(region="5G", limit="3", page=page)["block"] == block


def test_a_count_that_does_not_fit_its_field_ends_1() -> None:
    result = decide(region=TRUNCATED, limit=70000, block="1M")
    assert result.exit_code == 1
    assert result.stderr.endswith("slotproof: these memslots violate last-slot-smaller\n")
    assert result.stdout.startswith("65538 GiB: 2 memslots, 1 of 1 GiB")
    found = document(region=TRUNCATED, limit=70000, block="1M")
    assert (found["count"], found["violated"]) == (2, ["last-slot-smaller"])


def test_a_count_that_is_stored_as_1_is_not_fine_enough() -> None:
    found = document(region=f"{(64 << 10) + 1}G", limit=70000, block="1M")
    assert (found["count"], found["violated"]) == (1, ["slots-as-fine-as-allowed"])


NUMBERS = ["", "x", "-1", "1.5", "0xG", "1e3", "NaN", "9" * 5000, "\n"]
SIZES = [*NUMBERS, "5G+1", "5 G", "1Z", "16E", str(1 << 64), "٣G", "\x00"]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        *(({"region": text}, "'--region'") for text in SIZES),
        *(({"block": text}, "'--block'") for text in SIZES),
        *(({"page": text}, "'--page'") for text in SIZES),
        *(({"limit": text}, "imit") for text in NUMBERS),
        ({"region": "5G+1"}, "'5G+1' is not a size"),
        ({"region": str(1 << 64)}, "is too large"),
        ({"region": "0"}, "region 0 is empty"),
        ({"region": "5121K"}, "the nearest above is 6291456"),
        ({"block": "0"}, "block size 0 B is not a power of two"),
        ({"block": "3M"}, "block size 3 MiB is not a power of two"),
        ({"block": "512K"}, "of at least 1 MiB"),
        ({"page": "0"}, "page size 0 is not a power of two"),
        ({"page": "3K"}, "page size 3072 is not a power of two"),
        ({"page": "4M"}, "block size 2 MiB is below the page size 4 MiB"),
        ({"limit": "0"}, "limit 0 is not within 1..4294967295"),
        ({"limit": "4294967296"}, "limit 4294967296 is not within"),
        ({"limit": "-1"}, "limit -1 is not within"),
        ({"limit": "three"}, "'three' is not a valid integer"),
        ({"profile": "xen"}, "unknown profile 'xen': known are seed-v2, qemu"),
        ({"profile": ""}, "unknown profile ''"),
        ({"region": "64T", "limit": "65536"}, "the count comes out as 0"),
        ({"region": str((1 << 64) - (2 << 20)), "limit": "3"}, "the count comes out as 0"),
    ],
)
def test_wrong_input_ends_2_with_one_line(wrong: dict[str, str], expected: str) -> None:
    for form in ([], ["--json"]):
        result = decide(*form, **SMALL | wrong)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("slotproof: ")
        assert result.stderr.count("\n") == 1
        assert expected in result.stderr


@pytest.mark.parametrize("missing", ["region", "limit"])
def test_region_and_limit_are_required(missing: str) -> None:
    result = decide(**{name: value for name, value in SMALL.items() if name != missing})
    assert result.exit_code == 2
    assert result.stderr == f"slotproof: Missing option '--{missing}'.\n"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_layout_invariant_holds_of_every_valid_input(data: st.DataObject) -> None:
    """The invariants are asked anew, of the numbers that were printed."""
    block = MIB << data.draw(st.integers(0, 14), "block")
    blocks = st.one_of(st.integers(1, 1 << 12), st.integers(1, (1 << 63) // block))
    region = block * data.draw(blocks, "blocks")
    limit = data.draw(st.one_of(st.integers(1, 300), st.integers(1, 65535)), "limit")
    page = 1 << data.draw(st.integers(0, block.bit_length() - 1), "page")
    flag = data.draw(st.sampled_from(["--single", "--multiple"]))
    found = document(flag, region=region, limit=limit, block=block, page=page)
    slots = Memslots(found["count"], found["size"])
    layout = Layout(region, block, limit, flag == "--multiple", slots)
    assert found["violated"] == []
    for invariant in INVARIANTS:
        assert not invariant.of_layout or invariant.holds(INTS, layout), invariant.name
    assert found["last_start"] + found["last_size"] == region


@pytest.mark.parametrize("arguments", [["--help"], ["decide", "--region", "1T", "--limit", "256"]])
def test_what_needs_no_solver_imports_none(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from conformance.cli import slotproof\n"
        "try:\n"
        f"    slotproof({arguments!r})\n"
        "finally:\n"
        "    print(*(name.partition('.')[0] for name in sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    slow = {"z3", "networkx", "smt_proofs", "jsonschema", "rich", "hypothesis", "qemu"}
    # What tells of a defect, and completes words in a shell.
    slow |= {"email", "socket", "tempfile"}
    assert not slow & set(done.stderr.split())
    assert done.stdout


def test_a_profile_without_the_option_has_one_memslot() -> None:
    found = document(region="4G", limit="256", block="2M", profile="qemu-7.2")
    assert (found["count"], found["size"]) == (1, 4 << 30)
    assert not {"dynamic-memslots", "multiple-memslots"} & set(found)
    result = decide("--multiple", region="4G", limit="2", profile="qemu-7.2")
    assert result.exit_code == 2
    assert "qemu-7.2 has no option for several memslots" in result.stderr
