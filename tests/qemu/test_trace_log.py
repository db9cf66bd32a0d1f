"""The log that a real QEMU writes of a session without a guest; the same with a line altered."""

import re
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.targets.driver.requests import RequestType, encode_request
from conformance.targets.qemu.machine import DEVICE_ID, machine_args
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
