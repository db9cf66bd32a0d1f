"""The log that a real QEMU writes of a session without a guest; the same with a line altered."""

import re
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.requests import RequestType, encode_request
from conformance.targets.qemu.machine import DEVICE_ID, earlier_id, machine_args
from conformance.targets.qemu.migration import Stream, finish, load
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver
from model.arithmetic import GIB, MIB

REGION, BLOCK, BLOCKS = 4 * GIB, 2 * MIB, 2048


@pytest.fixture(scope="module")
def log(qemu_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The log of 300 requests and resizes, and the address of the device."""
    path = tmp_path_factory.mktemp("log") / "qemu.log"
    args = machine_args(
        region=REGION, requested=GIB, device_options=f"dynamic-memslots=on,block-size={BLOCK}B"
    )
    random = Random(3)
    with QemuProcess(qemu_binary, [*args, "-trace", "virtio_mem_*", "-D", str(path)]) as process:
        driver = qtest_driver(QtestSocket(process))
        assert driver.setup()
        addr = driver.config().addr
        for _ in range(300):
            if random.random() < 0.1:
                wish = random.randrange(BLOCKS + 1) * BLOCK
                where = {"path": f"/machine/peripheral/{DEVICE_ID}", "property": "requested-size"}
                process.qmp("qom-set", {**where, "value": wish})
                continue
            kind = random.choice([*RequestType, RequestType.PLUG, RequestType.STATE])
            first, count = random.randrange(64), random.randrange(8)
            everything = kind is RequestType.UNPLUG_ALL
            if everything and random.random() < 0.7:
                continue
            where_to = (0, 0) if everything else (addr + first * BLOCK, count)
            assert driver.request(encode_request(kind, *where_to)) is not None
    return path, addr


def validate(path: Path, addr: int) -> Result:
    device = ("--region", str(REGION), "--block", str(BLOCK), "--addr", str(addr))
    result = CliRunner().invoke(slotproof, ["trace", "validate", str(path), *device])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_a_real_log_is_accepted(log: tuple[Path, int]) -> None:
    path, addr = log
    result = validate(path, addr)
    assert result.exit_code == 0, result.output
    counted = re.search(r", (\d+) lines of (\d+) actions fit profile qemu; ", result.stdout)
    assert counted and int(counted[1]) > 500 and int(counted[2]) > 250


def test_each_kind_of_line_altered_is_rejected_at_that_line(
    log: tuple[Path, int], tmp_path: Path
) -> None:
    path, addr = log
    lines = path.read_text().splitlines()
    changes = {
        r"(virtio_mem_state_response state=)(\d)": lambda m: f"{m[1]}{(int(m[2]) + 1) % 3}",
        r"(virtio_mem_resized_usable_region old_size=)(0x[1-9a-f]\w*)(new.*)": lambda m: (
            f"{m[1]}{int(m[2], 16) - BLOCK:#x}{m[3]}"
        ),
        r"(virtio_mem_send_response type=)0": lambda m: f"{m[1]}3",
        r"(virtio_mem_send_response type=)3": lambda m: f"{m[1]}0",
    }
    for pattern, change in changes.items():
        places = [n for n, line in enumerate(lines) if re.fullmatch(pattern, line)]
        assert len(places) >= 5, pattern
        for place in Random(1).sample(places, 5):
            altered = [*lines]
            altered[place] = re.sub(pattern, change, altered[place])
            (tmp_path / "altered").write_text("\n".join(altered))
            result = validate(tmp_path / "altered", addr)
            assert result.exit_code == 1, (place, altered[place])
            assert f", line {place + 1}: " in result.stdout, (place, altered[place], result.stdout)


def plug(driver: VirtioMem, first: int, count: int) -> None:
    """Ask for blocks, and for their state."""
    addr = driver.config().addr
    for kind in (RequestType.PLUG, RequestType.STATE):
        assert driver.request(encode_request(kind, addr + first * BLOCK, count)) is not None


def test_the_log_of_two_devices_is_accepted_and_rejected_where_it_is_altered(
    qemu_binary: Path, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    options = f"block-size={BLOCK}B"
    args = machine_args(
        region=REGION,
        requested=GIB,
        device_space=3 * REGION,
        device_options=options,
        earlier=[(REGION, options)],
    )
    with QemuProcess(qemu_binary, [*args, "-trace", "virtio_mem_*", "-D", str(path)]) as process:
        driver = qtest_driver(QtestSocket(process))
        assert driver.setup()
        plug(driver, 0, 8)
        # The other device has no driver, and its host asks for memory all the same.
        where = {"path": f"/machine/peripheral/{earlier_id(0)}", "property": "requested-size"}
        process.qmp("qom-set", {**where, "value": 2 * GIB})
        plug(driver, 8, 8)
        told = {one["data"]["id"]: one["data"] for one in process.qmp("query-memory-devices")}
    addrs = [told[name]["memaddr"] for name in (earlier_id(0), DEVICE_ID)]
    words = [w for a in addrs for w in ("--device", f"region={REGION},block={BLOCK},addr={a}")]
    result = CliRunner().invoke(slotproof, ["trace", "validate", str(path), *words])
    assert result.exit_code == 0 and " of 2 devices fit profile qemu" in result.stdout
    text = path.read_text()
    path.write_text(text.replace("state_response state=0", "state_response state=1", 1))
    result = CliRunner().invoke(slotproof, ["trace", "validate", str(path), *words])
    place = 1 + text[: text.index("state_response")].count("\n")
    assert result.exit_code == 1 and f", line {place}: state_response 1; " in result.stdout


def test_the_logs_of_a_migration_are_accepted(qemu_binary: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "source", tmp_path / "destination"]
    stream = Stream(tmp_path / "stream", piped=False)
    args = machine_args(region=REGION, requested=GIB, device_options=f"block-size={BLOCK}B")
    traced = [[*args, "-trace", "virtio_mem_*", "-D", str(path)] for path in paths]
    with (
        QemuProcess(qemu_binary, traced[0]) as source,
        QemuProcess(qemu_binary, [*traced[1], "-incoming", "defer"]) as destination,
    ):
        driver = qtest_driver(QtestSocket(source))
        assert driver.setup()
        addr = driver.config().addr
        plug(driver, 0, 8)
        finish(source, stream)
        load(destination, stream)
        driver.continue_on(QtestSocket(destination))
        assert driver.setup()
        assert driver.request(encode_request(RequestType.STATE, addr, 16)) is not None
        assert driver.request(encode_request(RequestType.UNPLUG, addr, 4)) is not None
    device = ("--region", str(REGION), "--block", str(BLOCK), "--addr", str(addr))
    result = CliRunner().invoke(slotproof, ["trace", "validate", *map(str, paths), *device])
    assert result.exit_code == 0, result.output
    assert " and 1 migrations fit profile qemu; " in result.stdout
    # By itself, the second one unplugs what it never plugged.
    alone = validate(paths[1], addr)
    assert alone.exit_code == 1 and "state_response 2; allowed is state_response 1" in alone.stdout
