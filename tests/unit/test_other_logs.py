"""Logs of several devices, of guests that migrated, and of Linux's driver: accepted as they are,
rejected at the line where one is altered."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.runlog.several import explain_devices, explain_moved
from conformance.runlog.validate import Rejected
from conformance.runlog.written import resized, written
from conformance.targets.qemu.log import Event, Line
from model.arithmetic import GIB, MIB
from model.device import ReferenceDevice
from model.profiles import QEMU
from model.state import ConcreteAction, Config, Op, action

BLOCK = 2 * MIB
ONE = Config(region=GIB, block=BLOCK, limit=1, addr=4 * GIB)
TWO = Config(region=2 * GIB, block=4 * MIB, limit=1, addr=8 * GIB)

KERNEL = """\
[    7.0] virtio_mem virtio0: start address: 0x100000000
[    7.0] virtio_mem virtio0: region size: 0x40000000
[    7.0] virtio_mem virtio0: device block size: 0x200000
[    7.1] virtio_mem virtio0: memory block size: 0x8000000
[    7.1] virtio_mem virtio0: plugged size: 0x0
[    7.1] virtio_mem virtio0: requested size: 0x10000000
[    7.2] virtio_mem virtio0: plugging memory: 0x100000000 - 0x107ffffff
[    7.2] virtio_mem virtio0: adding memory: 0x100000000 - 0x107ffffff
[    7.3] virtio_mem virtio0: plugging memory: 0x108000000 - 0x10fffffff
[    7.3] virtio_mem virtio0: plugging memory failed: -26
[   57.3] virtio_mem virtio0: plugging memory: 0x108000000 - 0x10fffffff
[   60.0] virtio_mem virtio0: plugged size: 0x10000000
[   60.0] virtio_mem virtio0: requested size: 0x8000000
[   60.1] virtio_mem virtio0: unplugging memory: 0x108000000 - 0x10fffffff
[   61.0] virtio_mem virtio0: start address: 0x100000000
[   61.0] virtio_mem virtio0: plugged size: 0x8000000
[   61.0] virtio_mem virtio0: requested size: 0x8000000
[   61.1] virtio_mem virtio0: unplugging all memory
"""


def actions(config: Config, random: Random, count: int) -> list[ConcreteAction]:
    """Requests and resizes that mean something."""
    total = config.region // config.block
    made = []
    for _ in range(count):
        first, blocks = random.randrange(16), random.randrange(1, 8)
        addr = config.addr + first * config.block
        kind = random.choice([Op.PLUG, Op.PLUG, Op.UNPLUG, Op.STATE, Op.RESIZE, Op.UNPLUG_ALL])
        if kind is Op.RESIZE:
            made.append(action(kind, value=random.randrange(total + 1) * config.block))
        elif kind is Op.UNPLUG_ALL:
            made.append(action(kind))
        else:
            made.append(action(kind, addr=addr, blocks=blocks))
    return made


def told(device: ReferenceDevice, done: ConcreteAction) -> tuple[Event, ...]:
    before = device.state
    return written(device.fixed, before, done, device.take(done))


def numbered(events: list[Event]) -> list[Line]:
    return [Line(number, event) for number, event in enumerate(events, 1)]


def log_of_two(seed: int) -> list[Event]:
    random = Random(seed)
    pair = [ReferenceDevice(QEMU, replace(c, requested=256 * MIB)) for c in (ONE, TWO)]
    events = [resized(0, device.state.usable) for device in pair]
    for device in pair:
        events += told(device, action(Op.SYSTEM_RESET))
    for _ in range(40):
        device = random.choice(pair)
        for done in actions(device.config, random, 1):
            events += told(device, done)
    return events


@pytest.mark.parametrize("seed", range(8))
def test_a_log_of_two_devices_is_accepted(seed: int) -> None:
    lines = numbered(log_of_two(seed))
    assert explain_devices(QEMU, [ONE, TWO], lines) > 20
    with pytest.raises(Rejected):
        explain_devices(QEMU, [ONE, replace(TWO, addr=64 * GIB)], lines)


def test_an_altered_log_of_two_devices_is_rejected_at_the_line() -> None:
    events = log_of_two(3)
    rejected = 0
    for place, event in enumerate(events):
        if event.name == "state_response":
            wrong = replace(event, values=((event.values[0] + 1) % 3,))
            lines = numbered([*events[:place], wrong, *events[place + 1 :]])
            with pytest.raises(Rejected) as error:
                explain_devices(QEMU, [ONE, TWO], lines)
            assert error.value.line is not None and error.value.line.number == place + 1
            rejected += 1
    assert rejected >= 3


def moved(seed: int, between: tuple[Op, ...] = ()) -> list[list[Event]]:
    """The logs of three processes; each but the first starts a device and resets its machine."""
    random = Random(seed)
    device = ReferenceDevice(QEMU, replace(ONE, requested=256 * MIB))
    logs = []
    for place in range(3):
        events = [resized(0, 0)] if place else [resized(0, device.state.usable)]
        if place:
            events += [Event("unplugged_all"), resized(0, 0)]
            device.take(action(Op.MIGRATION_IN))
        for done in (*(action(op) for op in between), *actions(ONE, random, 20)):
            events += told(device, done)
        logs.append(events)
    return logs


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("between", [(), (Op.SYSTEM_RESET,)])
def test_the_logs_of_a_guest_that_migrated_are_accepted(seed: int, between: tuple[Op, ...]) -> None:
    logs = [numbered(events) for events in moved(seed, between)]
    explained, lines = explain_moved(QEMU, ONE, logs)
    assert sum(group.done.op is Op.MIGRATION_IN for group in explained.groups) == 2
    # The preambles are no part of the run.
    assert len(lines) == sum(map(len, logs)) - 2 * 3


def test_what_was_plugged_before_a_migration_is_plugged_after_it() -> None:
    plug = [
        Event("plug_request", (ONE.addr, 2)),
        Event("send_response", (0,)),
    ]
    state = [Event("state_request", (ONE.addr, 2)), Event("state_response", (0,))]
    answer = [Event("send_response", (0,))]
    source = numbered([resized(0, 512 * MIB), *plug])
    there = [resized(0, 0), Event("unplugged_all"), resized(0, 0)]
    right = numbered([*there, *state, *answer])
    assert explain_moved(QEMU, ONE, [source, right])[0].groups
    wrong = numbered([*there, state[0], Event("state_response", (1,)), *answer])
    with pytest.raises(Rejected, match="line 5: state_response 1; allowed is state_res") as error:
        explain_moved(QEMU, ONE, [source, wrong])
    assert error.value.log == 1


def run(*words: str) -> Result:
    result = CliRunner().invoke(slotproof, ["trace", "validate", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_a_kernel_log_is_accepted(tmp_path: Path) -> None:
    log = tmp_path / "dmesg"
    log.write_text("[    0.0] Linux version 6.1\n" + KERNEL)
    result = run(str(log))
    assert result.exit_code == 0
    assert result.stdout == f"holds: {log}, 5 requests of 1 devices fit profile qemu\n"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        # A block that is plugged already.
        ("7.3] virtio_mem virtio0: plugging memory: 0x108000000 - 0x10fffffff",
         "7.3] virtio_mem virtio0: plugging memory: 0x100000000 - 0x107ffffff",
         "line 9: plug busy; allowed is error or nack"),
        ("failed: -26", "failed: -22", "line 9: plug error; allowed is ack or busy or nack"),
        ("plugged size: 0x10000000", "plugged size: 0x8000000",
         "line 12: plugged 0x8000000; it is 0x10000000"),
        # More than is requested.
        ("requested size: 0x10000000", "requested size: 0x8000000",
         "line 9: plug busy; allowed is nack"),
        ("requested size: 0x10000000", "requested size: 0x50000000", "line 6: requested"),
        ("unplugging memory: 0x108000000 - 0x10fffffff", "unplugging memory: 0x110000000 - "
         "0x117ffffff", "line 14: unplug ack; allowed is error"),
    ],
)  # fmt: skip
def test_an_altered_kernel_log_is_rejected_at_the_line(
    old: str, new: str, reason: str, tmp_path: Path
) -> None:
    assert old in KERNEL
    log = tmp_path / "dmesg"
    log.write_text(KERNEL.replace(old, new, 1))
    result = run(str(log))
    assert result.exit_code == 1 and reason in result.stdout, result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("LOG", "--trace", "OUT"), "kernel's log"),
        (("LOG", "--device", "region=1G"), "expected region=4G,block=2M,addr=4G"),
        (("ODD",), "errno 12 stands for no response"),
        (("HALF",), "not whole blocks"),
        (("SHORT",), "--region, --block, --addr missing"),
        (("FIRST",), "no request of that kind comes before"),
    ],
)
def test_wrong_use_is_one_line(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    texts = {
        "LOG": KERNEL,
        "ODD": KERNEL.replace("-26", "-12"),
        "HALF": KERNEL.replace("0x107ffffff", "0x107fffffe"),
        "SHORT": "virtio_mem virtio0: plugged size: 0x0\n",
        "FIRST": "virtio_mem virtio0: plugging memory failed: -26\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    names = {*texts, "OUT"}
    result = run(*(str(tmp_path / word) if word in names else word for word in words))
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and told in result.stderr
